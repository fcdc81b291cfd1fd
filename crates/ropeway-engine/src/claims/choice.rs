//! Choice of what an idle worker takes from the others.

use std::time::Duration;

use ropeway_model::{ByteRange, Segment};
use tokio::time::Instant;

use super::{
    State, Terms,
    segment_workers::{Assignment, SegmentWorkers},
};
use crate::plan::{self, LEAST_HEDGED, SMALLEST_SEGMENT};

/// A request that is not answered for this long is as good as a silent connection.
const LONGEST_THOUGHT: Duration = Duration::from_secs(1);

/// Where nobody measured a connection by windows, it has come to its speed after this long.
const KNOWN: Duration = Duration::from_millis(500);

/// What all choices of one moment have in common.
#[derive(Clone, Copy)]
struct Look {
    now: Instant,
    /// Bytes a second that a connection usually brings.
    usual: Option<f64>,
    /// How long a new connection takes to its first byte.
    opening: Duration,
}

impl State {
    /// The first segment that nobody fetches.
    pub(super) fn idle(&self) -> Option<u64> {
        let missing = self.map.segments().iter().filter(|segment| segment.missing().is_some());
        missing.map(|segment| segment.range().start()).find(|start| !self.segments.contains_key(start))
    }

    /// The end of another worker's segment, else, with `true`, the same segment.
    pub(super) fn take_from_others(&mut self, terms: Terms, now: Instant) -> Option<(u64, bool)> {
        if !terms.may_split {
            return None;
        }
        self.sample(now);
        let look = Look { now, usual: self.usual_rate(None), opening: terms.opening };
        if let Some(tail) = self.split(terms, look) {
            return Some((tail, false));
        }
        if terms.may_hedge { Some((self.hedge(terms, look)?, true)) } else { None }
    }

    /// Cuts the end off the segment with the most time left, so that both workers come to theirs at the same time: with
    /// equal speeds and no delay that is the half.
    fn split(&mut self, terms: Terms, look: Look) -> Option<u64> {
        let is_divisible = |missing: &ByteRange| !missing.is_open_ended() && missing.len() >= 2 * SMALLEST_SEGMENT;
        let (segment, missing, left) = self.slowest(look, |_, missing| is_divisible(missing))?;
        let rate = self.segments.get(&segment).and_then(|workers| self.rate(workers, look));
        let kept = match (rate, look.usual) {
            (Some(rate), Some(usual)) => {
                let taken = share(left - terms.delay.as_secs_f64(), rate, usual);
                if taken / rate < terms.least_gain.as_secs_f64() {
                    return None;
                }
                missing.len() - whole(taken).clamp(1, missing.len())
            }
            _ => missing.len().div_ceil(2),
        };
        // Not worth a request, for all that it would save time.
        if missing.len() - kept < SMALLEST_SEGMENT {
            return None;
        }
        // The rest of the file goes to the newcomer, who takes its front: so the file grows from front to back.
        let kept = self.stripe.map_or(kept, |stripe| kept.min(stripe.front(missing).len()));
        let kept = kept.clamp(SMALLEST_SEGMENT, missing.len() - SMALLEST_SEGMENT);
        self.map.split(segment, missing.start() + kept)
    }

