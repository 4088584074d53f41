//! The pages' forms, as a browser posts them with JavaScript off. Success leads on with 303; what is refused shows the
//! same page again, with why and with what was typed.

use std::sync::Arc;

use app::{
    address::Address,
    source::{Form, RefusedForm},
};
use axum::{
    extract::{FromRequest as _, Path, Request, State},
    http::{HeaderMap, Uri, header},
    response::Response,
};
use protocol::{
    Content, Op, OpId, OpKind, RoomSlug, Seq,
    api::{NewRoom, User, Visibility},
    frame::Refusal,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Http, address,
    answer::Failure,
    body::Fields,
    cookies,
    identity::Proof,
    pages::{Visit, with_cookie},
    preferences, session_cookie,
};
use crate::chat::room_not_found;

/// A handler's answer: both are answers, `Err` is the one that ends it early.
type Answer = Result<Response, Response>;

async fn begin<T: serde::de::DeserializeOwned>(
    http: &Arc<Http>,
    request: Request,
) -> Result<(Visit, T), Response> {
    let (visit, request) = Visit::begin(http, request).await?;
    let Fields(fields) = Fields::from_request(request, &()).await?;
    Ok((visit, fields))
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    username: String,
    #[serde(default)]
    next: String,
    /// Which form it was.
    #[serde(default)]
    id: String,
}

/// `POST /sign-in`
pub(crate) async fn sign_in(State(http): State<Arc<Http>>, request: Request) -> Answer {
    let (visit, SignIn { username, next, id }) = begin(&http, request).await?;
    let next = address::local(&next).unwrap_or_else(home);
    let created = async {
        http.limits.guest(visit.arrival.address)?;
        http.auth.create_guest(&username, id.parse().ok()).await
    };
    match created.await {
        Ok((token, user)) => {
            let cookie = session_cookie::give(token.expose(), visit.arrival);
            // Who picks a name on an invitation accepts it.
            let room = match Address::parse(next.path(), "") {
                Address::Invitation(invite) => http.chat.accept_invitation(&user, &invite).await.ok(),
                _ => None,
            };
            let next = room.map_or_else(|| next.to_string(), |record| address::room(&record.room.slug));
            Ok(with_cookie(address::see_other(&next), cookie))
        }
        Err(refusal) => {
            let refused = RefusedForm { form: Form::SignIn, code: refusal.code, typed: username };
            Ok(visit.refuse(&http, &next, &refusal.into(), Some(refused)).await)
        }
    }
}

/// `POST /sign-out`
pub(crate) async fn sign_out(State(http): State<Arc<Http>>, request: Request) -> Answer {
    let (visit, request) = Visit::begin(&http, request).await?;
    if let Some(proof) = Proof::of(request.headers(), visit.arrival) {
        let session = proof.session(&http).await.map_err(|error| Failure::from(error).into_text())?;
        if let Some(session) = session {
            http.auth.sign_out(session.token).await.map_err(|refusal| Failure::from(refusal).into_text())?;
        }
    }
    Ok(with_cookie(address::see_other("/"), session_cookie::take_away(visit.arrival)))
}

#[derive(Deserialize)]
pub(crate) struct RoomFields {
    name: String,
    #[serde(default)]
    topic: String,
    #[serde(default = "public")]
    visibility: Visibility,
}

const fn public() -> Visibility {
    Visibility::Public
}

/// `POST /rooms`
pub(crate) async fn create_room(State(http): State<Arc<Http>>, request: Request) -> Answer {
    let from = referring_room(request.headers());
    let (visit, RoomFields { name, topic, visibility }) = begin(&http, request).await?;
    let user = visit.user(&http, &home()).await?;
    let created = async {
        http.limits.room(user.id)?;
        http.chat.create_room(&user, NewRoom { name: name.clone(), topic: topic.clone(), visibility }).await
    };
    match created.await {
        Ok(summary) => Ok(address::see_other(&address::room(&summary.room.slug))),
        Err(refusal) => {
            let at = match from {
                Some(at) => at,
                None => visit.last_room(&http, &user).await.map_err(Failure::into_text)?,
            };
            let form = Form::NewRoom { topic, visibility };
            let refused = RefusedForm { form, code: refusal.code, typed: name };
            Ok(visit.refuse(&http, &at, &refusal.into(), Some(refused)).await)
        }
    }
}

