//! The digests of pieces that a Metalink gave. They tell wrong bytes, and with the memory of who sent what, the mirror.

use std::sync::Arc;

use ropeway_flow::{
    digest::Hasher,
    disk::{DiskError, PartFile},
};
use ropeway_model::{
    ByteRange, Digest, FailureCode, JobSpec, Pieces, SafeUrl, Segment, SegmentMap, Validator, counted,
};

use crate::attempt::{Attempt, Stop};

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

/// True where a file of `length` bytes has as many pieces.
pub(in crate::download) fn fit(pieces: &Pieces, length: u64) -> bool {
    pieces.length > 0 && length.div_ceil(pieces.length) == pieces.digests.len() as u64
}

/// Refuses a file whose length the pieces of its Metalink do not make up.
///
/// # Errors
/// [`FailureCode::LengthMismatch`].
pub(in crate::download) fn refuse(spec: &JobSpec, url: &SafeUrl, valid: &Validator) -> Result<(), Stop> {
    let (Some(pieces), Some(length)) = (&spec.pieces, valid.length) else { return Ok(()) };
    if fit(pieces, length) {
        return Ok(());
    }
    let length = counted(length, "byte");
    let message = format!("the file at {url} has {length}, which the Metalink's pieces do not make up");
    Err(Stop::failed(FailureCode::LengthMismatch, message))
}

/// The pieces of the part file that are not what they must be, in order.
pub(in crate::download) async fn damaged(
    attempt: &Attempt,
    part: &Arc<dyn PartFile>,
    length: u64,
) -> Result<Vec<ByteRange>, Stop> {
    let Some(pieces) = attempt.spec.pieces.clone().filter(|pieces| fit(pieces, length)) else { return Ok(Vec::new()) };
    let part = Arc::clone(part);
    let compared = attempt.engine.blocking.start(move || compare(&*part, &pieces, length)).await;
    compared.map_err(|panic| Stop::failed(FailureCode::Internal, panic.to_string()))?.map_err(Stop::from)
}

fn compare(part: &dyn PartFile, pieces: &Pieces, length: u64) -> Result<Vec<ByteRange>, DiskError> {
    let mut buffer = vec![0; BUFFER];
    let mut damaged = Vec::new();
    for (number, expected) in pieces.digests.iter().enumerate() {
        let Some(range) = pieces.range(number, length) else { break };
        if digest(part, range, expected, &mut buffer)? != *expected {
            damaged.push(range);
        }
    }
    Ok(damaged)
}

fn digest(part: &dyn PartFile, range: ByteRange, like: &Digest, buffer: &mut [u8]) -> Result<Digest, DiskError> {
    let mut hasher = Hasher::new(like.algorithm());
    let mut at = range.start();
    while at < range.end() {
        let room = usize::try_from(range.end() - at).unwrap_or(usize::MAX).min(buffer.len());
        let count = part.read_at(buffer.get_mut(..room).unwrap_or_default(), at)?;
        if count == 0 {
            break;
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        at += count as u64;
    }
    Ok(hasher.finish())
}

/// A map of a file of `length` bytes that has everything but `holes`, which are in order and disjoint.
pub(in crate::download) fn map_without(holes: &[ByteRange], length: u64) -> SegmentMap {
    let mut segments = Vec::with_capacity(holes.len() * 2 + 1);
    let mut push = |start, end, is_here: bool| {
        let range = ByteRange::new(start, end);
        segments.extend(range.map(|range| Segment::new(range, if is_here { range.len() } else { 0 })).ok());
    };
    let mut at = 0;
    for hole in holes {
        push(at, hole.start(), true);
        push(hole.start(), hole.end(), false);
        at = hole.end();
    }
    push(at, length, true);
    let segments: Result<Vec<Segment>, _> = segments.into_iter().collect();
    segments.and_then(SegmentMap::from_segments).unwrap_or_else(|_| SegmentMap::whole(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange::new(start, end).unwrap()
    }

    #[test]
    fn a_map_misses_its_holes_and_nothing_else() {
        for holes in [vec![], vec![range(0, 10)], vec![range(10, 20), range(20, 30)], vec![range(5, 6), range(90, 100)]]
        {
            let map = map_without(&holes, 100);
            assert_eq!(map.length(), Some(100));
            let missing: Vec<ByteRange> = map.segments().iter().filter_map(Segment::missing).collect();
            assert_eq!(missing, holes);
        }
    }

    #[test]
    fn pieces_fit_a_file_of_their_number() {
        let digest = "md5:00000000000000000000000000000000".parse().unwrap();
        let pieces = Pieces { length: 10, digests: vec![digest; 3] };
        for (length, fits) in [(20, false), (21, true), (30, true), (31, false)] {
            assert_eq!(fit(&pieces, length), fits, "{length}");
        }
    }
}
