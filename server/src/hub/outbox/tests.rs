//! The queue before a socket that takes as much as a test lets it.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::websocket::Packing;

/// A socket.
pub(in crate::hub) struct Pipe {
    /// How much more it takes, in bytes.
    room: Mutex<usize>,
    taken: Mutex<Vec<u8>>,
    came: Notify,
    is_ended: Mutex<bool>,
}

impl Pipe {
    /// One that takes so many bytes.
    pub(in crate::hub) fn with_room(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            room: Mutex::new(bytes),
            taken: Mutex::default(),
            came: Notify::new(),
            is_ended: Mutex::default(),
        })
    }

    /// One that takes whatever comes.
    pub(in crate::hub) fn wide() -> Arc<Self> {
        Self::with_room(usize::MAX)
    }

    /// Whether it was told that nothing more comes.
    fn is_ended(&self) -> bool {
        *self.is_ended.lock().unwrap()
    }

    fn widen(&self, bytes: usize) {
        *self.room.lock().unwrap() += bytes;
    }

    /// What came since the last time.
    fn taken(&self) -> Vec<u8> {
        mem::take(&mut self.taken.lock().unwrap())
    }

    /// The same as the texts that it is.
    pub(in crate::hub) fn texts(&self) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
        Frames::payloads(&self.taken()).map(text).collect()
    }

    /// The same as soon as there is something.
    pub(in crate::hub) async fn next_texts(&self) -> Vec<String> {
        loop {
            let texts = self.texts();
            if !texts.is_empty() {
                return texts;
            }
            self.came.notified().await;
        }
    }
}

impl Sink for Pipe {
    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut room = self.room.lock().unwrap();
        if *room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).take(*room).collect();
        *room -= bytes.len();
        self.taken.lock().unwrap().extend(&bytes);
        self.came.notify_one();
        Ok(bytes.len())
    }

    fn end(&self) {
        let was_ended = mem::replace(&mut *self.is_ended.lock().unwrap(), true);
        assert!(!was_ended, "ended once");
    }
}

/// A socket that is broken.
struct Broken;

