//! The network between server and clients: dead without a word, lossy, slow, cut again and again. The server lives in a
//! network namespace of its own, so that nothing else on the machine notices.

mod slow;

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Context as _;
use client::{Update, protocol::session::Status};
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::Run;
use crate::{
    report::Report,
    server::Server,
    talk::{Plan, Talk, guest},
};

/// How soon each side must notice that the other is gone.
const NOTICED_MAX: Duration = Duration::from_secs(35);
/// How long either is waited for, so that one that does not notice fails the run.
const NOTICED_WAIT: Duration = Duration::from_mins(1);
/// How long a connection lives that is cut again and again.
const CUT_EVERY: Duration = Duration::from_secs(1);
const HOST: Ipv4Addr = Ipv4Addr::new(10, 203, 77, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 203, 77, 2);

/// People who chat, not a load.
const PLAN: Plan = Plan { writers: 10, in_flight: 1, rest: Duration::from_millis(100), readers: 3 };

/// A namespace with the server's end of a cable in it; gone with this.
struct Namespace {
    name: String,
}

impl Namespace {
    async fn make() -> anyhow::Result<Self> {
        let name = format!("hubbub-{}", std::process::id());
        // What an earlier run has left behind, if it was broken off.
        let _none = ip("link del hubbub0").await;
        ip(&format!("netns add {name}")).await?;
        let namespace = Self { name };
        ip(&format!("link add hubbub0 type veth peer name hubbub1 netns {}", namespace.name)).await?;
        ip(&format!("addr add {HOST}/30 dev hubbub0")).await?;
        ip("link set hubbub0 up").await?;
        namespace.inside(&format!("ip addr add {SERVER}/30 dev hubbub1")).await?;
        namespace.inside("ip link set hubbub1 up").await?;
        namespace.inside("ip link set lo up").await?;
        Ok(namespace)
    }

    /// Runs a command in it.
    async fn inside(&self, words: &str) -> anyhow::Result<()> {
        ip(&format!("netns exec {} {words}", self.name)).await
    }

