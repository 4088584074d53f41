//! What a pointer, a finger and the focus do to a row. Only in the browser: the server has nobody to listen to, and would make
//! seven listeners for every row.

#[cfg(not(feature = "hydrate"))]
pub(crate) use deaf::Touch;
#[cfg(feature = "hydrate")]
pub(crate) use listening::Touch;

#[cfg(not(feature = "hydrate"))]
mod deaf {
    use leptos::prelude::*;

    use super::super::desk::Desk;
    use crate::state::RowKey;

    /// A finger that touches nothing.
    #[derive(Clone, Copy)]
    pub(crate) struct Touch;

    impl Touch {
        pub(crate) const fn new(_: Desk) -> Self {
            Self
        }

        /// Nothing is missed here.
        pub(crate) const fn catch_up() {}

        /// The row as it is.
        #[expect(clippy::unused_self, reason = "in the browser it is used")]
        pub(crate) fn listen(self, row: impl IntoAny, _: RowKey, _: RwSignal<bool>) -> AnyView {
            row.into_any()
        }
    }
}

#[cfg(feature = "hydrate")]
mod listening {
    use std::time::Duration;

    use leptos::{
        attr::any_attribute::IntoAnyAttribute as _, ev, prelude::*, tachys::html::event::on,
        tachys::view::add_attr::AddAnyAttr,
    };
    use web_sys::{PointerEvent, PointerEventInit, TouchEvent};

    use super::super::{
        desk::{Desk, Dialog},
        overlay::has_mouse,
    };
    use crate::{hydration, state::RowKey};

    /// How long a finger stays on a message to open its actions.
    const LONG_PRESS: Duration = Duration::from_millis(450);
    /// How far it may slip, in CSS pixels.
    const SLIP_MAX_PX: i32 = 10;

    /// A finger on the rows: one for all of them.
    #[derive(Clone, Copy)]
    pub(crate) struct Touch {
        desk: Desk,
        timer: StoredValue<Option<TimeoutHandle>>,
        from: StoredValue<(i32, i32)>,
        acted: StoredValue<bool>,
    }

    impl Touch {
        pub(crate) fn new(desk: Desk) -> Self {
            Self {
                desk,
                timer: StoredValue::new(None),
                from: StoredValue::new((0, 0)),
                acted: StoredValue::new(false),
            }
        }

        /// Tells the rows, once all are live, what they could not hear before: one may have the focus, and one lie under the mouse.
        pub(crate) fn catch_up() {
            hydration::afterwards(|| {
                // As the mouse: a row asks no event of the focus for more.
                let init = PointerEventInit::new();
                init.set_bubbles(true);
                init.set_pointer_type("mouse");
                let tell = |rows: &str, event: &str| {
                    let row = document().query_selector(rows).ok().flatten();
                    let event = PointerEvent::new_with_event_init_dict(event, &init).ok();
                    if let (Some(row), Some(event)) = (row, event) {
                        _ = row.dispatch_event(&event);
                    }
                };
                tell(".message:focus-within", "focusin");
                if has_mouse() {
                    tell(".message:hover", "pointerover");
                }
            });
        }

        /// The row, which listens: it becomes active under the mouse and the focus, and a finger that stays opens its
        /// message's actions.
        pub(crate) fn listen(self, row: impl AddAnyAttr, key: RowKey, is_active: RwSignal<bool>) -> AnyView {
            let desk = self.desk;
            row.add_any_attr(vec![
                on(ev::focusin, move |_| {
                    desk.focused.set(Some(key));
                    desk.point_at(key, is_active);
                })
                .into_any_attr(),
                on(ev::pointerover, move |event: PointerEvent| {
                    if event.pointer_type() == "mouse" {
                        desk.point_at(key, is_active);
                    }
                })
                .into_any_attr(),
                on(ev::pointerdown, move |event| self.down(&event, key)).into_any_attr(),
                on(ev::pointermove, move |event| self.moved(&event)).into_any_attr(),
                on(ev::pointerup, move |_| self.up()).into_any_attr(),
                on(ev::pointercancel, move |_| self.up()).into_any_attr(),
                on(ev::touchend, move |event| self.end(&event)).into_any_attr(),
            ])
            .into_any()
        }

        fn down(self, event: &PointerEvent, key: RowKey) {
            self.up();
            self.acted.set_value(false);
            if event.pointer_type() == "mouse" {
                return;
            }
            self.from.set_value((event.client_x(), event.client_y()));
            let act = move || {
                self.acted.set_value(true);
                if let Some(message) = self.desk.actionable(key) {
                    self.desk.dialog.set(Dialog::Actions(message));
                }
            };
            self.timer.set_value(set_timeout_with_handle(act, LONG_PRESS).ok());
        }

        /// The finger that has opened the actions must not press the one that came to lie under it.
        fn end(self, event: &TouchEvent) {
            if self.acted.get_value() {
                event.prevent_default();
            }
        }

        fn moved(self, event: &PointerEvent) {
            let (x, y) = self.from.get_value();
            if (event.client_x() - x).abs().max((event.client_y() - y).abs()) > SLIP_MAX_PX {
                self.up();
            }
        }

        fn up(self) {
            if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
                timer.clear();
            }
        }
    }
}
