//! The same frames to many sockets in one call of the system.
//!
//! For a message to a thousand readers nearly all of the time goes into their sockets, and a part of that only into the way to the system
//! and back. Where the system has `io_uring` and lets us use it, many are asked for in one call and done one after
//! the other, each as `send` would do it; elsewhere there is a `send` for each (`docs/adr/0007-one-call-for-many-sockets.md`).

use std::io;

use super::{Frames, Sink};

/// Fewer sockets than this are written to one by one: what a call for many costs by itself is shared by too few.
const TOGETHER_MIN: usize = 4;

/// Writes to many sockets at a time.
#[derive(Debug)]
pub struct Volley {
    ring: Option<ring::Ring>,
}

impl Default for Volley {
    /// One that uses what the system offers.
    fn default() -> Self {
        Self { ring: ring::Ring::open() }
    }
}

impl Volley {
    /// How many sockets may be written to at a time.
    pub const MAX: usize = 256;

    /// [`Sink::try_send`] to at most [`Self::MAX`] sinks; answers in their order.
    pub fn send<'s, S>(
        &mut self,
        frames: &Frames,
        sinks: impl ExactSizeIterator<Item = &'s S> + Clone,
    ) -> Vec<io::Result<usize>>
    where
        S: Sink + ?Sized + 's,
    {
        let alone = |sink: &S| sink.try_send(frames.bytes());
        if sinks.len() >= TOGETHER_MIN
            && let Some(ring) = &mut self.ring
            && let Some(sockets) = sinks.clone().map(Sink::descriptor).collect::<Option<Vec<_>>>()
        {
            let (taken, is_broken) = ring.send(frames, &sockets);
            if is_broken {
                self.ring = None;
            }
            return sinks.zip(taken).map(|(sink, taken)| taken.unwrap_or_else(|| alone(sink))).collect();
        }
        sinks.map(alone).collect()
    }
}

/// Where the crate knows the system's numbers.
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "loongarch64",
        target_arch = "powerpc64"
    )
))]
mod ring {
    use std::{fmt, io, iter, mem};

    use io_uring::{IoUring, Probe, opcode::Send, squeue::Entry, types::Fd};
    use rustix::{
        fd::{AsRawFd as _, BorrowedFd},
        net::SendFlags,
    };

    use super::{Frames, Volley};

    /// What the kernel and we share: what is asked for, and what came of it. Between two calls it is empty.
    pub(super) struct Ring {
        shared: IoUring,
        asked: Vec<Entry>,
    }

    impl Ring {
        /// `None` where the kernel has no such thing or cannot send by it (before Linux 5.6), or forbids it, as most containers do.
        pub(super) fn open() -> Option<Self> {
            let shared = IoUring::new(u32::try_from(Volley::MAX).ok()?).ok()?;
            let mut probe = Probe::new();
            shared.submitter().register_probe(&mut probe).ok()?;
            probe.is_supported(Send::CODE).then_some(())?;
            Some(Self { shared, asked: Vec::with_capacity(Volley::MAX) })
        }