    /// Begins (`-A`) or ends (`-D`) to drop packets in both directions, chosen by `condition`.
    async fn drop_packets(&self, change: &str, condition: &str) -> anyhow::Result<()> {
        self.inside(&format!("iptables {change} INPUT -i hubbub1 {condition} -j DROP")).await?;
        self.inside(&format!("iptables {change} OUTPUT -o hubbub1 {condition} -j DROP")).await
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _tried = std::process::Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

async fn ip(words: &str) -> anyhow::Result<()> {
    let done = Command::new("ip").args(words.split(' ')).output().await.context("ip is missing")?;
    anyhow::ensure!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let (mut report, binary) = (Report::default(), run.binary.clone());
    // Beside the others, and not in their way: it is for the most part waiting.
    let (others, slow) = tokio::join!(all_others(run, &mut report), slow::run(&binary));
    others?;
    match slow? {
        Ok(fact) => report.note(fact),
        Err(broken) => report.demand(false, broken),
    }
    Ok(report)
}

async fn all_others(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let namespace = Namespace::make().await?;
    let server = Server::new(&run.binary)?.at(SERVER.into());
    let mut server = server.under(&["ip", "netns", "exec", &namespace.name]);
    server.start().await?;
    let talk = Talk::begin(&server.address(), &PLAN, &mut run.random).await?;

    lose(&talk, &namespace, report).await?;
    starve(&talk, &namespace, report).await?;
    cut(run, &talk, &namespace, report).await?;
    fall_silent(&talk, &namespace, &server, report).await?;

    report.judge(&talk.end().await?);
    server.kill().await
}

/// Every twentieth packet is lost, both ways.
async fn lose(talk: &Talk, namespace: &Namespace, report: &mut Report) -> anyhow::Result<()> {
    const LOSS: &str = "-m statistic --mode random --probability 0.05";
    namespace.drop_packets("-A", LOSS).await?;
    let took = talk.goes_on(1_000).await?;
    namespace.drop_packets("-D", LOSS).await?;
    report.note(format!("5 % loss: 1,000 operations in {:.1} s", took.as_secs_f64()));
    Ok(())
}

/// The cable carries 256 kbit/s in each direction.
async fn starve(talk: &Talk, namespace: &Namespace, report: &mut Report) -> anyhow::Result<()> {
    const RATE: &str = "root tbf rate 256kbit burst 8kb latency 400ms";
    namespace.inside(&format!("tc qdisc add dev hubbub1 {RATE}")).await?;
    tc(&format!("qdisc add dev hubbub0 {RATE}")).await?;
    let took = talk.goes_on(300).await?;
    namespace.inside("tc qdisc del dev hubbub1 root").await?;
    tc("qdisc del dev hubbub0 root").await?;
    report.note(format!("256 kbit/s: 300 operations in {:.1} s", took.as_secs_f64()));
    Ok(())
}

/// Every connection is reset, once a second.
async fn cut(run: &Run, talk: &Talk, namespace: &Namespace, report: &mut Report) -> anyhow::Result<()> {
    const RESET: &str = "INPUT -i hubbub1 -p tcp -j REJECT --reject-with tcp-reset";
    let cuts = run.scale(30, 5);
    let mut during = Vec::with_capacity(cuts);
    for _ in 0..cuts {
        let before = talk.acknowledged();
        sleep(CUT_EVERY).await;
        during.push(talk.acknowledged() - before);
        namespace.inside(&format!("iptables -A {RESET}")).await?;
        // Every connection has something to say in that time.
        sleep(Duration::from_millis(300)).await;
        namespace.inside(&format!("iptables -D {RESET}")).await?;
    }
    let back = talk.is_with_everybody().await?;
    let (operations, alive) = (during.iter().sum::<usize>(), during.iter().filter(|&&some| some > 0).count());
    report.note(format!(
        "{cuts} cuts of all connections: {operations} operations before and between them, everybody back in {:.1} s",
        back.as_secs_f64()
    ));
    report.demand(
        operations >= cuts * PLAN.writers && alive * 2 >= cuts,
        format!("{during:?} operations went through between the cuts: the run proves little"),
    );
    Ok(())
}

/// Nothing comes through any more, and nobody is told.
async fn fall_silent(
    talk: &Talk,
    namespace: &Namespace,
    server: &Server,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (observer, mut updates) = guest(&server.address(), "observer", 1).await?;
    observer.online().await?;
    let connected = server.descriptors()?;
    let silent = "-p tcp";
    namespace.drop_packets("-A", silent).await?;
    let began = Instant::now();
    let lost = async {
        while let Some(update) = updates.next().await {
            if matches!(update, Update::Status(status) if status != Status::Online) {
                break;
            }
        }
        began.elapsed()
    };
    let let_go = async {
        // All of the talk's sockets and the observer's.
        while server.descriptors()? + PLAN.writers + PLAN.readers >= connected {
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(began.elapsed())
    };
    let (client, server) = timeout(NOTICED_WAIT, async { tokio::join!(lost, let_go) })
        .await
        .context("somebody does not notice that the network is dead")?;
    let server = server?;
    namespace.drop_packets("-D", silent).await?;
    let back = talk.goes_on(PLAN.writers).await?;
    report.note(format!(
        "half-open: noticed by a client after {:.1} s, by the server after {:.1} s, back in {:.1} s",
        client.as_secs_f64(),
        server.as_secs_f64(),
        back.as_secs_f64()
    ));
    report.demand(client.max(server) <= NOTICED_MAX, format!("noticed after {:?}", client.max(server)));
    Ok(())
}

async fn tc(words: &str) -> anyhow::Result<()> {
    let done = Command::new("tc").args(words.split(' ')).output().await.context("tc is missing")?;
    anyhow::ensure!(done.status.success(), "tc {words}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
