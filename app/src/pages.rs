//! The pages that are no conversation. Each can be read and used without JavaScript.

mod invitation;
mod missing;
mod sign_in;

pub(crate) use invitation::{InvitationPage, NoInvitationPage};
pub(crate) use missing::{NoPage, NoRoomPage, UnavailablePage};
pub(crate) use sign_in::SignInPage;
