//! Hubbub's native client: for bots, tests and load.
//!
//! Hidden here: the socket, the clock and the task that drives [`protocol::session`] with them. What the session
//! promises holds for every program that is built on this: each event of a joined room comes once and in order, and
//! what was sent is repeated until the server has answered, whatever happens to the connection.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let guest = client::create_guest("http://127.0.0.1:3000", "bot").await?;
//! let (client, mut updates) = client::Client::connect("http://127.0.0.1:3000", &guest.token)?;
//! let room: protocol::RoomSlug = "general".parse()?;
//! client.join(room.clone(), None).await?;
//! client.send(room, "Hello".parse()?).await?;
//! while let Some(event) = updates.next_event().await {
//!     println!("{event:?}");
//! }
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod address;
mod driver;
mod guest;
mod handle;
mod socket;
mod updates;

pub use address::{Address, InvalidAddress};
pub use guest::{GuestError, create_guest};
pub use handle::{Client, Error, Options};
pub use updates::{UPDATES_MAX, Update, Updates};

/// The types of the wire, for programs that depend on this crate alone.
pub use protocol;
