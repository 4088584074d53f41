//! What the browser's half does with the state: change it, and show what has changed.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::session::Millis;

use super::{Ask, Change, ChatState, Intent, Model};

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
    pub(crate) fn show(&self) {
        let shown = &self.shown;
        let Some(view) = self.model.try_update_value(Model::view) else { return };
        set_if_changed(shown.rooms, view.rooms);
        set_if_changed(shown.open, view.open);
        let keys_changed = shown.keys.with_untracked(|keys| *keys != view.log.keys());
        set_if_changed(shown.here, view.here);
        set_if_changed(shown.zone, view.zone);
        set_if_changed(shown.target, view.target);
        set_if_changed(shown.is_target_missing, view.is_target_missing);
        set_if_changed(shown.window, view.window);
        let keys = keys_changed.then(|| view.log.keys().to_vec());
        // Rows before keys: a row that the list asks for must be there.
        set_if_changed(shown.log, Arc::new(view.log));
        if let Some(keys) = keys {
            shown.keys.set(keys);
        }
        set_if_changed(shown.edges, view.edges);
        set_if_changed(shown.unseen, view.unseen);
        set_if_changed(shown.typing, view.typing);
        set_if_changed(shown.connection, view.connection);
        set_if_changed(shown.next_try_s, view.next_try_s);
        set_if_changed(shown.waiting, view.waiting);
        set_if_changed(shown.drafts_restored, view.drafts_restored);
        if let Some(announcement) = view.announcement {
            shown.announcement.set(announcement);
        }
    }
}

fn set_if_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|old| *old != value) == Some(true) {
        signal.set(value);
    }
}