        /// What came of a send to each: nothing where the kernel was not even asked. And whether it failed us: then whoever was
        /// asked for and not answered gets an error, for nobody knows what they were sent, and the ring is to be given up.
        #[expect(unsafe_code, reason = "the kernel reads memory that it is told of by address")]
        pub(super) fn send(
            &mut self,
            frames: &Frames,
            sockets: &[BorrowedFd<'_>],
        ) -> (Vec<Option<io::Result<usize>>>, bool) {
            let mut taken: Vec<_> = iter::repeat_with(|| None).take(sockets.len()).collect();
            let bytes = frames.bytes();
            // Of what would be longer, a part is sent, as of anything that a socket does not take whole.
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            // Not to wait also tells the kernel that it is to be done within the call.
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            self.asked.clear();
            self.asked.extend((0..).zip(sockets).map(|(n, socket)| {
                let send = Send::new(Fd(socket.as_raw_fd()), bytes.as_ptr(), length);
                send.flags(flags.bits().cast_signed()).build().user_data(n)
            }));
            // SAFETY: each entry names bytes of `frames` and a socket, both of which are borrowed until we return. By then the kernel
            // has answered every entry and looks at none of them; or something failed, and then the bytes stay where they are for
            // ever, and the ring is given up with what the kernel has not taken out of it. Nothing in between can panic.
            let pushed = unsafe { self.shared.submission().push_multiple(&self.asked) };
            if pushed.is_err() {
                return (taken, true);
            }
            let answered = self.answers(&mut taken);
            if answered.is_err() {
                mem::forget(frames.clone());
                let asked = sockets.len().saturating_sub(self.shared.submission().len());
                for taken in taken.iter_mut().take(asked) {
                    taken.get_or_insert_with(|| Err(io::ErrorKind::ConnectionAborted.into()));
                }
            }
            (taken, answered.is_err())
        }

        /// Has the kernel do what is in the ring, and waits until each of `taken` is answered.
        fn answers(&mut self, taken: &mut [Option<io::Result<usize>>]) -> io::Result<()> {
            let mut left = taken.len();
            while left > 0 {
                let entered = match self.shared.submit_and_wait(left) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    entered => entered,
                };
                let before = left;
                for done in self.shared.completion() {
                    let place = usize::try_from(done.user_data()).ok().and_then(|n| taken.get_mut(n));
                    let Some(place @ None) = place else { return Err(io::ErrorKind::InvalidData.into()) };
                    let result = done.result();
                    *place = Some(
                        usize::try_from(result)
                            .map_err(|_| io::Error::from_raw_os_error(result.wrapping_neg())),
                    );
                    left -= 1;
                }
                if entered? == 0 && left == before {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Ok(())
        }
    }

    impl fmt::Debug for Ring {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Ring").finish_non_exhaustive()
        }
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "loongarch64",
        target_arch = "powerpc64"
    )
)))]
mod ring {
    use std::{convert::Infallible, io};

    use rustix::fd::BorrowedFd;

    use super::Frames;

    /// There is none.
    #[derive(Debug)]
    pub(super) struct Ring(Infallible);

    impl Ring {
        pub(super) fn open() -> Option<Self> {
            None
        }

