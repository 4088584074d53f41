//! Coming in as a guest: one HTTP request, written by hand, so that programs need no HTTP library.

use std::{io, time::Duration};

use protocol::{
    api::{ErrorBody, GuestCreated, NewGuest},
    frame::Refusal,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::address::{Address, InvalidAddress};

/// Largest answer that is read, in bytes.
const ANSWER_MAX_BYTES: u64 = 64 * 1024;
/// How long the server may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Why nobody came in.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// The address cannot be read.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    /// The server cannot be reached.
    #[error("cannot reach {address}: {source}")]
    Io {
        /// Where it should be.
        address: Address,
        /// What went wrong.
        source: io::Error,
    },
    /// The server does not want this guest.
    #[error("the server refuses this guest: {0}")]
    Refused(Refusal),
    /// Something else than a Hubbub server has answered.
    #[error("{address} does not answer as a Hubbub server does: {start:?}")]
    NotHubbub {
        /// Where it is.
        address: Address,
        /// The beginning of its answer.
        start: String,
    },
}

/// Asks the server at `address` for a new guest called `username`.
pub async fn create_guest(address: &str, username: &str) -> Result<GuestCreated, GuestError> {
    let address: Address = address.parse()?;
    let answer = match timeout(ANSWER_WAIT, post_guest(&address, username)).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let answer = answer.map_err(|source| GuestError::Io { address: address.clone(), source })?;
    let answer = String::from_utf8_lossy(&answer);
    if let Some((head, body)) = answer.split_once("\r\n\r\n") {
        match head.split(' ').nth(1) {
            Some("201") => {
                if let Ok(guest) = serde_json::from_str(body) {
                    return Ok(guest);
                }
            }
            _ => {
                if let Ok(ErrorBody { error }) = serde_json::from_str(body) {
                    return Err(GuestError::Refused(error));
                }
            }
        }
    }
    Err(GuestError::NotHubbub { address, start: answer.chars().take(80).collect() })
}

async fn post_guest(address: &Address, username: &str) -> io::Result<Vec<u8>> {
    let body = serde_json::to_string(&NewGuest { username: username.to_owned() })?;
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    let request = format!(
        "POST /api/v1/guests HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address.target()).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}
