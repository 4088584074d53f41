//! Making a room: a form in a dialog. The form works without JavaScript; with it, a refusal is told in place.

use leptos::{html, prelude::*, task::spawn_local};
use protocol::{
    ErrorCode, RoomName, RoomSlug,
    api::Visibility,
    limits::{ROOM_NAME_MAX_CHARS, TOPIC_MAX_CHARS},
};

use web_sys::HtmlDialogElement;

use super::{desk::use_desk, overlay::hide_popover, sidebar::SIDEBAR_ID};
use crate::{
    i18n::{Locale, language, refusal, text},
    source::{Form, RefusedForm},
    state::{ChatState, RoomEntry},
    visitor::Visitor,
};

/// The dialog's `id`.
pub(crate) const NEW_ROOM_ID: &str = "new-room";

/// Opens the dialog as a modal one, which only a program can.
pub(crate) fn open_new_room(dialog: NodeRef<html::Dialog>) {
    hide_popover(SIDEBAR_ID);
    if let Some(dialog) = dialog.get_untracked()
        && !dialog.open()
    {
        _ = dialog.show_modal();
    }
}

/// What is wrong with a new room, in words. A bad name has several codes on its way here.
fn problem(locale: Locale, code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadField | ErrorCode::BadName | ErrorCode::ContentEmpty => text!(locale, errors.room_name),
        other => refusal(locale, other),
    }
}

/// The dialog and what is typed in it.
#[derive(Clone, Copy)]
struct Fields {
    dialog: NodeRef<html::Dialog>,
    name: NodeRef<html::Input>,
    topic: NodeRef<html::Input>,
    public: NodeRef<html::Input>,
    private: NodeRef<html::Input>,
    /// Why there is no such room.
    error: RwSignal<Option<&'static str>>,
    busy: RwSignal<bool>,
    /// Whether whoever asked for the room waits for it.
    awaited: RwSignal<bool>,
}

impl Fields {
    /// Name, topic and who may find the room, as typed.
    fn read(self) -> (String, String, Visibility) {
        let value = |field: NodeRef<html::Input>| {
            field.get_untracked().map(|field| field.value()).unwrap_or_default()
        };
        let is_private = self.private.get_untracked().is_some_and(|private| private.checked());
        let visibility = if is_private { Visibility::Private } else { Visibility::Public };
        (value(self.name), value(self.topic), visibility)
    }

    /// Makes the room, and goes there.
    fn submit(self, locale: Locale, state: ChatState) {
        if self.busy.get_untracked() {
            return;
        }
        let (wished, topic, visibility) = self.read();
        if wished.parse::<RoomName>().is_err() || RoomSlug::from_name(&wished).is_err() {
            self.error.set(Some(text!(locale, errors.room_name)));
            return;
        }
        let made = state.create_room(wished, topic, visibility);
        self.busy.set(true);
        self.awaited.set(true);
        spawn_local(async move {
            let answer = made.await;
            self.busy.set(false);
            // Who has closed the dialog is at something else, if only at another room to make.
            if !self.awaited.get_untracked() {
                return;
            }
            match answer {
                Ok(slug) => {
                    self.close();
                    self.clear();
                    state.go_to(slug);
                }
                Err(refusal) => {
                    self.error.set(Some(problem(locale, refusal.code)));
                    if let Some(name) = self.name.get_untracked() {
                        _ = name.focus();
                    }
                }
            }
        });
    }

    fn clear(self) {
        for field in [self.name, self.topic] {
            if let Some(field) = field.get_untracked() {
                field.set_value("");
            }
        }
        if let Some(public) = self.public.get_untracked() {
            public.set_checked(true);
        }
    }

    /// It is closed, unless it was only to become a modal one.
    fn closed(self) {
        if !self.dialog.get_untracked().is_some_and(|dialog| dialog.open()) {
            self.error.set(None);
            self.awaited.set(false);
        }
    }

    fn close(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            dialog.close();
        }
        hide_popover(NEW_ROOM_ID);
    }
}

