//! Where a request came from: the address of whoever asks and whether they came by TLS, through proxies or not.
//! `X-Forwarded-*` is believed only as far as the proxies that are known to stand in front.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, request::Parts},
};

use super::Http;
use crate::config::{Config, PublicUrl};

/// How this server is reached.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    trusted_proxies: usize,
    public_url: Option<PublicUrl>,
}

/// Where one request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// The address of whoever asks.
    pub(crate) address: IpAddr,
    /// Whether they came by TLS, so that cookies can be kept from ever going without.
    pub(crate) https: bool,
}

impl Front {
    pub(crate) fn new(config: &Config) -> Self {
        Self { trusted_proxies: config.trusted_proxies.into(), public_url: config.public_url.clone() }
    }

    pub(crate) fn public_url(&self) -> Option<&PublicUrl> {
        self.public_url.as_ref()
    }

    /// Where a request with this head came from.
    pub(crate) fn of(&self, headers: &HeaderMap, extensions: &Extensions) -> Arrival {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        self.arrival(headers, peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip()))
    }

    fn arrival(&self, headers: &HeaderMap, peer: IpAddr) -> Arrival {
        let https = match &self.public_url {
            Some(url) => url.is_https(),
            None => {
                self.trusted_proxies > 0 && last_values(headers, "x-forwarded-proto").next() == Some("https")
            }
        };
        Arrival { address: self.address(headers, peer).to_canonical(), https }
    }

    /// Each proxy adds the address that it was called from at the end, so with `n` of them the `n`-th from the end is
    /// the first that was not made up by the caller.
    fn address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        let mut address = peer;
        for forwarded in last_values(headers, "x-forwarded-for").take(self.trusted_proxies) {
            match forwarded
                .parse::<IpAddr>()
                .or_else(|_| forwarded.parse::<SocketAddr>().map(|full| full.ip()))
            {
                Ok(forwarded) => address = forwarded,
                Err(_) => break,
            }
        }
        address
    }
}

/// The comma-separated values of a header, the last one first.
fn last_values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

impl FromRequestParts<Arc<Http>> for Arrival {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Infallible> {
        Ok(http.front.of(&parts.headers, &parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "192.0.2.1";

    fn arrival(trusted_proxies: usize, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let front = Front { trusted_proxies, public_url: None };
        front.arrival(&headers, PEER.parse().unwrap()).address.to_string()
    }

    #[test]
    fn nobody_can_make_up_an_address() {
        assert_eq!(arrival(0, &["203.0.113.9"]), PEER);
        assert_eq!(arrival(1, &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(arrival(1, &["10.0.0.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(arrival(1, &["10.0.0.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(arrival(2, &["10.0.0.1, 203.0.113.9, 10.1.1.1"]), "203.0.113.9");
    }

    #[test]
    fn proxies_that_say_nothing_useful_are_the_address() {
        assert_eq!(arrival(1, &[]), PEER);
        assert_eq!(arrival(2, &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(arrival(1, &["unknown"]), PEER);
        assert_eq!(arrival(1, &["[2001:db8::1]:443"]), "2001:db8::1");
    }

    #[test]
    fn tls_is_believed_from_trusted_proxies_only() {
        let headers =
            HeaderMap::from_iter([("x-forwarded-proto".parse().unwrap(), "https".parse().unwrap())]);
        let https = |front: Front| front.arrival(&headers, PEER.parse().unwrap()).https;
        assert!(!https(Front { trusted_proxies: 0, public_url: None }));
        assert!(https(Front { trusted_proxies: 1, public_url: None }));
        assert!(https(Front { trusted_proxies: 0, public_url: Some("https://x.example".parse().unwrap()) }));
        assert!(!https(Front { trusted_proxies: 1, public_url: Some("http://x.example".parse().unwrap()) }));
    }
}