    /// The segment of the slowest worker that nobody else fetches, too, as long as little was fetched twice.
    #[expect(clippy::cast_precision_loss, reason = "what is fetched twice is little")]
    fn hedge(&mut self, terms: Terms, look: Look) -> Option<u64> {
        let most = plan::most_hedged(self.map.length()?).saturating_sub(self.hedged);
        let is_alone = |workers: &SegmentWorkers, missing: &ByteRange| {
            let is_heard = workers
                .assignments
                .iter()
                .all(|assignment| assignment.is_answered() || workers.silent(look.now) > LONGEST_THOUGHT);
            workers.assignments.len() == 1 && is_heard && missing.len() <= most
        };
        // A few bytes cost nothing twice: they are not waited for as long.
        let last = self
            .slowest(look, |workers, missing| missing.len() < SMALLEST_SEGMENT && is_alone(workers, missing))
            .filter(|(.., left)| *left > terms.worth.as_secs_f64());
        let (segment, missing, left) = match last {
            Some(last) => last,
            None => {
                self.slowest(look, is_alone).filter(|(.., left)| *left > terms.worth.max(LEAST_HEDGED).as_secs_f64())?
            }
        };
        // Whoever comes second is to be twice as soon; what the first one brings is no word on that.
        let usual = self.usual_rate(Some(segment));
        let again = terms.delay.as_secs_f64() + usual.map_or(0.0, |usual| missing.len() as f64 / usual);
        if left < 2.0 * again {
            return None;
        }
        self.hedged += missing.len();
        Some(segment)
    }

    /// The segment with the most time left among those that are being fetched and are `fit`, with what it misses and how
    /// many seconds that takes.
    fn slowest(&self, look: Look, fit: impl Fn(&SegmentWorkers, &ByteRange) -> bool) -> Option<(u64, ByteRange, f64)> {
        let candidate = |segment: &Segment| {
            let start = segment.range().start();
            let (workers, missing) = (self.segments.get(&start)?, self.missing(start)?);
            fit(workers, &missing).then(|| (start, missing, self.time_left(workers, missing, look)))
        };
        let candidates = self.map.segments().iter().filter_map(candidate);
        candidates.max_by(|(.., one), (.., other)| one.total_cmp(other))
    }

    /// What another connection may be expected to bring, in bytes a second: as it was measured, else the median of what is
    /// seen, not counting those at the segment `but`.
    fn usual_rate(&self, but: Option<u64>) -> Option<f64> {
        let seen = || {
            let segments =
                self.segments.iter().filter(|(segment, _)| Some(**segment) != but).map(|(_, workers)| workers);
            let mut rates: Vec<f64> =
                segments.flat_map(|workers| &workers.assignments).filter_map(Assignment::rate).collect();
            rates.sort_by(f64::total_cmp);
            rates.get(rates.len() / 2).copied()
        };
        self.usual.or_else(seen).filter(|rate| *rate > 0.0)
    }

    /// What the fastest connection at a segment brings, in bytes a second. While it still grows, at least the usual.
    fn rate(&self, workers: &SegmentWorkers, look: Look) -> Option<f64> {
        let of = |assignment: &Assignment| {
            let pace = self.paces.get(&assignment.haul.connection);
            let is_known = pace.map_or_else(|| assignment.flows(look.now) >= KNOWN, |pace| pace.is_flat);
            let rate = pace.map(|pace| pace.rate).or_else(|| assignment.rate());
            let usual = look.usual.filter(|_| !is_known);
            rate.into_iter().chain(usual).max_by(f64::total_cmp)
        };
        workers.assignments.iter().filter_map(of).max_by(f64::total_cmp)
    }

    /// Seconds until the segment is complete. A connection that has been silent for a while will be for as long again, and
    /// one that is not answered yet takes what others took.
    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    fn time_left(&self, workers: &SegmentWorkers, missing: ByteRange, look: Look) -> f64 {
        // Where nothing has been measured, a byte a second keeps the order of the lengths.
        let rate = self.rate(workers, look).unwrap_or(1.0).max(1.0);
        let silent = workers.silent(look.now);
        let is_answered = workers.assignments.iter().any(Assignment::is_answered);
        let wait = if is_answered || silent > look.opening { silent } else { look.opening.saturating_sub(silent) };
        missing.len() as f64 / rate + wait.as_secs_f64()
    }
}

/// The bytes that a worker at `usual` takes from one at `rate` so that both end together, where the newcomer has to begin
/// so many seconds before that.
fn share(seconds: f64, rate: f64, usual: f64) -> f64 {
    (seconds / (1.0 / rate.max(1.0) + 1.0 / usual.max(1.0))).max(0.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}
