//! Picks an emoji, for the text or for a message: by sight, by name, or by the arrow keys.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    desk::{Dialog, Picking, use_desk},
    emoji::{FACES, FREQUENT, HANDS, Known, SIGNS, THINGS},
    overlay::{Modal, has_mouse},
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
    let field = NodeRef::<html::Input>::new();
    let is_searching = move || !wanted.read().trim().is_empty();
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
                        .into_any()
                    })
                    .collect_view();
                view! {
                    <h3>{title}</h3>
                    <div class="emoji-grid">{buttons}</div>
                }
                .into_any()
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
            autofocus=has_mouse()
            node_ref=field
            on:input=move |event| wanted.set(event_target_value(&event))
            on:keydown=move |event| {
                if event.is_composing() {
                    return;
                }
                match event.key().as_str() {
                    // The first, which is marked while one searches.
                    "Enter" if untrack(is_searching) => {
                        emoji_of(grid).first().into_iter().for_each(HtmlElement::click);
                    }
                    "ArrowDown" => focus(emoji_of(grid).first()),
                    // The browser would only empty the field.
                    "Escape" => desk.close(),
                    _ => return,
                }
                event.prevent_default();
            }
        />
        <div
            class="emoji-groups"
            class:searching=is_searching
            node_ref=grid
            tabindex="-1"
            autofocus=!has_mouse()
            on:keydown=move |event| walk(grid, field, &event)
        >
            {found}
        </div>
    }
}

/// The emoji that are shown.
fn emoji_of(grid: NodeRef<html::Div>) -> Vec<HtmlElement> {
    let all = grid.get_untracked().and_then(|grid| grid.query_selector_all("button").ok());
    let nodes = all.into_iter().flat_map(|all| (0..all.length()).filter_map(move |index| all.item(index)));
    nodes.filter_map(|node| node.dyn_into().ok()).collect()
}

fn focus(element: Option<&HtmlElement>) {
    if let Some(element) = element {
        _ = element.focus();
    }
}

/// The arrow keys walk over the emoji as the eye does; from the top row one comes back to the search.
fn walk(grid: NodeRef<html::Div>, field: NodeRef<html::Input>, event: &leptos::ev::KeyboardEvent) {
    let key = event.key();
    if !key.starts_with("Arrow") {
        return;
    }
    event.prevent_default();
    let emoji = emoji_of(grid);
    let focused = document().active_element();
    let Some(from) = emoji.iter().position(|emoji| Some(emoji.as_ref()) == focused.as_ref()) else {
        return focus(emoji.first());
    };
    let spot = |emoji: &HtmlElement| (emoji.offset_left(), emoji.offset_top());
    let spots: Vec<_> = emoji.iter().map(spot).collect();
    match beside(&spots, from, &key) {
        Some(next) => focus(emoji.get(next)),
        None if key == "ArrowUp" => focus(field.get_untracked().as_deref()),
        None => {}
    }
}

/// Which of `spots`, from left and from above, an arrow key leads to; `None` where it leads out. Up and down lead to the
/// nearest in the next row, whether that is full and whatever stands between the rows.
fn beside(spots: &[(i32, i32)], from: usize, key: &str) -> Option<usize> {
    let (x, y) = spots[from];
    let rows = spots.iter().map(|&(_, row)| row);
    let row = match key {
        "ArrowLeft" => return from.checked_sub(1),
        "ArrowRight" => return Some(from + 1).filter(|&next| next < spots.len()),
        "ArrowUp" => rows.filter(|&row| row < y).max()?,
        _ => rows.filter(|&row| row > y).min()?,
    };
    (0..spots.len()).filter(|&index| spots[index].1 == row).min_by_key(|&index| (spots[index].0 - x).abs())
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn the_arrow_keys_walk_as_the_eye_does() {
        // Two rows of three and two, a title, a row of three.
        let spots = [(0, 0), (40, 0), (80, 0), (0, 40), (40, 40), (0, 110), (40, 110), (80, 110)];
        for (from, key, expected) in [
            (0, "ArrowRight", Some(1)),
            (2, "ArrowRight", Some(3)),
            (3, "ArrowLeft", Some(2)),
            (1, "ArrowDown", Some(4)),
            (2, "ArrowDown", Some(4)),
            (4, "ArrowDown", Some(6)),
            (7, "ArrowUp", Some(4)),
            (3, "ArrowUp", Some(0)),
            (1, "ArrowUp", None),
            (6, "ArrowDown", None),
            (0, "ArrowLeft", None),
            (7, "ArrowRight", None),
        ] {
            assert_eq!(beside(&spots, from, key), expected, "{key} from {from}");
        }
    }
}
