//! The log's scroll position, which is sacred: nothing that arrives, leaves or grows moves what somebody reads.
//!
//! The log is a reversed column, so a browser without JavaScript shows its end, and its positions count from the end:
//! what comes in above moves nothing. What comes in below, or leaves there, is made up for here, by the row at the top of
//! the view: wherever it stood before a change, there it stands after it. Changes are seen by observers, which speak
//! before the browser paints. The browser tells of a reader's own scroll later than that, so what was scrolled since it
//! last told is read from the position itself, and never undone.

use leptos::{html, prelude::*};
use protocol::Seq;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    Element, MutationObserver, MutationObserverInit, ResizeObserver, ScrollIntoViewOptions,
    ScrollLogicalPosition,
};

use super::overlay::{is_without_focus, is_writing};
use crate::state::ChatState;

/// How far from its end, in CSS pixels, the log still counts as being at its end.
const END_PX: f64 = 40.0;
/// How far from an edge, in CSS pixels, the next page is fetched.
const AHEAD_PX: f64 = 1_200.0;

/// Where the log stands.
#[derive(Clone, Copy)]
pub(crate) struct Scroll {
    state: ChatState,
    scroller: NodeRef<html::Div>,
    list: NodeRef<html::Div>,
    place: StoredValue<Place>,
    away: RwSignal<bool>,
}

/// What is in view.
struct Place {
    /// Whether the newest messages are; then it stays so.
    at_end: bool,
    /// The scroller's position, in CSS pixels: 0 at the end, less above it.
    position: f64,
    /// The message at the top of the view, and how far below the view's edge it stands. Wrapped, for the server makes
    /// this state too, though never this part of it, and drops it on another thread.
    row: Option<(SendWrapper<Element>, f64)>,
}

impl Place {
    /// How far below where it is to stand the row does stand, with the log scrolled to `position`.
    fn rest(&self, scroller: &Element, position: f64) -> Option<f64> {
        let (row, top) = self.row.as_ref().filter(|(row, _)| row.is_connected())?;
        Some(top_within(row, scroller) - (top - (position - self.position)))
    }
}

impl Scroll {
    pub(crate) fn new(state: &ChatState) -> Self {
        Self {
            state: *state,
            scroller: NodeRef::new(),
            list: NodeRef::new(),
            place: StoredValue::new(Place { at_end: true, position: 0.0, row: None }),
            away: RwSignal::new(false),
        }
    }

    /// The element that scrolls.
    pub(crate) fn scroller(&self) -> NodeRef<html::Div> {
        self.scroller
    }

    /// The element that holds the rows.
    pub(crate) fn list(&self) -> NodeRef<html::Div> {
        self.list
    }

    /// Watches the log from when it is in the page until its owner is cleaned up.
    pub(crate) fn watch(self) {
        Effect::new(move |_| {
            let (Some(scroller), Some(list)) = (self.scroller.get(), self.list.get()) else { return };
            let keep = Closure::<dyn FnMut(JsValue)>::new(move |_| self.keep());
            let callback = keep.as_ref().unchecked_ref();
            let (Ok(changes), Ok(sizes)) = (MutationObserver::new(callback), ResizeObserver::new(callback))
            else {
                return;
            };
            // Rows that come and go. What changes inside a row either changes the size of the list or moves nothing; the
            // buttons that appear under the pointer must not count, for they do so before the scroll that brings them.
            let rows = MutationObserverInit::new();
            rows.set_child_list(true);
            _ = changes.observe_with_options(&list, &rows);
            sizes.observe(&list);
            sizes.observe(&scroller);
            let watching = StoredValue::new_local((keep, changes.clone(), sizes.clone()));
            on_cleanup(move || {
                watching.with_value(|(_, changes, sizes)| {
                    changes.disconnect();
                    sizes.disconnect();
                });
            });
            self.scrolled();
        });
    }

    /// Whether the newest messages are out of view. Reactive.
    pub(crate) fn is_away(&self) -> bool {
        self.away.get()
    }

    /// The reader has scrolled: this is where they are now.
    pub(crate) fn scrolled(&self) {
        let (Some(scroller), Some(mut place)) = (self.scroller.get_untracked(), self.look()) else { return };
        // What is less than a pixel is not made up for, and it must not add up: it is still to be made up for.
        let rest = self.place.with_value(|known| known.rest(&scroller, place.position));
        if let (Some(rest), Some((_, top))) = (rest.filter(|rest| rest.abs() < 1.0), &mut place.row) {
            *top -= rest;
        }
        self.set_place(place);
        self.fetch_ahead();
    }

