//! A room: loaded by the server for the first paint, after that shown by the page's own state.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use protocol::{RoomSlug, Seq};

use super::{MissingRoom, Unavailable};
use crate::{
    components::chat::Chat,
    source::{ChatPage, PageError, Place},
};

/// The room and the place in it that an address names; `None` if it can name no room.
pub(crate) fn parse_address(
    slug: Option<String>,
    seq: Option<String>,
    before: Option<String>,
    after: Option<String>,
) -> Option<(RoomSlug, Place)> {
    let position = |text: Option<String>| text.and_then(|text| text.parse::<Seq>().ok());
    let slug = slug?.parse().ok()?;
    let place = match seq {
        Some(seq) => Place::Around(seq.parse().ok()?),
        None => match (position(before), position(after)) {
            (Some(before), _) => Place::Before(before),
            (None, Some(after)) => Place::After(after),
            (None, None) => Place::Newest,
        },
    };
    Some((slug, place))
}

/// What the page shows at first.
#[cfg(feature = "ssr")]
async fn load(address: Option<(RoomSlug, Place)>) -> Result<ChatPage, PageError> {
    use crate::{source::SharedSource, visitor::Visitor};

    let context = use_context::<SharedSource>().zip(Visitor::current().user);
    let (Some((source, user)), Some((slug, place))) = (context, address) else {
        return Err(PageError::NotFound);
    };
    source.chat(&user, &slug, place).await
}

/// The browser finds the server's answer in the page and never asks itself.
#[cfg(not(feature = "ssr"))]
fn load(_: Option<(RoomSlug, Place)>) -> std::future::Ready<Result<ChatPage, PageError>> {
    std::future::ready(Err(PageError::Unavailable))
}

/// The page of a room. Going from room to room changes the address under it and does not build it anew.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let address = Signal::derive(move || {
        let (params, query) = (params.read(), query.read());
        parse_address(params.get("slug"), params.get("seq"), query.get("before"), query.get("after"))
    });
    let first = address.get_untracked();
    let place = first.as_ref().map_or(Place::Newest, |(_, place)| *place);
    let page = Resource::new_blocking(|| (), move |()| load(first.clone()));
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => view! { <Chat page place address /> }.into_any(),
                    Err(PageError::NotFound) => view! { <MissingRoom /> }.into_any(),
                    Err(PageError::Unavailable) => view! { <Unavailable /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: [Option<&str>; 4], expected: Option<(&str, Place)>) {
        let [slug, seq, before, after] = address.map(|part| part.map(str::to_owned));
        let expected = expected.map(|(slug, place)| (slug.parse().unwrap(), place));
        assert_eq!(parse_address(slug, seq, before, after), expected, "{address:?}");
    }

    #[test]
    fn addresses_name_rooms_and_places() {
        let seq = |n| Seq::new(n).unwrap();
        check([Some("general"), None, None, None], Some(("general", Place::Newest)));
        check([Some("发布计划"), Some("7"), None, None], Some(("发布计划", Place::Around(seq(7)))));
        check([Some("general"), None, Some("50"), Some("9")], Some(("general", Place::Before(seq(50)))));
        check([Some("general"), None, None, Some("9")], Some(("general", Place::After(seq(9)))));
        check([Some("general"), Some("seven"), None, None], None);
        check([Some("Upper case"), None, None, None], None);
        check([Some("general"), None, Some("soon"), None], Some(("general", Place::Newest)));
    }
}
