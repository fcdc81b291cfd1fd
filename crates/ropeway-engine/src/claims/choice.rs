//! What an idle worker takes from the others.

use std::time::Duration;

use ropeway_model::{ByteRange, Segment};
use tokio::time::Instant;

use super::{State, Terms, post::Post};
use crate::plan::{self, LEAST_HEDGED, SMALLEST_SEGMENT};

/// A request that is not answered for this long is as good as a silent connection.
const LONGEST_THOUGHT: Duration = Duration::from_secs(1);

impl State {
    /// The first segment that nobody fetches.
    pub(super) fn idle(&self) -> Option<u64> {
        let missing = self.map.segments().iter().filter(|segment| segment.missing().is_some());
        missing.map(|segment| segment.range().start()).find(|start| !self.posts.contains_key(start))
    }

    /// The end of another worker's segment, else, with `true`, the same segment.
    pub(super) fn take_from_others(&mut self, terms: Terms, now: Instant) -> Option<(u64, bool)> {
        if !terms.may_split {
            return None;
        }
        self.sample(now);
        let usual = self.usual_rate();
        if let Some(tail) = self.split(terms.worth, usual, now) {
            return Some((tail, false));
        }
        if terms.may_hedge { Some((self.hedge(terms.worth, usual, now)?, true)) } else { None }
    }

    /// Cuts the end off the segment with the most time left, so that both workers come to theirs at the same time: with
    /// equal speeds that is the half.
    fn split(&mut self, worth: Duration, usual: Option<f64>, now: Instant) -> Option<u64> {
        let is_divisible = |missing: &ByteRange| !missing.is_open_ended() && missing.len() >= 2 * SMALLEST_SEGMENT;
        let (segment, missing) = self.slowest(usual, worth, now, |_, missing| is_divisible(missing))?;
        let rate = self.posts.get(&segment).and_then(Post::rate);
        let kept = match (rate, usual) {
            (Some(rate), Some(usual)) => share(missing.len(), rate, usual),
            _ => missing.len().div_ceil(2),
        };
        // The rest of the file goes to the newcomer, who takes its front: so the file grows from front to back.
        let kept = self.stripe.map_or(kept, |stripe| kept.min(stripe.front(missing).len()));
        let kept = kept.clamp(SMALLEST_SEGMENT, missing.len() - SMALLEST_SEGMENT);
        self.map.split(segment, missing.start() + kept)
    }

    /// The segment of the slowest worker that nobody else fetches, too, as long as little was fetched twice.
    fn hedge(&mut self, worth: Duration, usual: Option<f64>, now: Instant) -> Option<u64> {
        let most = plan::most_hedged(self.map.length()?).saturating_sub(self.hedged);
        let is_alone = |post: &Post, missing: &ByteRange| {
            let is_heard = post.holds.iter().all(|hold| hold.is_answered || post.silent(now) > LONGEST_THOUGHT);
            post.holds.len() == 1 && is_heard && missing.len() <= most
        };
        // A few bytes cost nothing twice: they are not waited for as long.
        let last = self
            .slowest(usual, worth, now, |post, missing| missing.len() < SMALLEST_SEGMENT && is_alone(post, missing));
        let (segment, missing) = match last {
            Some(last) => last,
            None => self.slowest(usual, worth.max(LEAST_HEDGED), now, is_alone)?,
        };
        self.hedged += missing.len();
        Some(segment)
    }

    /// The segment with the most time left among those that are being fetched and are `fit`, if that is more than
    /// `worth`; with what it misses.
    fn slowest(
        &self,
        usual: Option<f64>,
        worth: Duration,
        now: Instant,
        fit: impl Fn(&Post, &ByteRange) -> bool,
    ) -> Option<(u64, ByteRange)> {
        let candidate = |segment: &Segment| {
            let start = segment.range().start();
            let (post, missing) = (self.posts.get(&start)?, self.missing(start)?);
            fit(post, &missing).then(|| (start, missing, time_left(post, missing, usual, now)))
        };
        let candidates = self.map.segments().iter().filter_map(candidate);
        let (start, missing, left) = candidates.max_by(|(.., one), (.., other)| one.total_cmp(other))?;
        (left > worth.as_secs_f64()).then_some((start, missing))
    }

    /// The median speed of the connections, in bytes a second: what another one may be expected to bring.
    fn usual_rate(&self) -> Option<f64> {
        let mut rates: Vec<f64> = self.posts.values().filter_map(Post::rate).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().filter(|rate| *rate > 0.0)
    }
}

/// Seconds until the segment is complete. A connection that has been silent for a while will be for as long again.
#[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
fn time_left(post: &Post, missing: ByteRange, usual: Option<f64>, now: Instant) -> f64 {
    // Where nothing has been measured, a byte a second keeps the order of the lengths.
    let rate = post.rate().or(usual).unwrap_or(1.0).max(1.0);
    missing.len() as f64 / rate + post.silent(now).as_secs_f64()
}

/// The bytes of `length` that a worker at `rate` keeps when one at `usual` takes the rest.
#[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
fn share(length: u64, rate: f64, usual: f64) -> u64 {
    (length as f64 * (rate / (rate + usual))) as u64
}
