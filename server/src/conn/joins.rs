//! The joins and leaves of one connection, one after another and answered in the order in which they came: a client
//! matches the answers to its questions by their order alone.

use std::{collections::VecDeque, convert::Infallible, future::pending, pin::Pin};

use protocol::{
    Cursor, RoomSlug, ServerFrame,
    frame::{Left, Refusal},
    limits::JOINED_MAX_ROOMS,
};

use super::{
    Peer,
    catch_up::{self, Begun},
};
use crate::store::RoomId;

/// Joins and leaves that may wait; reading from the socket pauses beyond that. Enough to come back with every room.
const ASKED_MAX: usize = 2 * JOINED_MAX_ROOMS;

/// Something that is answered in order.
pub(super) enum Asked {
    Join {
        room: RoomSlug,
        cursor: Option<Cursor>,
    },
    Leave {
        room: RoomSlug,
    },
    /// A join that cannot be tried; answered in its turn all the same.
    Refused(Refusal),
}

impl Asked {
    fn room(&self) -> Option<&RoomSlug> {
        match self {
            Self::Join { room, .. } | Self::Leave { room } => Some(room),
            Self::Refused(_) => None,
        }
    }
}

/// Ends when the answer is queued; a join that was not refused goes on from there.
type Answer = Pin<Box<dyn Future<Output = Option<Begun>> + Send>>;

/// What is being done. The large futures live only while it is.
#[derive(Default)]
enum Work {
    #[default]
    Nothing,
    /// Nothing interrupts an answer.
    Answering { answer: Answer },
    /// From the answer to live; the next join or leave of the same room interrupts it.
    Following { room: RoomSlug, follow: Pin<Box<dyn Future<Output = ()> + Send>> },
}

/// The rooms of one connection.
#[derive(Default)]
pub(super) struct Joins {
    /// Few, commonly one: as small as they are.
    joined: Vec<(RoomSlug, RoomId)>,
    asked: VecDeque<Asked>,
    work: Work,
}

impl Joins {
    /// Whether more may be asked now.
    pub(super) fn has_room(&self) -> bool {
        self.asked.len() < ASKED_MAX
    }

    /// Puts a question behind the others.
    pub(super) fn ask(&mut self, asked: Asked) {
        if let Work::Following { room, .. } = &self.work
            && asked.room() == Some(room)
        {
            self.work = Work::Nothing;
        }
        self.asked.push_back(asked);
    }

    /// Works on what was asked, for ever. Safe to cancel.
    pub(super) async fn run(&mut self, peer: &Peer) -> Infallible {
        loop {
            match &mut self.work {
                Work::Answering { answer } => {
                    let answered = answer.await;
                    self.work = Work::Nothing;
                    self.answered(peer, answered);
                }
                Work::Following { follow, .. } => {
                    follow.await;
                    self.work = Work::Nothing;
                }
                Work::Nothing => {
                    let Some(asked) = self.asked.pop_front() else {
                        self.asked.shrink_to_fit();
                        return pending().await;
                    };
                    self.work = Work::Answering { answer: self.answer(peer, asked) };
                }
            }
        }
    }

    fn answer(&mut self, peer: &Peer, asked: Asked) -> Answer {
        let peer = peer.clone();
        match asked {
            Asked::Join { room, cursor } => {
                // Its place is taken again by the answer, if that is no refusal.
                let before = self.remove(&room);
                let may_join = self.joined.len() < JOINED_MAX_ROOMS;
                Box::pin(async move {
                    let begun = catch_up::join(peer.clone(), room, cursor, may_join).await;
                    if let (None, Some(id)) = (&begun, before) {
                        peer.serving.hub.unsubscribe(peer.conn, id).await;
                    }
                    begun
                })
            }
            Asked::Leave { room } => {
                let joined = self.remove(&room);
                Box::pin(async move {
                    if let Some(id) = joined {
                        peer.serving.hub.unsubscribe(peer.conn, id).await;
                    }
                    let _closed = peer.answer(&ServerFrame::Left(Left { room }));
                    None
                })
            }
            Asked::Refused(refusal) => Box::pin(async move {
                let _closed = peer.answer(&ServerFrame::Error(refusal));
                None
            }),
        }
    }

    fn remove(&mut self, room: &RoomSlug) -> Option<RoomId> {
        let at = self.joined.iter().position(|(joined, _)| joined == room)?;
        Some(self.joined.swap_remove(at).1)
    }

    fn answered(&mut self, peer: &Peer, begun: Option<Begun>) {
        let Some(Begun { room, id, reached }) = begun else { return };
        self.joined.reserve_exact(1);
        self.joined.push((room.clone(), id));
        // Asked again or left in the meantime: then that is what comes next.
        if !self.asked.iter().any(|asked| asked.room() == Some(&room)) {
            let follow = Box::pin(catch_up::follow(peer.clone(), id, reached));
            self.work = Work::Following { room, follow };
        }
    }
}
