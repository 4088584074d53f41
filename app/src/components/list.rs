//! Lists whose rows come and go: each row is made once and stays as long as its key is there.
//!
//! What Leptos' `For` does, with two differences. A row that is gone leaves nothing behind: there every row is entered in a register of
//! the list's owner, for ever, 160 bytes for each message that ever passed through an open page. And a row that need not move is not
//! touched: there the newest row of a full log is taken out and put in again with each message that comes, and loses the focus; and
//! where many come and go at once all that stay are.

use std::{collections::HashMap, hash::Hash, mem, sync::Arc, time::Duration};

use leptos::{
    prelude::*,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        renderer::{
            CastFrom as _, Rndr,
            types::{Element, Node, Placeholder},
        },
        view::{Mountable, Position, PositionState, add_attr::AddAnyAttr},
    },
};

/// A row's view. In the browser it has an owner that nobody knows but the row.
#[cfg(feature = "hydrate")]
type Row = super::piece::Piece;
/// A row's view. It is drawn once: its signals belong to the document's owner, which goes as soon as the document is made.
#[cfg(not(feature = "hydrate"))]
type Row = AnyView;
type RowState = <Row as Render>::State;

/// Rows for the keys that `each` tells, in that order; what the server draws of each is one element. In a row there are the desk and
/// the language, and no other context.
#[cfg(feature = "hydrate")]
pub(crate) fn list<K: Clone + Eq + Hash + Send + 'static>(
    each: impl Fn() -> Vec<K> + Send + 'static,
    row: impl Fn(K) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let (desk, locale) = (super::desk::use_desk(), crate::i18n::language());
    let row = Arc::new(row);
    let row: Arc<dyn Fn(K) -> Row + Send + Sync> = Arc::new(move |key| {
        let row = Arc::clone(&row);
        Row::new(Owner::default(), move || {
            provide_context(desk);
            provide_context(locale);
            row(key)
        })
    });
    // Boxed, so that there is one list for each type of key and not for each list.
    let each: Box<dyn Fn() -> Vec<K> + Send> = Box::new(each);
    (move || Rows { keys: each(), row: Arc::clone(&row) }).into_any()
}

/// The same, drawn once.
#[cfg(not(feature = "hydrate"))]
pub(crate) fn list<K: Clone + Eq + Hash + Send + 'static>(
    each: impl Fn() -> Vec<K>,
    row: impl Fn(K) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    Rows { keys: untrack(each), row: Arc::new(row) }.into_any()
}

/// The rows of these keys; of keys that are equal, each has one of its own.
struct Rows<K> {
    keys: Vec<K>,
    row: Arc<dyn Fn(K) -> Row + Send + Sync>,
}

/// Rows in the document, in the order of their keys, and a mark behind them.
struct RowsState<K> {
    parent: Option<Element>,
    keys: Vec<K>,
    rows: Vec<RowState>,
    end: Placeholder,
}

impl<K: Clone + Eq + Hash + Send + 'static> Render for Rows<K> {
    type State = RowsState<K>;

    fn build(self) -> Self::State {
        let rows = self.keys.iter().map(|key| (self.row)(key.clone()).build()).collect();
        RowsState { parent: None, keys: self.keys, rows, end: Rndr::create_placeholder() }
    }

    fn rebuild(self, state: &mut Self::State) {
        let known: HashMap<&K, usize> = state.keys.iter().enumerate().map(|(at, key)| (key, at)).collect();
        let from: Vec<Option<usize>> = self.keys.iter().map(|key| known.get(key).copied()).collect();
        let make = |at: usize| (self.row)(self.keys[at].clone()).build();
        let rows = mem::take(&mut state.rows);
        let (rows, gone) = rearrange(rows, &from, make, |row, following| {
            let Some(parent) = &state.parent else { return };
            // One whose key has nothing to show is not in the document.
            if !following.iter().rev().any(|next| next.insert_before_this(row)) {
                row.mount(parent, Some(state.end.as_ref()));
            }
        });
        state.rows = rows;
        state.keys = self.keys;
        unmake(gone);
    }
}

