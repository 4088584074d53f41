//! Where one writes. A plain form without JavaScript; with it, Enter sends where there is a keyboard to break lines with
//! otherwise, what is not sent is kept as a draft, and the field grows with its text.

use std::mem;

use leptos::prelude::*;
use protocol::{Message, RoomSlug, limits::CONTENT_MAX_CHARS, text::InvalidText};
use web_sys::{HtmlElement, HtmlTextAreaElement, KeyboardEvent};

use super::{
    desk::{Desk, Dialog, Picking, Writing, use_desk},
    icon::{Icon, icon},
    log::focus_newest,
    overlay::is_touch,
    sidebar::room_words,
};
use crate::{
    i18n::{Locale, language, refusal, text},
    source::{Form, form_id},
    visitor::Visitor,
};

/// From how many characters left on it is told how many.
const WARN_CHARS: usize = 500;
/// How long after a composition has ended an Enter still belongs to it, in milliseconds. Safari ends the composition
/// before it reports the key that ended it.
const COMPOSITION_GRACE_MS: f64 = 50.0;
/// The `keyCode` of a key that an input method has taken.
const KEY_CODE_COMPOSING: u32 = 229;

/// The text in the field, mirrored for the views; the field itself is the truth, for people type before the page is
/// hydrated.
#[derive(Clone, Copy)]
struct Field {
    desk: Desk,
    text: RwSignal<String>,
    /// Why what stands in it was not sent.
    problem: RwSignal<Option<String>>,
    /// A draft that is not in it, for something was typed before the draft was there. It comes once that is sent, or in front of it when
    /// its writer comes back.
    behind: StoredValue<String>,
    /// When the last composition of an input method ended, by the clock of events.
    composed_at: StoredValue<f64>,
}

impl Field {
    /// Takes over what stands in the field.
    fn read(&self) {
        if let Some(field) = self.desk.field.get_untracked() {
            self.text.set(field.value());
            grow(&field);
        }
    }

    /// Puts a text into the field.
    fn put(&self, text: &str) {
        if let Some(field) = self.desk.field.get_untracked() {
            field.set_value(text);
            self.read();
        }
    }

    fn insert(&self, piece: &str) {
        let Some(field) = self.desk.field.get_untracked() else { return };
        let end = field.value().encode_utf16().count();
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        let at = field.selection_end().ok().flatten().unwrap_or(end);
        let from = field.selection_start().ok().flatten().unwrap_or(at);
        _ = field.set_range_text_with_start_and_end(piece, from, at);
        let after = from + u32::try_from(piece.encode_utf16().count()).unwrap_or_default();
        _ = field.set_selection_range(after, after);
        self.read();
        self.keep_draft();
        _ = field.focus();
    }

    /// Keeps what is written, unless it is a message that is being changed.
    fn keep_draft(&self) {
        if !matches!(*self.desk.writing.read_untracked(), Writing::Edit(..)) {
            let room = self.desk.state.open_room().read_untracked().room.slug.clone();
            let (behind, text) = (self.behind.read_value(), self.text.read_untracked());
            let between = if behind.is_empty() || text.is_empty() { "" } else { "\n" };
            self.desk.state.set_draft(room, &format!("{}{between}{}", *behind, *text));
        }
    }

    /// Keeps the field in step with what one is doing.
    fn watch(&self) {
        let field = *self;
        let desk = field.desk;
        let state = desk.state;

        // What the key for Enter says on a keyboard on the screen. The server cannot know who has one.
        Effect::new(move |_| {
            if let Some(field) = desk.field.get()
                && is_touch()
            {
                _ = field.set_attribute("enterkeyhint", "enter");
            }
        });
        // Another room, another draft. At first: with what was typed before.
        let slug = Memo::new(move |_| state.open_room().with(|open| open.room.slug.clone()));
        Effect::new(move |before: Option<RoomSlug>| {
            let now = slug.get();
            let draft = state.draft(&now);
            let is_first = before.is_none();
            if before.as_ref() != Some(&now) {
                desk.arrive(is_first);
            }
            if let Some(left) = before.filter(|before| *before != now) {
                field.problem.set(None);
                field.behind.set_value(String::new());
                desk.change_rooms(left, field.text.get_untracked(), &now);
                field.put(&draft);
            } else if is_first {
                field.read();
                if field.text.read_untracked().is_empty() {
                    field.put(&draft);
                } else if *field.text.read_untracked() != draft {
                    // Whoever has typed something may be in the middle of a word, so the field is left alone.
                    field.behind.set_value(draft);
                    field.keep_draft();
                }
            }
            now
        });

        Effect::new(move |before: Option<Writing>| {
            let now = desk.writing.get();
            match (&before, &now) {
                (_, Writing::Edit(_, text)) => {
                    field.behind.set_value(String::new());
                    field.put(text);
                }
                (Some(Writing::Edit(..)), _) => field.restore_draft(),
                _ => {}
            }
            now
        });

        Effect::new(move |_| {
            if let Some(emoji) = desk.inserted.get() {
                field.insert(emoji.as_str());
                desk.inserted.set(None);
            }
        });
    }

