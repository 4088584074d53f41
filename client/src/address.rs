//! Where a server is.

use std::{fmt, str::FromStr};

use tokio_tungstenite::tungstenite::http::Uri;

/// A server's address: `http://HOST[:PORT]`, or the same with `ws://`, with or without the socket's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a server's address; write it like http://127.0.0.1:3000 (TLS is not built in)")]
pub struct InvalidAddress(String);

impl Address {
    /// What to open a TCP connection to.
    pub(crate) fn target(&self) -> (&str, u16) {
        (self.host.trim_start_matches('[').trim_end_matches(']'), self.port)
    }

    /// The address of the socket.
    pub(crate) fn socket(&self) -> String {
        format!("ws://{self}/ws")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAddress(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        if !matches!(uri.scheme_str(), Some("http" | "ws")) || !matches!(uri.path(), "/" | "/ws") {
            return Err(invalid());
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
        Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(80) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let parsed = text.parse::<Address>().ok();
        assert_eq!(parsed.map(|address| address.socket()).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn addresses_are_read() {
        check("http://127.0.0.1:3000", Some("ws://127.0.0.1:3000/ws"));
        check("http://chat.example/", Some("ws://chat.example:80/ws"));
        check("ws://[::1]:3000/ws", Some("ws://[::1]:3000/ws"));
        assert_eq!("http://[::1]:3000".parse::<Address>().map(|a| a.target() == ("::1", 3000)), Ok(true));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "127.0.0.1:3000", "https://chat.example", "http://", "http://chat.example/rooms/general"]
        {
            check(text, None);
        }
    }
}
