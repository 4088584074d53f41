//! What a server-rendered page needs from the server. The app defines it, the server provides it in context; the app
//! never imports the server.

use protocol::{
    RoomSlug, Seq,
    api::{RoomSummary, User},
    timeline::Page,
};
use serde::{Deserialize, Serialize};

/// What there is at an address, for whoever asks. In context, as `Arc<Content>`; the page is rendered from it and waits
/// for nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// Who asks is to pick a name first, and led on to `next` then.
    SignIn {
        /// The address that was asked for.
        next: String,
        /// The private room that it invites to.
        invited: Option<String>,
    },
    /// A room.
    Chat {
        /// All that is shown of it at first.
        page: Box<ChatPage>,
        /// Where in it.
        place: Place,
    },
    /// An invitation to a private room.
    Invitation(Invitation),
    /// There is no such page.
    NoPage,
    /// There is no such room, or this user may not see it.
    NoRoom,
    /// There is no such invitation.
    NoInvitation,
    /// The server cannot read its store now.
    Unavailable,
}

/// Which of a room's messages a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The newest.
    Newest,
    /// Those around a permalink's message: `/rooms/{slug}/{seq}`.
    Around(Seq),
    /// Those before a message: `/rooms/{slug}?before={seq}`, how one pages back without JavaScript.
    Before(Seq),
    /// Those after a message: `/rooms/{slug}?after={seq}`.
    After(Seq),
}

/// All that the chat page shows at first; the page hydrates from it and its socket resumes at `page.cursor()`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatPage {
    /// Who looks.
    pub me: User,
    /// The list of rooms. The open one is among them.
    pub rooms: Vec<RoomSummary>,
    /// The open room.
    pub room: RoomSlug,
    /// Its messages.
    pub page: Page,
    /// Who is there, at most [`protocol::limits::PRESENCE_MAX_NAMED`].
    pub here: Vec<User>,
    /// How many are there.
    pub here_count: u32,
}

/// A private room that somebody was invited to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    /// What the room is called.
    pub name: String,
    /// Where accepting is posted to.
    pub accept: String,
}

/// What the server found out about a request before it renders the page. In context.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// Who asks; `None` sees the sign-in page.
    pub user: Option<User>,
    /// What they chose or their browser asks for.
    pub preferences: Preferences,
    /// A form that was refused, to be shown again with what was typed in it.
    pub refused: Option<RefusedForm>,
    /// Whether guests may come in.
    pub guests: bool,
    /// The address of the page, where the browser asked for another: a refused form is answered with the page it was on,
    /// at the address that the form is posted to.
    pub address: Option<String>,
}

/// How somebody wants the page. Kept in plain cookies (`lang`, `theme`, `tz`), so that the first paint is right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// The language: chosen, else from Accept-Language.
    pub language: Language,
    /// Light, dark, or as the system has it.
    pub theme: Theme,
    /// The reader's time zone by its IANA name, once their browser has told it; UTC until then.
    pub time_zone: Option<String>,
}

/// A language that the page speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English, `en`.
    #[default]
    English,
    /// Simplified Chinese, `zh-CN`.
    Chinese,
}

/// A choice of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// A form that came without JavaScript and was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedForm {
    /// Which.
    pub form: Form,
    /// Why, for the words of the page's language.
    pub code: protocol::ErrorCode,
    /// What was typed in its main field (the name, the content).
    pub typed: String,
}

/// The forms of the pages. All are `POST`, `application/x-www-form-urlencoded`, and answer 303 where they succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// `/sign-in`: `username`, `next`, `id`.
    SignIn,
    /// `/rooms`: `name`, `topic`, `visibility`.
    NewRoom {
        /// What was typed besides the name.
        topic: String,
        /// What was chosen.
        visibility: protocol::api::Visibility,
    },
    /// `/rooms/{slug}`: `content`, `reply_to`, `id`.
    Message,
}

/// The id of a form that is posted without the browser's half, so that one that is sent twice is one message, or one guest.
#[cfg(feature = "ssr")]
pub(crate) fn form_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The browser's half makes an id for each message itself.
#[cfg(not(feature = "ssr"))]
pub(crate) fn form_id() -> String {
    String::new()
}

/// Where the browser finds the page's files. In context.
#[derive(Debug, Clone)]
pub struct Assets {
    /// The style sheet, with the hash of its content in its address.
    pub css: String,
    /// The script that loads the WebAssembly.
    pub js: String,
    /// The WebAssembly.
    pub wasm: String,
}
