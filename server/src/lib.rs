//! The server.

pub mod config;
pub mod limits;
pub mod auth;
pub mod bus;
pub mod chat;
pub mod clock;
pub mod random;
pub mod store;
