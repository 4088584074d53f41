//! The files of the page: style, script, WebAssembly, icons. A release build carries them inside, compressed at build
//! time; a debug build reads them from `target/site`, so that a rebuilt page shows at once.

use std::borrow::Cow;

use app::source::Assets;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::encoding::Encoding;

/// What the build of the page made. Empty where there was none.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Site;

const CSS: &str = "pkg/hubbub.css";
const JS: &str = "pkg/hubbub.js";
const WASM: &str = "pkg/hubbub.wasm";

/// An address with the hash of its content never shows anything else: a year is the most that caches keep.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Without it, ask each time whether it is still the same.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Where the page finds its files: each address carries the version of its content.
pub(crate) fn addresses() -> Assets {
    let address = |path: &str| match version(path) {
        Some(version) => format!("/{path}?v={version}"),
        None => format!("/{path}"),
    };
    Assets { css: address(CSS), js: address(JS), wasm: address(WASM) }
}

/// The version of a file: its hash.
#[cfg(not(debug_assertions))]
fn version(path: &str) -> Option<String> {
    Site::get(path).map(|file| hash(&file))
}

/// The version of a file: when it was written, which is cheaper to find out than the hash of what is read anew.
#[cfg(debug_assertions)]
fn version(path: &str) -> Option<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site");
    let written = folder.join(path).metadata().and_then(|meta| meta.modified()).ok()?;
    let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{:x}", since.as_millis()))
}

/// The first half of the hash, in hexadecimal: enough that no two versions of a file share it.
fn hash(file: &EmbeddedFile) -> String {
    use std::fmt::Write as _;

    file.metadata.sha256_hash().iter().take(16).fold(String::new(), |mut text, byte| {
        let _always_fits = write!(text, "{byte:02x}");
        text
    })
}

/// The file at an address; `None` where there is none.
pub(crate) fn serve(uri: &Uri, request: &HeaderMap) -> Option<Response> {
    serve_from::<Site>(uri, request)
}

fn serve_from<Files: RustEmbed>(uri: &Uri, request: &HeaderMap) -> Option<Response> {
    let path = uri.path().trim_start_matches('/');
    let mime = mime(path)?;
    let (file, encoding) = choose::<Files>(path, request)?;

    let etag = format!("\"{}\"", hash(&file));
    let unchanged = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|held| held.split(',').any(|held| held.trim().trim_start_matches("W/") == etag));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match file.data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        }
        .into_response()
    };

    let headers = response.headers_mut();
    let has_version = uri.query().is_some_and(|query| query.starts_with("v="));
    headers.insert(header::CACHE_CONTROL, if has_version { FOR_EVER } else { ASK_AGAIN });
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, encoding.header());
    }
    Some(response)
}

/// The best form of a file that the browser understands.
fn choose<Files: RustEmbed>(path: &str, request: &HeaderMap) -> Option<(EmbeddedFile, Option<Encoding>)> {
    let compressed = Encoding::accepted(request)
        .find_map(|encoding| Some((Files::get(&format!("{path}{}", encoding.ending()))?, Some(encoding))));
    compressed.or_else(|| Files::get(path).map(|file| (file, None)))
}

/// The types of the files that are served; others are not.
fn mime(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    /// Files that are inside the tests as the page's are inside a release.
    #[derive(RustEmbed)]
    #[folder = "tests/site"]
    struct Sample;

    const SCRIPT: &str = "/pkg/sample.js";
    const PLAIN: &[u8] = include_bytes!("../../tests/site/pkg/sample.js");
    const GZIP: &[u8] = include_bytes!("../../tests/site/pkg/sample.js.gz");
    const BROTLI: &[u8] = include_bytes!("../../tests/site/pkg/sample.js.br");

    fn get(address: &str, headers: &[(header::HeaderName, &str)]) -> Option<Response> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        serve_from::<Sample>(&address.parse().unwrap(), &headers)
    }

    fn header_of(response: &Response, name: header::HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn body(response: Response) -> Vec<u8> {
        to_bytes(response.into_body(), 4_096).await.unwrap().into()
    }

    #[test]
    fn the_files_are_inside() {
        assert!(matches!(Sample::get("pkg/sample.js").unwrap().data, Cow::Borrowed(_)));
    }

    #[tokio::test]
    async fn each_browser_gets_the_smallest_form_that_it_reads() {
        for (accepted, encoding, bytes) in [
            ("gzip, deflate, br, zstd", "br", BROTLI),
            ("gzip", "gzip", GZIP),
            ("br;q=0, gzip;q=0.5", "gzip", GZIP),
            ("identity", "", PLAIN),
            ("", "", PLAIN),
        ] {
            let file = get(SCRIPT, &[(header::ACCEPT_ENCODING, accepted)]).unwrap();
            assert_eq!(file.status(), StatusCode::OK);
            assert_eq!(header_of(&file, header::CONTENT_ENCODING), encoding, "{accepted:?}");
            assert_eq!(header_of(&file, header::CONTENT_TYPE), "text/javascript; charset=utf-8");
            assert_eq!(header_of(&file, header::VARY), "accept-encoding");
            assert_eq!(body(file).await, bytes, "{accepted:?}");
        }
    }

    #[tokio::test]
    async fn a_form_that_is_held_is_not_sent_again() {
        let etag = |accepted: &str| {
            let file = get(SCRIPT, &[(header::ACCEPT_ENCODING, accepted)]).unwrap();
            header_of(&file, header::ETAG).to_owned()
        };
        let (brotli, gzip, plain) = (etag("br"), etag("gzip"), etag("identity"));
        assert!(brotli != gzip && gzip != plain && brotli != plain, "each form has a tag of its own");
        for held in [brotli.clone(), format!("\"other\", W/{brotli}")] {
            let again =
                get(SCRIPT, &[(header::ACCEPT_ENCODING, "br"), (header::IF_NONE_MATCH, &held)]).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{held}");
            assert_eq!(header_of(&again, header::ETAG), brotli);
            assert!(body(again).await.is_empty());
        }
        let other =
            get(SCRIPT, &[(header::ACCEPT_ENCODING, "gzip"), (header::IF_NONE_MATCH, &brotli)]).unwrap();
        assert_eq!(other.status(), StatusCode::OK, "another form is held");
    }

    #[test]
    fn only_an_address_with_a_version_is_kept_unasked() {
        let caching =
            |address: &str| header_of(&get(address, &[]).unwrap(), header::CACHE_CONTROL).to_owned();
        assert_eq!(caching("/pkg/sample.js?v=0123"), "public, max-age=31536000, immutable");
        assert_eq!(caching("/pkg/sample.js"), "no-cache");
    }

    #[test]
    fn what_is_not_meant_to_be_served_is_not() {
        for address in ["/pkg/sample.js.br", "/pkg/", "/pkg", "/pkg/../pkg/sample.js", "/pkg/other.js"] {
            assert!(get(address, &[]).is_none(), "{address}");
        }
    }
}