    /// How many characters are left once they are few, or how many are too many.
    fn chars_left(&self) -> Memo<Option<Result<usize, usize>>> {
        let text = self.text;
        Memo::new(move |_| {
            let chars = text.read().chars().count();
            (chars + WARN_CHARS > CONTENT_MAX_CHARS)
                .then(|| CONTENT_MAX_CHARS.checked_sub(chars).ok_or_else(|| chars - CONTENT_MAX_CHARS))
        })
    }

    /// Sends, or saves, what stands in the field.
    fn send(&self, locale: Locale) {
        let (desk, state) = (&self.desk, &self.desk.state);
        let text = self.text.get_untracked();
        let writing = desk.writing.get_untracked();
        let done = match &writing {
            Writing::New => state.send(&text, None),
            Writing::Reply(message) => state.send(&text, Some(message.seq)),
            Writing::Edit(message, _) if message.content.as_ref().is_some_and(|old| old.as_str() == text) => {
                Ok(())
            }
            Writing::Edit(message, _) => state.edit(message.seq, &text),
        };
        match done {
            Err(refused) => self.problem.set(problem(locale, refused)),
            Ok(()) if matches!(writing, Writing::Edit(..)) => desk.writing.set(Writing::New),
            Ok(()) => {
                self.put(&self.behind.try_update_value(mem::take).unwrap_or_default());
                self.keep_draft();
                desk.writing.set(Writing::New);
                desk.sent.update(|sent| *sent = sent.wrapping_add(1));
            }
        }
        desk.focus_field();
    }

    /// Something was typed.
    fn typed(&self) {
        self.problem.set(None);
        self.read();
        self.keep_draft();
        if !self.text.read_untracked().is_empty() {
            self.desk.state.is_typing();
        }
    }

    /// A key went down. Keys that an input method takes are left to it.
    fn key(&self, locale: Locale, event: &KeyboardEvent) {
        let composing = event.is_composing() || event.key_code() == KEY_CODE_COMPOSING;
        let late = event.time_stamp() - self.composed_at.get_value() < COMPOSITION_GRACE_MS;
        let command = event.ctrl_key() || event.meta_key();
        let plain = !event.shift_key() && !event.alt_key() && !command;
        let writing = &self.desk.writing;
        match event.key().as_str() {
            _ if composing => return,
            // The Enter that Safari reports late ended a composition: it neither sends nor breaks the line.
            "Enter" if late => {}
            "Enter" if command || (plain && !is_touch()) => self.send(locale),
            "ArrowUp" if event.alt_key() => focus_newest(),
            "ArrowUp" if plain && self.text.read_untracked().is_empty() => {
                let Some(message) = self.desk.state.my_last_message() else { return };
                self.desk.edit(message);
            }
            "Escape" if *writing.read_untracked() != Writing::New => writing.set(Writing::New),
            _ => return,
        }
        event.prevent_default();
    }

    fn restore_draft(&self) {
        let room = self.desk.state.open_room().read_untracked().room.slug.clone();
        self.put(&untrack(|| self.desk.state.draft(&room)));
    }
}

/// For browsers that do not size a field by its content themselves (`field-sizing`).
fn grow(field: &HtmlTextAreaElement) {
    if web_sys::css::supports_with_value("field-sizing", "content").unwrap_or(true) {
        return;
    }
    let style = HtmlElement::style(field);
    _ = style.set_property("height", "auto");
    _ = style.set_property("height", &format!("{}px", field.scroll_height()));
}

/// What to say to a text that cannot be sent. Nothing to an empty one: it is plain what is missing.
fn problem(locale: Locale, error: InvalidText) -> Option<String> {
    match error {
        InvalidText::Empty => None,
        InvalidText::TooLong { chars, max } => Some(text!(locale, composer.over, count = chars - max)),
        InvalidText::Character(_) | InvalidText::Edge | InvalidText::NotEmoji => {
            Some(text!(locale, errors.content_empty).to_owned())
        }
    }
}

