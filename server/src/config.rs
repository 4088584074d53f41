//! The settings: a flag and a `HUBBUB_*` variable each. What can be wrong with a setting is said here, before anything
//! is opened; the rest of the server takes parsed values.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::{Parser, ValueEnum};

/// Group chat in one binary: open the page, pick a name, talk.
///
/// Every setting is a flag and a variable; the flag wins.
#[derive(Debug, Clone, Parser)]
#[command(name = "hubbub", version, max_term_width = 100)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    #[arg(long, env = "HUBBUB_LISTEN", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
          value_name = "ADDRESS:PORT", value_parser = address)]
    pub listen: SocketAddr,

    /// The folder for the database. It is made if it is not there.
    #[arg(long, global = true, env = "HUBBUB_DATA", default_value = "./data", value_name = "FOLDER")]
    pub data: PathBuf,

    /// Whether people may come in by picking a name.
    #[arg(long, env = "HUBBUB_GUESTS", default_value = "on", value_name = "on|off")]
    pub guests: Switch,

    /// The address people open, like `https://chat.example.org`. Set it behind a proxy: it makes cookies `Secure` where
    /// it is https, and is the only origin that may post. Unset: whatever host the browser asks for.
    #[arg(long, env = "HUBBUB_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// How many proxies stand in front and add to `X-Forwarded-For`. With 0 the header is not believed.
    #[arg(long, env = "HUBBUB_TRUSTED_PROXIES", default_value_t = 0, value_name = "COUNT",
          value_parser = whole::<u8, 0, { u8::MAX as u64 }>)]
    pub trusted_proxies: u8,

    /// Where to tell Prometheus how much the server holds, at `/metrics` and apart from what people open: it is not for
    /// them. Unset: nowhere.
    #[arg(long, env = "HUBBUB_METRICS", value_name = "ADDRESS:PORT", value_parser = address)]
    pub metrics: Option<SocketAddr>,

    /// What is logged, to standard error: error, warn, info, debug or trace; by module like `info,server::http=debug`.
    #[arg(long, env = "HUBBUB_LOG", default_value = "info", value_name = "LEVEL", value_parser = log_filter)]
    pub log: String,

    /// How the log is written: for people or for machines.
    #[arg(long, env = "HUBBUB_LOG_FORMAT", default_value = "text", value_name = "text|json")]
    pub log_format: LogFormat,

    /// The limits.
    #[command(flatten)]
    pub limits: LimitSettings,
}

/// Every limit that an instance may set for itself. A rate is written `TIMES/PERIOD`: `40/10s` is at most 40 at once,
/// which come back evenly over 10 seconds.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// `off` lifts all rates and the caps on connections, for load tests. Sizes stay.
    #[arg(long, env = "HUBBUB_RATE_LIMITS", default_value = "on", value_name = "on|off")]
    pub rate_limits: Switch,

    /// Messages, edits, deletions and reactions of one user.
    #[arg(long, env = "HUBBUB_OP_RATE", default_value = "40/10s", value_name = "RATE")]
    pub op_rate: Rate,

    /// Frames of any kind on one connection.
    #[arg(long, env = "HUBBUB_FRAME_RATE", default_value = "400/10s", value_name = "RATE")]
    pub frame_rate: Rate,

    /// Guests coming in from one address.
    #[arg(long, env = "HUBBUB_GUEST_RATE", default_value = "60/10m", value_name = "RATE")]
    pub guest_rate: Rate,

    /// Rooms made by one user.
    #[arg(long, env = "HUBBUB_ROOM_RATE", default_value = "20/1h", value_name = "RATE")]
    pub room_rate: Rate,

    /// HTTP requests from one address, files of the page left out.
    #[arg(long, env = "HUBBUB_REQUEST_RATE", default_value = "3000/1m", value_name = "RATE")]
    pub request_rate: Rate,

    /// Open sockets in all.
    #[arg(long, env = "HUBBUB_MAX_CONNECTIONS", default_value_t = 10_000, value_name = "COUNT",
          value_parser = whole::<usize, 0, { u64::MAX }>)]
    pub max_connections: usize,

    /// Open sockets of one user: their tabs and devices.
    #[arg(long, env = "HUBBUB_MAX_CONNECTIONS_PER_USER", default_value_t = 30, value_name = "COUNT",
          value_parser = whole::<usize, 0, { u64::MAX }>)]
    pub max_connections_per_user: usize,

    /// Open sockets from one address (IPv6: one /64), which a whole office may share; and as many connections that ask.
    #[arg(long, env = "HUBBUB_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 1_000, value_name = "COUNT",
          value_parser = whole::<usize, 0, { u64::MAX }>)]
    pub max_connections_per_address: usize,

    /// Rooms in all.
    #[arg(long, env = "HUBBUB_MAX_ROOMS", default_value_t = 1_000, value_name = "COUNT",
          value_parser = whole::<u64, 0, { u64::MAX }>)]
    pub max_rooms: u64,

    /// Bytes that may wait for one slow reader before it is cut off; it resumes from the log.
    #[arg(long, env = "HUBBUB_OUTBOX_BYTES", default_value_t = 1_048_576, value_name = "BYTES",
          value_parser = whole::<usize, 131_072, { u64::MAX }>)]
    pub outbox_bytes: usize,

    /// Events that a returning reader is sent one by one; who missed more gets a fresh page.
    #[arg(long, env = "HUBBUB_MAX_REPLAY", default_value_t = 10_000, value_name = "EVENTS",
          value_parser = whole::<u64, 0, { u64::MAX }>)]
    pub max_replay: u64,

    /// How long requests that are under way may take to finish when the server stops, in seconds.
    #[arg(long, env = "HUBBUB_DRAIN_SECONDS", default_value_t = 10, value_name = "SECONDS",
          value_parser = whole::<u64, 0, { u64::MAX }>)]
    pub drain_seconds: u64,
}

