//! As much HTTP/1.1 as asking a server needs: one connection that is kept, one request after the other, answers that say how
//! long they are.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::Context as _;

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const ANSWER_MAX_BYTES: usize = 16 << 20;

/// A connection to a server.
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream) })
    }

    /// Posts JSON; answers what is answered.
    pub(crate) fn post(&mut self, path: &str, token: Option<&str>, json: &str) -> anyhow::Result<Vec<u8>> {
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let length = json.len();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{token}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{json}"
        ))
        .with_context(|| format!("POST {path}"))
    }

    /// Gets a page the way `headers`, whole lines, say.
    pub(crate) fn get(&mut self, path: &str, headers: &str) -> anyhow::Result<Vec<u8>> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n"))
            .with_context(|| format!("GET {path}"))
    }

    fn ask(&mut self, request: &str) -> anyhow::Result<Vec<u8>> {
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let length = length.context("an answer that does not say how long it is")?;
        anyhow::ensure!(length <= ANSWER_MAX_BYTES, "an answer of {length} bytes");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        anyhow::ensure!(
            status.starts_with("HTTP/1.1 2"),
            "the answer is {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        anyhow::ensure!(line.ends_with('\n'), "the server hung up");
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
