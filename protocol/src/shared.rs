//! Lists that many are given.

#[cfg(feature = "kept_json")]
use std::sync::OnceLock;
use std::{fmt, ops::Deref, slice, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
#[cfg(feature = "kept_json")]
use serde_json::value::{RawValue, to_raw_value};

/// A list that many are given as it is: clones are one list, and with the feature `kept_json` it is turned into JSON once for all of
/// them. (JSON is the only form that it has outside.)
#[derive(Clone)]
pub struct Shared<T>(Arc<List<T>>);

struct List<T> {
    items: Vec<T>,
    /// As JSON, once somebody has asked for it.
    #[cfg(feature = "kept_json")]
    json: OnceLock<Option<Box<RawValue>>>,
}

impl<T: Clone> Shared<T> {
    /// The items for oneself: they are copied only where somebody else has the list too.
    pub fn into_vec(self) -> Vec<T> {
        Arc::try_unwrap(self.0).map_or_else(|list| list.items.clone(), |list| list.items)
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0.items
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(items: Vec<T>) -> Self {
        Self(Arc::new(List {
            items,
            #[cfg(feature = "kept_json")]
            json: OnceLock::new(),
        }))
    }
}

impl<T> FromIterator<T> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<'s, T> IntoIterator for &'s Shared<T> {
    type Item = &'s T;
    type IntoIter = slice::Iter<'s, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.items.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "kept_json")]
        if let Some(json) = self.0.json.get_or_init(|| to_raw_value(&self.0.items).ok()) {
            return json.serialize(serializer);
        }
        self.0.items.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "kept_json")]
    use std::cell::Cell;

    use super::*;

    /// Counts how often it is turned into JSON.
    #[cfg(feature = "kept_json")]
    #[derive(Clone)]
    struct Counted<'c>(&'c Cell<u32>);

    #[cfg(feature = "kept_json")]
    impl Serialize for Counted<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            serializer.serialize_u32(7)
        }
    }

    #[cfg(feature = "kept_json")]
    #[test]
    fn it_is_turned_into_json_once_for_all_clones_and_anew_for_a_copy_that_differs() {
        let times = Cell::new(0);
        let list: Shared<_> = vec![Counted(&times), Counted(&times)].into();
        let clone = list.clone();
        let json = |list: &Shared<Counted<'_>>| serde_json::to_string(list).unwrap();
        assert_eq!(
            (json(&list), json(&clone), json(&list)),
            ("[7,7]".into(), "[7,7]".into(), "[7,7]".into())
        );
        assert_eq!(times.get(), 2);
        let mut items = clone.into_vec();
        items.pop();
        assert_eq!((json(&items.into()), json(&list)), ("[7]".into(), "[7,7]".into()));
    }

    #[test]
    fn whoever_has_it_alone_has_its_items_without_a_copy() {
        let list: Shared<String> = vec!["one".to_owned()].into();
        let (before, other) = (list[0].as_ptr(), list.clone());
        assert_ne!(other.into_vec()[0].as_ptr(), before);
        assert_eq!(list.into_vec()[0].as_ptr(), before);
    }
}
