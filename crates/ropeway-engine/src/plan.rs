//! The numbers a download is run by: how many connections, how small a segment, when a worker is too slow.

use std::time::Duration;

use ropeway_model::Connections;

/// A new connection costs a round trip or more, so a segment below this is faster fetched by the worker that has it.
pub(crate) const SMALLEST_SEGMENT: u64 = 64 << 10;
/// Segments of a fresh download are at least this long, so that small files open one connection.
const SMALLEST_FIRST_SEGMENT: u64 = 1 << 20;

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

/// How often a download looks at its workers.
pub(crate) const REVIEW: Duration = Duration::from_millis(100);

/// How many connections serve a file of `length` bytes, of which `missing` are not here yet.
pub(crate) fn connections(length: Option<u64>, missing: u64, wanted: Connections) -> usize {
    if length.is_none() {
        return 1;
    }
    let useful = usize::try_from(missing / SMALLEST_FIRST_SEGMENT).unwrap_or(usize::MAX);
    wanted.get().min(useful).max(1)
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

    #[test]
    fn small_files_and_files_of_unknown_length_get_one_connection() {
        let eight = Connections::new(8).unwrap();
        for (length, missing, expected) in [
            (None, 0, 1),
            (Some(0), 0, 1),
            (Some(1 << 20), 1 << 20, 1),
            (Some(3 << 20), 3 << 20, 3),
            (Some(1 << 30), 1 << 30, 8),
        ] {
            assert_eq!(connections(length, missing, eight), expected, "{length:?}");
        }
    }
}