        pub(super) fn send(
            &mut self,
            _: &Frames,
            _: &[BorrowedFd<'_>],
        ) -> (Vec<Option<io::Result<usize>>>, bool) {
            match self.0 {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::IoSlice,
        net::Ipv4Addr,
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use tokio::{
        io::AsyncReadExt as _,
        net::{TcpListener, TcpStream},
        time::timeout,
    };

    use super::*;
    use crate::websocket::Socket;

    /// Both ends of a connection.
    async fn connected() -> (Socket, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (ours, theirs) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (Socket::new(ours.unwrap()), theirs.unwrap().0)
    }

    /// Fills a socket until it takes nothing any more, however long one waits.
    async fn fill(socket: &Socket) {
        let junk = vec![0; 1 << 20];
        loop {
            while socket.try_write(&[IoSlice::new(&junk)]).is_ok() {}
            if timeout(Duration::from_millis(200), socket.writable()).await.is_err() {
                // It says that it is writable when much is free again; little may be.
                while socket.try_send(b"x").is_ok() {}
                return;
            }
        }
    }

    /// One with what the system offers, which is told where that is nothing, and one without.
    fn volleys() -> [Volley; 2] {
        let volley = Volley::default();
        if volley.ring.is_none() {
            eprintln!("no io_uring here: what is tested is a send for each socket");
        }
        [volley, Volley { ring: None }]
    }

    #[tokio::test]
    async fn each_socket_answers_for_itself_however_it_is_asked() {
        for mut volley in volleys() {
            // More than a socket takes whose other side reads nothing.
            let (small, large) = (Frames::text("small"), Frames::binary(&vec![7; 64 << 20]));
            let mut pairs = Vec::new();
            for _ in 0..6 {
                pairs.push(connected().await);
            }
            fill(&pairs[1].0).await;
            pairs[2].0.end();
            let sockets = || pairs.iter().map(|(socket, _)| socket);
            let taken = volley.send(&small, sockets());
            let whole = Ok(small.len());
            let kinds: Vec<_> = taken.into_iter().map(|taken| taken.map_err(|error| error.kind())).collect();
            let (full, ended) = (Err(io::ErrorKind::WouldBlock), Err(io::ErrorKind::BrokenPipe));
            assert_eq!(kinds, [whole, full, ended, whole, whole, whole]);

            let taken = volley.send(&large, sockets());
            let taken: Vec<_> = taken.into_iter().map(Result::unwrap_or_default).collect();
            assert!(taken.iter().all(|&taken| taken < large.len()), "{taken:?}");
            // What it says was taken is what comes: the small ones, and so much of the large ones.
            for (n, (socket, mut theirs)) in pairs.into_iter().enumerate().skip(3) {
                assert!(taken[n] > 0);
                drop(socket);
                let mut came = Vec::new();
                theirs.read_to_end(&mut came).await.unwrap();
                assert_eq!(came, [small.bytes(), &large.bytes()[..taken[n]]].concat());
            }
        }
    }

    #[tokio::test]
    async fn as_many_as_there_may_be_are_written_to_again_and_again() {
        for mut volley in volleys() {
            let mut pairs = Vec::new();
            for _ in 0..Volley::MAX {
                pairs.push(connected().await);
            }
            let said: Vec<_> = (0..5).map(|n| Frames::text(&format!("message {n}"))).collect();
            for frames in &said {
                let taken = volley.send(frames, pairs.iter().map(|(socket, _)| socket));
                assert!(taken.into_iter().all(|taken| taken.is_ok_and(|taken| taken == frames.len())));
            }
            let expected: Vec<_> = said.iter().flat_map(|frames| frames.bytes().to_vec()).collect();
            for (socket, mut theirs) in pairs {
                drop(socket);
                let mut came = Vec::new();
                theirs.read_to_end(&mut came).await.unwrap();
                assert_eq!(came, expected);
            }
        }
    }

    #[tokio::test]
    async fn what_the_kernel_is_not_asked_for_goes_the_other_way_and_so_does_all_that_follows() {
        let ((socket, mut theirs), frames) = (connected().await, Frames::text("x"));
        // More than the ring takes.
        let sockets = vec![&socket; Volley::MAX + 1];
        let mut volley = Volley::default();
        for _ in 0..2 {
            let taken = volley.send(&frames, sockets.iter().copied());
            assert!(taken.into_iter().all(|taken| taken.is_ok_and(|taken| taken == frames.len())));
            assert!(volley.ring.is_none());
        }
        drop(socket);
        let mut came = Vec::new();
        theirs.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, frames.bytes().repeat(2 * (Volley::MAX + 1)));
    }

    /// A sink that is no socket of the system.
    struct Count(AtomicUsize);

    impl Sink for Count {
        fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            let bytes = pieces.iter().map(|piece| piece.len()).sum();
            self.0.fetch_add(bytes, Ordering::Relaxed);
            Ok(bytes)
        }

        fn end(&self) {}
    }

    #[test]
    fn what_the_system_does_not_know_is_asked_one_by_one() {
        let (sinks, frames) = ([0; 9].map(|zero| Count(zero.into())), Frames::text("x"));
        let taken = Volley::default().send(&frames, sinks.iter());
        assert!(taken.into_iter().all(|taken| taken.is_ok_and(|taken| taken == frames.len())));
        assert!(sinks.iter().all(|Count(bytes)| bytes.load(Ordering::Relaxed) == frames.len()));
    }
}
