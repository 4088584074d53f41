//! A bot that repeats what is said to it: `cargo run -p client --example echo -- [NAME] [ROOM] [ADDRESS]`.

use std::{error::Error, process::ExitCode};

use client::{Client, Update, create_guest};
use protocol::{Content, Event, EventKind, RoomSlug, UserId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "echo".to_owned());
    let room: RoomSlug = arguments.next().as_deref().unwrap_or("general").parse()?;
    let address = arguments.next().unwrap_or_else(|| "http://127.0.0.1:3000".to_owned());

    let guest = create_guest(&address, &name).await?;
    let (client, mut updates) = Client::connect(&address, &guest.token)?;
    client.join(room.clone(), None).await?;
    println!("{name} listens in {room}; mention @{name} and it repeats what you say. Ctrl-C ends it.");
    loop {
        tokio::select! {
            update = updates.next() => match update {
                Some(Update::Event(event)) => {
                    if let Some(answer) = answer_to(&event, guest.user.id, &name) {
                        client.reply(room.clone(), event.seq, answer).await?;
                    }
                }
                Some(_) => {}
                None => return client.online().await.map(|_| ()).map_err(Into::into),
            },
            result = tokio::signal::ctrl_c() => {
                result?;
                client.close().await;
                return Ok(());
            }
        }
    }
}

/// What to answer to an event: the rest of a message of somebody else that begins with the bot's name.
fn answer_to(event: &Event, me: UserId, name: &str) -> Option<Content> {
    let EventKind::Message { content: Some(content), .. } = &event.kind else { return None };
    let rest = content.as_str().strip_prefix('@')?.strip_prefix(name)?;
    let is_mention = rest.starts_with(char::is_whitespace) && event.user_id != me;
    if is_mention { rest.trim_start().parse().ok() } else { None }
}
