//! Who one is, with the choices that are one's own: a menu at the foot of the sidebar. Its last is to sign out, which asks
//! first where something would be lost.

use leptos::{prelude::*, task::spawn_local};

use super::{
    avatar::avatar,
    desk::{Desk, Dialog, use_desk},
    icon::{Icon, icon},
    overlay::hide_popover,
    preferences::PreferenceForms,
};
use crate::{
    i18n::{Locale, language, refusal, text},
    state::{Staying, Unsent},
};

const MENU_ID: &str = "account";

/// The reader's name, and the menu that it opens.
#[component]
pub(crate) fn Account() -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let me = desk.state.me();
    let name = me.username.to_string();
    let label = text!(locale, account.menu, name = &name);
    let picture = avatar(me.id, &name, "av s");
    let (open, target) = (desk.state.open_room(), desk.state.target());
    let next = Signal::derive(move || {
        let room = open.with(|open| format!("/rooms/{}", open.room.slug));
        target.get().map_or_else(|| room.clone(), |seq| format!("{room}/{seq}"))
    });
    let leave = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        hide_popover(MENU_ID);
        sign_out(&desk, Unsent::default());
    };
    view! {
        <div class="account">
            <button class="me" popovertarget=MENU_ID title=label>
                {picture}
                <span class="name">{name}</span>
                {icon(Icon::Settings)}
            </button>
            <div class="menu" id=MENU_ID popover="auto">
                <PreferenceForms next />
                <button
                    class="menu-item needs-js needs-keyboard"
                    on:click=move |_| {
                        hide_popover(MENU_ID);
                        desk.dialog.set(Dialog::Help);
                    }
                >
                    {icon(Icon::Keyboard)}
                    {text!(locale, account.shortcuts)}
                </button>
                <form method="post" action="/sign-out" on:submit=leave>
                    <button class="menu-item">{icon(Icon::LogOut)} {text!(locale, account.sign_out)}</button>
                </form>
                <p class="menu-note">{text!(locale, account.guest_note)}</p>
            </div>
        </div>
    }
}

/// Signs out. Where more than `agreed` would be lost, a dialog asks; where it cannot be done, that says why.
fn sign_out(desk: &Desk, agreed: Unsent) {
    let (state, dialog, leaving) = (desk.state, desk.dialog, desk.leaving);
    leaving.set(true);
    spawn_local(async move {
        if let Err(staying) = state.sign_out(agreed).await {
            leaving.set(false);
            dialog.set(Dialog::SignOut(staying));
        }
    });
}

/// What the dialog asks.
pub(crate) fn sign_out_title(locale: Locale, unsent: Unsent) -> &'static str {
    if unsent == Unsent::default() {
        text!(locale, account.sign_out)
    } else {
        text!(locale, account.sign_out_title)
    }
}

/// What would be lost, and whether to sign out all the same.
#[component]
pub(crate) fn SignOut(staying: Staying) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let Staying { unsent, refused } = staying;
    let Unsent { messages, drafts } = unsent;
    let messages = (messages > 0).then(|| text!(locale, account.unsent_messages, count = messages));
    let drafts = (drafts > 0).then(|| text!(locale, account.unsent_drafts, count = drafts));
    let what = messages.into_iter().chain(drafts).collect::<Vec<_>>().join(" · ");
    let lost = (unsent != Unsent::default()).then(|| {
        view! {
            <p class="excerpt">{what}</p>
            <p>{text!(locale, account.unsent_note)}</p>
        }
        .into_any()
    });
    view! {
        <h2>{sign_out_title(locale, unsent)}</h2>
        {lost}
        <p class="help bad" role="alert">
            {refused.map(|code| refusal(locale, code))}
        </p>
        <div class="modal-foot">
            <button class="button quiet" autofocus on:click=move |_| desk.close()>
                {text!(locale, account.stay)}
            </button>
            <button class="button danger" on:click=move |_| sign_out(&desk, unsent)>
                {text!(locale, account.sign_out)}
            </button>
        </div>
    }
}
