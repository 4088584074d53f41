//! The pages, rendered on the server: with their history, complete without JavaScript, in the reader's own language
//! and colours. Whoever is not signed in sees the sign-in page wherever there may be something for them, and is led on to
//! it afterwards.

use std::{io, num::NonZero, sync::Arc};

use app::{
    Fragments,
    address::Address,
    source::{Assets, ChatPage, Content, Invitation, Place, RefusedForm, Viewer},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use protocol::{
    ErrorCode, RoomSlug,
    api::{RoomSummary, User},
    frame::Refusal,
    limits::PAGE_DEFAULT_MESSAGES,
};

use super::{
    Http, address,
    answer::Failure,
    arrival::Arrival,
    assets,
    compress::is_gzip_read,
    cookies, headers,
    identity::{Proof, unauthorized},
    preferences, session_cookie,
    sheet::Sheet,
};
use crate::{chat::Chat, crew::Crew, hub::Hub, random, store::PageAt};

/// The cookie of the room that was looked at last, so that `/` opens it again.
const LAST_ROOM: &str = "room";

/// What makes a page's nonce too much to guess.
const NONCE_BYTES: usize = 16;

/// How much HTML of messages is kept, in bytes: the newest pages of some 60 rooms.
const FRAGMENTS_MAX_BYTES: u64 = 8 * 1024 * 1024;

/// What the pages show comes through the same door as everything else.
pub(crate) struct Pages {
    chat: Chat,
    hub: Hub,
    /// Threads that draw, as many as there are cores: a page takes a millisecond, and up to a tenth of a second where its
    /// messages are all marks, which is too long beside the sockets.
    drawing: Crew<Sheet>,
    fragments: Fragments,
}

impl Pages {
    pub(crate) fn new(chat: Chat, hub: Hub) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let drawing = Crew::new("draws pages", (0..cores).map(|_| Sheet::default()))?;
        Ok(Self { chat, hub, drawing, fragments: Fragments::new(FRAGMENTS_MAX_BYTES) })
    }

    /// The page that shows this, compressed where that `is_read`.
    async fn page(
        &self,
        content: Content,
        viewer: Viewer,
        assets: Assets,
        is_read: bool,
    ) -> Result<Response, Failure> {
        let status = status(&content);
        let nonce = random::base64url::<NONCE_BYTES>()?;
        let policy = headers::page_policy(&nonce, app::is_watched());
        let fragments = self.fragments.clone();
        let draw = move |sheet: &mut Sheet| {
            sheet.drawn(is_read, |html| app::render(content, viewer, assets, &nonce, Some(&fragments), html))
        };
        let html = self.drawing.ask(draw).await.map_err(io::Error::other).flatten().map_err(|error| {
            tracing::error!(%error, "a page was not made");
            let message = "the server made a mistake; its log says which. Try again";
            Failure::new(ErrorCode::Internal, message)
        })?;
        Ok((status, [(header::CONTENT_SECURITY_POLICY, policy)], html).into_response())
    }

    /// What there is at `uri` for whoever asks. Whether a room is there is told to those only who are signed in; an
    /// invitation is a key, and whoever holds it may know what it opens.
    async fn at(&self, uri: &Uri, viewer: &Viewer) -> Content {
        let address = Address::parse(uri.path(), uri.query().unwrap_or_default());
        // A refused sign-in shows the form again, wherever it was to lead.
        let is_page = address != Address::Unknown || uri.path() == "/" || viewer.refused.is_some();
        let content = match (address, &viewer.user) {
            _ if !is_page => Ok(Content::NoPage),
            (Address::Invitation(invite), None) => self.invited(uri, &invite).await,
            (_, None) | (Address::Unknown, _) => Ok(sign_in(uri, None)),
            (Address::Room(room, place), Some(user)) => self.chat(user, &room, place).await,
            (Address::Invitation(invite), Some(_)) => self.invitation(&invite).await,
        };
        content.unwrap_or_else(|refusal| {
            if refusal.code == ErrorCode::RoomNotFound { Content::NoRoom } else { Content::Unavailable }
        })
    }

    async fn chat(&self, user: &User, room: &RoomSlug, place: Place) -> Result<Content, Refusal> {
        let at = match place {
            Place::Newest => PageAt::Newest,
            Place::Around(seq) => PageAt::Around(seq),
            Place::Before(seq) => PageAt::Before(seq),
            Place::After(seq) => PageAt::After(seq),
        };
        let page = self.chat.page(user, room, at, PAGE_DEFAULT_MESSAGES);
        let ((record, mut page), mut rooms) = tokio::try_join!(page, self.chat.rooms(user))?;
        // Where there is no such message the newest are shown, and that it is not there is said.
        if let Place::Around(seq) = place
            && page.has_more_after
            && page.messages.iter().all(|message| message.seq != seq)
        {
            page = self.chat.page(user, room, PageAt::Newest, PAGE_DEFAULT_MESSAGES).await?.1;
        }
        // A list is bounded; the room that is looked at is in it all the same.
        if rooms.iter().all(|summary| summary.room.slug != *room) {
            rooms.push(self.summary(user, room).await?);
        }
        let present = self.hub.present(record.id).await;
        let (me, room) = (user.clone(), room.clone());
        let page =
            ChatPage { me, rooms, room, page, here: present.here.into_vec(), here_count: present.count };
        Ok(Content::Chat { page: Box::new(page), place })
    }

    async fn invitation(&self, invite: &str) -> Result<Content, Refusal> {
        let accept = format!("/join/{}", address::segment(invite));
        self.of_invitation(invite, |name| Content::Invitation(Invitation { name, accept })).await
    }

    /// What an invitation shows to a stranger.
    async fn invited(&self, uri: &Uri, invite: &str) -> Result<Content, Refusal> {
        self.of_invitation(invite, |name| sign_in(uri, Some(name))).await
    }

    /// What `show` makes of the name of the room that an invitation leads to, if it leads to one.
    async fn of_invitation(
        &self,
        invite: &str,
        show: impl FnOnce(String) -> Content,
    ) -> Result<Content, Refusal> {
        match self.chat.invitation(invite).await {
            Ok(record) => Ok(show(record.room.name.to_string())),
            Err(refusal) if refusal.code == ErrorCode::RoomNotFound => Ok(Content::NoInvitation),
            Err(refusal) => Err(refusal),
        }
    }

    async fn summary(&self, user: &User, slug: &RoomSlug) -> Result<RoomSummary, Refusal> {
        let (record, read) = self.chat.enter(user, slug).await?;
        Ok(RoomSummary {
            room: record.for_members(),
            epoch: record.epoch,
            head: record.head,
            read,
            unread: 0,
            mentions: 0,
        })
    }
}

