//! How many connections a download gets and how small a segment may become.

use ropeway_model::Connections;

/// A new connection costs a round trip or more: a segment below this is faster fetched by the worker that has it.
pub(crate) const SMALLEST_SEGMENT: u64 = 256 << 10;
/// Segments of a fresh download are at least this long, so that small files open one connection.
const SMALLEST_FIRST_SEGMENT: u64 = 1 << 20;

/// How many connections serve a file of `length` bytes, of which `missing` are not here yet.
pub(crate) fn connections(length: Option<u64>, missing: u64, wanted: Connections) -> usize {
    if length.is_none() {
        return 1;
    }
    let useful = usize::try_from(missing / SMALLEST_FIRST_SEGMENT).unwrap_or(usize::MAX);
    wanted.get().min(useful).max(1)
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
