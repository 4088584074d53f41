//! Identifiers, positions and times. Each is parsed once, at the edge; the inside takes only these types.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

use crate::{
    limits::ROOM_SLUG_MAX_CHARS,
    text::{is_invisible, is_name_char},
};

/// Who somebody is, for ever; names may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

/// The id of one operation (a send, edit, deletion or reaction), made by the client that asks for it. `(author, id)` is
/// unique for ever, so an operation may be repeated until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(pub Uuid);

macro_rules! uuid_text {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}
uuid_text!(UserId OpId);

/// The number of an event in its room's log: 1, 2, 3 … without a hole. `Seq::ZERO` stands before the first.
///
/// At most 2^53 - 1, so that a program which reads JSON numbers as doubles (any JavaScript) reads it exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);
    /// The largest position there is.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The position `n`, if there is such a position.
    pub const fn new(n: u64) -> Option<Self> {
        if n <= Self::MAX.0 { Some(Self(n)) } else { None }
    }

    /// The position as a number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next position; the last one stays where it is.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 < Self::MAX.0 { Self(self.0 + 1) } else { self }
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seq {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::new).ok_or(InvalidId::Seq)
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom(InvalidId::Seq))
    }
}

/// Which life of a room's log a [`Seq`] belongs to. It changes when the log is restored from a backup or made anew, so
/// that positions of the old one are never taken for positions of the new one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Epoch(String);

impl Epoch {
    /// Longest epoch, in characters.
    pub const MAX_CHARS: usize = 32;

    /// An epoch as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Epoch {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::Epoch)
        }
    }
}

/// How far a reader has read a room's log: everything up to and including `after`, in the life `epoch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The life of the log.
    pub epoch: Epoch,
    /// The last event held; [`Seq::ZERO`] for none.
    pub after: Seq,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.after)
    }
}

/// The name of a room in addresses and frames: lower case, no spaces, in any script.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RoomSlug(String);

impl RoomSlug {
    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slug of a room that a person called `name`: lower case, without what is not drawn, and everything else that is no
    /// name character a hyphen.
    pub fn from_name(name: &str) -> Result<Self, InvalidId> {
        let mut slug = String::new();
        for c in name.trim().chars().flat_map(char::to_lowercase) {
            if is_slug_char(c) {
                slug.push(c);
            } else if is_invisible(c) {
                // Inside an emoji or a word, which stays one.
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        slug.trim_end_matches('-').chars().take(ROOM_SLUG_MAX_CHARS).collect::<String>().parse()
    }
}

/// Whether `c` may stand in a slug.
pub fn is_slug_char(c: char) -> bool {
    c != '.' && is_name_char(c) && !c.is_uppercase()
}

impl FromStr for RoomSlug {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=ROOM_SLUG_MAX_CHARS).contains(&text.chars().count());
        if fits && text.chars().all(is_slug_char) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::RoomSlug)
        }
    }
}

macro_rules! parsed_text {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
parsed_text!(Epoch RoomSlug);

/// A moment in UTC, to the millisecond, from 1970 to 9999; RFC 3339 on the wire (`2026-11-22T09:41:00.000Z`). For
/// people to read, never to order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last millisecond of the year 9999, the last that RFC 3339 can write.
    const MAX_MS: u64 = 253_402_300_799_999;

    /// The moment `ms` milliseconds after 1970-01-01T00:00:00Z; later ones than the year 9999 become its end.
    pub const fn from_unix_ms(ms: u64) -> Self {
        Self(if ms < Self::MAX_MS { ms } else { Self::MAX_MS })
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_ms(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(self.0)).fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: SystemTime = humantime::parse_rfc3339(text).map_err(|_| InvalidId::Timestamp)?;
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| InvalidId::Timestamp)?;
        u64::try_from(since.as_millis()).map(Self::from_unix_ms).map_err(|_| InvalidId::Timestamp)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Why a text is no identifier; each says what would be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Not a position in a log.
    #[error("a position is a whole number from 0 to 9007199254740991")]
    Seq,
    /// Not an epoch.
    #[error("an epoch is 1 to 32 lower-case letters and digits")]
    Epoch,
    /// Not a room's slug.
    #[error("a room's address has 1 to 48 lower-case letters, digits, hyphens or underscores, in any script")]
    RoomSlug,
    /// Not a timestamp.
    #[error("a time is written in RFC 3339 and UTC, like 2026-11-22T09:41:00.000Z")]
    Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_keep_their_milliseconds() {
        let text = "2026-11-22T09:41:00.007Z";
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!("1969-12-31T23:59:59Z".parse::<Timestamp>().is_err());
    }

    #[test]
    fn slugs_are_made_from_names_in_any_script() {
        let slug = |name: &str| RoomSlug::from_name(name).map(|slug| slug.to_string());
        assert_eq!(slug("Design Review!"), Ok("design-review".into()));
        assert_eq!(slug(" 发布 计划 "), Ok("发布-计划".into()));
        assert_eq!(slug("Ünïcode"), Ok("ünïcode".into()));
        assert_eq!(slug("❤\u{FE0F} 👩\u{200D}💻"), Ok("❤-👩💻".into()));
        assert_eq!(slug("?!"), Err(InvalidId::RoomSlug));
        assert!("has space".parse::<RoomSlug>().is_err());
        assert!("Upper".parse::<RoomSlug>().is_err());
        assert!("../etc".parse::<RoomSlug>().is_err());
    }

    #[test]
    fn positions_fit_into_a_double() {
        assert_eq!(Seq::new(1 << 53), None);
        assert_eq!("9007199254740991".parse(), Ok(Seq::MAX));
        assert_eq!(Seq::MAX.next(), Seq::MAX);
        assert!(serde_json::from_str::<Seq>("-1").is_err());
        assert!(serde_json::from_str::<Seq>("1.5").is_err());
    }
}
