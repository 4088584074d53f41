//! The addresses of the pages: what each names, for the server that is asked for it and for the browser that follows a
//! link to it.

use percent_encoding::percent_decode_str;
use protocol::{RoomSlug, Seq};

use crate::source::Place;

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `/rooms/{slug}`, `/rooms/{slug}/{seq}`: a room, at a place in it.
    Room(RoomSlug, Place),
    /// `/join/{invite}`: an invitation.
    Invitation(String),
    /// Nothing that there is a page for.
    Unknown,
}

impl Address {
    /// Reads the path and the query (what follows `?`) of an address.
    pub fn parse(path: &str, query: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        let (kind, name, rest, too_much) =
            (segments.next(), segments.next(), segments.next(), segments.next());
        let named = name.filter(|name| !name.is_empty()).and_then(decode);
        match (kind, named, rest, too_much) {
            (Some("rooms"), Some(slug), seq, None) => room(&slug, seq, query).unwrap_or(Self::Unknown),
            (Some("join"), Some(invite), None, None) => Self::Invitation(invite),
            _ => Self::Unknown,
        }
    }
}

fn room(slug: &str, seq: Option<&str>, query: &str) -> Option<Address> {
    let position = |name| query_value(query, name).and_then(|value| value.parse::<Seq>().ok());
    let place = match seq {
        Some(seq) => Place::Around(seq.parse().ok()?),
        None => match (position("before"), position("after")) {
            (Some(before), _) => Place::Before(before),
            (None, Some(after)) => Place::After(after),
            (None, None) => Place::Newest,
        },
    };
    Some(Address::Room(slug.parse().ok()?, place))
}

fn decode(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_room(path: &str, query: &str, slug: &str, place: Place) {
        let expected = Address::Room(slug.parse().unwrap(), place);
        assert_eq!(Address::parse(path, query), expected, "{path}?{query}");
    }

    #[test]
    fn addresses_name_rooms_and_places() {
        let seq = |n| Seq::new(n).unwrap();
        check_room("/rooms/general", "", "general", Place::Newest);
        check_room("/rooms/general/7", "", "general", Place::Around(seq(7)));
        check_room("/rooms/general", "before=50&after=9", "general", Place::Before(seq(50)));
        check_room("/rooms/general", "after=9", "general", Place::After(seq(9)));
        check_room("/rooms/general", "before=soon", "general", Place::Newest);
    }

    #[test]
    fn rooms_of_any_script_are_found_encoded_or_not() {
        check_room("/rooms/%E5%8F%91%E5%B8%83", "", "发布", Place::Newest);
        check_room("/rooms/发布/3", "", "发布", Place::Around(Seq::new(3).unwrap()));
    }

    #[test]
    fn invitations_keep_their_secret_as_it_is() {
        assert_eq!(Address::parse("/join/a_B-9", ""), Address::Invitation("a_B-9".to_owned()));
    }

    #[test]
    fn everything_else_names_nothing() {
        for path in [
            "",
            "/",
            "/rooms",
            "/rooms/",
            "/rooms/Upper case",
            "/rooms/general/seven",
            "/rooms/general/7/8",
            "/rooms/general/",
            "/rooms/%FF",
            "/join",
            "/join/",
            "/join/a/b",
            "/nope",
            "/metrics",
        ] {
            assert_eq!(Address::parse(path, ""), Address::Unknown, "{path}");
        }
    }
}
