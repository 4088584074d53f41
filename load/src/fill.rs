//! Many messages in a room, as fast as the server takes them durably.

use std::time::Instant;

use anyhow::Context as _;
use client::{Options, protocol::RoomSlug};
use tokio::task::JoinSet;

/// How many write at once; together they fill the server's group commits.
const WRITERS: usize = 8;
/// How many messages of one writer may be unanswered.
const IN_FLIGHT: usize = 64;

/// Posts `messages` messages and says how long it took.
pub(crate) async fn run(address: &str, room: &RoomSlug, messages: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let share = messages / WRITERS + usize::from(writer < messages % WRITERS);
        writers.spawn(write(address.to_owned(), room.clone(), writer, share));
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    println!("{messages} messages in {} ms", began.elapsed().as_millis());
    Ok(())
}

async fn write(address: String, room: RoomSlug, writer: usize, messages: usize) -> anyhow::Result<()> {
    let name = format!("filler-{writer}-{:08x}", fastrand::u32(..));
    let guest = client::create_guest(&address, &name).await?;
    let (client, _updates) = Options::new(&address, &guest.token)?.max_in_flight(IN_FLIGHT).start();
    client.online().await?;
    let mut sends = JoinSet::new();
    for n in 0..messages {
        if sends.len() == IN_FLIGHT {
            sends.join_next().await.context("no send to wait for")???;
        }
        let (client, room) = (client.clone(), room.clone());
        let content = format!(
            "Message {n} of {name}. The quick brown fox jumps over the lazy dog, and 敏捷的棕色狐狸跳过了懒狗 as well; \
             *some* of it in `code`."
        );
        sends.spawn(async move { client.send(room, content.parse()?).await.map_err(anyhow::Error::from) });
    }
    while let Some(sent) = sends.join_next().await {
        sent??;
    }
    client.close().await;
    Ok(())
}
