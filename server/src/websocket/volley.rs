//! The same frames to many sockets in one call of the system.
//!
//! For a message to a thousand readers nearly all of the time goes into their sockets, and a good part of that only into the way to the system
//! and back. Where the system has `io_uring` and lets us use it, many are asked for in one call and done one after
//! the other, each as `send` would do it; elsewhere there is a `send` for each (`docs/adr/0007-one-call-for-many-sockets.md`).

use std::io;

use super::{Frames, Sink};

/// Fewer sockets than this are written to one by one: then one call would save less than it costs.
const TOGETHER_MIN: usize = 4;

/// Writes to many sockets at a time.
#[derive(Debug)]
pub struct Volley {
    ring: Option<ring::Ring>,
}

impl Volley {
    /// How many sockets may be written to at a time.
    pub const MAX: usize = 256;

    /// One that uses what the system offers.
    pub fn open() -> Self {
        Self { ring: ring::Ring::open() }
    }

    /// One that asks for each socket alone, as everywhere where the system offers nothing else.
    pub const fn one_by_one() -> Self {
        Self { ring: None }
    }

    /// [`Sink::try_send`] to at most [`Self::MAX`] sinks; answers in their order.
    pub fn send<'s, S>(
        &mut self,
        frames: &Frames,
        sinks: impl ExactSizeIterator<Item = &'s S> + Clone,
    ) -> Vec<io::Result<usize>>
    where
        S: Sink + ?Sized + 's,
    {
        if sinks.len() >= TOGETHER_MIN
            && let Some(ring) = &mut self.ring
            && let Some(sockets) = sinks.clone().map(Sink::descriptor).collect::<Option<Vec<_>>>()
        {
            let (taken, is_broken) = ring.send(frames, &sockets);
            if is_broken {
                self.ring = None;
            }
            return taken;
        }
        sinks.map(|sink| sink.try_send(frames.bytes())).collect()
    }
}

#[cfg(target_os = "linux")]
mod ring {
    use std::{fmt, io, iter, mem};

    use io_uring::{IoUring, opcode::Send, squeue::Entry, types::Fd};
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
        /// `None` where the kernel has no such thing, or forbids it: containers often do.
        pub(super) fn open() -> Option<Self> {
            let shared = IoUring::new(u32::try_from(Volley::MAX).ok()?).ok()?;
            Some(Self { shared, asked: Vec::with_capacity(Volley::MAX) })
        }

        /// What came of a send to each, and whether the kernel failed us. Whoever has no answer then is told of an error, for
        /// nobody knows what they were sent.
        pub(super) fn send(
            &mut self,
            frames: &Frames,
            sockets: &[BorrowedFd<'_>],
        ) -> (Vec<io::Result<usize>>, bool) {
            let bytes = frames.bytes();
            let Ok(length) = u32::try_from(bytes.len()) else {
                return (
                    iter::repeat_with(|| Err(io::ErrorKind::InvalidInput.into()))
                        .take(sockets.len())
                        .collect(),
                    false,
                );
            };
            // Not to wait also tells the kernel that it is to be done within the call.
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            self.asked.clear();
            self.asked.extend((0..).zip(sockets).map(|(n, socket)| {
                let send = Send::new(Fd(socket.as_raw_fd()), bytes.as_ptr(), length);
                send.flags(flags.bits().cast_signed()).build().user_data(n)
            }));
            let mut taken: Vec<_> =
                iter::repeat_with(|| Err(io::ErrorKind::Other.into())).take(sockets.len()).collect();
            let answered = self.ask(|n, result| {
                if let Some(taken) = taken.get_mut(n) {
                    *taken = result;
                }
            });
            if answered.is_err() {
                // What the kernel may still read stays where it is.
                mem::forget(frames.clone());
            }
            (taken, answered.is_err())
        }

        #[expect(unsafe_code, reason = "the kernel reads memory that it is told of by address")]
        fn ask(&mut self, mut answer: impl FnMut(usize, io::Result<usize>)) -> io::Result<()> {
            // SAFETY: each entry names bytes of frames and a socket that our caller holds until we return. We return when the
            // kernel has answered every entry, after which it looks at none of them; or with an error, at which the caller
            // leaves the frames where they are for ever, and gives up the ring. (A socket that is closed meanwhile is an error
            // to the kernel, not a danger.)
            unsafe { self.shared.submission().push_multiple(&self.asked) }.map_err(io::Error::other)?;
            let mut left = self.asked.len();
            while left > 0 {
                let entered = match self.shared.submit_and_wait(left) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    entered => entered,
                };
                let before = left;
                for done in self.shared.completion() {
                    let n = usize::try_from(done.user_data()).map_err(io::Error::other)?;
                    answer(
                        n,
                        usize::try_from(done.result())
                            .map_err(|_| io::Error::from_raw_os_error(-done.result())),
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

#[cfg(not(target_os = "linux"))]
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

        pub(super) fn send(&mut self, _: &Frames, _: &[BorrowedFd<'_>]) -> (Vec<io::Result<usize>>, bool) {
            match self.0 {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::{
        io::AsyncReadExt as _,
        net::{TcpListener, TcpStream},
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

    /// Fills a socket until it takes nothing any more.
    fn fill(socket: &Socket) {
        let junk = vec![0; 1 << 20];
        while socket.try_send(&junk).is_ok() {}
    }

    fn volleys() -> [Volley; 2] {
        [Volley::open(), Volley::one_by_one()]
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
            fill(&pairs[1].0);
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

    /// A sink that is no socket of the system.
    struct Count(AtomicUsize);

    impl Sink for Count {
        fn try_write(&self, pieces: &[io::IoSlice<'_>]) -> io::Result<usize> {
            let bytes = pieces.iter().map(|piece| piece.len()).sum();
            self.0.fetch_add(bytes, Ordering::Relaxed);
            Ok(bytes)
        }

        fn end(&self) {}
    }

    #[test]
    fn what_the_system_does_not_know_is_asked_one_by_one() {
        let (sinks, frames) = ([0; 9].map(|zero| Count(zero.into())), Frames::text("x"));
        let taken = Volley::open().send(&frames, sinks.iter());
        assert!(taken.into_iter().all(|taken| taken.is_ok_and(|taken| taken == frames.len())));
        assert!(sinks.iter().all(|Count(bytes)| bytes.load(Ordering::Relaxed) == frames.len()));
    }
}
