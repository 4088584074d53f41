//! Picks an emoji, for the text or for a message: by sight, by name, or by the arrow keys.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    desk::{Dialog, Picking, use_desk},
    emoji::{FACES, FREQUENT, HANDS, Known, SIGNS, THINGS},
    overlay::Modal,
};
use crate::i18n::{Locale, language, text};

/// The picker's dialog.
#[component]
pub(crate) fn Picker() -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let picking = Memo::new(move |_| match &*desk.dialog.read() {
        Dialog::Emoji(picking, at) => Some((*picking, *at)),
        _ => None,
    });
    view! {
        <Modal
            open=Signal::derive(move || picking.read().is_some())
            at=Signal::derive(move || picking.get().and_then(|(_, at)| at))
            on_close=Callback::new(move |()| desk.close())
            label=text!(locale, emoji.title).to_owned()
            class="picker"
        >
            {move || picking.get().map(|(picking, _)| view! { <Choice picking /> })}
        </Modal>
    }
}

fn name(locale: Locale, known: Known) -> &'static str {
    match locale {
        Locale::en => known.english,
        Locale::zh_CN => known.chinese,
    }
}

#[component]
fn Choice(picking: Picking) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let wanted = RwSignal::new(String::new());
    let grid = NodeRef::<html::Div>::new();
    let choose = move |known: Known| {
        let Ok(emoji) = known.glyph.parse() else { return };
        desk.close();
        match picking {
            Picking::Insert => desk.inserted.set(Some(emoji)),
            Picking::React(seq) => desk.state.react(seq, emoji, true),
        }
    };
    let groups = [
        (text!(locale, emoji.frequent), FREQUENT),
        (text!(locale, emoji.faces), FACES),
        (text!(locale, emoji.hands), HANDS),
        (text!(locale, emoji.things), THINGS),
        (text!(locale, emoji.signs), SIGNS),
    ];
    let found = move || {
        let wanted = wanted.read().trim().to_lowercase();
        let fits = |known: &Known| known.english.contains(&wanted) || known.chinese.contains(&wanted);
        let groups: Vec<_> = groups
            .iter()
            .map(|&(title, all)| (title, all.iter().copied().filter(fits).collect::<Vec<_>>()))
            .filter(|(_, found)| !found.is_empty())
            .collect();
        if groups.is_empty() {
            return view! { <p class="soft">{text!(locale, emoji.none)}</p> }.into_any();
        }
        groups
            .into_iter()
            .map(|(title, found)| {
                let buttons = found
                    .into_iter()
                    .map(|known| {
                        view! {
                            <button
                                aria-label=format!("{} {}", known.glyph, name(locale, known))
                                title=name(locale, known)
                                on:click=move |_| choose(known)
                            >
                                {known.glyph}
                            </button>
                        }
                    })
                    .collect_view();
                view! {
                    <h3>{title}</h3>
                    <div class="emoji-grid">{buttons}</div>
                }
            })
            .collect_view()
            .into_any()
    };
    view! {
        <input
            type="search"
            class="emoji-search"
            placeholder=text!(locale, emoji.search)
            aria-label=text!(locale, emoji.search)
            autofocus
            on:input=move |event| wanted.set(event_target_value(&event))
            on:keydown=move |event| {
                if event.key() == "ArrowDown" {
                    event.prevent_default();
                    focus_button(grid, |_, _| 0);
                }
            }
        />
        <div class="emoji-groups" node_ref=grid on:keydown=move |event| walk(grid, &event)>
            {found}
        </div>
    }
}

/// The arrow keys walk over the grid as the eye does.
fn walk(grid: NodeRef<html::Div>, event: &leptos::ev::KeyboardEvent) {
    /// Emoji in a row of the grid, as `style/_dialogs.scss` lays it out.
    const COLUMNS: i64 = 8;
    let step = match event.key().as_str() {
        "ArrowLeft" => -1,
        "ArrowRight" => 1,
        "ArrowUp" => -COLUMNS,
        "ArrowDown" => COLUMNS,
        _ => return,
    };
    event.prevent_default();
    focus_button(grid, |current, count| (current + step).clamp(0, count - 1));
}

fn focus_button(grid: NodeRef<html::Div>, next: impl Fn(i64, i64) -> i64) {
    let Some(buttons) = grid.get_untracked().and_then(|grid| grid.query_selector_all("button").ok()) else {
        return;
    };
    let focused = document().active_element();
    let count = i64::from(buttons.length());
    let current = (0..buttons.length())
        .find(|&index| buttons.item(index).as_ref() == focused.as_ref().map(AsRef::as_ref))
        .map_or(0, i64::from);
    let button = u32::try_from(next(current, count)).ok().and_then(|index| buttons.item(index));
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        _ = button.focus();
    }
}
