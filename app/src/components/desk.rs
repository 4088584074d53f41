//! What this reader is doing on the page right now: which message they point at, what they are answering or changing,
//! which dialog is open. Nothing of it is kept.

use std::sync::Arc;

use leptos::{html::Textarea, prelude::*};
use protocol::{Emoji, Message, RoomSlug, Seq};

use super::overlay::{has_mouse, is_covered, is_without_focus};
use crate::state::{ChatState, Row, RowKey, Staying};

/// In how many rooms one may be at something else than a new message.
const ASIDE_MAX_ROOMS: usize = 10;

/// What the composer is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Writing {
    /// A new message.
    #[default]
    New,
    /// A new message that answers this one.
    Reply(Arc<Message>),
    /// This message of one's own, changed; what stands in the field at first.
    Edit(Arc<Message>, String),
}

/// What an emoji is picked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picking {
    /// For the text.
    Insert,
    /// For a message.
    React(Seq),
}

/// A dialog over the page; one at a time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Dialog {
    #[default]
    None,
    /// What can be done with a message.
    Actions(Arc<Message>),
    /// Whether to delete a message.
    Delete(Arc<Message>),
    /// Pick an emoji; beside the point of the window that was clicked.
    Emoji(Picking, Option<(f64, f64)>),
    /// A text that the browser does not let the page copy.
    Copy(String),
    /// The keyboard's shortcuts.
    Help,
    /// Whether to sign out though something would be lost, or why that could not be done.
    SignOut(Staying),
}

/// The reader's doings, in context of the chat page.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    pub(crate) state: ChatState,
    pub(crate) writing: RwSignal<Writing>,
    pub(crate) dialog: RwSignal<Dialog>,
    /// The message that was pointed at or focused last: it has the toolbar. With it, what its row knows that by.
    active: StoredValue<Option<(RowKey, RwSignal<bool>)>>,
    /// The message that was focused last: the keys work on it, wherever the mouse lies.
    pub(crate) focused: RwSignal<Option<RowKey>>,
    /// An emoji for the composer to insert.
    pub(crate) inserted: RwSignal<Option<Emoji>>,
    /// Counts what this reader has sent from here.
    pub(crate) sent: RwSignal<u32>,
    /// What this reader is at in rooms that they have left.
    aside: StoredValue<Vec<(RoomSlug, Writing)>>,
    /// Whether something was copied just now.
    pub(crate) copied: RwSignal<bool>,
    /// Whether this reader is signing out: what is typed from then on would be deleted unasked, so nothing is taken.
    pub(crate) leaving: RwSignal<bool>,
    /// Where one writes.
    pub(crate) field: NodeRef<Textarea>,
}

impl Desk {
    pub(crate) fn new(state: &ChatState) -> Self {
        Self {
            state: *state,
            writing: RwSignal::default(),
            dialog: RwSignal::default(),
            active: StoredValue::new(None),
            focused: RwSignal::new(None),
            inserted: RwSignal::new(None),
            sent: RwSignal::new(0),
            aside: StoredValue::default(),
            copied: RwSignal::new(false),
            leaving: RwSignal::new(false),
            field: NodeRef::new(),
        }
    }

    /// Points at a row, which knows that by `is_active`: a signal of its own, so that two rows wake and not all of them,
    /// and that no row that is gone stays entered as a reader of a signal that lives on. A row that was made anew has another.
    #[cfg(feature = "hydrate")]
    pub(crate) fn point_at(&self, key: RowKey, is_active: RwSignal<bool>) {
        if self.active.get_value() != Some((key, is_active)) {
            self.point_at_nothing();
            self.active.set_value(Some((key, is_active)));
            is_active.set(true);
        }
    }

    /// Points at no row any more.
    pub(crate) fn point_at_nothing(&self) {
        if let Some((_, was_active)) = self.active.try_update_value(Option::take).flatten() {
            was_active.try_set(false);
        }
    }

