//! Whatever the order in which the hub, the reader's task, the write pump and the socket come to the queue: what was pushed leaves whole
//! and in order, no wake-up is lost, nothing follows a close frame, and what waits keeps to its bound.
//!
//! A lost wake-up shows as a deadlock, which loom reports.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use loom::{
    future::block_on,
    model::Builder,
    sync::Mutex,
    thread::{self, JoinHandle},
};
use model::{
    hub::{
        outbox::{Closed, Flushed, Outbox},
        sync::Notify,
    },
    websocket::{Frames, Sink},
};
use protocol::CloseCode;

const LIMIT_BYTES: usize = 1_000;
/// What a frame counts beside its bytes, as the queue has it.
const FRAME_OVERHEAD_BYTES: usize = 64;
/// How often threads are interrupted where they could have gone on, in one order. Two or three find nearly everything, as loom's authors
/// say; without a bound the orders take minutes.
const INTERRUPTIONS_MAX: usize = 3;

/// A socket that takes so much at a time.
struct Pipe {
    state: Mutex<Taken>,
    widened: Notify,
    came: Notify,
}

struct Taken {
    room: usize,
    bytes: Vec<u8>,
    is_ended: bool,
}

impl Pipe {
    fn with_room(room: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(Taken { room, bytes: Vec::new(), is_ended: false }),
            widened: Notify::new(),
            came: Notify::new(),
        })
    }

    /// The other side has read something.
    fn widen(&self, bytes: usize) {
        self.state.lock().unwrap().room += bytes;
        self.widened.notify_one();
    }

    /// Waits until the other side has so many bytes.
    async fn has_taken(&self, bytes: usize) {
        while self.taken().len() < bytes {
            self.came.notified().await;
        }
    }

    fn taken(&self) -> Vec<u8> {
        self.state.lock().unwrap().bytes.clone()
    }
}

impl Sink for Pipe {
    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        assert!(!state.is_ended, "written behind the end");
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).take(state.room).collect();
        if bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.room -= bytes.len();
        state.bytes.extend(&bytes);
        self.came.notify_one();
        Ok(bytes.len())
    }

    fn end(&self) {
        let mut state = self.state.lock().unwrap();
        assert!(!state.is_ended, "ended once");
        state.is_ended = true;
    }
}

/// Runs `scene` in every order.
fn in_every_order(scene: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(INTERRUPTIONS_MAX);
    builder.check(scene);
}

fn outbox(room: usize) -> (Arc<Outbox>, Arc<Pipe>) {
    let pipe = Pipe::with_room(room);
    (Arc::new(Outbox::new(Arc::clone(&pipe), LIMIT_BYTES)), pipe)
}

/// The write pump: the loop of `conn/write.rs`, without its patience.
fn pump(outbox: &Arc<Outbox>, pipe: &Arc<Pipe>) -> JoinHandle<()> {
    let (outbox, pipe) = (Arc::clone(outbox), Arc::clone(pipe));
    thread::spawn(move || {
        block_on(async {
            loop {
                match outbox.flush() {
                    Flushed::All => outbox.filled().await,
                    Flushed::Full => pipe.widened.notified().await,
                    Flushed::Ended => return,
                }
            }
        });
    })
}

fn together(frames: &[Frames]) -> Vec<u8> {
    frames.iter().flat_map(|frames| frames.bytes().to_vec()).collect()
}

fn farewell(code: CloseCode) -> Frames {
    Frames::close(code.code(), code.reason())
}

#[test]
fn what_is_pushed_leaves_in_order_before_a_graceful_end_and_nobody_sleeps_on() {
    in_every_order(|| {
        let said = [Frames::text("one"), Frames::text("two")];
        // The first fits in part.
        let (outbox, pipe) = outbox(3);
        let pump = pump(&outbox, &pipe);
        let socket = thread::spawn({
            let pipe = Arc::clone(&pipe);
            move || pipe.widen(1_000)
        });
        for frames in &said {
            outbox.push(frames).unwrap();
        }
        outbox.close(CloseCode::Restart);
        socket.join().unwrap();
        pump.join().unwrap();
        let [one, two] = said;
        assert_eq!(pipe.taken(), together(&[one, two, farewell(CloseCode::Restart)]));
        assert_eq!(outbox.push(&Frames::text("late")), Err(Closed));
    });
}