/// Where to listen or to ask.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| {
        "write a numeric address and a port, like 127.0.0.1:3000, or 0.0.0.0:3000 for every address of this machine"
    })
}

/// A whole number from `MIN` to `MAX`.
fn whole<T: TryFrom<u64>, const MIN: u64, const MAX: u64>(text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
        let upwards = if MAX == u64::MAX { " or more".to_owned() } else { format!(" to {MAX}") };
        format!("write a whole number without unit: {MIN}{upwards}")
    })
}

fn log_filter(text: &str) -> Result<String, &'static str> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("write error, warn, info, debug or trace; by module like info,server::http=debug"),
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Switch {
    /// Whether it is on.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line to read.
    Text,
    /// A JSON object a line.
    Json,
}

/// So many times at once, coming back evenly over a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once.
    pub times: NonZeroU32,
    /// In which time as many come back.
    pub period: Duration,
}

impl FromStr for Rate {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rate = text.split_once('/').and_then(|(times, period)| {
            let number = period.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = match &period[number.len()..] {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                _ => return None,
            };
            // "1/s" is short for "1/1s".
            let count: u64 = if number.is_empty() { 1 } else { number.parse().ok()? };
            let seconds = count.checked_mul(unit).filter(|seconds| (1..=86_400).contains(seconds))?;
            Some(Self { times: times.parse().ok()?, period: Duration::from_secs(seconds) })
        });
        rate.ok_or(InvalidSetting::Rate)
    }
}

/// The origin that people open: scheme, host and port, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
}

impl PublicUrl {
    /// As a browser writes it in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: axum::http::Uri = text.trim().parse().map_err(|_| InvalidSetting::PublicUrl)?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(InvalidSetting::PublicUrl);
        };
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(InvalidSetting::PublicUrl),
        };
        if url.path() != "/" || url.query().is_some() || authority.as_str().contains('@') {
            return Err(InvalidSetting::PublicUrl);
        }
        let host = authority.host().to_ascii_lowercase();
        // A browser leaves the scheme's own port out of `Origin`.
        let origin = match authority.port_u16().filter(|&port| port != default_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Ok(Self { origin })
    }
}

/// What is wrong with a setting, and what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// Not a rate.
    #[error("write TIMES/PERIOD with a period of at most a day, like 40/10s, 60/10m or 20/1h")]
    Rate,
    /// Not an origin.
    #[error("write the address people open, without a path, like https://chat.example.org")]
    PublicUrl,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Config::command().debug_assert();
    }

    #[test]
    fn every_setting_is_a_flag_and_a_variable() {
        for arg in Config::command().get_arguments() {
            let Some(long) = arg.get_long().filter(|&long| long != "help" && long != "version") else {
                continue;
            };
            let variable = format!("HUBBUB_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|name| name.to_str()), Some(variable.as_str()), "--{long}");
            assert!(arg.get_help().is_some(), "--{long} has no help");
            let default = arg.get_default_values().first().and_then(|default| default.to_str());
            let default = default.map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
            let row = format!("| `--{long}` | `{variable}` | {default} |");
            assert!(include_str!("../../README.md").contains(&row), "the README has no row {row}");
        }
    }

    #[test]
    fn rates_have_a_size_and_a_period() {
        let rate = |text: &str| text.parse::<Rate>().map(|rate| (rate.times.get(), rate.period.as_secs()));
        assert_eq!(rate("40/10s"), Ok((40, 10)));
        assert_eq!(rate("60/10m"), Ok((60, 600)));
        assert_eq!(rate("1/h"), Ok((1, 3_600)));
        for wrong in ["", "40", "0/1s", "40/0s", "-1/1s", "40/10", "40/2d", "40/25h", "a/1s", "40/1s/2"] {
            assert_eq!(rate(wrong), Err(InvalidSetting::Rate), "{wrong:?}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin() {
        let origin = |text: &str| text.parse::<PublicUrl>().map(|url| url.origin);
        assert_eq!(origin("https://Chat.Example.org/"), Ok("https://chat.example.org".into()));
        assert_eq!(origin("https://chat.example.org:443"), Ok("https://chat.example.org".into()));
        assert_eq!(origin("http://10.0.0.7:8080"), Ok("http://10.0.0.7:8080".into()));
        for wrong in
            ["chat.example.org", "ftp://x", "https://x/chat", "https://x/?q", "https://me@x", "https://"]
        {
            assert_eq!(origin(wrong), Err(InvalidSetting::PublicUrl), "{wrong:?}");
        }
    }
}
