//! A connection that ends where its peer stops taking what is written: an answer that nobody reads is held for a bounded
//! time.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How long the peer may take not one byte of what is written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A socket whose writes fail with [`io::ErrorKind::TimedOut`] when nothing of them was taken for [`WRITE_TIMEOUT`]. Reads
/// wait as long as whoever reads lets them.
#[derive(Debug)]
pub(crate) struct Patient {
    socket: TokioIo<TcpStream>,
    /// When patience ends. There only while a write waits.
    end: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket: TokioIo::new(socket), end: None }
    }

    /// The socket alone.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.socket.into_inner()
    }

    fn write_with<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TokioIo<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let written = write(Pin::new(&mut self.socket), context);
        if written.is_ready() {
            self.end = None;
            return written;
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        ready!(end.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing of what is written")))
    }
}

impl Read for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl Write for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_with(context, |socket, context| socket.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_with(context, |socket, context| socket.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_with(context, Write::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_with(context, Write::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{io::AsyncReadExt as _, net::TcpListener};

    use super::*;

    /// A patient socket and its peer.
    async fn pair() -> (Patient, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Patient::new(listener.accept().await.unwrap().0), peer)
    }

    async fn write(patient: &mut Patient) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *patient).poll_write(context, &vec![7; 65_536])).await
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_waited_for_no_longer_than_said() {
        let (mut patient, _peer) = pair().await;
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let mut taken = 0;
        let error = loop {
            match write(&mut patient).await {
                Ok(bytes) => taken += bytes,
                Err(error) => break error,
            }
        };
        assert!(taken > 0);
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!((WRITE_TIMEOUT..WRITE_TIMEOUT * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn whoever_reads_slowly_is_waited_for_again_and_again() {
        let (mut patient, mut peer) = pair().await;
        let mut buffer = vec![0; 1_024 * 1_024];
        for _ in 0..3 {
            // Until the socket takes no more, which begins the wait, and then as much as makes it take something again.
            while let Poll::Ready(written) = futures_util::poll!(std::pin::pin!(write(&mut patient))) {
                written.unwrap();
            }
            assert!(patient.end.is_some());
            let reading = async {
                loop {
                    let _read = peer.read(&mut buffer).await.unwrap();
                }
            };
            tokio::select! {
                written = write(&mut patient) => assert!(written.unwrap() > 0),
                () = reading => {}
            }
            assert!(patient.end.is_none(), "patience begins anew");
        }
    }
}