#[test]
fn turns_at_several_sockets_lose_and_mix_nothing() {
    in_every_order(|| {
        let (said, answer) = (Frames::text("one"), Frames::text("two"));
        // The second takes a part.
        let (first, second) = (outbox(1_000), outbox(3));
        let pump = pump(&second.0, &second.1);
        let reader = thread::spawn({
            let ((first, _), (second, pipe)) = (first.clone(), second.clone());
            let answer = answer.clone();
            move || {
                first.close(CloseCode::SignedOut);
                second.queue(answer).unwrap();
                pipe.widen(1_000);
            }
        });
        // As the hub does it: all turns, then all that is written, then all that came of it.
        let (mut turns, mut others) = (Vec::new(), Vec::new());
        for outbox in [&first.0, &second.0] {
            match outbox.try_turn() {
                Some(turn) => turns.push(turn),
                None => others.push(outbox),
            }
        }
        let sent: Vec<_> = turns.iter().map(|turn| turn.socket().try_send(said.bytes())).collect();
        for (turn, sent) in turns.into_iter().zip(sent) {
            turn.end(&said, sent).unwrap();
        }
        for outbox in others {
            // Closed: the first, by the reader.
            let _closed = outbox.push(&said);
        }
        let orders = [together(&[said.clone(), answer.clone()]), together(&[answer, said.clone()])];
        block_on(second.1.has_taken(orders[0].len()));
        assert!(orders.contains(&second.1.taken()));
        reader.join().unwrap();
        // It was closed before its turn or after it.
        assert!([&[][..], said.bytes()].contains(&&*first.1.taken()));
        second.0.close(CloseCode::Restart);
        pump.join().unwrap();
    });
}

#[test]
fn what_does_not_fit_calls_the_pump_by_itself() {
    in_every_order(|| {
        let said = Frames::text("one");
        let (outbox, pipe) = outbox(3);
        let pump = pump(&outbox, &pipe);
        outbox.push(&said).unwrap();
        pipe.widen(1_000);
        block_on(pipe.has_taken(said.len()));
        assert_eq!(pipe.taken(), said.bytes());
        outbox.close(CloseCode::Restart);
        pump.join().unwrap();
    });
}

#[test]
fn what_two_push_at_once_is_neither_lost_nor_mixed() {
    in_every_order(|| {
        let (one, two) = (Frames::text("one"), Frames::text("two"));
        // The first to come fits in part, if it is pushed.
        let (outbox, pipe) = outbox(3);
        let pump = pump(&outbox, &pipe);
        let reader = thread::spawn({
            let (outbox, pipe, two) = (Arc::clone(&outbox), Arc::clone(&pipe), two.clone());
            move || {
                outbox.queue(two).unwrap();
                pipe.widen(1_000);
            }
        });
        outbox.push(&one).unwrap();
        let orders = [together(&[one.clone(), two.clone()]), together(&[two, one])];
        // Nothing but what was pushed calls the pump.
        block_on(pipe.has_taken(orders[0].len()));
        assert!(orders.contains(&pipe.taken()));
        reader.join().unwrap();
        outbox.close(CloseCode::Restart);
        pump.join().unwrap();
    });
}