    /// The message of a row, if it has a place in the log and is not deleted: only such can be acted upon.
    pub(crate) fn actionable(&self, key: RowKey) -> Option<Arc<Message>> {
        match self.state.row(&key) {
            Some(Row::Message(row)) if row.is_actionable() => Some(row.message),
            _ => None,
        }
    }

    /// Whether a message is this reader's own.
    pub(crate) fn owns(&self, message: &Message) -> bool {
        message.user_id == self.state.me().id
    }

    pub(crate) fn reply(&self, message: Arc<Message>) {
        self.write(Writing::Reply(message));
    }

    /// Changes a message, if it is one's own.
    pub(crate) fn edit(&self, message: Arc<Message>) {
        if self.owns(&message) {
            let text = message.content.as_ref().map(ToString::to_string).unwrap_or_default();
            self.write(Writing::Edit(message, text));
        }
    }

    /// Asks whether to delete a message, if it is one's own.
    pub(crate) fn ask_delete(&self, message: Arc<Message>) {
        if self.owns(&message) {
            self.dialog.set(Dialog::Delete(message));
        }
    }

    /// Copies the address of a message of the open room.
    pub(crate) fn copy_link(&self, message: &Message) {
        let path = permalink(&self.state.open_room().read_untracked().room.slug, message.seq);
        self.copy_address(&path);
    }

    /// Puts this reader's emoji on a message, or takes it off if it is there.
    pub(crate) fn toggle_reaction(&self, message: &Message, emoji: &Emoji) {
        let me = self.state.me().id;
        let mine = message
            .reactions
            .iter()
            .any(|reaction| reaction.emoji == *emoji && reaction.users.iter().any(|user| user.user_id == me));
        self.state.react(message.seq, emoji.clone(), !mine);
    }

    /// Back to writing, with the cursor in the field.
    pub(crate) fn focus_field(&self) {
        if let Some(field) = self.field.get_untracked() {
            _ = field.focus();
        }
    }

    /// Where what had the focus goes: on to writing, unless that opens a keyboard on the screen.
    pub(crate) fn go_on_writing(&self) {
        if has_mouse() {
            self.focus_field();
        }
    }

    /// Somebody comes into a room: they can write at once, unless that opens a keyboard on the screen or takes the focus
    /// from what they are at. On the page's first arrival that is whatever has the focus already.
    pub(crate) fn arrive(&self, at_first: bool) {
        let is_at_something = at_first && !is_without_focus();
        let has_selected = window().get_selection().ok().flatten().is_some_and(|text| !text.is_collapsed());
        let points_at_message = self.state.target().get_untracked().is_some();
        if !(is_at_something || has_selected || points_at_message || is_covered()) {
            self.go_on_writing();
        }
    }

    /// Puts aside what one is at in the room that is left, where `text` stands in the field, and takes up what one was at in the room that
    /// is come to.
    pub(crate) fn change_rooms(&self, left: RoomSlug, text: String, now: &RoomSlug) {
        let writing = match self.writing.get_untracked() {
            Writing::Edit(message, _) => Writing::Edit(message, text),
            other => other,
        };
        let taken_up = self.aside.try_update_value(|aside| {
            let found = aside.iter().position(|(room, _)| room == now).map(|at| aside.remove(at).1);
            if writing != Writing::New {
                aside.truncate(ASIDE_MAX_ROOMS - 1);
                aside.insert(0, (left, writing));
            }
            found
        });
        self.writing.set(taken_up.flatten().unwrap_or_default());
        // What asks about a message of the room that is left would be about another one here.
        if !matches!(*self.dialog.read_untracked(), Dialog::Copy(_) | Dialog::Help | Dialog::SignOut(_)) {
            self.close();
        }
    }

    pub(crate) fn close(&self) {
        self.dialog.set(Dialog::None);
    }

    fn write(&self, writing: Writing) {
        self.close();
        self.writing.set(writing);
        self.focus_field();
    }
}

/// The desk of this page.
pub(crate) fn use_desk() -> Desk {
    expect_context()
}

/// The address of a message.
pub(crate) fn permalink(room: &RoomSlug, seq: Seq) -> String {
    format!("/rooms/{room}/{seq}#m{seq}")
}
