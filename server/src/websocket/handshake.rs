//! The handshake (RFC 6455, section 4): from a request to the bare socket under it.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hyper::{
    rt::{Read, Write},
    upgrade::OnUpgrade,
};
use sha1::{Digest as _, Sha1};
use tokio::net::TcpStream;

use super::{Receiver, Socket, open};

/// What the answer to a key is made with (section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// How long the random part of a handshake is, in bytes (section 4.1).
const NONCE_BYTES: usize = 16;

/// A request to speak WebSocket, taken at its word.
#[derive(Debug)]
pub struct Handshake {
    accept: HeaderValue,
    upgrade: OnUpgrade,
}

/// The connection ended before it was upgraded.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The client went away.
    #[error("it was gone before it was upgraded")]
    Gone(#[from] hyper::Error),
    /// It is not a socket, or not one of the kind that was named.
    #[error("it is not over a socket of its own")]
    NoSocket,
}

impl Handshake {
    /// Reads the wish out of a request; `None` if it has none, or none of version 13 over HTTP/1.1. Takes the request's
    /// right to be upgraded.
    pub fn of<B>(request: &mut Request<B>) -> Option<Self> {
        let headers = request.headers();
        let is_asked_for = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && names(headers, &header::CONNECTION, "upgrade")
            && names(headers, &header::UPGRADE, "websocket")
            && names(headers, &header::SEC_WEBSOCKET_VERSION, "13");
        let key =
            headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_asked_for && is_key(key.as_bytes()))?;
        let accept = HeaderValue::try_from(accept(key.as_bytes())).ok()?;
        Some(Self { accept, upgrade: request.extensions_mut().remove()? })
    }

    /// What to answer.
    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        response
    }

    /// The socket and who reads from it, once the answer is on its way. Requests come over an `Io`, out of which `bare` takes the
    /// socket; a message of the client has at most `message_max_bytes`.
    pub async fn socket<Io>(
        self,
        bare: impl FnOnce(Io) -> TcpStream,
        message_max_bytes: usize,
    ) -> Result<(Socket, Receiver), Lost>
    where
        Io: Read + Write + Unpin + Send + 'static,
    {
        let upgraded = self.upgrade.await?;
        let parts = upgraded.downcast::<Io>().map_err(|_| Lost::NoSocket)?;
        Ok(open(bare(parts.io), &parts.read_buf, message_max_bytes))
    }
}

/// Whether a header's list of names has this one.
fn names(headers: &HeaderMap, header: &HeaderName, name: &str) -> bool {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(name))
}

fn is_key(key: &[u8]) -> bool {
    BASE64.decode(key).is_ok_and(|nonce| nonce.len() == NONCE_BYTES)
}

fn accept(key: &[u8]) -> String {
    BASE64.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let upgrade = hyper::upgrade::on(&mut request);
        request.extensions_mut().insert(upgrade);
        request
    }

    const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    const ASKED: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        KEY,
    ];

    #[test]
    fn the_example_of_the_standard_is_answered_as_it_says() {
        let response = Handshake::of(&mut request(&ASKED)).unwrap().response();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()[header::SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn whatever_is_missing_or_wrong_is_no_handshake() {
        for (index, (name, _)) in ASKED.into_iter().enumerate() {
            let mut asked = ASKED;
            for wrong in ["", "8", "c2hvcnQ=", "notupgrade", "!"] {
                asked[index] = (name, wrong);
                assert!(Handshake::of(&mut request(&asked)).is_none(), "{name}: {wrong:?}");
            }
        }
        let mut post = request(&ASKED);
        *post.method_mut() = Method::POST;
        assert!(Handshake::of(&mut post).is_none());
        let mut old = request(&ASKED);
        *old.version_mut() = Version::HTTP_10;
        assert!(Handshake::of(&mut old).is_none());
    }
}
