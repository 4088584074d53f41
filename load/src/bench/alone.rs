//! What only a server with users, a log and pages can be measured by: durable acknowledgements, pages, and doing nothing.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{
    crowd::{Crowd, Entry},
    histogram::Histogram,
    http::Http,
    peer::{House, Hubbub, Peer as _, guest, slug},
    process::{Process, free_address},
    samples::Figure,
    suite::{Round, count},
    talk::{Answer, Load, Span, talk},
};

/// Who write, none of whom follows the room.
const WRITERS: usize = 100;
/// Messages that each of them has under way to find out how many the server takes, and while a room is filled.
const IN_FLIGHT: u32 = 8;
/// How long a server that does nothing is watched.
const IDLE_WATCH: Duration = Duration::from_secs(10);
/// Requests one after the other, of which the median counts.
const REQUESTS: u32 = 300;
/// How often it is looked how many pages a second there are; the median counts.
const TIMES: u32 = 5;
/// Connections that ask all the time, to find out how many pages a second there are.
const ASKING: usize = 8;

pub(crate) const IDLE: &str = "an idle server";
pub(crate) const ACKS: &str = "100 writers, as fast as it goes";
pub(crate) const ACKS_AT_HALF: &str = "100 writers, half as fast";
pub(crate) const FIRST_PAGE: &str = "first page (HTML)";
pub(crate) const FIRST_PAGE_JSON: &str = "first page (JSON)";
pub(crate) const ANY_PAGE: &str = "a page anywhere in the log (HTML)";
pub(crate) const SCROLL_BACK: &str = "a page anywhere in the log (JSON)";

const HOUSE: House = House { rooms: 1, users: WRITERS, history: 0 };

/// What runs the binary for itself.
pub(crate) struct Alone<'r, 's> {
    pub(crate) round: &'r mut Round<'s>,
    pub(crate) hubbub: &'r Hubbub,
}

impl Alone<'_, '_> {
    /// Memory and processor time of a server that nobody uses.
    pub(crate) fn idle(&mut self) -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let address = free_address()?;
        let process = Process::start(self.hubbub.command(address, data.path()), address)?;
        thread::sleep(Duration::from_secs(2));
        let (before, began) = (process.cost()?, Instant::now());
        thread::sleep(IDLE_WATCH);
        let cost = process.cost()?.since(&before).as_secs_f64() / began.elapsed().as_secs_f64();
        self.take(IDLE, Figure::IdleCpu, cost * 100.0);
        self.take(IDLE, Figure::IdleMemory, count(process.resident_bytes()?)? / f64::from(1 << 20));
        Ok(())
    }

    /// Acknowledged sends of many writers in one room: as many as go, and how soon they are answered at half of that.
    pub(crate) fn acks(&mut self) -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let address = free_address()?;
        let process = Process::start(self.hubbub.command(address, data.path()), address)?;
        let mut crowd = Crowd::new(address, self.hubbub.prepare(address, HOUSE)?, HOUSE.rooms)?;
        crowd.admit(WRITERS, Entry::Stay)?;
        let span = self.round.span;
        let most = talk(&mut crowd, &process, WRITERS, Answer::Ack, Load::Loop(IN_FLIGHT), span)?;
        self.round.take_seen(ACKS, self.hubbub, &most)?;
        let half = u128::from(most.latency.total()) * 500 / most.elapsed.as_millis().max(1);
        let load = Load::Rate(u32::try_from(half)?.max(1));
        let seen = talk(&mut crowd, &process, WRITERS, Answer::Ack, load, self.round.span_of(load))?;
        self.round.take_seen(ACKS_AT_HALF, self.hubbub, &seen)
    }

    /// Pages of a room of `messages` messages.
    pub(crate) fn pages(&mut self, messages: u32) -> anyhow::Result<()> {
        let data = tempfile::tempdir()?;
        let address = free_address()?;
        let process = Process::start(self.hubbub.command(address, data.path()), address)?;
        let mut crowd = Crowd::new(address, self.hubbub.prepare(address, HOUSE)?, HOUSE.rooms)?;
        crowd.admit(WRITERS, Entry::Stay)?;
        let moment = Span { warm_up: Duration::ZERO, counted: Duration::from_secs(1) };
        while crowd.next_number() < messages {
            talk(&mut crowd, &process, WRITERS, Answer::Ack, Load::Loop(IN_FLIGHT), moment)?;
        }
        let room = Room { address, token: guest(&mut Http::connect(address)?, "reader")?, messages };
        for (scenario, page) in [
            (FIRST_PAGE, Page::Html),
            (ANY_PAGE, Page::HtmlAnywhere),
            (FIRST_PAGE_JSON, Page::Newest),
            (SCROLL_BACK, Page::Anywhere),
        ] {
            let times = room.one_after_the_other(page)?;
            self.take(scenario, Figure::Median, times.quantile(500).as_secs_f64() * 1e3);
            self.take(scenario, Figure::P99, times.quantile(990).as_secs_f64() * 1e3);
            for _ in 0..TIMES {
                let cost = process.cost()?;
                let pages = room.all_at_once(page, self.round.span.counted)?;
                let cost = process.cost()?.since(&cost);
                let seconds = self.round.span.counted.as_secs_f64();
                self.take(scenario, Figure::PagesPerSecond, count(pages)? / seconds);
                self.take(scenario, Figure::CpuPerAnswer, cost.as_secs_f64() * 1e6 / count(pages.max(1))?);
            }
        }
        Ok(())
    }

    fn take(&mut self, scenario: &str, figure: Figure, value: f64) {
        self.round.take(scenario, self.hubbub, figure, value);
    }
}

