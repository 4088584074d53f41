//! What a view asks for, and where it goes.

use std::mem;

use futures_channel::oneshot;
use protocol::{OpId, OpKind, RoomSlug, api::NewRoom, frame::Refusal};

use super::{Staying, Unsent};

/// What a view asks for and the browser's half carries out.
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "on the server nobody listens"))]
pub(crate) enum Intent {
    Submit { room: RoomSlug, kind: OpKind },
    Retry(OpId),
    Discard(OpId),
    Typing,
    Hurry,
    GoTo(RoomSlug),
    LoadOlder,
    LoadNewer,
    JumpToNewest,
    Scrolled { at_bottom: bool },
    Draft { room: RoomSlug, text: String },
    CreateRoom { room: NewRoom, answer: oneshot::Sender<Result<RoomSlug, Refusal>> },
    SignOut { agreed: Unsent, answer: oneshot::Sender<Result<(), Staying>> },
}

impl Intent {
    /// Whether somebody waits for what becomes of it: not for what a page tells of itself all the time.
    pub(crate) fn is_awaited(&self) -> bool {
        !matches!(
            self,
            Self::Scrolled { .. } | Self::LoadOlder | Self::LoadNewer | Self::Typing | Self::Draft { .. }
        )
    }
}

/// Where intents go.
pub(super) enum Outlet {
    /// Nowhere yet: they wait until the page is live.
    Closed(Vec<Intent>),
    /// There.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "on the server nobody listens"))]
    Open(fn(Intent)),
}

impl Outlet {
    /// An intent, and where it goes; `None` where it waits.
    pub(super) fn pass(&mut self, intent: Intent) -> Option<(fn(Intent), Intent)> {
        match self {
            Self::Open(outlet) => Some((*outlet, intent)),
            Self::Closed(waiting) => {
                // Of what is told all the time only the last is news.
                if !intent.is_awaited() {
                    waiting.retain(|other| mem::discriminant(other) != mem::discriminant(&intent));
                }
                waiting.push(intent);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_before_the_page_is_live_waits_and_of_what_is_told_all_the_time_the_last() {
        let mut outlet = Outlet::Closed(Vec::new());
        let draft = |text: &str| Intent::Draft { room: "general".parse().unwrap(), text: text.to_owned() };
        for intent in [
            Intent::Scrolled { at_bottom: false },
            draft("h"),
            draft("hi"),
            Intent::GoTo("random".parse().unwrap()),
            Intent::Scrolled { at_bottom: true },
            Intent::GoTo("general".parse().unwrap()),
        ] {
            assert!(outlet.pass(intent).is_none());
        }
        let Outlet::Closed(waiting) = outlet else { unreachable!() };
        assert!(matches!(
            waiting.as_slice(),
            [Intent::Draft { text, .. }, Intent::GoTo(first), Intent::Scrolled { at_bottom: true }, Intent::GoTo(second)]
                if text == "hi" && first.as_str() == "random" && second.as_str() == "general"
        ));
    }
}
