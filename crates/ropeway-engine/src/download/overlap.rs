//! Whether a server still sends the bytes that are on disk, told by fetching some of them again: for servers that give
//! nothing else to recognise a file by, and for a new link to it.

use std::time::Duration;

use futures_util::StreamExt as _;
use ropeway_drivers::{Context, Driver, DriverError};
use ropeway_model::{ByteRange, SafeUrl, SegmentMap, Validator};

use crate::{
    attempt::Stop,
    disk::{DiskError, PartFile},
    throttle::Throttle,
};

/// Bytes before the first hole that are fetched again: what differs at all differs within these, as a rule.
const BEFORE_THE_HOLE: u64 = 256 << 10;
/// Bytes at the file's start that are fetched again: headers and indexes that change stand there.
const AT_THE_START: u64 = 64 << 10;
/// Requests for one stretch; a server that sends less than this part of it at a time is no help.
const MOST_REQUESTS: u32 = 8;
/// A server that is silent for this long is given up.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Where to ask.
pub(crate) struct Place<'a> {
    pub(crate) context: &'a Context,
    pub(crate) driver: &'a dyn Driver,
    pub(crate) url: &'a SafeUrl,
    pub(crate) throttle: &'a Throttle,
}

/// What the comparison told.
#[derive(Debug)]
pub(crate) enum Overlap {
    /// Every byte that came is the one on disk; with what the server says of its version now.
    Same(Validator),
    /// Another byte came than the one on disk.
    Different {
        /// Its offset.
        at: u64,
    },
    /// Nothing is on disk that could be compared.
    Nothing,
}

/// Why there was no comparison.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The network or the server; [`DriverError::RangeIgnored`] where it serves no ranges.
    Driver(DriverError),
    /// The part file could not be read.
    Disk(DiskError),
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<DiskError> for Trouble {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Driver(error) => error.into(),
            Trouble::Disk(error) => error.into(),
        }
    }
}

/// Fetches the bytes right before the first hole again, and some from the file's start, and compares them with `part`.
/// Nothing is written.
pub(crate) async fn compare(place: &Place<'_>, part: &dyn PartFile, map: &SegmentMap) -> Result<Overlap, Trouble> {
    let mut now = None;
    for stretch in stretches(map) {
        match compare_stretch(place, part, stretch).await? {
            Overlap::Same(validator) => now = now.or(Some(validator)),
            other => return Ok(other),
        }
    }
    Ok(now.map_or(Overlap::Nothing, Overlap::Same))
}

/// What is fetched again, the most telling first.
fn stretches(map: &SegmentMap) -> Vec<ByteRange> {
    let prefix = map.contiguous_prefix();
    let first_end = match prefix {
        // The start is missing: what there is lies further behind.
        0 => map.segments().iter().find(|segment| segment.written() > 0).map(|segment| {
            let start = segment.range().start();
            (start, start + segment.written())
        }),
        prefix => Some((0, prefix)),
    };
    let Some((start, end)) = first_end else { return Vec::new() };
    let before_the_hole = ByteRange::new(end.saturating_sub(BEFORE_THE_HOLE).max(start), end);
    let at_the_start = match before_the_hole {
        Ok(range) if start == 0 => ByteRange::new(0, AT_THE_START.min(range.start())).ok(),
        _ => None,
    };
    before_the_hole.into_iter().chain(at_the_start).collect()
}

async fn compare_stretch(place: &Place<'_>, part: &dyn PartFile, stretch: ByteRange) -> Result<Overlap, Trouble> {
    let Some(download) = place.driver.download() else { return Ok(Overlap::Nothing) };
    let canceled = || Trouble::Driver(DriverError::Canceled);
    let silent = || DriverError::Silent { host: place.url.host(), waited_s: LONGEST_SILENCE.as_secs() };
    place.context.cancel.run_until_cancelled(place.throttle.take(stretch.len())).await.ok_or_else(canceled)?;
    let mut missing = Some(stretch);
    let mut now = None;
    for _ in 0..MOST_REQUESTS {
        let Some(want) = missing else { break };
        let fetched = download.fetch(place.context, place.url, want, None);
        let fetched = place.context.cancel.run_until_cancelled(tokio::time::timeout(LONGEST_SILENCE, fetched)).await;
        let mut fetched = fetched.ok_or_else(canceled)?.map_err(|_| silent())??;
        now.get_or_insert(fetched.validator);
        let mut offset = want.start();
        while let Some(chunk) =
            tokio::time::timeout(LONGEST_SILENCE, fetched.body.next()).await.map_err(|_| silent())?
        {
            let chunk = chunk?;
            if let Some(at) = difference(part, offset, &chunk)? {
                return Ok(Overlap::Different { at });
            }
            offset += chunk.len() as u64;
        }
        missing = ByteRange::new(offset, stretch.end()).ok();
    }
    if let (Some(now), None) = (now, missing) {
        return Ok(Overlap::Same(now));
    }
    let reason = format!("it sends too little of bytes {stretch}");
    Err(DriverError::BadResponse { url: place.url.clone(), reason }.into())
}

/// The first offset at which `bytes`, which lie at `offset`, are not those on disk.
fn difference(part: &dyn PartFile, offset: u64, bytes: &[u8]) -> Result<Option<u64>, DiskError> {
    let mut saved = vec![0; bytes.len()];
    let read = part.read_at(&mut saved, offset)?;
    let same = saved.iter().take(read).zip(bytes).take_while(|(had, came)| had == came).count();
    Ok((same < bytes.len()).then(|| offset + same as u64))
}

#[cfg(test)]
mod tests {
    use ropeway_model::Segment;

    use super::*;

    const KIB: u64 = 1 << 10;

    fn map(segments: &[(u64, u64, u64)]) -> SegmentMap {
        let segment = |(start, end, written): &(u64, u64, u64)| {
            Segment::new(ByteRange::new(*start, *end).unwrap(), *written).unwrap()
        };
        SegmentMap::from_segments(segments.iter().map(segment).collect()).unwrap()
    }

    #[test]
    fn the_bytes_before_the_first_hole_are_fetched_again_and_some_of_the_start() {
        let range = |start, end| ByteRange::new(start * KIB, end * KIB).unwrap();
        for (segments, expected) in [
            (vec![(0, 9000 * KIB, 0)], vec![]),
            (vec![(0, 9000 * KIB, 100 * KIB)], vec![range(0, 100)]),
            (vec![(0, 9000 * KIB, 300 * KIB)], vec![range(44, 300), range(0, 44)]),
            (vec![(0, 9000 * KIB, 4000 * KIB)], vec![range(3744, 4000), range(0, 64)]),
            (vec![(0, 500 * KIB, 0), (500 * KIB, 9000 * KIB, 100 * KIB)], vec![range(500, 600)]),
        ] {
            assert_eq!(stretches(&map(&segments)), expected, "{segments:?}");
        }
    }
}
