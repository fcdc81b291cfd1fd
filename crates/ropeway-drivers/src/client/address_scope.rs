//! Scope of addresses, against server-side request forgery (SSRF). A server of the internet must not lead a job to what
//! only this machine or its network can reach: a router's page, a service on loopback, the metadata of a cloud.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;
use url::Host;

use super::names;

/// Hosts whose scope is remembered. Beyond that all are forgotten, and asked for again.
const MOST_KNOWN: usize = 256;

/// Scope of an address, the nearest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum AddressScope {
    /// This machine.
    #[default]
    Machine,
    /// A network without addresses of its own in the internet.
    Local,
    /// The internet.
    Public,
}

impl AddressScope {
    /// Scope of an address, whatever it is wrapped in. IPv4 inside of IPv6 counts as what it leads to.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [0 | 127, ..] => Self::Machine,
            // Private (RFC 1918), shared by a provider's customers (RFC 6598), link-local, multicast, broadcast.
            [10 | 224..=255, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [169, 254, ..] => {
                Self::Local
            }
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let v4 = |high: u16, low: u16| {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match address.segments() {
            // IPv4 behind a translator (RFC 6052), in 6to4 (RFC 3056), and in the old compatible form, which `::` and
            // `::1` have as well: 0.0.0.0 and 0.0.0.1 are this machine.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] | [0, 0, 0, 0, 0, 0, high, low] => {
                v4(high, low)
            }
            // Translators of a network's own (RFC 8215), unique local, link-local, once site-local, multicast.
            [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff | 0xfe80..=0xfeff | 0xff00..=0xffff, ..] => Self::Local,
            _ => Self::Public,
        }
    }
}

/// The scopes of hosts that users named.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressScopes(Arc<Mutex<Vec<(Host, AddressScope)>>>);

impl AddressScopes {
    /// The widest scope that `host` has an address in. One without an address is of the internet.
    pub(crate) async fn of(&self, host: &Host) -> AddressScope {
        if let Some(scope) = self.known(host) {
            return scope;
        }
        let Host::Domain(name) = host else { return AddressScope::Public };
        let Ok(addresses) = names::addresses(name).await else { return AddressScope::Public };
        let scope =
            addresses.iter().map(|address| AddressScope::of(address.ip())).max().unwrap_or(AddressScope::Public);
        self.remember(host, scope);
        scope
    }

    /// Scope of a host, as far as nobody has to be asked.
    pub(super) fn known(&self, host: &Host) -> Option<AddressScope> {
        match host {
            Host::Ipv4(address) => Some(AddressScope::of((*address).into())),
            Host::Ipv6(address) => Some(AddressScope::of((*address).into())),
            Host::Domain(_) => self.0.lock().iter().find(|(known, _)| known == host).map(|(_, scope)| *scope),
        }
    }

    /// A connection to `host` led to this scope. The widest one counts: whoever has the name may point it elsewhere.
    pub(super) fn remember(&self, host: &Host, scope: AddressScope) {
        let mut known = self.0.lock();
        if let Some((_, had)) = known.iter_mut().find(|(known, _)| known == host) {
            *had = scope.max(*had);
            return;
        }
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.push((host.clone(), scope));
    }

    /// Looks every host up again.
    pub(super) fn forget(&self) {
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_where_it_leads_to_in_whatever_form_it_is_written() {
        for (url, scope) in [
            ("http://127.0.0.1/", AddressScope::Machine),
            ("http://127.9.9.9/", AddressScope::Machine),
            ("http://0.0.0.0/", AddressScope::Machine),
            ("http://2130706433/", AddressScope::Machine),
            ("http://0x7f.1/", AddressScope::Machine),
            ("http://0177.0.0.1/", AddressScope::Machine),
            ("http://[::1]/", AddressScope::Machine),
            ("http://[::]/", AddressScope::Machine),
            ("http://[::ffff:127.0.0.1]/", AddressScope::Machine),
            ("http://[::127.0.0.1]/", AddressScope::Machine),
            ("http://[64:ff9b::7f00:1]/", AddressScope::Machine),
            ("http://[2002:7f00:1::]/", AddressScope::Machine),
            ("http://10.1.2.3/", AddressScope::Local),
            ("http://172.31.255.255/", AddressScope::Local),
            ("http://172.32.0.0/", AddressScope::Public),
            ("http://192.168.1.1/", AddressScope::Local),
            ("http://169.254.169.254/", AddressScope::Local),
            ("http://100.64.0.1/", AddressScope::Local),
            ("http://100.128.0.1/", AddressScope::Public),
            ("http://255.255.255.255/", AddressScope::Local),
            ("http://[fd00::1]/", AddressScope::Local),
            ("http://[fe80::1]/", AddressScope::Local),
            ("http://[64:ff9b::a00:1]/", AddressScope::Local),
            ("http://[64:ff9b:1::1]/", AddressScope::Local),
            ("http://[2001:db8::1]/", AddressScope::Public),
            ("http://[64:ff9b::808:808]/", AddressScope::Public),
            ("http://203.0.113.7/", AddressScope::Public),
        ] {
            let found = match url.parse::<url::Url>().unwrap().host().unwrap() {
                Host::Ipv4(address) => AddressScope::of(address.into()),
                Host::Ipv6(address) => AddressScope::of(address.into()),
                Host::Domain(name) => panic!("{name} is a name"),
            };
            assert_eq!(found, scope, "{url}");
        }
        assert!(AddressScope::Machine < AddressScope::Local && AddressScope::Local < AddressScope::Public);
    }

    #[tokio::test]
    async fn a_name_that_led_to_the_internet_once_leads_no_job_nearer() {
        let (scopes, host) = (AddressScopes::default(), Host::Domain("rebound.localhost".to_owned()));
        scopes.remember(&host, AddressScope::Public);
        assert_eq!(scopes.of(&host).await, AddressScope::Public, "a new lookup says this machine");
        scopes.remember(&host, AddressScope::Machine);
        assert_eq!(scopes.of(&host).await, AddressScope::Public);
        scopes.forget();
        assert_eq!(scopes.of(&host).await, AddressScope::Machine);
    }

    #[tokio::test]
    async fn names_of_this_machine_are_this_machine() {
        let scopes = AddressScopes::default();
        for _ in 0..2 {
            assert_eq!(scopes.of(&Host::Domain("a.localhost".to_owned())).await, AddressScope::Machine);
        }
    }
}