/// The room's page that a form was on. A made-up one shows nothing that its reader may not see.
fn referring_room(headers: &HeaderMap) -> Option<Uri> {
    let referer: Uri = headers.get(header::REFERER)?.to_str().ok()?.parse().ok()?;
    referer.path().starts_with("/rooms/").then(|| address::local(referer.path())).flatten()
}

#[derive(Deserialize)]
pub(crate) struct MessageFields {
    content: String,
    #[serde(default)]
    reply_to: String,
    #[serde(default)]
    id: String,
}

/// `POST /rooms/{slug}`
pub(crate) async fn post_message(
    State(http): State<Arc<Http>>,
    Path(slug): Path<String>,
    request: Request,
) -> Answer {
    let at = address::local(&format!("/rooms/{}", address::segment(&slug))).unwrap_or_else(home);
    let (visit, fields) = begin::<MessageFields>(&http, request).await?;
    let user = visit.user(&http, &at).await?;
    match post(&http, &user, &slug, &fields).await {
        Ok(()) => Ok(address::see_other(&at.to_string())),
        Err(refusal) => {
            let refused = RefusedForm { form: Form::Message, code: refusal.code, typed: fields.content };
            Ok(visit.refuse(&http, &at, &refusal.into(), Some(refused)).await)
        }
    }
}

async fn post(http: &Http, user: &User, slug: &str, fields: &MessageFields) -> Result<(), Refusal> {
    let room: RoomSlug = slug.parse().map_err(|_| room_not_found())?;
    let content: Content = fields.content.parse()?;
    // A browser posts fields that nobody filled in as empty.
    let reply_to: Option<Seq> = fields.reply_to.parse().ok();
    let id = fields.id.parse().unwrap_or_else(|_| OpId(Uuid::new_v4()));
    http.limits.op(user.id)?;
    http.chat.perform(user, Op { id, room, kind: OpKind::Send { content, reply_to } }).await.map(drop)
}

/// `POST /join/{invite}`
pub(crate) async fn join(
    State(http): State<Arc<Http>>,
    Path(invite): Path<String>,
    request: Request,
) -> Answer {
    let (visit, request) = Visit::begin(&http, request).await?;
    let user = visit.user(&http, request.uri()).await?;
    match http.chat.accept_invitation(&user, &invite).await {
        Ok(record) => Ok(address::see_other(&address::room(&record.room.slug))),
        Err(refusal) => Ok(visit.refuse(&http, request.uri(), &refusal.into(), None).await),
    }
}

#[derive(Deserialize)]
pub(crate) struct PreferenceFields {
    #[serde(default)]
    lang: String,
    #[serde(default)]
    theme: String,
    #[serde(default)]
    next: String,
}

/// `POST /preferences`: what the form does not name stays as it is.
pub(crate) async fn set_preferences(State(http): State<Arc<Http>>, request: Request) -> Answer {
    let (visit, fields) = begin::<PreferenceFields>(&http, request).await?;
    let next = address::local(&fields.next).unwrap_or_else(home);
    let https = visit.arrival.https;
    let lang = preferences::language(&fields.lang)
        .and_then(|language| cookies::set_plain(preferences::LANG, language.tag(), https));
    let theme = preferences::theme(&fields.theme)
        .and_then(|_| cookies::set_plain(preferences::THEME, &fields.theme, https));
    Ok(with_cookie(with_cookie(address::see_other(&next.to_string()), lang), theme))
}

fn home() -> Uri {
    Uri::from_static("/")
}
