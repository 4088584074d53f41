//! The JSON interface, `/api/v1`. Its shapes are `protocol::api`; `docs/PROTOCOL.md` is its reference.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, Query, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use protocol::{
    Content, ErrorCode, Op, OpId, OpKind, RoomSlug,
    api::{GuestCreated, NewGuest, NewMessage, NewRoom, Posted, RoomList, RoomSummary, User},
    frame::Refusal,
    limits::{PAGE_DEFAULT_MESSAGES, PAGE_MAX_MESSAGES},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Http, answer::Failure, arrival::Arrival, body::JsonBody, identity::Caller, pages::with_cookie,
    session_cookie,
};
use crate::{chat::room_not_found, store::PageAt};

/// Its routes.
pub(crate) fn routes() -> Router<Arc<Http>> {
    Router::new()
        .route("/guests", post(create_guest))
        .route("/me", get(me))
        .route("/sign-out", post(sign_out))
        .route("/rooms", get(rooms).post(create_room))
        .route("/rooms/{slug}/messages", get(messages).post(post_message))
}

async fn create_guest(
    State(http): State<Arc<Http>>,
    arrival: Arrival,
    JsonBody(NewGuest { username }): JsonBody<NewGuest>,
) -> Result<Response, Failure> {
    http.limits.guest(arrival.address)?;
    let (token, user) = http.auth.create_guest(&username, None).await?;
    let cookie = session_cookie::give(token.expose(), arrival);
    let created = GuestCreated { token: token.expose().to_owned(), user };
    Ok(with_cookie((StatusCode::CREATED, Json(created)).into_response(), cookie))
}

async fn me(Caller(session): Caller) -> Json<User> {
    Json(session.user)
}

async fn sign_out(
    State(http): State<Arc<Http>>,
    arrival: Arrival,
    Caller(session): Caller,
) -> Result<Response, Failure> {
    http.auth.sign_out(session.token).await?;
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), session_cookie::take_away(arrival)))
}

async fn rooms(State(http): State<Arc<Http>>, Caller(session): Caller) -> Result<Json<RoomList>, Failure> {
    Ok(Json(RoomList { rooms: http.chat.rooms(&session.user).await? }))
}

async fn create_room(
    State(http): State<Arc<Http>>,
    Caller(session): Caller,
    JsonBody(room): JsonBody<NewRoom>,
) -> Result<(StatusCode, Json<RoomSummary>), Failure> {
    http.limits.room(session.user.id)?;
    let made = http.chat.create_room(&session.user, room).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

async fn messages(
    State(http): State<Arc<Http>>,
    Caller(session): Caller,
    Slug(slug): Slug,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let Query(query) = query.map_err(|error| Failure::new(ErrorCode::BadField, error.body_text()))?;
    let (at, limit) = query.parse()?;
    // The semaphore is never closed.
    let _making = http.making.acquire().await;
    let (_, page) = http.chat.page(&session.user, &slug, at, limit).await?;
    Ok(Json(page).into_response())
}

async fn post_message(
    State(http): State<Arc<Http>>,
    Caller(session): Caller,
    Slug(room): Slug,
    JsonBody(NewMessage { id, content, reply_to }): JsonBody<NewMessage>,
) -> Result<(StatusCode, Json<Posted>), Failure> {
    let content: Content = content.parse().map_err(Refusal::from)?;
    http.limits.op(session.user.id)?;
    let id = id.unwrap_or_else(|| OpId(Uuid::new_v4()));
    let op = Op { id, room, kind: OpKind::Send { content, reply_to } };
    let appended = http.chat.perform(&session.user, op).await?;
    let posted = Posted { id, seq: appended.seq, timestamp: appended.timestamp };
    Ok((StatusCode::CREATED, Json(posted)))
}

/// Which messages are asked for: text until it is checked, so that each mistake gets its own answer.
#[derive(Debug, Default, Deserialize)]
struct PageQuery {
    before: Option<String>,
    after: Option<String>,
    around: Option<String>,
    limit: Option<String>,
}

impl PageQuery {
    fn parse(&self) -> Result<(PageAt, u32), Failure> {
        let position = |name: &str, value: &str| {
            value.parse().map_err(|error| Failure::new(ErrorCode::BadCursor, format!("{name}: {error}")))
        };
        let at = match (&self.before, &self.after, &self.around) {
            (None, None, None) => PageAt::Newest,
            (Some(before), None, None) => PageAt::Before(position("before", before)?),
            (None, Some(after), None) => PageAt::After(position("after", after)?),
            (None, None, Some(around)) => PageAt::Around(position("around", around)?),
            _ => return Err(Failure::new(ErrorCode::BadCursor, "give one of before, after and around")),
        };
        let limit = match &self.limit {
            None => PAGE_DEFAULT_MESSAGES,
            Some(limit) => {
                let limit = limit.parse().ok().filter(|limit| (1..=PAGE_MAX_MESSAGES).contains(limit));
                let wrong = || format!("limit: a whole number from 1 to {PAGE_MAX_MESSAGES}");
                limit.ok_or_else(|| Failure::new(ErrorCode::BadField, wrong()))?
            }
        };
        Ok((at, limit))
    }
}

/// The room in an address. What cannot be a room's address is one that is not there.
struct Slug(RoomSlug);

impl FromRequestParts<Arc<Http>> for Slug {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Failure> {
        let path = Path::<String>::from_request_parts(parts, http).await;
        path.ok().and_then(|Path(slug)| slug.parse().ok()).map(Self).ok_or_else(|| room_not_found().into())
    }
}

#[cfg(test)]
mod tests {
    use protocol::Seq;

    use super::*;

    #[track_caller]
    fn check(query: &PageQuery, expected: Result<(PageAt, u32), ErrorCode>) {
        assert_eq!(query.parse().map_err(|failure| failure.code()), expected, "{query:?}");
    }

    #[test]
    fn places_are_positions_and_only_one() {
        let text = |text: &str| Some(text.to_owned());
        let seq = |n| Seq::new(n).unwrap();
        check(&PageQuery::default(), Ok((PageAt::Newest, 50)));
        check(
            &PageQuery { before: text("7"), limit: text("100"), ..<_>::default() },
            Ok((PageAt::Before(seq(7)), 100)),
        );
        check(&PageQuery { after: text("0"), ..<_>::default() }, Ok((PageAt::After(seq(0)), 50)));
        check(&PageQuery { around: text("3"), ..<_>::default() }, Ok((PageAt::Around(seq(3)), 50)));
        for wrong in ["", "-1", "1.5", "x", "9007199254740992"] {
            check(&PageQuery { before: text(wrong), ..<_>::default() }, Err(ErrorCode::BadCursor));
        }
        check(
            &PageQuery { before: text("1"), after: text("1"), ..<_>::default() },
            Err(ErrorCode::BadCursor),
        );
        for wrong in ["0", "101", "-1", "x"] {
            check(&PageQuery { limit: text(wrong), ..<_>::default() }, Err(ErrorCode::BadField));
        }
    }
}
