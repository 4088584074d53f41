//! The browser's half of the page: socket, storage, clock, network.

use crate::state::ChatState;

pub(crate) mod zone;

/// Makes the page live.
pub(crate) fn go_live(state: ChatState) {
    let _ = state;
}
