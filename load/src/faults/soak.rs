//! A long time of coming and going: nothing must pile up.

use std::{fmt, time::Duration};

use client::{Options, protocol::RoomSlug};
use tokio::time::{Instant, sleep};

use super::Run;
use crate::{
    report::Report,
    server::Server,
    talk::{Plan, Talk},
    web::Web,
};

/// People who stay and talk.
const STAY: Plan = Plan { writers: 5, in_flight: 1, rest: Duration::from_millis(100), readers: 1 };
/// How many come at a time, and leave again.
const VISITORS: usize = 20;
/// A room is made by every so manieth round of visitors; rooms are for ever, and so is what they cost.
const ROUNDS_PER_ROOM: usize = 60;
/// How much memory may grow from the middle third to the last, in hundredths.
const GROWTH_MAX: u64 = 110;

/// What a server holds at one moment: what the system sees of it, and the tasks that it tells of itself.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    memory_kb: u64,
    descriptors: u64,
    threads: u64,
    tasks: u64,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory_kb, descriptors, threads, tasks } = self;
        write!(f, "{memory_kb} KB, {descriptors} descriptors, {threads} threads, {tasks} tasks")
    }
}

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?.with_metrics()?;
    server.start().await?;
    let address = server.address();
    let general: RoomSlug = "general".parse()?;
    let talk = Talk::begin(&address, &STAY, &mut run.random).await?;
    let lasts = run.scale(Duration::from_hours(1), Duration::from_secs(30));
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut rounds = 0;
    while began.elapsed() < lasts {
        let token = client::create_guest(&address, &format!("visitor-{rounds}")).await?.token;
        let mut here = Vec::new();
        for _ in 0..VISITORS {
            let (client, mut updates) = Options::new(&address, &token)?.start();
            tokio::spawn(async move { while updates.next().await.is_some() {} });
            client.join(general.clone(), None).await?;
            here.push(client);
        }
        here[0].send(general.clone(), "passing by".parse()?).await?;
        if rounds % ROUNDS_PER_ROOM == 0 {
            Web::new(&address, &token)?.create_private_room(&format!("corner {rounds}")).await?;
        }
        for (n, client) in here.into_iter().enumerate() {
            // Half of them leave without a word.
            if n % 2 == 0 { client.close().await } else { client.cut().await }
        }
        rounds += 1;
        samples.push(Held {
            memory_kb: server.resident_kb()?,
            descriptors: server.descriptors()?.try_into()?,
            threads: server.threads()?,
            tasks: server.metric("hubbub_tasks").await?,
        });
        sleep(Duration::from_millis(100)).await;
    }
    report.judge(&talk.end().await?);
    let third = samples.len() / 3;
    let (middle, last) = (mean(&samples[third..2 * third]), mean(&samples[2 * third..]));
    report.note(format!(
        "{rounds} rounds of {VISITORS} visitors: {middle} in the middle third; {last} in the last"
    ));
    let flat = |one: u64, next: u64| next * 100 <= one * GROWTH_MAX + 200;
    report.demand(run.is_short || flat(middle.memory_kb, last.memory_kb), "memory grows");
    report.demand(flat(middle.descriptors, last.descriptors), "descriptors pile up");
    report.demand(flat(middle.threads, last.threads), "threads pile up");
    report.demand(flat(middle.tasks, last.tasks), "tasks pile up");
    server.kill().await?;
    Ok(report)
}

fn mean(samples: &[Held]) -> Held {
    let count = u64::try_from(samples.len().max(1)).unwrap_or(1);
    let of = |part: fn(&Held) -> u64| samples.iter().map(part).sum::<u64>() / count;
    Held {
        memory_kb: of(|held| held.memory_kb),
        descriptors: of(|held| held.descriptors),
        threads: of(|held| held.threads),
        tasks: of(|held| held.tasks),
    }
}