/// Rows that are out of the document are unmade a few at a time: each takes a tenth of a millisecond, and hundreds may go with one frame.
fn unmake(mut gone: Vec<RowState>) {
    const AT_ONCE: usize = 32;
    let later = gone.split_off(gone.len().min(AT_ONCE));
    drop(gone);
    if !later.is_empty() {
        set_timeout(move || unmake(later), Duration::ZERO);
    }
}

/// Makes of `rows` those that there are to be: the one at `from[n]` becomes the `n`th, what comes from nowhere is made, and whatever
/// is not at its place is put before those that follow it, of which the next is the last. What goes nowhere is taken away, and answered as well.
fn rearrange<R: Mountable>(
    rows: Vec<R>,
    from: &[Option<usize>],
    make: impl Fn(usize) -> R,
    put: impl Fn(&mut R, &[R]),
) -> (Vec<R>, Vec<R>) {
    let stays = stays(from);
    let mut rows: Vec<Option<R>> = rows.into_iter().map(Some).collect();
    let mut backwards: Vec<R> = Vec::with_capacity(from.len());
    for (at, old) in from.iter().enumerate().rev() {
        let kept = old.and_then(|old| rows[old].take());
        let is_at_its_place = kept.is_some() && stays[at];
        let mut row = kept.unwrap_or_else(|| make(at));
        if !is_at_its_place {
            put(&mut row, &backwards);
        }
        backwards.push(row);
    }
    let mut gone: Vec<R> = rows.into_iter().flatten().collect();
    gone.iter_mut().for_each(Mountable::unmount);
    backwards.reverse();
    (backwards, gone)
}