impl Sink for Broken {
    fn try_write(&self, _pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn end(&self) {}
}

const LIMIT_BYTES: usize = 1000;

fn outbox(room: usize) -> (Outbox<Arc<Pipe>>, Arc<Pipe>) {
    let pipe = Pipe::with_room(room);
    (Outbox::new(Arc::clone(&pipe), LIMIT_BYTES), pipe)
}

/// Frames of this cost.
fn frames(bytes: usize) -> Frames {
    let header = if bytes - FRAME_OVERHEAD_BYTES < 128 { 2 } else { 4 };
    let frames = Frames::text(&"x".repeat(bytes - FRAME_OVERHEAD_BYTES - header));
    assert_eq!(cost(&frames), bytes);
    frames
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[test]
fn what_a_push_looks_at_is_one_line_of_the_cache() {
    type Real = Outbox<crate::websocket::Socket>;
    // The socket remembers more of itself where it is to be debugged.
    let only_debugged = if cfg!(debug_assertions) { mem::size_of::<usize>() } else { 0 };
    let begin = mem::offset_of!(Real, limit_bytes);
    let end = mem::offset_of!(Real, socket) + mem::size_of::<crate::websocket::Socket>() - only_debugged;
    assert_eq!((begin % 64, end), (0, begin + 64));
}

#[test]
fn where_nothing_waits_a_push_is_written_at_once() {
    let (outbox, pipe) = outbox(usize::MAX);
    outbox.push(&frames(100)).unwrap();
    assert_eq!(pipe.taken(), frames(100).bytes());
    assert!(outbox.lock().waiting.is_none());
}

#[test]
fn what_was_queued_before_is_written_before() {
    let (outbox, pipe) = outbox(usize::MAX);
    outbox.queue(Frames::text("first")).unwrap();
    outbox.push(&Frames::text("second")).unwrap();
    assert_eq!(pipe.texts(), [""; 0]);
    assert_eq!(outbox.flush(), Flushed::All);
    assert_eq!(pipe.texts(), ["first", "second"]);
    assert!(outbox.lock().waiting.is_none(), "the memory is given back");
}

#[test]
fn the_pump_is_called_when_something_waits() {
    let (outbox, pipe) = outbox(10);
    outbox.push(&frames(100)).unwrap();
    assert!(outbox.filled().now().is_some());
    assert_eq!(outbox.flush(), Flushed::Full);
    pipe.widen(1000);
    assert_eq!(outbox.flush(), Flushed::All);
    assert!(outbox.filled().now().is_none());
    assert_eq!(pipe.taken(), frames(100).bytes());
}

#[test]
fn a_full_queue_closes_as_too_slow_and_throws_away_what_waits() {
    let (outbox, pipe) = outbox(0);
    for _ in 0..10 {
        outbox.push(&frames(100)).unwrap();
    }
    assert_eq!(outbox.push(&frames(100)), Err(Closed));
    assert_eq!(outbox.closing(), Some(CloseCode::TooSlow));
    assert_eq!(outbox.push(&frames(100)), Err(Closed));
    assert_eq!(outbox.queue(frames(100)), Err(Closed));
    pipe.widen(1000);
    assert_eq!(outbox.flush(), Flushed::Ended);
    assert_eq!(pipe.taken(), farewell(CloseCode::TooSlow).bytes());
}

#[test]
fn a_frame_that_has_begun_is_ended_before_the_close_frame() {
    let (outbox, pipe) = outbox(50);
    let both = [frames(100), frames(200)];
    outbox.push(&Frames::together(Packing::Frames, both.iter())).unwrap();
    outbox.push(&frames(100)).unwrap();
    outbox.close(CloseCode::SignedOut);
    pipe.widen(1000);
    assert_eq!(outbox.flush(), Flushed::Ended);
    // The first of the two filled 36 bytes, so the second has begun.
    let expected = [both[0].bytes(), both[1].bytes(), farewell(CloseCode::SignedOut).bytes()].concat();
    assert_eq!(pipe.taken(), expected);
}

#[test]
fn what_waits_counts_until_it_is_written() {
    let (outbox, pipe) = outbox(0);
    outbox.push(&frames(900)).unwrap();
    assert_eq!(outbox.room_for_history().now(), None);
    pipe.widen(1000);
    outbox.flush();
    assert_eq!(outbox.room_for_history().now(), Some(Ok(())));
}

#[test]
fn frames_larger_than_the_bound_pass_alone() {
    let (outbox, _pipe) = outbox(0);
    outbox.push(&frames(5000)).unwrap();
    assert_eq!(outbox.push(&frames(100)), Err(Closed));
}

#[test]
fn a_restart_lets_what_waits_pass_first() {
    let (outbox, pipe) = outbox(0);
    outbox.push(&frames(100)).unwrap();
    outbox.close(CloseCode::Restart);
    outbox.close(CloseCode::SignedOut);
    assert!(!pipe.is_ended());
    pipe.widen(1000);
    assert_eq!(outbox.flush(), Flushed::Ended);
    assert_eq!(pipe.taken(), [frames(100).bytes(), farewell(CloseCode::Restart).bytes()].concat());
    assert!(pipe.is_ended());
    // However often, it is said once.
    outbox.disconnect();
    assert_eq!(outbox.flush(), Flushed::Ended);
}

#[test]
fn a_goodbye_is_answered_at_once() {
    let (outbox, pipe) = outbox(0);
    outbox.push(&frames(100)).unwrap();
    outbox.hang_up(Frames::close(3000, ""));
    pipe.widen(1000);
    assert_eq!(outbox.flush(), Flushed::Ended);
    assert_eq!(pipe.taken(), Frames::close(3000, "").bytes());
}

#[test]
fn two_goodbyes_that_cross_are_one() {
    let (outbox, pipe) = outbox(0);
    outbox.push(&frames(100)).unwrap();
    outbox.close(CloseCode::Restart);
    outbox.hang_up(Frames::close(3000, ""));
    pipe.widen(1000);
    assert_eq!(outbox.flush(), Flushed::Ended);
    assert_eq!(pipe.taken(), [frames(100).bytes(), farewell(CloseCode::Restart).bytes()].concat());
}

#[test]
fn what_may_be_lost_never_closes_a_queue() {
    let (outbox, pipe) = outbox(0);
    outbox.push(&frames(900)).unwrap();
    outbox.offer(&frames(200));
    assert_eq!(outbox.closing(), None);
    pipe.widen(5000);
    outbox.flush();
    assert_eq!(pipe.taken(), frames(900).bytes());
}

#[test]
fn a_broken_socket_ends_the_pump_and_takes_nothing_more() {
    let outbox = Outbox::new(Broken, LIMIT_BYTES);
    assert_eq!(outbox.push(&frames(100)), Err(Closed));
    assert!(outbox.filled().now().is_some());
    assert_eq!(outbox.flush(), Flushed::Ended);
    assert_eq!(outbox.queue(frames(100)), Err(Closed));
    assert_eq!(outbox.room_for_history().now(), Some(Err(Closed)));
}

#[test]
fn a_turn_is_for_one_and_where_it_is_not_ended_the_connection_is_given_up() {
    let (outbox, pipe) = outbox(usize::MAX);
    let turn = outbox.try_turn().unwrap();
    assert!(outbox.try_turn().is_none(), "somebody is at it");
    assert_eq!(turn.end(&frames(200), Ok(40)), Ok(()));
    assert!(outbox.try_turn().is_none(), "something waits");
    assert_eq!(outbox.flush(), Flushed::All);
    assert_eq!(pipe.taken(), frames(200).bytes()[40..], "what the socket took is not written again");

    drop(outbox.try_turn().unwrap());
    assert!(pipe.is_ended() && outbox.try_turn().is_none());
    assert_eq!((outbox.push(&frames(100)), outbox.flush()), (Err(Closed), Flushed::Ended));
    assert_eq!(pipe.taken(), b"");
}

trait Now: Future + Sized {
    /// The result, if the future is ready at once.
    fn now(self) -> Option<Self::Output> {
        futures_util::FutureExt::now_or_never(self)
    }
}
impl<F: Future> Now for F {}

#[derive(Debug, Clone)]
enum Step {
    Push(String),
    Queue(String),
    Widen(usize),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        "[a-z]{0,200}".prop_map(Step::Push),
        "[a-z]{0,200}".prop_map(Step::Queue),
        (0..300_usize).prop_map(Step::Widen),
        Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn whatever_the_socket_takes_everything_leaves_once_and_in_order(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let pipe = Pipe::with_room(0);
        let outbox = Outbox::new(Arc::clone(&pipe), usize::MAX);
        let mut said = Vec::new();
        for step in steps {
            match step {
                Step::Push(text) => {
                    outbox.push(&Frames::text(&text)).unwrap();
                    said.push(text);
                }
                Step::Queue(text) => {
                    outbox.queue(Frames::text(&text)).unwrap();
                    said.push(text);
                }
                Step::Widen(bytes) => pipe.widen(bytes),
                Step::Flush => { outbox.flush(); }
            }
        }
        pipe.widen(usize::MAX / 2);
        prop_assert_eq!(outbox.flush(), Flushed::All);
        prop_assert_eq!(outbox.lock().bytes(), 0);
        prop_assert_eq!(pipe.texts(), said);
    }
}
