//! The numbers a download is run by: how many connections, how small a segment, when a worker is too slow.

use std::time::Duration;

use ropeway_model::Connections;

use crate::hosts::Profile;

/// A new connection costs a round trip or more, so a segment below this is faster fetched by the worker that has it.
pub(crate) const SMALLEST_SEGMENT: u64 = 64 << 10;
/// Where nothing is known of the server, segments of a fresh download are at least this long, so that small files open
/// one connection.
const SMALLEST_FIRST_SEGMENT: u64 = 1 << 20;
/// A first segment should keep its connection busy for this many round trips; else asking for it is most of the work.
const ROUND_TRIPS: u32 = 4;
/// What is known of a server makes first segments no smaller and no larger than this.
const FIRST_SEGMENTS: (u64, u64) = (256 << 10, 16 << 20);
/// From this share of good answers on a server is trusted with a quicker start.
const RELIABLE: f64 = 0.9;
/// Connections to start with: one request beside the first answer tells whether ranges are served.
pub(crate) const FIRST_CONNECTIONS: usize = 2;
/// The same where the server is known to be reliable.
const FIRST_OF_RELIABLE: usize = 4;

/// What takes less than this is not worth another request, however near the server is.
const LEAST_WORTH: Duration = Duration::from_millis(20);
/// Two round trips are what another request costs before its first byte; a server that thinks for longer than this
/// does not do so each time.
const MOST_WORTH: Duration = Duration::from_millis(500);

/// What takes less than this is not worth fetching twice.
pub(crate) const LEAST_HEDGED: Duration = Duration::from_millis(50);
/// Bytes a download may always fetch twice: eight of the largest ranges that are no longer split.
const HEDGE_FLOOR: u64 = 1 << 20;
/// The share of a large file that may be fetched twice: a fiftieth.
const HEDGE_SHARE: u64 = 50;

/// Connections that are opened as fast as the server answers: what a browser opens to one server, and a little more.
/// Servers hand out the first second at once, so measuring before this number says nothing.
pub(crate) const EAGER_CONNECTIONS: usize = 8;

/// From so many bytes a second on (4 Gbit/s) a machine is busy with copying and writing what one or two connections
/// bring; each further one takes time from them.
pub(crate) const PLENTY: u64 = 512 << 20;

/// How often a download looks at its workers.
pub(crate) const REVIEW: Duration = Duration::from_millis(100);
/// The same for work that fell due while a connection has none: whoever is late at the end is waited for by all.
pub(crate) const IDLE_REVIEW: Duration = Duration::from_millis(20);

/// How a download begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Connections at most.
    pub(crate) connections: usize,
    /// Connections before a range has been answered.
    pub(crate) first: usize,
}

/// The plan for a file of `length` bytes, of which `missing` are not here yet, from a server that is `known` so well.
/// How many connections all jobs together may have is asked for each of them; here a learned cap only keeps the file
/// from being cut for more.
pub(crate) fn plan(length: Option<u64>, missing: u64, wanted: Connections, known: &Profile) -> Plan {
    if length.is_none() {
        return Plan { connections: 1, first: 1 };
    }
    let useful = usize::try_from(missing / first_segment(known)).unwrap_or(usize::MAX);
    let borne = known.connection_cap.map_or(usize::MAX, usize::from);
    let connections = wanted.get().min(useful).min(borne).max(1);
    let is_reliable = known.reliability.is_some_and(|share| share >= RELIABLE);
    let is_plenty = known.throughput.is_some_and(|rate| rate >= PLENTY);
    let first = if is_reliable && !is_plenty { FIRST_OF_RELIABLE } else { FIRST_CONNECTIONS };
    Plan { connections, first: first.min(connections) }
}

/// The smallest first segment: what a server as fast and as far away as that sends while it is asked for the next one.
fn first_segment(known: &Profile) -> u64 {
    let (Some(throughput), Some(latency)) = (known.throughput, known.latency) else { return SMALLEST_FIRST_SEGMENT };
    let milliseconds = u64::try_from((latency * ROUND_TRIPS).as_millis()).unwrap_or(u64::MAX);
    let (least, most) = FIRST_SEGMENTS;
    (throughput.saturating_mul(milliseconds) / 1000).clamp(least, most)
}

/// The shortest time left that is worth another request over a line of that round trip.
pub(crate) fn worth(round_trip: Duration) -> Duration {
    (round_trip * 2).clamp(LEAST_WORTH, MOST_WORTH)
}

/// Bytes of a file of `length` bytes that may be fetched twice, so that a slow end is not waited for.
pub(crate) fn most_hedged(length: u64) -> u64 {
    (length / HEDGE_SHARE).max(HEDGE_FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn connections(length: Option<u64>, known: &Profile) -> usize {
        plan(length, length.unwrap_or(0), Connections::new(8).unwrap(), known).connections
    }

    #[test]
    fn small_files_and_files_of_unknown_length_get_one_connection() {
        for (length, expected) in [(None, 1), (Some(0), 1), (Some(MIB), 1), (Some(3 * MIB), 3), (Some(1024 * MIB), 8)] {
            assert_eq!(connections(length, &Profile::default()), expected, "{length:?}");
        }
    }

    #[test]
    fn what_is_known_of_a_server_sets_the_first_segments() {
        let server = |throughput, latency| Profile {
            throughput: Some(throughput),
            latency: Some(Duration::from_millis(latency)),
            ..Profile::default()
        };
        assert_eq!(connections(Some(2 * MIB), &server(100 << 10, 200)), 8, "a slow server is asked for little pieces");
        assert_eq!(connections(Some(40 * MIB), &server(100 * MIB, 50)), 2, "a fast and distant one for large ones");
        let capped = Profile { connection_cap: Some(3), ..Profile::default() };
        assert_eq!(connections(Some(1024 * MIB), &capped), 3);
    }

    #[test]
    fn a_server_that_has_served_well_is_trusted_with_a_quicker_start() {
        let first_of = |reliability, throughput| {
            let known = Profile { throughput, reliability, ..Profile::default() };
            plan(Some(1024 * MIB), 1024 * MIB, Connections::new(8).unwrap(), &known).first
        };
        let first = |reliability| first_of(reliability, Some(PLENTY / 2));
        assert_eq!((first(None), first(Some(0.5)), first(Some(0.95))), (2, 2, 4));
        assert_eq!(first_of(Some(0.95), Some(PLENTY)), 2, "two bring plenty");
    }
}
