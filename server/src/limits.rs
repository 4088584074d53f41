//! How much one user, one address or one connection may do, and how many connections there may be.
//!
//! Hides the token buckets and the counts. The promise: a person never notices a limit, a flood stops at it, and a
//! refusal always says when to come back. `--rate-limits off` lifts everything here.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use protocol::{ErrorCode, UserId, frame::Refusal};

use crate::config::{LimitSettings, Rate};

/// How often buckets that are full again are forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_mins(1);
/// Answers that are not sent yet, of all addresses together, in bytes.
const UNSENT_MAX_BYTES: usize = 64 * 1024 * 1024;
/// One address has at most this part of them.
const UNSENT_SHARES: usize = 4;

/// All limits of a running server.
#[derive(Debug)]
pub struct Limits {
    ops: Buckets<UserId>,
    rooms: Buckets<UserId>,
    guests: Buckets<Neighbourhood>,
    requests: Buckets<Neighbourhood>,
    frames: Option<Quota>,
    connections: Arc<Connections>,
    visits: Arc<Visits>,
    unsent: Arc<Unsent>,
}

impl Limits {
    /// The limits as they are set.
    pub fn new(settings: &LimitSettings) -> Self {
        let quota = |rate| settings.rate_limits.is_on().then(|| quota_of(rate)).flatten();
        let cap = |cap| if settings.rate_limits.is_on() { cap } else { usize::MAX };
        Self {
            ops: Buckets::new(quota(settings.op_rate)),
            rooms: Buckets::new(quota(settings.room_rate)),
            guests: Buckets::new(quota(settings.guest_rate)),
            requests: Buckets::new(quota(settings.request_rate)),
            frames: quota(settings.frame_rate),
            connections: Arc::new(Connections {
                max: cap(settings.max_connections),
                max_per_user: cap(settings.max_connections_per_user),
                max_per_address: cap(settings.max_connections_per_address),
                open: Mutex::default(),
            }),
            visits: Arc::new(Visits {
                max_per_address: cap(settings.max_connections_per_address),
                open: Mutex::default(),
            }),
            unsent: Arc::new(Unsent {
                max: cap(UNSENT_MAX_BYTES),
                max_per_address: cap(UNSENT_MAX_BYTES / UNSENT_SHARES),
                bytes: Mutex::default(),
            }),
        }
    }

    /// One more message, edit, deletion or reaction of `user`.
    pub fn op(&self, user: UserId) -> Result<(), Refusal> {
        self.ops.take(&user, "you are writing faster than this server takes it; wait a moment")
    }

    /// One more room made by `user`.
    pub fn room(&self, user: UserId) -> Result<(), Refusal> {
        self.rooms.take(&user, "you made many rooms in a short time; wait before you make another")
    }

    /// One more guest from `address`.
    pub fn guest(&self, address: IpAddr) -> Result<(), Refusal> {
        let message = "many people came in from your network in a short time; wait a little and try again";
        self.guests.take(&Neighbourhood::of(address), message)
    }

    /// One more request from `address`.
    pub fn request(&self, address: IpAddr) -> Result<(), Refusal> {
        self.requests.take(&Neighbourhood::of(address), "too many requests from your network; wait a moment")
    }

    /// The bucket of a new connection.
    pub fn frames(&self) -> FrameBucket {
        FrameBucket(self.frames.map(DefaultDirectRateLimiter::direct))
    }

    /// Room for one more connection, held until the permit is dropped.
    pub fn connection(&self, user: UserId, address: IpAddr) -> Result<ConnectionPermit, Refusal> {
        let address = Neighbourhood::of(address);
        self.connections.open(user, address)?;
        Ok(ConnectionPermit { connections: Arc::clone(&self.connections), user, address })
    }

    /// Room for one more connection that speaks HTTP, held until the permit is dropped. An address has as many of them as it
    /// may have open sockets.
    pub fn visit(&self, address: IpAddr) -> Result<VisitPermit, TooMany> {
        let address = Neighbourhood::of(address);
        let mut open = self.visits.counts();
        let count = open.entry(address).or_default();
        if *count >= self.visits.max_per_address {
            return Err(TooMany);
        }
        *count += 1;
        Ok(VisitPermit { visits: Arc::clone(&self.visits), address })
    }

    /// Memory for an answer of so many bytes to `address`, held until the permit is dropped.
    pub fn unsent(&self, address: IpAddr, bytes: usize) -> Result<UnsentPermit, Refusal> {
        let address = Neighbourhood::of(address);
        let mut held = self.unsent.held();
        let of_address = held.per_address.get(&address).copied().unwrap_or_default();
        // One answer may be as large as it is: there is always room for the first.
        let is_too_much = |held: usize, max: usize| held > 0 && held.saturating_add(bytes) > max;
        if is_too_much(of_address, self.unsent.max_per_address) || is_too_much(held.total, self.unsent.max) {
            let message = "too many answers wait to be read; read them, and try again in a moment";
            return Err(Refusal::for_now(ErrorCode::Unavailable, message, 1_000));
        }
        held.total += bytes;
        *held.per_address.entry(address).or_default() += bytes;
        Ok(UnsentPermit { unsent: Arc::clone(&self.unsent), address, bytes })
    }

