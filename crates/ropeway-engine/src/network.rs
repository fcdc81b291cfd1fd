//! Whether there is a way to a host at all: what tells a network that is gone from a server that is.

use std::{fmt, net::IpAddr};

/// Tells whether the machine has a way to a host.
pub trait Routes: Send + Sync + fmt::Debug {
    /// Whether there is a way to `host`, a name or an address without its port. Asked only after something failed, and
    /// while jobs wait for the network; what cannot be told counts as a way.
    fn reach(&self, host: &str) -> bool;

    /// Whether any way leads out of this machine. Looked at now and then while jobs run; what cannot be told counts as one.
    fn lead_out(&self) -> bool {
        true
    }
}

/// The operating system's routing table.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRoutes;

/// The route is usable (`RTF_UP`).
const UP: u32 = 0x1;
/// The route refuses (`RTF_REJECT`).
const REJECT: u32 = 0x200;
/// Fields of a line of `/proc/net/ipv6_route`; those of `/proc/net/route` have one more.
const V6_FIELDS: usize = 10;

impl Routes for SystemRoutes {
    fn reach(&self, host: &str) -> bool {
        tables().is_none_or(|(v4, v6)| has_way(&v4, &v6, host))
    }

    fn lead_out(&self) -> bool {
        tables().is_none_or(|(v4, v6)| v4_routes(&v4).next().is_some() || v6_routes(&v6).next().is_some())
    }
}

/// Both tables, without the routes of devices that have lost their line; `None` where the system has no such tables.
fn tables() -> Option<(String, String)> {
    let read = |path| std::fs::read_to_string(path).ok();
    let (v4, v6) = (read("/proc/net/route"), read("/proc/net/ipv6_route"));
    if v4.is_none() && v6.is_none() {
        return None;
    }
    Some((connected(&v4.unwrap_or_default(), has_carrier), connected(&v6.unwrap_or_default(), has_carrier)))
}

/// Whether the device has a line: a cable that is pulled out leaves its routes behind. What does not tell has one.
fn has_carrier(device: &str) -> bool {
    std::fs::read_to_string(format!("/sys/class/net/{device}/carrier")).map_or(true, |told| told.trim() != "0")
}

/// The lines of a table whose device `is_connected`. The device stands first with IPv4, last with IPv6.
fn connected(table: &str, is_connected: impl Fn(&str) -> bool) -> String {
    let names_device = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let device = if words.len() == V6_FIELDS { words.last() } else { words.first() };
        device.is_none_or(|device| is_connected(device))
    };
    table.lines().filter(names_device).map(|line| format!("{line}\n")).collect()
}

fn v4_routes(table: &str) -> impl Iterator<Item = V4Route> {
    table.lines().skip(1).filter_map(V4Route::read)
}

fn v6_routes(table: &str) -> impl Iterator<Item = V6Route> {
    table.lines().filter_map(V6Route::read)
}

/// True where `host` is this machine itself.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(|_| name == "localhost" || name.ends_with(".localhost"), |address| address.is_loopback())
}

/// The host without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// Whether the two tables, as Linux writes them, have a way to `host`. For a name that is a default route: who resolves
/// it is out there too.
fn has_way(v4: &str, v6: &str, host: &str) -> bool {
    if is_this_machine(host) {
        return true;
    }
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => v4_routes(v4).any(|route| u32::from(address) & route.mask == route.destination),
        Ok(IpAddr::V6(address)) => v6_routes(v6).any(|route| u128::from(address) & route.mask == route.destination),
        Err(_) => v4_routes(v4).any(|route| route.mask == 0) || v6_routes(v6).any(|route| route.mask == 0),
    }
}

struct V4Route {
    destination: u32,
    mask: u32,
}

impl V4Route {
    /// A usable route from a line of `/proc/net/route`, whose numbers have their bytes reversed.
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [device, destination, _, flags, _, _, _, mask, ..] = fields.as_slice() else { return None };
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        is_usable(device, number(flags)?).then_some(())?;
        Some(Self { destination: number(destination)?.swap_bytes(), mask: number(mask)?.swap_bytes() })
    }
}

struct V6Route {
    destination: u128,
    mask: u128,
}

impl V6Route {
    /// A usable route from a line of `/proc/net/ipv6_route`.
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [destination, length, _, _, _, _, _, _, flags, device] = fields.as_slice() else { return None };
        is_usable(device, u32::from_str_radix(flags, 16).ok()?).then_some(())?;
        let length = u32::from_str_radix(length, 16).ok().filter(|length| *length <= 128)?;
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        Some(Self { destination: u128::from_str_radix(destination, 16).ok()?, mask })
    }
}

fn is_usable(device: &str, flags: u32) -> bool {
    device != "lo" && flags & UP != 0 && flags & REJECT == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const DEFAULT: &str = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n";
    const LAN: &str = "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n";
    const DOWN: &str = "eth0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n";
    const V6_DEFAULT: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                              fe800000000000000000000000000001 00000400 00000002 00000000 00000003 wlan0\n";
    const V6_NONE: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                           00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
    const V6_LOCAL: &str = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
                            00000000000000000000000000000000 00000100 00000001 00000000 00000001 wlan0\n";

    #[test]
    fn there_is_a_way_where_a_route_leads() {
        let table = |routes: &[&str]| [&[HEAD], routes].concat().concat();
        let (online, lan_only, down) = (table(&[DEFAULT, LAN]), table(&[LAN]), table(&[DOWN]));
        for (v4, v6, host, expected) in [
            (&*online, "", "example.org", true),
            (&*online, "", "203.0.113.7", true),
            (&*online, "", "[2001:db8::1]", false),
            (&*lan_only, "", "example.org", false),
            (&*lan_only, "", "192.168.1.9", true),
            (&*lan_only, "", "192.168.2.9", false),
            (&*down, V6_NONE, "example.org", false),
            ("", V6_DEFAULT, "example.org", true),
            ("", V6_DEFAULT, "[2001:db8::1]", true),
            ("", V6_LOCAL, "[2001:db8::1]", false),
            ("", V6_LOCAL, "[fe80::7]", true),
            ("", "", "127.0.0.1", true),
            ("", "", "localhost", true),
            ("", "", "[::1]", true),
            ("garbage\n1 2", "garbage", "example.org", false),
        ] {
            assert_eq!(has_way(v4, v6, host), expected, "{host} over {v4}{v6}");
        }
    }

    #[test]
    fn a_device_without_a_line_leads_nowhere() {
        let v4 = [HEAD, DEFAULT].concat();
        for (line, expected) in [("wlan0", false), ("eth0", true)] {
            let is_connected = |device: &str| device != line;
            let (v4, v6) = (connected(&v4, is_connected), connected(V6_DEFAULT, is_connected));
            assert_eq!(has_way(&v4, "", "example.org"), expected, "{line}");
            assert_eq!(has_way(HEAD, &v6, "example.org"), expected, "{line}");
            assert!(v4.starts_with(HEAD), "the head names no device");
        }
    }

    #[test]
    fn a_host_is_told_from_its_port() {
        for (host, name) in [("a:80", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")] {
            assert_eq!(without_port(host), name);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_systems_table_is_read_with_its_head() {
        let (v4, _) = tables().unwrap();
        assert!(v4.starts_with("Iface\tDestination"), "{v4}");
    }
}