/// The dialog.
#[component]
pub(crate) fn NewRoomDialog(dialog: NodeRef<html::Dialog>) -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    // A form that was refused comes back open, with all that was typed.
    let refused = use_context::<Visitor>().and_then(|visitor| visitor.refused);
    let (code, typed, typed_topic, visibility) = match refused {
        Some(RefusedForm { form: Form::NewRoom { topic, visibility }, code, typed }) => {
            (Some(code), typed, topic, visibility)
        }
        _ => (None, String::new(), String::new(), Visibility::Public),
    };
    let error = RwSignal::new(code.map(|code| problem(locale, code)));
    let is_refused = code.is_some();
    let busy = RwSignal::new(false);
    let name = NodeRef::<html::Input>::new();
    let topic = NodeRef::<html::Input>::new();
    let public = NodeRef::<html::Input>::new();
    let private = NodeRef::<html::Input>::new();

    if is_refused {
        Effect::new(move |_| {
            if let Some(dialog) = dialog.get().filter(HtmlDialogElement::open) {
                dialog.close();
                _ = dialog.show_modal();
            }
        });
    }
    let awaited = RwSignal::new(false);
    let fields = Fields { dialog, name, topic, public, private, error, busy, awaited };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        fields.submit(locale, state);
    };

    view! {
        <dialog
            node_ref=dialog
            id=NEW_ROOM_ID
            popover="auto"
            class="modal form"
            open=is_refused
            on:close=move |_| fields.closed()
            aria-labelledby="new-room-title"
        >
            <form class="modal-body stack" method="post" action="/rooms" on:submit=submit>
                <h2 id="new-room-title">{text!(locale, new_room.title)}</h2>
                <label class="field">
                    <span>{text!(locale, new_room.name)}</span>
                    <input
                        node_ref=name
                        name="name"
                        value=typed
                        required
                        autofocus
                        autocomplete="off"
                        maxlength=ROOM_NAME_MAX_CHARS.to_string()
                        aria-describedby="new-room-error"
                        aria-invalid=move || error.read().is_some().then_some("true")
                        on:input=move |_| error.set(None)
                    />
                </label>
                <p id="new-room-error" class="help bad" role="alert">
                    {move || error.get()}
                </p>
                <label class="field">
                    <span>{text!(locale, new_room.topic)}</span>
                    <input
                        node_ref=topic
                        name="topic"
                        value=typed_topic
                        autocomplete="off"
                        maxlength=TOPIC_MAX_CHARS.to_string()
                    />
                </label>
                {visibility_choice(locale, fields, visibility)}
                <div class="modal-foot">
                    {cancel(locale, fields, is_refused.then(|| state.open_room()))}
                    <button type="submit" class="button primary" aria-disabled=move || busy.get().to_string()>
                        {text!(locale, new_room.create)}
                    </button>
                </div>
            </form>
        </dialog>
    }
}

/// The way out. Without JavaScript, where the form came `back`, that is the page without it.
fn cancel(locale: Locale, fields: Fields, back: Option<ReadSignal<RoomEntry>>) -> AnyView {
    let words = text!(locale, new_room.cancel);
    let close = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        fields.close();
    };
    let Some(room) = back else {
        return view! {
            <button
                type="button"
                class="button quiet"
                popovertarget=NEW_ROOM_ID
                popovertargetaction="hide"
                on:click=close
            >
                {words}
            </button>
        }
        .into_any();
    };
    let href = move || room.with(|open| format!("/rooms/{}", open.room.slug));
    view! {
        <a class="button quiet" href=href on:click=close>
            {words}
        </a>
    }
    .into_any()
}

/// Who may find the room.
fn visibility_choice(locale: Locale, fields: Fields, chosen: Visibility) -> AnyView {
    let is_private = chosen == Visibility::Private;
    view! {
        <fieldset>
            <legend>{text!(locale, new_room.visibility)}</legend>
            <label class="option">
                <input node_ref=fields.public type="radio" name="visibility" value="public" checked=!is_private />
                <span>
                    {text!(locale, new_room.public)} <small>{text!(locale, new_room.public_hint)}</small>
                </span>
            </label>
            <label class="option">
                <input node_ref=fields.private type="radio" name="visibility" value="private" checked=is_private />
                <span>
                    {text!(locale, new_room.private)} <small>{text!(locale, new_room.private_hint)}</small>
                </span>
            </label>
        </fieldset>
    }
    .into_any()
}
