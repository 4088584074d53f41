//! Many connections that joined a room and say nothing.

use anyhow::Context as _;
use client::{Client, protocol::RoomSlug};
use tokio::{io::AsyncReadExt as _, task::JoinSet};

/// How many come in at a time.
const AT_ONCE: usize = 50;

/// Joins `connections` times and stays until standard input ends.
pub(crate) async fn run(address: &str, room: &RoomSlug, connections: usize) -> anyhow::Result<()> {
    let mut coming = JoinSet::new();
    let mut here = Vec::with_capacity(connections);
    for n in 0..connections {
        if coming.len() == AT_ONCE {
            here.push(coming.join_next().await.context("nobody comes")???);
        }
        coming.spawn(come(address.to_owned(), room.clone(), n));
    }
    while let Some(come) = coming.join_next().await {
        here.push(come??);
    }
    println!("joined {}", here.len());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn come(address: String, room: RoomSlug, n: usize) -> anyhow::Result<Client> {
    let guest = client::create_guest(&address, &format!("idler-{n}-{:08x}", fastrand::u32(..))).await?;
    let (client, mut updates) = Client::connect(&address, &guest.token)?;
    client.join(room, None).await?;
    // What the room says is taken and dropped.
    tokio::spawn(async move { while updates.next().await.is_some() {} });
    Ok(client)
}
