//! The pages: one for each kind of address. Each can be read and used without JavaScript.

mod invitation;
mod missing;
mod room;
mod sign_in;

pub(crate) use invitation::InvitationPage;
pub(crate) use missing::{MissingRoom, NotFoundPage, Unavailable};
pub(crate) use room::RoomPage;
pub(crate) use sign_in::SignInPage;

use crate::source::PageError;

/// Tells the browser by the page's status that it is not what was asked for.
#[cfg(feature = "ssr")]
fn set_status(error: PageError) {
    use leptos_axum::ResponseOptions;

    let status = match error {
        PageError::NotFound => 404,
        PageError::Unavailable => 503,
    };
    if let (Some(response), Ok(status)) =
        (leptos::prelude::use_context::<ResponseOptions>(), status.try_into())
    {
        response.set_status(status);
    }
}

/// Only the server answers with a status.
#[cfg(not(feature = "ssr"))]
fn set_status(_: PageError) {}
