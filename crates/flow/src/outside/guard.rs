//! Which hosts and addresses steps may reach, so that a workflow is no way into the network that it runs in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::settings::Reach;

/// Looks names up, and answers only with what may be reached: those very addresses are connected to, also after a
/// redirect.
#[derive(Debug)]
pub(super) struct Guard {
    hosts: Vec<String>,
    private: bool,
}

/// Why a host or an address is not reached.
#[derive(Debug)]
pub(super) struct Refused(pub(super) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl Guard {
    pub(super) fn new(reach: &Reach) -> Self {
        Self {
            hosts: reach
                .hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            private: reach.private,
        }
    }

    fn check_host(&self, host: &str) -> Result<(), Refused> {
        let host = host.to_ascii_lowercase();
        let fits = |allowed: &String| match allowed.strip_prefix("*.") {
            Some(domain) => {
                let below = host.strip_suffix(domain);
                below.is_some_and(|below| below.len() > 1 && below.ends_with('.'))
            }
            None => *allowed == host,
        };
        if self.hosts.is_empty() || self.hosts.iter().any(fits) {
            return Ok(());
        }
        Err(Refused(format!(
            "`{host}` is not among the hosts that workflows may ask"
        )))
    }

    fn check_address(&self, address: &SocketAddr) -> bool {
        self.private || is_public(address.ip())
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default();
        self.check_host(host)
            .map_err(|refused| Error::Other(refused.into()))?;
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in found.iter().filter(|address| self.check_address(address)) {
            allowed.push(*address);
        }
        if allowed.is_empty() {
            let why = format!("`{host}` is at an address that is not public");
            return Err(Error::Other(Refused(why).into()));
        }
        Ok(allowed)
    }
}

/// Whether anybody on the internet could reach it.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        // Shared by carriers, protocol assignments, benchmarks, reserved.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240;
    !special
}

/// Only what is assigned to be global unicast, documentation and tunnels aside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_documentation = (a == 0x2001 && b == 0xdb8) || (a == 0x3fff && b < 0x1000);
    let is_special = a == 0x2001 && b < 0x200;
    a & 0xe000 == 0x2000 && !is_documentation && !is_special
}

/// The address of the older kind that one of the newer stands for: mapped, by NAT64 or by 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_not_reached() {
        for (address, expected) in [
            ("93.184.215.14", true),
            ("2606:2800:21f:cb07::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("192.168.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:93.184.215.14", true),
            ("64:ff9b::a00:1", false),
            ("2002:7f00:1::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn hosts_are_named_or_below_a_domain() {
        let guard = |hosts: &[&str]| {
            Guard::new(&Reach {
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
                ..Reach::default()
            })
        };
        let may = |hosts: &[&str], host: &str| guard(hosts).check_host(host).is_ok();
        assert!(may(&[], "anything.example"));
        assert!(may(&["API.example.com"], "api.Example.com"));
        assert!(!may(&["api.example.com"], "example.com"));
        assert!(may(&["*.example.com"], "a.b.example.com"));
        assert!(!may(&["*.example.com"], "example.com"));
        assert!(!may(&["*.example.com"], "evilexample.com"));
    }
}
