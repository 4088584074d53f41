//! Who one is, with the choices that are one's own: a menu at the foot of the sidebar.

use leptos::prelude::*;

use super::{
    avatar::avatar,
    desk::{Dialog, use_desk},
    icon::{Icon, icon},
    overlay::hide_popover,
    preferences::PreferenceForms,
};
use crate::i18n::{language, text};

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
                <form method="post" action="/sign-out">
                    <button class="menu-item">{icon(Icon::LogOut)} {text!(locale, account.sign_out)}</button>
                </form>
                <p class="menu-note">{text!(locale, account.guest_note)}</p>
            </div>
        </div>
    }
}
