//! What the browser's half does with the state: change it, and show what has changed.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::session::Millis;

use super::{
    Ask, Change, ChatState, Intent, Model, Told,
    rows::{Left, Portion},
};

impl ChatState {
    /// From here on intents go to `outlet`.
    pub(crate) fn connect(&self, outlet: fn(Intent)) {
        self.outlet.set_value(Some(outlet));
    }

    /// Whether the two are handles of one state.
    pub(crate) fn is(&self, other: Self) -> bool {
        self.model == other.model
    }

    /// Changes the state; what is to be done about it comes back. Nothing is shown before [`Self::show`].
    pub(crate) fn apply(&self, change: Change, now: Millis) -> Vec<Ask> {
        self.model.try_update_value(|model| model.handle(change, now)).unwrap_or_default()
    }

    /// Reads the model.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Model) -> T) -> Option<T> {
        self.model.try_with_value(look)
    }

    /// Shows what has changed. Each signal is written only where it changes, so that a view wakes for its own news.
    /// Answers whether more is to be shown with the next frame, for there is time for `most` new rows alone. `may_skip`: the
    /// reader looks at the end and is at work on no message.
    pub(crate) fn show(&self, most: usize, may_skip: bool) -> bool {
        let Some(shown) = self.shown.try_get_value() else { return false };
        let Some(mut view) = self.model.try_update_value(Model::view) else { return false };
        // Another window is shown at once: half of it would be another place.
        let is_same_window = shown.window.read.with_untracked(|window| *window == view.window);
        let is_filling = self.left.get_value().above;
        let portion = Portion { most, may_skip, is_filling };
        let left = if is_same_window {
            shown.log.read.with_untracked(|log| view.log.keep_portion(log, portion))
        } else {
            Left::default()
        };
        self.left.set_value(left);
        // No room begins where rows above are still to come.
        view.edges.has_older |= left.above;
        set_if_changed(shown.rooms, view.rooms);
        set_if_changed(shown.open, view.open);
        let keys_changed = shown.keys.read.with_untracked(|keys| *keys != view.log.keys());
        set_if_changed(shown.here, view.here);
        set_if_changed(shown.zone, view.zone);
        let keys = keys_changed.then(|| view.log.keys().to_vec());
        // Rows before keys: a row that the list asks for must be there.
        set_if_changed(shown.log, Arc::new(view.log));
        if let Some(keys) = keys {
            shown.keys.write.set(keys);
        }
        // Behind the rows: whoever hears that another window is shown looks for its end, and for the message that the address points at.
        set_if_changed(shown.window, view.window);
        set_if_changed(shown.target, view.target);
        set_if_changed(shown.is_target_missing, view.is_target_missing);
        set_if_changed(shown.edges, view.edges);
        set_if_changed(shown.unseen, view.unseen);
        set_if_changed(shown.typing, view.typing);
        set_if_changed(shown.connection, view.connection);
        set_if_changed(shown.next_try_s, view.next_try_s);
        set_if_changed(shown.waiting, view.waiting);
        set_if_changed(shown.drafts_restored, view.drafts_restored);
        if let Some(announcement) = view.announcement {
            shown.announcement.write.set(announcement);
        }
        left.is_any()
    }
}

fn set_if_changed<T: PartialEq + Send + Sync + 'static>(told: Told<T>, value: T) {
    if told.read.try_with_untracked(|old| *old != value) == Some(true) {
        told.write.set(value);
    }
}
