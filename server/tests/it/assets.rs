//! The files of the page.

use std::path::Path;

use reqwest::{Method, StatusCode, header};

use crate::server::{TestServer, header_of};

/// The file of the page that is there in every build.
const FAVICON: &str = "/favicon.svg";

/// Whether the page was built, as `make test` does first. A bare checkout has none, and everything else works without.
fn page_is_built() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site/favicon.svg").exists()
}

#[tokio::test]
async fn files_are_asked_for_once() {
    if !page_is_built() {
        return;
    }
    let server = TestServer::start().await;
    let file = server.get(FAVICON).await;
    assert_eq!(header_of(&file, "content-type"), "image/svg+xml");
    assert_eq!(header_of(&file, "cache-control"), "no-cache");
    assert_eq!(header_of(&file, "vary"), "accept-encoding");
    let etag = header_of(&file, "etag");
    let again =
        server.request(Method::GET, FAVICON).header(header::IF_NONE_MATCH, &etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let versioned = server.get(&format!("{FAVICON}?v=1")).await;
    assert_eq!(header_of(&versioned, "cache-control"), "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn nothing_else_is_a_file() {
    let server = TestServer::start().await;
    for path in ["/pkg/nothing.js", "/pkg/..%2f..%2fCargo.toml", "/pkg/"] {
        assert_eq!(server.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/..%2f..%2f..%2fCargo.toml", "//etc/passwd.txt", "/%2fetc%2fpasswd.txt"] {
        let body = server.get(path).await.text().await.unwrap();
        assert!(!body.contains("[package]") && !body.contains("root:"), "{path}");
    }
}
