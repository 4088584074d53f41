//! The whole server from outside: started on a free port with a data folder of its own, spoken to by HTTP and sockets.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod api;
mod assets;
mod backup;
mod binary;
mod forms;
mod frames;
mod guests;
mod health;
mod live;
mod origin;
mod pages;
mod rooms;
mod server;
mod slow;
mod socket;
mod start;
mod wire;
