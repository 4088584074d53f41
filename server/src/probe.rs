//! Asks a running server whether it is ready, for containers and load balancers: what `GET /readyz` says, in bounded time.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How long the answer may take: longer than the server itself takes to find out, and less than an orchestrator waits.
const TIMEOUT: Duration = Duration::from_millis(2_500);
/// Most of the answer that is read, in bytes.
const ANSWER_MAX_BYTES: u64 = 4_096;

/// Why a server does not count as ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It says so.
    #[error("the server at {address} is not ready: {answer}")]
    Says {
        /// Where it was asked.
        address: SocketAddr,
        /// Its words.
        answer: String,
    },
    /// There is none.
    #[error("no server answers at {address}: {cause}; name its address with --address")]
    Unreachable {
        /// Where it was asked.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// It says nothing.
    #[error("the server at {address} did not answer within {} ms", TIMEOUT.as_millis())]
    Silent {
        /// Where it was asked.
        address: SocketAddr,
    },
}

/// Answers if the server that listens on `address` is ready.
pub async fn ready(address: SocketAddr) -> Result<(), NotReady> {
    let address = reachable(address);
    match timeout(TIMEOUT, ask(address)).await {
        Ok(Ok(answer)) => judge(&answer).map_err(|answer| NotReady::Says { address, answer }),
        Ok(Err(cause)) => Err(NotReady::Unreachable { address, cause }),
        Err(_) => Err(NotReady::Silent { address }),
    }
}

/// Where to reach a server that listens on `address`: one that listens everywhere is on this machine too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The whole answer: with HTTP 1.0 the server closes the connection after it.
async fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether an answer is a 200; else its words.
fn judge(answer: &str) -> Result<(), String> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.lines().next().unwrap_or_default();
    match status.split_once(' ') {
        Some((version, status)) if version.starts_with("HTTP/1.") => match status.split_once(' ') {
            Some(("200", _)) => Ok(()),
            _ => Err(format!("{status}, {}", body.trim())),
        },
        _ => Err("what answers there is no Hubbub".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_is_ready() {
        assert_eq!(judge("HTTP/1.0 200 OK\r\ncontent-length: 6\r\n\r\nready\n"), Ok(()));
        let stopping = judge("HTTP/1.1 503 Service Unavailable\r\n\r\nstopping\n");
        assert_eq!(stopping, Err("503 Service Unavailable, stopping".to_owned()));
        for other in ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.0 2000 OK\r\n\r\n", "200 OK"] {
            assert!(judge(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn who_listens_everywhere_is_here() {
        let reachable = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(reachable("0.0.0.0:3000"), "127.0.0.1:3000");
        assert_eq!(reachable("[::]:3000"), "[::1]:3000");
        assert_eq!(reachable("10.0.0.7:80"), "10.0.0.7:80");
    }
}