fn sign_in(uri: &Uri, invited: Option<String>) -> Content {
    Content::SignIn { next: uri.to_string(), invited }
}

/// The status of a page that shows this.
const fn status(content: &Content) -> StatusCode {
    match content {
        Content::SignIn { .. } | Content::Chat { .. } | Content::Invitation(_) => StatusCode::OK,
        Content::NoPage | Content::NoRoom | Content::NoInvitation => StatusCode::NOT_FOUND,
        Content::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Somebody's browser, at the door: what the server finds out before it renders anything.
pub(crate) struct Visit {
    pub(crate) arrival: Arrival,
    pub(crate) viewer: Viewer,
    headers: HeaderMap,
}

impl Visit {
    /// Reads who asks from the head of a request.
    pub(crate) async fn begin(http: &Arc<Http>, request: Request) -> Result<(Self, Request), Response> {
        let headers = request.headers().clone();
        let arrival = http.front.of(&headers, request.extensions());
        let session = match Proof::of(&headers, arrival) {
            Some(proof) => proof.session(http).await.map_err(|error| Failure::from(error).into_text())?,
            None => None,
        };
        let viewer = Viewer {
            user: session.map(|session| session.user),
            preferences: preferences::read(&headers),
            refused: None,
            guests: http.guests,
            address: None,
        };
        Ok((Self { arrival, viewer, headers }, request))
    }

    /// The user, or the sign-in page at `uri`.
    pub(crate) async fn user(&self, http: &Http, uri: &Uri) -> Result<User, Response> {
        match &self.viewer.user {
            Some(user) => Ok(user.clone()),
            None => Err(self.refuse(http, uri, &unauthorized(), None).await),
        }
    }

    /// The page at `uri` again, with what was refused and what was typed. Where there is no such page, that is said.
    pub(crate) async fn refuse(
        &self,
        http: &Http,
        uri: &Uri,
        failure: &Failure,
        refused: Option<RefusedForm>,
    ) -> Response {
        let viewer = Viewer { refused, address: Some(uri.to_string()), ..self.viewer.clone() };
        let mut response = self.render(http, uri, viewer).await;
        if response.status() == StatusCode::OK {
            *response.status_mut() = failure.status();
        }
        response
    }

    /// The page at `uri`.
    async fn show(&self, http: &Http, uri: &Uri) -> Response {
        let mut response = self.render(http, uri, self.viewer.clone()).await;
        if self.viewer.user.is_some() {
            self.remember(uri, &mut response);
        }
        response
    }

    async fn render(&self, http: &Http, uri: &Uri, viewer: Viewer) -> Response {
        // The semaphore is never closed.
        let _making = http.making.acquire().await;
        let content = http.pages.at(uri, &viewer).await;
        http.pages
            .page(content, viewer, http.assets(), is_gzip_read(&self.headers))
            .await
            .unwrap_or_else(Failure::into_text)
    }

    /// Puts off the end of the session's cookie, as the session itself is put off, and keeps the room for `/`.
    fn remember(&self, uri: &Uri, response: &mut Response) {
        let session = session_cookie::read(&self.headers, self.arrival);
        let renewed = session.and_then(|token| session_cookie::give(token, self.arrival));
        let room = uri.path().strip_prefix("/rooms/").and_then(|path| path.split('/').next());
        let seen = room
            .filter(|room| {
                response.status() == StatusCode::OK && cookies::raw(&self.headers, LAST_ROOM) != Some(room)
            })
            .and_then(|room| cookies::set_plain(LAST_ROOM, room, self.arrival.https));
        for cookie in [renewed, seen].into_iter().flatten() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// The page of the room that was looked at last, or of the first there is.
    pub(crate) async fn last_room(&self, http: &Http, user: &User) -> Result<Uri, Failure> {
        let last = cookies::decoded(&self.headers, LAST_ROOM).and_then(|slug| slug.parse::<RoomSlug>().ok());
        let slug = match last {
            Some(slug) if http.chat.room(user, &slug).await.is_ok() => Some(slug),
            _ => {
                let rooms = http.chat.rooms(user).await?;
                let first = rooms.iter().find(|summary| summary.room.slug.as_str() == "general");
                first.or_else(|| rooms.first()).map(|summary| summary.room.slug.clone())
            }
        };
        let nowhere = || Failure::new(ErrorCode::RoomNotFound, "there is no room here; make one");
        slug.and_then(|slug| address::room(&slug).parse().ok()).ok_or_else(nowhere)
    }
}

/// `GET` of any page.
pub(crate) async fn show(State(http): State<Arc<Http>>, request: Request) -> Response {
    let (visit, request) = match Visit::begin(&http, request).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    visit.show(&http, request.uri()).await
}

/// `GET /`: the room that was looked at last; also where the addresses of forms lead that somebody who is signed in opens
/// by hand.
pub(crate) async fn home(State(http): State<Arc<Http>>, request: Request) -> Response {
    let (visit, request) = match Visit::begin(&http, request).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let Some(user) = &visit.viewer.user else {
        let door = Uri::from_static("/");
        let at = if request.uri().path() == "/sign-in" { &door } else { request.uri() };
        return visit.show(&http, at).await;
    };
    match visit.last_room(&http, user).await {
        Ok(room) => address::see_other(&room.to_string()),
        Err(failure) => failure.into_text(),
    }
}

/// Everything that has no route: a file of the page, or a page that says there is nothing.
pub(crate) async fn fallback(State(http): State<Arc<Http>>, request: Request) -> Response {
    let uri = request.uri();
    if uri.path().starts_with("/api/") {
        let message = "there is nothing at this address; docs/PROTOCOL.md lists what there is";
        return Failure::new(ErrorCode::NotFound, message).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = method_not_allowed(uri.clone()).await;
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
        return response;
    }
    match assets::serve(uri, request.headers()) {
        Some(response) => response,
        None if uri.path().starts_with("/pkg/") => {
            Failure::new(ErrorCode::NotFound, "no such file").into_text()
        }
        None => match http.throttle(&request) {
            Ok(()) => show(State(http), request).await,
            Err(refusal) => Failure::from(refusal).into_text(),
        },
    }
}

/// An address that is there, but not for this method.
pub(crate) async fn method_not_allowed(uri: Uri) -> Response {
    let message = "this address does not take that method; the Allow header says which it takes";
    Failure::new(ErrorCode::MethodNotAllowed, message).into_response_at(&uri)
}

/// Puts a cookie onto an answer.
pub(crate) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