/// The composer.
#[component]
pub(crate) fn Composer() -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let state = desk.state;
    let refused = use_context::<Visitor>()
        .and_then(|visitor| visitor.refused)
        .filter(|refused| refused.form == Form::Message);
    let typed = refused.as_ref().map(|refused| refused.typed.clone()).unwrap_or_default();
    let field = Field {
        desk,
        text: RwSignal::new(String::new()),
        problem: RwSignal::new(refused.map(|refused| refusal(locale, refused.code).to_owned())),
        behind: StoredValue::default(),
        composed_at: StoredValue::new(f64::NEG_INFINITY),
    };
    field.watch();

    let action = move || state.open_room().with(|open| format!("/rooms/{}", open.room.slug));
    let label =
        move || state.open_room().with(|open| text!(locale, composer.label, room = room_words(&open.room)));

    let placeholder = move || {
        state.open_room().with(|open| text!(locale, composer.label, room = short(&room_words(&open.room))))
    };

    let left = field.chars_left();
    let count = move || {
        left.get().map(|left| match left {
            Ok(chars) => text!(locale, composer.left, count = chars),
            Err(chars) => text!(locale, composer.over, count = chars),
        })
    };
    let is_over = move || matches!(left.get(), Some(Err(_)));

    view! {
        <form
            class="composer"
            method="post"
            action=action
            on:submit=move |event| {
                event.prevent_default();
                field.send(locale);
            }
        >
            <input type="hidden" name="id" value=form_id() />
            {move || writing_bar(locale, &desk)}
            <div class="box" class:over=is_over>
                <textarea
                    node_ref=desk.field
                    name="content"
                    rows="1"
                    dir="auto"
                    required
                    autocomplete="off"
                    enterkeyhint="send"
                    aria-label=label
                    placeholder=placeholder
                    aria-describedby="composer-note"
                    on:input=move |_| field.typed()
                    on:keydown=move |event| field.key(locale, &event)
                    on:compositionend=move |event| field.composed_at.set_value(event.time_stamp())
                >
                    {typed}
                </textarea>
                <button
                    type="button"
                    class="icon-button needs-js"
                    aria-label=text!(locale, composer.emoji)
                    title=text!(locale, composer.emoji)
                    on:click=move |event| {
                        let button = event_target::<web_sys::Element>(&event);
                        let form = button.closest(".composer").ok().flatten();
                        let top = form.map(|form| form.get_bounding_client_rect().top());
                        let at = top.map(|top| (button.get_bounding_client_rect().right(), top));
                        desk.dialog.set(Dialog::Emoji(Picking::Insert, at));
                    }
                >
                    {icon(Icon::Smile)}
                </button>
                <button type="submit" class="button primary send">
                    <span class="send-text">
                        {move || match *desk.writing.read() {
                            Writing::Edit(..) => text!(locale, composer.save),
                            Writing::New | Writing::Reply(_) => text!(locale, composer.send),
                        }}
                    </span>
                    {icon(Icon::ArrowUp)}
                </button>
            </div>
            <p
                id="composer-note"
                class="composer-note"
                class:needs-js=move || count().is_none() && field.problem.read().is_none()
                class:bad=move || is_over() || field.problem.read().is_some()>
                {move || match count().or_else(|| field.problem.get()) {
                    Some(words) => words.into_any(),
                    None => hint(locale, &desk),
                }}
            </p>
        </form>
    }
}

/// As much of a room's name as fits beside the buttons of a phone: a browser cuts the words in an empty field without saying
/// so. Characters of East Asia and emoji are twice as wide.
fn short(name: &str) -> String {
    const COLUMNS_MAX: usize = 20;
    let mut columns = 0;
    let end = name.char_indices().find(|&(_, c)| {
        columns += if u32::from(c) < 0x1100 { 1 } else { 2 };
        columns > COLUMNS_MAX
    });
    end.map_or_else(|| name.to_owned(), |(end, _)| format!("{}…", name[..end].trim_end()))
}

/// What Enter does: one thing where there is a keyboard, another where one touches the screen.
fn hint(locale: Locale, desk: &Desk) -> AnyView {
    let words = match *desk.writing.read() {
        Writing::Edit(..) => text!(locale, composer.hint_edit),
        Writing::New | Writing::Reply(_) => text!(locale, composer.hint),
    };
    view! {
        <span class="needs-keyboard">{words}</span>
        <span class="needs-touch">{text!(locale, composer.hint_touch)}</span>
    }
    .into_any()
}

/// What is being answered or changed, with a way out.
fn writing_bar(locale: Locale, desk: &Desk) -> Option<AnyView> {
    let desk = *desk;
    let excerpt = |message: &Message| message.content.as_ref().map(protocol::Content::excerpt);
    let (glyph, what, excerpt) = match &*desk.writing.read() {
        Writing::New => return None,
        Writing::Reply(message) => (
            Icon::Reply,
            text!(locale, composer.replying, name = message.username.as_str()),
            excerpt(message),
        ),
        Writing::Edit(message, _) => {
            (Icon::Pencil, text!(locale, composer.editing).to_owned(), excerpt(message))
        }
    };
    let bar = view! {
        <div class="writing-bar">
            {icon(glyph)}
            <b>{what}</b>
            <span dir="auto">{excerpt}</span>
            <button
                type="button"
                class="icon-button"
                aria-label=text!(locale, composer.cancel)
                title=text!(locale, composer.cancel)
                on:click=move |_| {
                    desk.writing.set(Writing::New);
                    desk.focus_field();
                }
            >
                {icon(Icon::Close)}
            </button>
        </div>
    };
    Some(bar.into_any())
}
