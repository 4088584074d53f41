//! Middleware: texts are compressed as they leave, each in one piece. The files of the page were when it was built, in
//! more ways and harder ([`super::assets`]); the page itself is where it is drawn ([`super::pages`]).
//!
//! With gzip alone. A page of 65 KB becomes 7.6 KB, and 6.2 KB with brotli, which takes four times as long; either is in the
//! first packets that a connection may send before it waits for an answer.

use std::{cell::RefCell, io};

use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, header, response::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use protocol::ErrorCode;

use super::{answer::Failure, encoding::Encoding};

/// How hard: an eighth of a millisecond for a page.
const LEVEL: u32 = 2;
/// Deflated, no name, no time, no system.
const GZIP_HEAD: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
/// How much room there is at least for what is packed next, in bytes.
const PACKED_MIN_BYTES: usize = 4 * 1_024;
/// What is shorter goes as it is: in bytes, about a packet.
const COMPRESSED_MIN: u64 = 1_024;
/// What is longer would keep a thread from its sockets for more than a millisecond, and another is asked: in bytes.
const AT_ONCE_MAX: usize = 256 * 1_024;

/// Compresses the answer for whoever reads that.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let is_read = is_gzip_read(request.headers());
    let mut response = next.run(request).await;
    let length = response.body().size_hint().exact();
    let Some(length) = length.filter(|&length| length >= COMPRESSED_MIN && is_text(response.headers()))
    else {
        return response;
    };
    // A file of the page says so itself.
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_read {
        return response;
    }
    let (head, body) = response.into_parts();
    match compressed(body, length).await {
        Ok(bytes) => encoded(head, bytes),
        Err(error) => {
            tracing::error!(%error, "an answer could not be compressed");
            Failure::new(ErrorCode::Internal, "the answer could not be sent; try again").into_response()
        }
    }
}

/// Whether whoever asks with these headers reads what is compressed.
pub(crate) fn is_gzip_read(headers: &HeaderMap) -> bool {
    Encoding::accepted(headers).any(|encoding| encoding == Encoding::Gzip)
}

/// Whether it is text that is not compressed yet.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_text = kind.starts_with("text/") || kind.starts_with("application/json");
    is_text && !headers.contains_key(header::CONTENT_ENCODING)
}

async fn compressed(body: Body, length: u64) -> io::Result<Vec<u8>> {
    let limit = usize::try_from(length).map_err(io::Error::other)?;
    let plain = to_bytes(body, limit).await.map_err(io::Error::other)?;
    if plain.len() <= AT_ONCE_MAX {
        return gzip(&plain);
    }
    tokio::task::spawn_blocking(move || gzip(&plain)).await.map_err(io::Error::other)?
}

thread_local! {
    /// A quarter of a megabyte that would be made and thrown away for each answer.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), false));
}

/// As RFC 1952 has it: a head, the text deflated, its checksum and its length.
pub(crate) fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(plain.len() / 4);
    packed.extend_from_slice(&GZIP_HEAD);
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        loop {
            // There is room for the end as well, however little is left to say.
            packed.reserve(PACKED_MIN_BYTES);
            let done = usize::try_from(deflate.total_in()).map_err(io::Error::other)?;
            match deflate.compress_vec(&plain[done..], &mut packed, FlushCompress::Finish)? {
                Status::StreamEnd => return io::Result::Ok(()),
                Status::Ok | Status::BufError => {}
            }
        }
    })?;
    let mut checksum = Crc::new();
    checksum.update(plain);
    packed.extend_from_slice(&checksum.sum().to_le_bytes());
    packed.extend_from_slice(&checksum.amount().to_le_bytes());
    Ok(packed)
}

fn encoded(mut head: Parts, bytes: Vec<u8>) -> Response {
    head.headers.insert(header::CONTENT_ENCODING, Encoding::Gzip.header());
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::{Router, http::StatusCode, middleware::from_fn, routing::get};
    use flate2::read::GzDecoder;
    use tower::ServiceExt as _;

    use super::*;

    /// What becomes of `text` of that kind for a browser that reads `accepted`: the encoding, `Vary`, and the body.
    async fn sent(kind: &'static str, text: String, accepted: &str) -> (String, String, Vec<u8>) {
        let answer = move || async move { ([(header::CONTENT_TYPE, kind)], text) };
        let router = Router::new().route("/", get(answer)).layer(from_fn(compress));
        let request =
            Request::get("/").header(header::ACCEPT_ENCODING, accepted).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let header =
            |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (encoding, vary) = (header(header::CONTENT_ENCODING), header(header::VARY));
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (encoding, vary, body.into())
    }

    #[tokio::test]
    async fn long_texts_are_compressed_and_nothing_else_is() {
        const HTML: &str = "text/html; charset=utf-8";
        for (kind, length, accepted, expected, varies) in [
            (HTML, 4_096, "gzip, br", "gzip", "accept-encoding"),
            ("application/json", 4_096, "gzip", "gzip", "accept-encoding"),
            (HTML, 2 * AT_ONCE_MAX, "gzip", "gzip", "accept-encoding"),
            (HTML, 4_096, "identity", "", "accept-encoding"),
            (HTML, 4_096, "br, gzip;q=0", "", "accept-encoding"),
            (HTML, 1_000, "gzip", "", ""),
            ("image/png", 4_096, "gzip", "", ""),
        ] {
            let text = "喧 ".repeat(length / 4);
            let (encoding, vary, body) = sent(kind, text.clone(), accepted).await;
            assert_eq!((encoding.as_str(), vary.as_str()), (expected, varies), "{kind} {length} {accepted}");
            let mut plain = String::new();
            if expected.is_empty() {
                plain = String::from_utf8(body).unwrap();
            } else {
                assert!(body.len() < length / 10, "{}", body.len());
                GzDecoder::new(&*body).read_to_string(&mut plain).unwrap();
            }
            assert!(plain == text, "{kind} {length} {accepted}");
        }
    }

    #[tokio::test]
    async fn what_is_compressed_already_stays_as_it_is() {
        let answer = async || {
            let headers = [(header::CONTENT_TYPE, "text/css"), (header::CONTENT_ENCODING, "br")];
            (headers, vec![7_u8; 4_096])
        };
        let router = Router::new().route("/", get(answer)).layer(from_fn(compress));
        let request =
            Request::get("/").header(header::ACCEPT_ENCODING, "gzip, br").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(to_bytes(response.into_body(), usize::MAX).await.unwrap(), [7_u8; 4_096].as_slice());
    }
}
