//! Numbers that a download is run by. They say how many connections, how small a segment, when a worker is too slow.

use std::time::Duration;

use ropeway_model::Connections;

use crate::hosts::Profile;

/// A new connection costs a round trip or more, so a segment below this is faster fetched by the worker that has it.
pub(crate) const SMALLEST_SEGMENT: u64 = 64 << 10;
/// Where the number of connections is ours to choose, smaller files begin with one: most are here before a second one has
/// its first byte.
pub(crate) const SMALL: u64 = 2 << 20;
/// Connections to start with. One request beside the first answer tells whether ranges are served. Two are also all
/// that a line needs that brings [`SATURATED`].
pub(crate) const FIRST_CONNECTIONS: usize = 2;

/// What takes less than this is not worth another request, however near the server is.
const LEAST_WORTH: Duration = Duration::from_millis(20);
/// Two round trips are what another request costs before its first byte; a server that thinks for longer than this
/// does not do so each time.
const MOST_WORTH: Duration = Duration::from_millis(500);

/// Shortest time that is worth fetching twice.
pub(crate) const LEAST_HEDGED: Duration = Duration::from_millis(50);
/// Bytes a download may always fetch twice: eight of the largest ranges that are no longer split.
const HEDGE_FLOOR: u64 = 1 << 20;
/// The share of a large file that may be fetched twice: a fiftieth.
const HEDGE_SHARE: u64 = 50;

/// From so many bytes a second on (4 Gbit/s) a machine is busy with copying and writing what one or two connections
/// bring; each further one takes time from them.
pub(crate) const SATURATED: u64 = 512 << 20;

/// Time between two looks at the workers of a download.
pub(crate) const REVIEW: Duration = Duration::from_millis(100);
/// The same for work that fell due while a connection has none: whoever is late at the end is waited for by all.
pub(crate) const IDLE_REVIEW: Duration = Duration::from_millis(20);

/// Plan that a download begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Connections at most.
    pub(crate) connections: usize,
    /// Connections before a range has been answered.
    pub(crate) first: usize,
    /// Whether the line says how many of them come, instead of the user.
    pub(crate) is_automatic: bool,
}

/// The plan for a file of `length` bytes, of which `missing` are not here yet, from a server that is `known` so well, with
/// as many connections as are `wanted`; `None` is as many as the line is worth. How many all jobs together may have is asked
/// for each of them; here a learned cap only keeps the file from being cut for more.
pub(crate) fn plan(length: Option<u64>, missing: u64, wanted: Option<Connections>, known: &Profile) -> Plan {
    let is_automatic = wanted.is_none();
    if length.is_none() {
        return Plan { connections: 1, first: 1, is_automatic };
    }
    let useful = usize::try_from(missing / SMALLEST_SEGMENT).unwrap_or(usize::MAX);
    let borne = known.connection_cap.map_or(usize::MAX, usize::from);
    let connections = wanted.unwrap_or(Connections::MOST).get().min(useful).min(borne).max(1);
    let first = if is_automatic && missing < SMALL { 1 } else { FIRST_CONNECTIONS };
    Plan { connections, first: first.min(connections), is_automatic }
}

/// Time that another request must save, by the line's round trip.
pub(crate) fn least_gain(round_trip: Duration) -> Duration {
    (round_trip / 2).max(LEAST_WORTH)
}

/// The shortest time left that is worth fetching twice over a line of that round trip.
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

    fn connections(length: Option<u64>, wanted: Option<u8>, known: &Profile) -> (usize, usize) {
        let wanted = wanted.map(|count| Connections::new(count).unwrap());
        let plan = plan(length, length.unwrap_or(0), wanted, known);
        (plan.connections, plan.first)
    }

    #[test]
    fn small_files_and_files_of_unknown_length_begin_with_one_connection() {
        for (length, wanted, expected) in [
            (None, None, (1, 1)),
            (None, Some(8), (1, 1)),
            (Some(0), None, (1, 1)),
            (Some(100 << 10), Some(8), (1, 1)),
            (Some(MIB), None, (16, 1)),
            (Some(MIB), Some(8), (8, 2)),
            (Some(3 * MIB), None, (48, 2)),
            (Some(1024 * MIB), None, (64, 2)),
            (Some(1024 * MIB), Some(8), (8, 2)),
        ] {
            assert_eq!(connections(length, wanted, &Profile::default()), expected, "{length:?} {wanted:?}");
        }
    }

    #[test]
    fn what_a_server_bears_is_not_exceeded() {
        let capped = Profile { connection_cap: Some(3), ..Profile::default() };
        for wanted in [None, Some(8)] {
            assert_eq!(connections(Some(1024 * MIB), wanted, &capped).0, 3, "{wanted:?}");
        }
    }

    #[test]
    fn what_a_second_request_is_worth_follows_the_round_trip_within_bounds() {
        for (round_trip, gain, hedged) in [(0, 20, 20), (20, 20, 40), (100, 50, 200), (250, 125, 500), (900, 450, 500)]
        {
            let round_trip = Duration::from_millis(round_trip);
            assert_eq!(least_gain(round_trip), Duration::from_millis(gain), "{round_trip:?}");
            assert_eq!(worth(round_trip), Duration::from_millis(hedged), "{round_trip:?}");
        }
    }

    #[test]
    fn a_fiftieth_of_a_large_file_may_be_fetched_twice_and_a_mebibyte_of_any() {
        for (length, most) in [(0, MIB), (50 * MIB, MIB), (500 * MIB, 10 * MIB)] {
            assert_eq!(most_hedged(length), most, "{length}");
        }
    }
}