/// Which of the rows that come from somewhere stay where they are: as many as can, the longest run of them that is in order already.
fn stays(from: &[Option<usize>]) -> Vec<bool> {
    // The last row of the best run of each length; and for each row the one before it in its run.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![None; from.len()];
    for (at, old) in from.iter().enumerate().filter(|(_, old)| old.is_some()) {
        let shorter = ends.partition_point(|&end| from[end] < *old);
        before[at] = shorter.checked_sub(1).map(|last| ends[last]);
        match ends.get_mut(shorter) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut stays = vec![false; from.len()];
    let mut next = ends.last().copied();
    while let Some(at) = next {
        stays[at] = true;
        next = before[at];
    }
    stays
}

impl<K: Clone + Eq + Hash + Send + 'static> RenderHtml for Rows<K> {
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
        for key in self.keys {
            (self.row)(key).to_html_with_buf(buf, position, escape, mark_branches, extra_attrs.clone());
            *position = Position::NextChild;
        }
        buf.push_str("<!>");
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        let here = cursor.current();
        let parent = match position.get() {
            Position::FirstChild => Some(here),
            _ => Rndr::get_parent(&here),
        };
        let rows =
            self.keys.iter().map(|key| (self.row)(key.clone()).hydrate::<FROM_SERVER>(cursor, position));
        let rows = rows.collect();
        let end = cursor.next_placeholder(position);
        position.set(Position::NextChild);
        RowsState { parent: parent.and_then(Element::cast_from), keys: self.keys, rows, end }
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> AddAnyAttr for Rows<K> {
    type Output<Added: Attribute> = Self;

    /// A list is no element: what is written on it goes nowhere.
    fn add_any_attr<Added: Attribute>(self, _attribute: Added) -> Self::Output<Added> {
        self
    }
}

impl<K> Mountable for RowsState<K> {
    fn unmount(&mut self) {
        self.rows.iter_mut().for_each(Mountable::unmount);
        self.end.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.parent = Some(parent.clone());
        self.rows.iter_mut().for_each(|row| row.mount(parent, marker));
        self.end.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        match self.rows.first() {
            Some(first) => first.insert_before_this(child),
            None => self.end.insert_before_this(child),
        }
    }

    fn elements(&self) -> Vec<Element> {
        self.rows.iter().flat_map(Mountable::elements).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use proptest::prelude::*;

    use super::*;

    /// The rows of a document, by name, and how often one was put somewhere.
    #[derive(Debug, Default)]
    struct Page {
        rows: Vec<u32>,
        put: usize,
    }

    /// A row of the page.
    #[derive(Debug)]
    struct Named {
        name: u32,
        page: Rc<RefCell<Page>>,
    }

    impl Mountable for Named {
        fn unmount(&mut self) {
            self.page.borrow_mut().rows.retain(|row| *row != self.name);
        }
        fn mount(&mut self, _: &Element, _: Option<&Node>) {
            unreachable!("there is no document")
        }
        fn insert_before_this(&self, _: &mut dyn Mountable) -> bool {
            unreachable!("there is no document")
        }
        fn elements(&self) -> Vec<Element> {
            Vec::new()
        }
    }

    /// Makes of a page with the rows `old` one with the rows `new`; answers what was made, and how many rows that were there
    /// already were put somewhere.
    fn moved(old: &[u32], new: &[u32]) -> (Vec<u32>, usize) {
        let page = Rc::new(RefCell::new(Page { rows: old.to_vec(), put: 0 }));
        let named = |name: u32| Named { name, page: Rc::clone(&page) };
        let from: Vec<_> = new.iter().map(|name| old.iter().position(|row| row == name)).collect();
        let (rows, _) = rearrange(
            old.iter().copied().map(named).collect(),
            &from,
            |at| named(new[at]),
            |row, following: &[Named]| {
                let next = following.last();
                let mut page = page.borrow_mut();
                page.put += 1;
                page.rows.retain(|other| *other != row.name);
                let next = next.and_then(|next| page.rows.iter().position(|row| *row == next.name));
                let at = next.unwrap_or(page.rows.len());
                page.rows.insert(at, row.name);
            },
        );
        assert!(rows.iter().map(|row| row.name).eq(page.borrow().rows.iter().copied()));
        let made = from.iter().filter(|old| old.is_none()).count();
        let page = page.borrow();
        (page.rows.clone(), page.put - made)
    }

    /// The most rows of `new` that are in the order of `old`, by trying.
    fn longest_run(old: &[u32], new: &[u32]) -> usize {
        let Some((first, rest)) = new.split_first() else { return 0 };
        let without = longest_run(old, rest);
        match old.iter().position(|row| row == first) {
            Some(at) => without.max(1 + longest_run(&old[at + 1..], rest)),
            None => without,
        }
    }

    fn rows() -> impl Strategy<Value = Vec<u32>> {
        Just((0..12).collect::<Vec<u32>>())
            .prop_shuffle()
            .prop_flat_map(|all| (0..=all.len()).prop_map(move |n| all[..n].to_vec()))
    }

    proptest! {
        #[test]
        fn the_page_becomes_what_it_is_to_be_and_as_few_rows_move_as_can(old in rows(), new in rows()) {
            let (page, moved) = moved(&old, &new);
            prop_assert_eq!(&page, &new);
            let kept = new.iter().filter(|row| old.contains(row)).count();
            prop_assert_eq!(moved, kept - longest_run(&old, &new));
        }
    }

    #[test]
    fn a_log_moves_no_row_when_messages_come_and_go() {
        let log = |from: u32, to: u32| (from..to).collect::<Vec<u32>>();
        for (old, new) in [
            (log(0, 200), log(1, 201)),
            (log(0, 200), log(121, 206)),
            (log(50, 100), log(0, 100)),
            (log(0, 200), log(500, 700)),
            (log(0, 200), log(0, 0)),
        ] {
            assert_eq!(moved(&old, &new), (new, 0));
        }
    }

    #[test]
    fn rows_of_equal_keys_are_rows_of_their_own() {
        assert_eq!(stays(&[Some(0), Some(0), Some(1)]).iter().filter(|stays| **stays).count(), 2);
        let page = Rc::new(RefCell::new(Page::default()));
        let named = |name: u32| Named { name, page: Rc::clone(&page) };
        let (made, gone) =
            rearrange(vec![named(0), named(1)], &[Some(0), Some(0), Some(1)], |_| named(7), |_, _| {});
        assert_eq!(made.iter().map(|row| row.name).collect::<Vec<_>>(), [7, 0, 1]);
        assert!(gone.is_empty());
    }
}
