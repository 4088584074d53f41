//! A server of our own, as a process that can be killed.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::sleep,
};

/// How long a server may take to get ready before the run is given up.
const READY_WAIT: Duration = Duration::from_secs(30);
/// How often it is asked.
const READY_POLL: Duration = Duration::from_millis(5);

/// A server on a port and a data folder that stay the same across restarts.
pub(crate) struct Server {
    binary: PathBuf,
    data: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// A server that does not run yet.
    pub(crate) fn new(binary: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(binary.exists(), "there is no {}: build it with scripts/build.sh", binary.display());
        // A port that was free just now; it stays ours in practice, for the kernel hands out others first.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { binary: binary.to_owned(), data: tempfile::tempdir()?, port, process: None })
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data.path().join("hubbub.db")
    }

    /// Starts it and waits until it is ready; answers how long that took.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let process = Command::new(&self.binary)
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--rate-limits", "off"])
            .args(["--log", "error"])
            // Readers are to be given every event, however many they missed.
            .args(["--max-replay", "100000000"])
            .arg("--data")
            .arg(self.data.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let process = self.process.insert(process);
        loop {
            if is_ready(self.port).await {
                return Ok(began.elapsed());
            }
            if let Some(status) = process.try_wait()? {
                anyhow::bail!("the server ended with {status} instead of getting ready");
            }
            anyhow::ensure!(began.elapsed() < READY_WAIT, "the server is not ready after {READY_WAIT:?}");
            sleep(READY_POLL).await;
        }
    }

    /// Ends it as a power cut of the process would: at once, without a word (`SIGKILL`).
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }
}

async fn is_ready(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await else { return false };
    drop(stream);
    let answer = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