#[test]
fn nothing_follows_a_close_frame_whoever_closes() {
    in_every_order(|| {
        let (said, answer) = (Frames::text("one"), Frames::close(3_000, ""));
        let (outbox, pipe) = outbox(3);
        let pump = pump(&outbox, &pipe);
        let reader = thread::spawn({
            let (outbox, pipe, answer) = (Arc::clone(&outbox), Arc::clone(&pipe), answer.clone());
            move || {
                outbox.hang_up(answer);
                pipe.widen(1_000);
            }
        });
        let pushed = outbox.push(&said);
        outbox.close(CloseCode::SignedOut);
        let late = outbox.push(&Frames::text("late"));
        reader.join().unwrap();
        pump.join().unwrap();
        assert_eq!(late, Err(Closed));
        let ends = [answer, farewell(CloseCode::SignedOut)];
        // What has begun is ended; what has not may be thrown away.
        let mut heard = ends
            .iter()
            .flat_map(|end| [together(&[said.clone(), end.clone()]), together(std::slice::from_ref(end))]);
        assert!(heard.any(|bytes| bytes == pipe.taken()), "{pushed:?}: {:?}", pipe.taken());
    });
}

#[test]
fn what_waits_keeps_to_its_bound_whoever_pushes() {
    in_every_order(|| {
        // Nothing is read: two of three fit.
        let frames = Frames::text(&"x".repeat(LIMIT_BYTES / 2 - FRAME_OVERHEAD_BYTES - 4));
        let (outbox, pipe) = outbox(0);
        let pump = pump(&outbox, &pipe);
        let reader = thread::spawn({
            let (outbox, frames) = (Arc::clone(&outbox), frames.clone());
            move || usize::from(outbox.queue(frames).is_ok())
        });
        let pushed = (0..2).filter(|_| outbox.push(&frames).is_ok()).count();
        assert_eq!(pushed + reader.join().unwrap(), 2);
        assert_eq!(outbox.closing(), Some(CloseCode::TooSlow));
        pipe.widen(1_000);
        pump.join().unwrap();
        assert_eq!(pipe.taken(), farewell(CloseCode::TooSlow).bytes(), "what waited is thrown away");
    });
}

#[test]
fn whoever_waits_for_room_is_woken_by_what_is_written() {
    in_every_order(|| {
        let frames = Frames::text(&"x".repeat(LIMIT_BYTES / 2));
        let (outbox, pipe) = outbox(0);
        outbox.push(&frames).unwrap();
        let pump = pump(&outbox, &pipe);
        let socket = thread::spawn({
            let pipe = Arc::clone(&pipe);
            move || pipe.widen(2 * LIMIT_BYTES)
        });
        assert_eq!(block_on(outbox.room_for_history()), Ok(()));
        outbox.close(CloseCode::Restart);
        socket.join().unwrap();
        pump.join().unwrap();
    });
}

#[test]
fn whoever_waits_is_woken_by_the_end() {
    for end in [|outbox: &Outbox| outbox.close(CloseCode::SignedOut), |outbox: &Outbox| outbox.disconnect()] {
        in_every_order(move || {
            let frames = Frames::text(&"x".repeat(LIMIT_BYTES / 2));
            let (outbox, _pipe) = outbox(0);
            outbox.push(&frames).unwrap();
            let ending = thread::spawn({
                let outbox = Arc::clone(&outbox);
                move || end(&outbox)
            });
            assert_eq!(block_on(outbox.room_for_history()), Err(Closed));
            ending.join().unwrap();
        });
    }
}

#[test]
fn nothing_is_written_once_the_socket_is_let_go() {
    in_every_order(|| {
        let said = Frames::text("one");
        let (outbox, pipe) = outbox(1_000);
        let hub = thread::spawn({
            let (outbox, said) = (Arc::clone(&outbox), said.clone());
            move || outbox.push(&said).is_ok()
        });
        outbox.disconnect();
        let before = pipe.taken();
        assert_eq!(outbox.push(&Frames::text("late")), Err(Closed));
        assert_eq!(outbox.flush(), Flushed::Ended);
        let was_pushed = hub.join().unwrap();
        assert_eq!(pipe.taken(), before);
        assert_eq!(before, if was_pushed { said.bytes().to_vec() } else { Vec::new() });
    });
}
