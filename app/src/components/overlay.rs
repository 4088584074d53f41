//! What lies over the page. Dialogs are the browser's own (`<dialog>`, modal): it keeps the focus inside, closes them on
//! Escape and gives the focus back. Drawers and menus are popovers, so that they open without JavaScript too.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{CssStyleDeclaration, Event, HtmlElement};

use super::{
    icon::{Icon, icon},
    piece::piece,
    when::when,
};

/// How far a dialog stays from the window's edge, in CSS pixels.
const MARGIN_PX: f64 = 8.0;
/// How much room there must be above a point, in CSS pixels, for a dialog to stand there.
const ABOVE_MIN_PX: f64 = 240.0;

/// A modal dialog that is there while `open`. With `at`, it is placed beside that point of the window (on a wide screen;
/// on a phone all dialogs lie at the bottom).
#[component]
pub(crate) fn Modal(
    /// Whether it is open.
    #[prop(into)]
    open: Signal<bool>,
    /// Called once it was closed by the reader.
    on_close: Callback<()>,
    /// What a screen reader calls it.
    #[prop(into)]
    label: Signal<String>,
    /// Its classes beside `modal`.
    class: &'static str,
    /// Where to place it.
    #[prop(into, optional)]
    at: Signal<Option<(f64, f64)>>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let pressed_outside = StoredValue::new(false);
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        if open.get() {
            if !dialog.open() {
                _ = dialog.show_modal();
            }
            place(&dialog, at.get_untracked());
        } else {
            dialog.close();
        }
        pressed_outside.set_value(false);
    });
    piece(move || {
        view! {
            <dialog
                node_ref=dialog
                class=format!("modal {class}")
                aria-label=label
                on:close=move |_| {
                    // It tells of it later: one that was closed for another dialog, or is open again, was not closed by its reader.
                    if open.get_untracked() && dialog.get_untracked().is_some_and(|dialog| !dialog.open()) {
                        on_close.run(());
                    }
                }
                on:pointerdown=move |event| pressed_outside.set_value(hits_backdrop(dialog, &event))
                on:click=move |event| {
                    // The click that ends the long press which opened the dialog began elsewhere.
                    if pressed_outside.get_value() && hits_backdrop(dialog, &event) {
                        on_close.run(());
                    }
                }
            >
                {when(move || open.get(), move || view! { <div class="modal-body">{children()}</div> }.into_any())}
            </dialog>
        }
        .into_any()
    })
}

/// Whether a dialog's backdrop was hit: the dialog itself is, only where nothing in it is.
fn hits_backdrop(dialog: NodeRef<html::Dialog>, event: &Event) -> bool {
    let hit = event.target();
    dialog.get_untracked().is_some_and(|dialog| hit.as_ref() == Some(dialog.as_ref()))
}

/// Places an element beside a point, inside the window. Sizes are set through the object model, which the page's strict
/// policy for styles allows.
fn place(element: &HtmlElement, at: Option<(f64, f64)>) {
    let style = element.style();
    let Some((x, y)) = at else {
        for property in ["left", "top", "max-height", "--floor"] {
            _ = style.remove_property(property);
        }
        _ = element.class_list().remove_1("placed");
        return;
    };
    _ = element.class_list().add_1("placed");
    let inner =
        |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0);
    let (width, height) = (inner(window().inner_width()), inner(window().inner_height()));
    // Above the point, where there is enough room: what was clicked stays in sight.
    let is_above = y >= ABOVE_MIN_PX;
    let room = if is_above { y } else { height };
    set_length(&style, "max-height", room - 2.0 * MARGIN_PX);
    // For a phone, where it is as wide as the screen.
    set_length(&style, "--floor", height - y);
    let size = element.get_bounding_client_rect();
    let left = between(x - size.width(), width - size.width() - MARGIN_PX);
    let top = if is_above { y - size.height() - MARGIN_PX } else { y + MARGIN_PX };
    let top = between(top, height - size.height() - MARGIN_PX);
    set_length(&style, "left", left);
    set_length(&style, "top", top);
}

/// A length of at most `max`, and above that at least [`MARGIN_PX`]. `clamp` would bring the words of a panic, with floating-point
/// numbers in them.
fn between(px: f64, max: f64) -> f64 {
    px.min(max).max(MARGIN_PX)
}

/// Sets a length in CSS pixels, to the nearest whole one: writing fractions takes code that every page would load.
fn set_length(style: &CssStyleDeclaration, property: &str, px: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "no window is that large")]
    let px = px.round() as i32;
    _ = style.set_property(property, &format!("{px}px"));
}

/// Whether the reader has a mouse or its like: then focusing a field opens no keyboard on the screen.
pub(crate) fn has_mouse() -> bool {
    matches_media("(hover: hover) and (pointer: fine)")
}

/// Whether one touches the screen and nothing else: what is typed comes from a keyboard on it, most likely.
pub(crate) fn is_touch() -> bool {
    matches_media("(hover: none) and (pointer: coarse)")
}

fn matches_media(query: &str) -> bool {
    window().match_media(query).is_ok_and(|query| query.is_some_and(|query| query.matches()))
}

/// Whether nothing on the page has the focus.
pub(crate) fn is_without_focus() -> bool {
    document().active_element().is_none_or(|element| element.tag_name() == "BODY")
}

/// Whether the focus is where one writes.
pub(crate) fn is_writing() -> bool {
    let focused = document().active_element();
    focused.is_some_and(|element| matches!(element.tag_name().as_str(), "TEXTAREA" | "INPUT"))
}

/// Whether a dialog, a drawer or a menu lies over the page.
pub(crate) fn is_covered() -> bool {
    let over = document().query_selector("dialog[open], :popover-open");
    over.is_ok_and(|over| over.is_some())
}

/// Keeps the focus out of the page below while a drawer lies over it; the drawer stays the landmark that it is. On a wide screen
/// drawers stand beside the page and never are open. Answers whether one is.
pub(crate) fn heed_drawers() -> bool {
    let is_open = find("nav:popover-open, aside:popover-open").is_some();
    if let Some(main) = find("main") {
        main.set_inert(is_open);
    }
    is_open
}

/// A drawer was opened or closed. Its opener gets back the focus, which is still in the drawer or nowhere: the browser does not give it
/// to what was inert a moment ago.
pub(crate) fn drawer_toggled(focus_in_it: &str, opener: &str) {
    if heed_drawers() || !(is_without_focus() || find(focus_in_it).is_some()) {
        return;
    }
    if let Some(opener) = find(opener) {
        _ = opener.focus();
    }
}

fn find(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok().flatten()?.dyn_into().ok()
}

/// The way out of a drawer, at its top.
pub(crate) fn drawer_closer(id: &'static str, label: &'static str) -> AnyView {
    view! {
        <button
            class="icon-button only-drawer"
            popovertarget=id
            popovertargetaction="hide"
            aria-label=label
        >
            {icon(Icon::Close)}
        </button>
    }
    .into_any()
}

/// Closes a popover by its id, if it is open.
pub(crate) fn hide_popover(id: &str) {
    let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    if let Some(element) = element
        && element.matches(":popover-open").unwrap_or(false)
    {
        _ = element.hide_popover();
    }
}