    /// Goes to the newest of the messages that are there.
    pub(crate) fn show_end(&self) {
        if let Some(scroller) = self.scroller.get_untracked() {
            scroller.set_scroll_top(0);
            self.scrolled();
        }
    }

    /// Whether the end is where the view was from the beginning: neither a reader nor the browser has moved it.
    pub(crate) fn is_untouched(&self) -> bool {
        self.scroller.get_untracked().is_some_and(|scroller| position(&scroller).abs() < 1.0)
    }

    /// Shows a message in the middle of the view, if it is there.
    pub(crate) fn show_message(&self, seq: Seq) -> bool {
        let shown = show(seq).is_some();
        if shown {
            self.scrolled();
        }
        shown
    }

    /// Something in the log has changed: puts the view back to where the reader was.
    fn keep(&self) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let (moved, row) = self.place.with_value(|place| {
            // Where the log has grown shorter the old position may be none any more; positions are rounded.
            let beginning = f64::from(scroller.client_height() - scroller.scroll_height());
            let by_reader = position(&scroller) - place.position.max(beginning);
            let by_reader = if by_reader.abs() > 1.0 { by_reader } else { 0.0 };
            // At the end one stays until one scrolls away oneself.
            if place.at_end && by_reader >= 0.0 && !self.more_below() {
                return (-position(&scroller), None);
            }
            match &place.row {
                Some((row, top)) if row.is_connected() => {
                    let top = top - by_reader;
                    (top_within(row, &scroller) - top, Some((row.clone(), top)))
                }
                _ => (0.0, None),
            }
        });
        if moved.abs() >= 1.0 {
            scroller.scroll_by_with_x_and_y(0.0, moved);
        }
        let now = position(&scroller);
        self.place.update_value(|place| *place = Place { position: now, row, ..*place });
        self.scrolled();
    }

    fn set_place(&self, place: Place) {
        let away = !place.at_end;
        if self.away.get_untracked() != away {
            self.away.set(away);
        }
        self.state.at_bottom(!away);
        self.place.set_value(place);
    }

    fn more_below(&self) -> bool {
        untrack(|| self.state.has_newer())
    }

    /// What is in view now.
    fn look(&self) -> Option<Place> {
        let scroller = self.scroller.get_untracked()?;
        let rows = self.list.get_untracked()?.children();
        // Rows stand one below the other, so the first in view is found by halving.
        let (mut low, mut high) = (0, rows.length());
        while low < high {
            let middle = u32::midpoint(low, high);
            let row = rows.item(middle)?;
            if top_within(&row, &scroller) + row.get_bounding_client_rect().height() <= 0.0 {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        // A message, for the edge and the dividers move when messages come in above them.
        let row = (low..rows.length()).filter_map(|n| rows.item(n)).find(|row| row.tag_name() == "ARTICLE");
        let row = row.map(|row| {
            let top = top_within(&row, &scroller);
            (SendWrapper::new(row), top)
        });
        let position = position(&scroller);
        Some(Place { at_end: -position < END_PX && !self.more_below(), position, row })
    }

    /// Fetches the next page before its reader gets there.
    fn fetch_ahead(&self) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        // While rows are still to come, the log is shorter than it will be.
        if self.state.is_behind() {
            return;
        }
        let below = -position(&scroller);
        let above = f64::from(scroller.scroll_height()) - f64::from(scroller.client_height()) - below;
        if above < AHEAD_PX && untrack(|| self.state.has_older() && !self.state.has_failed_older()) {
            self.state.load_older();
        }
        if below < AHEAD_PX && self.more_below() && !untrack(|| self.state.has_failed_newer()) {
            self.state.load_newer();
        }
    }
}

fn position(scroller: &Element) -> f64 {
    f64::from(scroller.scroll_top())
}

fn top_within(row: &Element, scroller: &Element) -> f64 {
    row.get_bounding_client_rect().top() - scroller.get_bounding_client_rect().top()
}

/// Shows a message in the middle of the view and points at it for a moment. The focus goes along, where there is any to go, and who
/// writes goes on writing.
pub(crate) fn show(seq: Seq) -> Option<()> {
    let row = document().get_element_by_id(&format!("m{seq}"))?.dyn_into::<web_sys::HtmlElement>().ok()?;
    let centre = ScrollIntoViewOptions::new();
    centre.set_block(ScrollLogicalPosition::Center);
    row.scroll_into_view_with_scroll_into_view_options(&centre);
    // Taking the mark off and reading a size starts its animation anew.
    _ = row.remove_attribute("data-shown");
    _ = row.offset_width();
    _ = row.set_attribute("data-shown", "");
    if !is_without_focus() && !is_writing() {
        _ = row.focus();
    }
    Some(())
}