#[derive(Debug, Clone, Copy)]
enum Page {
    /// The newest messages, as a browser gets them.
    Html,
    /// Messages before one that is chosen anew each time, as a browser gets them.
    HtmlAnywhere,
    /// The newest messages, as a program gets them.
    Newest,
    /// Messages before one that is chosen anew each time, as a program gets them.
    Anywhere,
}

struct Room {
    address: SocketAddr,
    token: String,
    messages: u32,
}

impl Room {
    fn ask(&self, http: &mut Http, page: Page) -> anyhow::Result<()> {
        let (room, token) = (slug(0), &self.token);
        let anywhere = fastrand::u32(2..=self.messages);
        let path = match page {
            Page::Html => format!("/rooms/{room}"),
            Page::HtmlAnywhere => format!("/rooms/{room}?before={anywhere}"),
            Page::Newest => format!("/api/v1/rooms/{room}/messages"),
            Page::Anywhere => format!("/api/v1/rooms/{room}/messages?before={anywhere}"),
        };
        let headers = match page {
            Page::Html | Page::HtmlAnywhere => {
                format!("Cookie: hubbub_session={token}\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n")
            }
            Page::Newest | Page::Anywhere => format!("Authorization: Bearer {token}\r\n"),
        };
        http.get(&path, &headers).map(drop)
    }

    fn one_after_the_other(&self, page: Page) -> anyhow::Result<Histogram> {
        let mut http = Http::connect(self.address)?;
        for _ in 0..REQUESTS / 10 {
            self.ask(&mut http, page)?;
        }
        let mut times = Histogram::default();
        for _ in 0..REQUESTS {
            let began = Instant::now();
            self.ask(&mut http, page)?;
            times.record(began.elapsed());
        }
        Ok(times)
    }

    /// How many pages come in that time over some connections.
    fn all_at_once(&self, page: Page, time: Duration) -> anyhow::Result<u64> {
        let end = Instant::now() + time;
        thread::scope(|scope| {
            let ask = || {
                let mut http = Http::connect(self.address)?;
                let mut pages = 0;
                while Instant::now() < end {
                    self.ask(&mut http, page)?;
                    pages += 1;
                }
                anyhow::Ok(pages)
            };
            let asking: Vec<_> = (0..ASKING).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|one| one.join().ok().context("somebody panicked")?).sum()
        })
    }
}
