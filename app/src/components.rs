//! The views. State comes in, intents go out: nothing here knows the socket or the storage.

mod account;
mod actions;
mod avatar;
mod banner;
pub(crate) mod card;
pub(crate) mod chat;
mod clipboard;
mod clock;
mod composer;
mod desk;
mod emoji;
mod header;
mod help;
pub(crate) mod icon;
mod log;
mod markdown;
mod message;
mod new_room;
mod overlay;
mod people;
mod picker;
pub(crate) mod preferences;
mod reactions;
mod scroll;
mod sidebar;
mod toolbar;
