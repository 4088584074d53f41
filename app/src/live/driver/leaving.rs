//! Signing out, and what stays behind: nothing.

use futures_channel::oneshot;
use leptos::prelude::window;
use protocol::{
    ErrorCode,
    session::{Status, StopReason},
};

use super::{
    super::{browser, http},
    Driver, LAST_ROOM, with_driver,
};
use crate::state::{Staying, Unsent};

impl Driver {
    /// The session is over: nobody can send any more what is kept, and whoever comes next is to find none of it.
    pub(super) fn forget(&mut self) {
        self.drafts.clear();
        self.kept.end();
        browser::forget_cookie(LAST_ROOM);
    }

    /// What this user has not sent, here and in other tabs.
    pub(super) fn unsent(&mut self) -> Unsent {
        self.keep_drafts();
        let (operations, drafts) = (self.kept.operations(), self.kept.drafts());
        self.state.read(|model| model.unsent(operations, &drafts)).unwrap_or_default()
    }

    /// The server has answered to signing out, or could not. Nothing is removed before the session is over.
    fn left(&mut self, refused: Option<ErrorCode>) -> Result<(), ErrorCode> {
        let was_over = self.session.status() == Status::Stopped(StopReason::SignedOut);
        if let Some(code) = refused
            && code != ErrorCode::Unauthorized
            && !was_over
        {
            self.leaving = false;
            return Err(code);
        }
        self.forget();
        let _ = window().location().assign("/");
        Ok(())
    }
}

pub(super) async fn sign_out(unsent: Unsent, answer: oneshot::Sender<Result<(), Staying>>) {
    let refused = http::sign_out().await.err().map(|refusal| refusal.code);
    with_driver(|driver| {
        let left = driver.left(refused);
        let _ = answer.send(left.map_err(|code| Staying { unsent, refused: Some(code) }));
    });
}