    /// Forgets those who have not been seen for a while, again and again. Runs until it is dropped.
    pub async fn prune(self: Arc<Self>) {
        let mut interval = tokio::time::interval(PRUNE_INTERVAL);
        loop {
            interval.tick().await;
            self.ops.prune();
            self.rooms.prune();
            self.guests.prune();
            self.requests.prune();
        }
    }
}

fn quota_of(rate: Rate) -> Option<Quota> {
    Some(Quota::with_period(rate.period / rate.times.get())?.allow_burst(rate.times))
}

/// One token bucket for each key; none where rates are lifted.
#[derive(Debug)]
struct Buckets<K: Hash + Eq + Clone>(Option<DefaultKeyedRateLimiter<K>>);

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(quota: Option<Quota>) -> Self {
        Self(quota.map(DefaultKeyedRateLimiter::dashmap))
    }

    fn take(&self, key: &K, message: &str) -> Result<(), Refusal> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        buckets
            .check_key(key)
            .map_err(|early| limited(early.wait_time_from(DefaultClock::default().now()), message))
    }

    fn prune(&self) {
        if let Some(buckets) = &self.0 {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

fn limited(wait: Duration, message: &str) -> Refusal {
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    Refusal::for_now(ErrorCode::RateLimited, message, ms)
}

/// How many frames one connection may still send.
#[derive(Debug)]
pub struct FrameBucket(Option<DefaultDirectRateLimiter>);

impl FrameBucket {
    /// One more frame.
    pub fn take(&self) -> Result<(), Refusal> {
        let Some(bucket) = &self.0 else { return Ok(()) };
        bucket.check().map_err(|early| {
            let message = "frames come faster than this server takes them; wait a moment";
            limited(early.wait_time_from(DefaultClock::default().now()), message)
        })
    }
}

/// An address as far as one party commonly holds it alone: an IPv4 address, or an IPv6 network of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Neighbourhood(IpAddr);

impl Neighbourhood {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

#[derive(Debug)]
struct Connections {
    max: usize,
    max_per_user: usize,
    max_per_address: usize,
    open: Mutex<Open>,
}

/// The open connections, counted. A count of zero has no entry, so the maps are as large as the connections are many.
#[derive(Debug, Default)]
struct Open {
    total: usize,
    per_user: HashMap<UserId, usize>,
    per_address: HashMap<Neighbourhood, usize>,
}

impl Connections {
    fn counts(&self) -> MutexGuard<'_, Open> {
        // The counts are whole after every statement below, so a poisoned lock has them right.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, user: UserId, address: Neighbourhood) -> Result<(), Refusal> {
        let mut open = self.counts();
        let of = |count: Option<&usize>| count.copied().unwrap_or_default();
        if open.total >= self.max {
            let message = "this server has as many connections as it takes; try again later";
            return Err(Refusal::for_now(ErrorCode::Unavailable, message, 5_000));
        }
        if of(open.per_user.get(&user)) >= self.max_per_user {
            let message =
                format!("you have {} open connections, the most for one user; close some", self.max_per_user);
            return Err(Refusal::new(ErrorCode::LimitReached, message));
        }
        if of(open.per_address.get(&address)) >= self.max_per_address {
            let message = "your network has as many connections as this server gives to one address";
            return Err(Refusal::new(ErrorCode::LimitReached, message));
        }
        open.total += 1;
        *open.per_user.entry(user).or_default() += 1;
        *open.per_address.entry(address).or_default() += 1;
        Ok(())
    }

    fn close(&self, user: UserId, address: Neighbourhood) {
        let mut open = self.counts();
        open.total = open.total.saturating_sub(1);
        count_down(&mut open.per_user, &user);
        count_down(&mut open.per_address, &address);
    }
}

/// The connections that speak HTTP, counted. A count of zero has no entry.
#[derive(Debug)]
struct Visits {
    max_per_address: usize,
    open: Mutex<HashMap<Neighbourhood, usize>>,
}

impl Visits {
    fn counts(&self) -> MutexGuard<'_, HashMap<Neighbourhood, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address has as many connections as it gets.
#[derive(Debug)]
pub struct TooMany;

/// The right to ask; given back when it is dropped.
#[derive(Debug)]
pub struct VisitPermit {
    visits: Arc<Visits>,
    address: Neighbourhood,
}

impl Drop for VisitPermit {
    fn drop(&mut self) {
        count_down(&mut self.visits.counts(), &self.address);
    }
}

/// Answers that are not sent yet, in bytes. Who holds nothing has no entry.
#[derive(Debug)]
struct Unsent {
    max: usize,
    max_per_address: usize,
    bytes: Mutex<UnsentBytes>,
}

#[derive(Debug, Default)]
struct UnsentBytes {
    total: usize,
    per_address: HashMap<Neighbourhood, usize>,
}

impl Unsent {
    fn held(&self) -> MutexGuard<'_, UnsentBytes> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory of one answer; given back when it is dropped.
#[derive(Debug)]
pub struct UnsentPermit {
    unsent: Arc<Unsent>,
    address: Neighbourhood,
    bytes: usize,
}

impl Drop for UnsentPermit {
    fn drop(&mut self) {
        let mut held = self.unsent.held();
        held.total = held.total.saturating_sub(self.bytes);
        if let Some(of_address) = held.per_address.get_mut(&self.address) {
            *of_address = of_address.saturating_sub(self.bytes);
            if *of_address == 0 {
                held.per_address.remove(&self.address);
            }
        }
    }
}

fn count_down<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// The right to be connected; given back when it is dropped, however the connection ended.
#[derive(Debug)]
pub struct ConnectionPermit {
    connections: Arc<Connections>,
    user: UserId,
    address: Neighbourhood,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.close(self.user, self.address);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use uuid::Uuid;

    use super::*;
    use crate::config::Config;

    const HERE: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    fn limits(flags: &[&str]) -> Limits {
        let args = ["hubbub"].iter().chain(flags);
        Limits::new(&Config::try_parse_from(args).unwrap().limits)
    }

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn a_flood_is_told_when_to_come_back_and_others_go_on() {
        let limits = limits(&["--op-rate", "3/1h"]);
        for _ in 0..3 {
            limits.op(user(1)).unwrap();
        }
        let refusal = limits.op(user(1)).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::RateLimited);
        assert!((1..=1_200_001).contains(&refusal.retry_after_ms.unwrap()), "{refusal:?}");
        limits.op(user(2)).unwrap();
    }

    #[test]
    fn a_network_is_one_neighbour_however_many_addresses_it_has() {
        let limits = limits(&["--guest-rate", "1/1h"]);
        let address = |text: &str| text.parse().unwrap();
        limits.guest(address("2001:db8::1")).unwrap();
        limits.guest(address("2001:db8::ffff:2")).unwrap_err();
        limits.guest(address("2001:db8:0:1::1")).unwrap();
        limits.guest(address("192.0.2.1")).unwrap();
        limits.guest(address("::ffff:192.0.2.1")).unwrap_err();
    }

    #[test]
    fn permits_are_given_back() {
        let limits = limits(&["--max-connections", "2", "--max-connections-per-user", "1"]);
        let code = |result: Result<ConnectionPermit, Refusal>| result.map(drop).unwrap_err().code;
        let first = limits.connection(user(1), HERE).unwrap();
        assert_eq!(code(limits.connection(user(1), HERE)), ErrorCode::LimitReached);
        let _second = limits.connection(user(2), HERE).unwrap();
        assert_eq!(code(limits.connection(user(3), HERE)), ErrorCode::Unavailable);
        drop(first);
        limits.connection(user(3), HERE).unwrap();
        assert!(!limits.connections.counts().per_user.contains_key(&user(1)));
    }

    #[test]
    fn one_address_does_not_take_every_place_of_those_who_ask() {
        let limits = limits(&["--max-connections-per-address", "2"]);
        let elsewhere = IpAddr::V4([192, 0, 2, 1].into());
        let (first, _second) = (limits.visit(HERE).unwrap(), limits.visit(HERE).unwrap());
        limits.visit(HERE).unwrap_err();
        limits.visit(elsewhere).unwrap();
        drop(first);
        limits.visit(HERE).unwrap();
        assert_eq!(limits.visits.counts().len(), 1, "who has gone leaves nothing behind");
    }

    #[test]
    fn one_address_does_not_hold_all_memory_and_gives_it_back() {
        let limits = limits(&[]);
        let elsewhere = IpAddr::V4([192, 0, 2, 1].into());
        let share = UNSENT_MAX_BYTES / UNSENT_SHARES;
        let held = limits.unsent(HERE, share - 10).unwrap();
        let refusal = limits.unsent(HERE, 11).unwrap_err();
        assert_eq!((refusal.code, refusal.retry_after_ms), (ErrorCode::Unavailable, Some(1_000)));
        let _little = limits.unsent(HERE, 10).unwrap();
        let _others = limits.unsent(elsewhere, share).unwrap();
        drop(held);
        drop(limits.unsent(HERE, share - 10).unwrap());
        assert_eq!(limits.unsent.held().total, share + 10);
    }

    #[test]
    fn an_answer_larger_than_a_share_is_sent_alone() {
        let limits = limits(&[]);
        let large = limits.unsent(HERE, UNSENT_MAX_BYTES + 1).unwrap();
        limits.unsent(HERE, 1).unwrap_err();
        drop(large);
        limits.unsent(HERE, 1).unwrap();
        assert!(limits.unsent.held().per_address.is_empty());
    }

    #[test]
    fn everything_can_be_lifted() {
        let limits = limits(&["--rate-limits", "off", "--op-rate", "1/1h", "--frame-rate", "1/1h"]);
        let frames = limits.frames();
        for _ in 0..100 {
            limits.op(user(1)).unwrap();
            frames.take().unwrap();
        }
    }
}
