//! Pieces of the page, each made by itself, or taken over from the server by itself.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
pub(crate) use late::Piece;

/// A piece of the page, which is one element.
#[cfg(feature = "hydrate")]
pub(crate) fn piece(view: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    Piece::new(Owner::current().unwrap_or_default(), view).into_any()
}

/// The same, drawn with the page around it.
#[cfg(not(feature = "hydrate"))]
pub(crate) fn piece(view: impl FnOnce() -> AnyView) -> AnyView {
    view()
}

#[cfg(feature = "hydrate")]
mod late {
    use std::{
        cell::{RefCell, RefMut},
        rc::Rc,
    };

    use leptos::{
        prelude::*,
        tachys::{
            html::attribute::{Attribute, any_attribute::AnyAttribute},
            hydration::Cursor,
            reactive_graph::{OwnedView, OwnedViewState},
            renderer::{
                CastFrom as _,
                types::{Element, Node},
            },
            view::{Mountable, Position, PositionState, add_attr::AddAnyAttr, any_view::AnyViewState},
        },
    };

    use crate::hydration;

    /// One element. Where the server has drawn it, it becomes live in a task of its own ([`hydration`]).
    pub(crate) struct Piece {
        owner: Owner,
        view: Box<dyn FnOnce() -> AnyView + Send>,
    }

    /// A piece in the document. Whoever is to take it over looks for it here, and finds nothing where it is gone.
    pub(crate) struct PieceState(Rc<RefCell<Held>>);

    enum Held {
        /// As the server has drawn it, with what makes it live.
        Drawn(Element, Piece),
        Live(OwnedViewState<AnyViewState>),
        /// Becoming live.
        Between,
    }

    impl Piece {
        /// What `view` makes, under `owner`.
        pub(crate) fn new(owner: Owner, view: impl FnOnce() -> AnyView + Send + 'static) -> Self {
            Self { owner, view: Box::new(view) }
        }

        fn make(self) -> OwnedView<AnyView> {
            let view = self.owner.with(self.view);
            OwnedView::new_with_owner(view, self.owner)
        }

        fn take_over(self, cursor: &Cursor) -> Held {
            Held::Live(self.make().hydrate::<true>(cursor, &PositionState::new(Position::Current)))
        }
    }

    impl PieceState {
        fn new(held: Held) -> Self {
            Self(Rc::new(RefCell::new(held)))
        }

        /// The piece, which is live from now on.
        fn live(&self) -> Option<RefMut<'_, OwnedViewState<AnyViewState>>> {
            go_live(&self.0);
            RefMut::filter_map(self.0.borrow_mut(), |held| match held {
                Held::Live(state) => Some(state),
                Held::Drawn(..) | Held::Between => None,
            })
            .ok()
        }
    }

    fn go_live(held: &RefCell<Held>) {
        if matches!(*held.borrow(), Held::Drawn(..))
            && let Held::Drawn(element, piece) = held.replace(Held::Between)
        {
            held.replace(piece.take_over(&Cursor::new(element)));
        }
    }

    impl Render for Piece {
        type State = PieceState;

        fn build(self) -> Self::State {
            PieceState::new(Held::Live(self.make().build()))
        }

        fn rebuild(self, state: &mut Self::State) {
            if let Some(mut state) = state.live() {
                self.make().rebuild(&mut state);
            }
        }
    }

    impl RenderHtml for Piece {
        type AsyncOutput = Self;
        type Owned = Self;

        const MIN_LENGTH: usize = 0;

        fn dry_resolve(&mut self) {}

        async fn resolve(self) -> Self {
            self
        }

        fn to_html_with_buf(
            self,
            buf: &mut String,
            position: &mut Position,
            escape: bool,
            mark_branches: bool,
            extra_attrs: Vec<AnyAttribute>,
        ) {
            self.make().to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
        }

        fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
            match position.get() {
                Position::FirstChild => cursor.child(),
                Position::Current => {}
                _ => cursor.sibling(),
            }
            position.set(Position::NextChild);
            let Some(element) = Element::cast_from(cursor.current()) else {
                // The page is not as it was drawn: Leptos says what is wrong.
                return PieceState::new(self.take_over(cursor));
            };
            let state = PieceState::new(Held::Drawn(element, self));
            let held = Rc::downgrade(&state.0);
            hydration::later(move || {
                if let Some(held) = held.upgrade() {
                    go_live(&held);
                }
            });
            state
        }

        fn into_owned(self) -> Self {
            self
        }
    }

    impl AddAnyAttr for Piece {
        type Output<Added: Attribute> = Self;

        /// What is made later takes no attributes from outside.
        fn add_any_attr<Added: Attribute>(self, _attribute: Added) -> Self::Output<Added> {
            self
        }
    }

    impl Mountable for PieceState {
        fn unmount(&mut self) {
            if let Some(mut state) = self.live() {
                state.unmount();
            }
        }

        fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
            if let Some(mut state) = self.live() {
                state.mount(parent, marker);
            }
        }

        fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
            self.live().is_some_and(|state| state.insert_before_this(child))
        }

        fn elements(&self) -> Vec<Element> {
            self.live().map(|state| state.elements()).unwrap_or_default()
        }
    }
}
