//! Where a request comes from, and how often requests from there failed to say who is calling.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::budget::{self, Buckets};
use crate::clock::SharedClock;
use crate::error::Result;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many requests of an address may fail in a minute, and at once.
const PER_MINUTE: u32 = 60;

/// Failed requests by address.
#[derive(Debug)]
pub(super) struct Failures(Option<Buckets<IpAddr>>);

impl Failures {
    pub(super) fn new(limited: bool, clock: SharedClock) -> Self {
        Self(limited.then(|| Buckets::new(PER_MINUTE, PER_MINUTE, clock)))
    }

    /// Counts a request that failed. One whose address is not known is not counted: it came over no network.
    ///
    /// # Errors
    /// `RateLimited` when there were too many from this address.
    pub(super) fn count(&self, address: Option<IpAddr>) -> Result<()> {
        match (&self.0, address) {
            (Some(failures), Some(address)) => failures.take(&site(address), 1).map_err(budget::refused),
            _ => Ok(()),
        }
    }

    /// How many requests were refused.
    pub(super) fn refused(&self) -> u64 {
        self.0.as_ref().map_or(0, Buckets::refused)
    }
}

/// What one customer of a provider has at least: an address of IPv4, a /64 of IPv6 (RFC 6177).
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// The address of the caller: that of the connection, or where a trusted proxy made it, the last one in
/// `X-Forwarded-For` that is none of a trusted proxy. What stands further left anybody can have written.
pub(super) fn client(headers: &HeaderMap, extensions: &Extensions, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    let mut client = peer.ip().to_canonical();
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(',')).map(hop);
    while trusted.iter().any(|network| network.contains(&client)) {
        // What a trusted proxy wrote and we cannot read is that proxy's own request.
        let Some(Some(next)) = hops.next() else { break };
        client = next;
    }
    Some(client)
}

/// An address as proxies write it: some add the port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, http::HeaderValue::from_static(value));
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client(&headers, &extensions, &trusted).unwrap().to_string()
    }

    #[test]
    fn the_last_hop_that_is_not_trusted_is_the_client() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        for (peer, forwarded, expected) in [
            // Nobody speaks for a caller that is no proxy of ours.
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.9,"], "10.0.0.1"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            // As proxies write it.
            ("10.0.0.1", &["198.51.100.7:41234"], "198.51.100.7"),
            ("10.0.0.1", &["[2001:db8::7]:41234"], "2001:db8::7"),
            ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            // A socket for both kinds shows addresses of the older one like this.
            ("::ffff:10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
        ] {
            assert_eq!(found(peer, forwarded, &trusted), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(found("10.0.0.1", &["198.51.100.7"], &[]), "10.0.0.1");
        assert_eq!(client(&HeaderMap::new(), &Extensions::new(), &[]), None);
    }

    #[test]
    fn the_newer_addresses_count_by_site() {
        let site_of = |text: &str| site(text.parse().unwrap()).to_string();
        assert_eq!(site_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(site_of("192.0.2.1"), "192.0.2.1");
    }
}
