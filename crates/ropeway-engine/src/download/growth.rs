//! How many connections a line deserves, decided from what each of them brings: more while those that are open neither
//! grow by themselves nor lose by the newcomers.
//!
//! A few come at once. If the first ones lose what the newcomers bring, the line is full, and what is too many goes. If
//! none loses, each connection has a cap of its own (a distant server's window, a limit per connection), and three times
//! as many come. No clock, no network: it is handed what is seen, and answers.

use std::{collections::BTreeMap, time::Duration};

use crate::{hosts::Worth, plan};

/// Connections that come before anything is proved: they fill 92 % of any line that is shared fairly, and no server
/// that serves ranges minds.
pub(super) const FEW: usize = 4;
/// No line is worth more, and no server should be asked for more.
pub(super) const MOST: usize = 64;
/// More than this only for what takes longer than [`FAR`].
const MANY: usize = 32;
/// What is left must take this many seconds to be worth more than [`MANY`].
const FAR: f64 = 2.0;
/// What is left must take this many times what a fresh connection costs.
const AHEAD: f64 = 2.0;
/// So many times what is open may be open next. A server that bears none of the newcomers refuses no more than it bears
/// and [`FEW`] beyond that, which the growth of twice as many and a few ensures.
const FACTOR: usize = 3;

/// Nothing is measured over less time than this.
const SHORTEST_WINDOW: f64 = 0.02;
/// A server that thinks before it answers is not far away: no window is longer for that.
const LONGEST_THOUGHT: f64 = 0.1;
/// Reads that a window has at least: with fewer it measures how the bytes were packed.
const READS: u64 = 6;
/// A window with fewer reads ends after so many times its length.
const LONGEST_WINDOW: f64 = 8.0;
/// Slow start doubles from one window to the next, congestion avoidance brings less than a tenth.
const FLAT: f64 = 1.4;
/// The share of those that are judged which must be flat.
const MOST_FLAT: f64 = 0.75;
/// Before it is proved that connections are capped: who keeps this share of the best it ever brought has lost nothing.
/// Lower takes full lines for capped ones, higher takes noise for loss.
const KEPT_FIRST: f64 = 0.7;
/// The same afterwards, where means are compared.
const KEPT: f64 = 0.75;
/// Where all together bring this share of the best they ever did, what some lost others have.
const FULL: f64 = 0.8;
/// Below this share of its best a connection stalls, which says nothing of the line.
const STALLED: f64 = 0.1;
/// Connections that have gone and still count for what is usual, and for how many seconds.
const MOST_GONE: usize = 8;
const REMEMBERED: f64 = 10.0;
/// The first window of ten segments (RFC 6928), in bytes.
const FIRST_WINDOW: f64 = 14_600.0;

/// At least so often a line at rest is looked at, in seconds.
const WATCH: f64 = 0.5;
/// A line that brings less than this share of what it did has changed.
const CHANGED: f64 = 0.6;
/// So many times running.
const CHANGED_LOOKS: u32 = 3;
/// The first test whether it was taken for full by mistake comes after so many seconds, the next ones after twice as
/// many each.
const FIRST_TEST: f64 = 5.0;
/// No test near the end.
const TESTED_BEFORE: f64 = 10.0;
/// One connection fewer is waited for so long, and then measured for so long.
const TEST: f64 = 1.0;

/// How long the way to the server and back takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Once there and back.
    pub(super) round_trip: Duration,
    /// Until the first byte on a new connection.
    pub(super) opening: Duration,
}

/// One connection as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Which one; later ones have larger numbers.
    pub(super) connection: u64,
    /// Bytes it has brought, over all its requests.
    pub(super) bytes: u64,
    /// In so many reads.
    pub(super) reads: u64,
    /// When its last request was answered, and how many bytes and reads it had brought before; `None` while it waits.
    pub(super) answered: Option<(Duration, u64, u64)>,
}

/// All that is seen at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    /// Time since the download began.
    pub(super) now: Duration,
    /// Bytes that are missing.
    pub(super) left: u64,
    /// Bytes that have come.
    pub(super) moved: u64,
    pub(super) way: Way,
    pub(super) flows: &'a [Flow],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Wait,
    /// So many may be open.
    Grow(usize),
    /// So many may be open, and these go.
    Shrink(usize, Vec<u64>),
    /// The server leaves these unanswered: it bears so many.
    Bears(usize, Vec<u64>),
}

/// The growth of one download.
#[derive(Debug)]
pub(super) struct Growth {
    is_large: bool,
    learned: Option<Worth>,
    /// No more than this, whatever follows.
    most: usize,
    /// No more than this for now.
    cap: usize,
    /// As many as ever flowed at once.
    opened: usize,
    tracks: BTreeMap<u64, Track>,
    /// Those that flowed when the last ones were opened.
    old: Vec<u64>,
    batch: Option<Batch>,
    /// Bytes a second that a connection usually brings.
    usual: f64,
    /// What those that have gone brought, and when.
    gone: Vec<(f64, f64)>,
    /// Bytes a second of all together, now and at their best.
    brings: f64,
    best: f64,
    is_proved: bool,
    rest: Rest,
}

/// Connections that were opened together: those with the numbers above `above`, as many as `count`.
#[derive(Clone, Copy, Debug)]
struct Batch {
    above: u64,
    count: u64,
    asked: f64,
}

/// Whether anything more is to be decided.
#[derive(Debug)]
enum Rest {
    No,
    /// The line is full.
    Full(Watch),
    ForGood,
}

/// A full line that is looked at now and then.
#[derive(Debug)]
struct Watch {
    next: f64,
    /// What it brought when it was full; `None` until that is measured.
    had: Option<f64>,
    /// Looks in a row at which it brought much less.
    low: u32,
    /// When the next test begins, and how long is waited for the one after that.
    test_at: f64,
    pause: f64,
    mark: (f64, u64),
    test: Option<Test>,
}

/// One connection fewer: do the others make up for it?
#[derive(Clone, Copy, Debug)]
struct Test {
    began: f64,
    /// Bytes a second and connections before.
    rate: f64,
    connections: usize,
    /// Where its measurement began.
    mark: Option<(f64, u64)>,
}

/// What one connection was seen to bring.
#[derive(Clone, Copy, Debug)]
struct Track {
    when: f64,
    bytes: u64,
    reads: u64,
    rate: Option<f64>,
    is_flat: bool,
    peak: f64,
    windows: u32,
    alive: f64,
    is_stalled: bool,
}

impl Track {
    fn new(now: f64, flow: &Flow) -> Self {
        let (when, bytes, reads) =
            flow.answered.map_or((now, flow.bytes, flow.reads), |(at, bytes, reads)| (at.as_secs_f64(), bytes, reads));
        let (rate, is_flat, peak, windows, alive, is_stalled) = (None, false, 0.0, 0, when, false);
        Self { when, bytes, reads, rate, is_flat, peak, windows, alive, is_stalled }
    }

    /// Takes note of a window, if one is over.
    #[expect(clippy::cast_precision_loss, reason = "a window's bytes stay below 2^53")]
    fn note(&mut self, now: f64, flow: &Flow, period: f64, is_proved: bool) {
        let Some((since, bytes, reads)) = flow.answered else { return };
        // What it waited for between two requests is no word on its speed.
        if since.as_secs_f64() > self.when {
            (self.when, self.bytes, self.reads) = (since.as_secs_f64(), bytes, reads);
        }
        let elapsed = now - self.when;
        let is_packed = flow.reads.saturating_sub(self.reads) < READS && elapsed < period * LONGEST_WINDOW;
        if elapsed < period * 0.99 || is_packed {
            return;
        }
        let raw = flow.bytes.saturating_sub(self.bytes) as f64 / elapsed;
        (self.when, self.bytes, self.reads) = (now, flow.bytes, flow.reads);
        if raw >= STALLED * self.peak {
            self.alive = now;
        } else if now > self.alive + (5.0 * period).max(1.0) {
            // No stall: it is capped by now.
            self.peak = raw;
        }
        self.is_stalled = self.alive < now;
        self.is_flat = self.rate.is_some_and(|before| raw < before * FLAT);
        let rate = self.rate.map_or(raw, |before| f64::midpoint(raw, before));
        self.rate = Some(rate);
        self.windows += 1;
        if !is_proved {
            self.peak = self.peak.max(raw);
        } else if self.windows > 1 {
            self.peak = self.peak.max(rate);
        }
    }
}

impl Growth {
    /// The growth of a download that misses so many bytes, to no more than `most` connections.
    pub(super) fn new(missing: u64, most: usize, learned: Option<Worth>) -> Self {
        Self {
            is_large: missing >= plan::SMALL,
            learned: learned.filter(|learned| usize::from(learned.connections) > FEW),
            most,
            cap: most,
            opened: 0,
            tracks: BTreeMap::new(),
            old: Vec::new(),
            batch: None,
            usual: 0.0,
            gone: Vec::new(),
            brings: 0.0,
            best: 0.0,
            is_proved: false,
            rest: Rest::No,
        }
    }

    /// Only measures: how many there are is decided already.
    pub(super) fn fixed(missing: u64) -> Self {
        Self { rest: Rest::ForGood, ..Self::new(missing, MOST, None) }
    }

    /// How long a window is.
    pub(super) fn period(way: Way) -> Duration {
        let thought = way.opening.as_secs_f64().min(LONGEST_THOUGHT);
        Duration::from_secs_f64(way.round_trip.as_secs_f64().max(thought / 2.0).max(SHORTEST_WINDOW))
    }

    /// The server serves ranges: the first decision.
    pub(super) fn begin(&mut self, look: Look<'_>) -> Verdict {
        if matches!(self.rest, Rest::ForGood) {
            return Verdict::Wait;
        }
        let now = look.now.as_secs_f64();
        if let Some(learned) = self.learned {
            self.is_proved = true;
            let known = usize::from(learned.connections);
            if learned.is_full {
                self.cap = known.min(self.most);
                self.rest = Rest::Full(Watch::new(now, None, look.moved));
            }
            return self.grow(known, look);
        }
        if self.is_large && look.way.opening >= Self::period(look.way) { self.grow(FEW, look) } else { Verdict::Wait }
    }

    /// The server has refused one of its connections: it bears so many.
    pub(super) fn bears(&mut self, connections: usize) {
        (self.most, self.cap, self.rest) = (connections, connections, Rest::ForGood);
    }

    /// What is measured now is no word on the line: a limit of our own is in force.
    pub(super) fn forget(&mut self) {
        self.tracks.clear();
    }

    /// Bytes a second that a connection usually brings; `None` before anything was measured.
    pub(super) fn usual(&self) -> Option<f64> {
        Some(self.usual).filter(|usual| *usual > 0.0)
    }

    /// What a connection brings, and whether it has stopped growing.
    pub(super) fn paces(&self) -> impl Iterator<Item = (u64, f64, bool)> {
        self.tracks.iter().filter_map(|(connection, track)| Some((*connection, track.rate?, track.is_flat)))
    }

    /// What a fresh connection costs: the time to its first byte, and what slow start withholds.
    pub(super) fn cold(&self, way: Way) -> Duration {
        let round_trip = way.round_trip.as_secs_f64();
        let doublings = (self.usual.max(1.0) * round_trip / FIRST_WINDOW).max(f64::MIN_POSITIVE).log2() - 1.0;
        way.opening + Duration::from_secs_f64((round_trip * doublings.max(0.0)).min(10.0))
    }

    /// What is worth knowing for the next download from this server.
    pub(super) fn worth(&self) -> Option<Worth> {
        let (connections, is_full) = match &self.rest {
            Rest::Full(_) => (self.cap, true),
            _ if self.is_proved => {
                let had = self.learned.map_or(0, |learned| usize::from(learned.connections));
                (self.opened.max(had).max(FEW), false)
            }
            _ => return None,
        };
        u16::try_from(connections).ok().map(|connections| Worth { connections, is_full })
    }

    /// Whether the file is worth a few connections in any case.
    pub(super) fn is_large(&self) -> bool {
        self.is_large
    }

    /// A window is over.
    pub(super) fn window(&mut self, look: Look<'_>) -> Verdict {
        self.measure(look);
        if matches!(self.rest, Rest::No) {
            let verdict = self.decide(look);
            if verdict != Verdict::Wait {
                return verdict;
            }
        }
        if matches!(self.rest, Rest::Full(_)) { self.watch(look) } else { Verdict::Wait }
    }

    /// Takes note of what is seen, and decides nothing.
    pub(super) fn measure(&mut self, look: Look<'_>) {
        let (now, period) = (look.now.as_secs_f64(), Self::period(look.way).as_secs_f64());
        self.gone.retain(|(at, _)| now < at + REMEMBERED);
        self.tracks.retain(|connection, track| {
            let is_here = look.flows.iter().any(|flow| flow.connection == *connection);
            self.gone.extend(track.rate.filter(|_| track.is_flat && !is_here).map(|rate| (now, rate)));
            is_here
        });
        // A slow one that is left at the end is not the usual one.
        self.gone.drain(..self.gone.len().saturating_sub(MOST_GONE));
        for flow in look.flows.iter().filter(|flow| flow.answered.is_some()) {
            let track = self.tracks.entry(flow.connection).or_insert_with(|| Track::new(now, flow));
            track.note(now, flow, period, self.is_proved);
        }
        let mut flat: Vec<f64> =
            self.tracks.values().filter(|track| track.is_flat).filter_map(|track| track.rate).collect();
        flat.extend(self.gone.iter().map(|(_, rate)| rate));
        flat.sort_by(f64::total_cmp);
        let highest = || self.tracks.values().filter_map(|track| track.rate).max_by(f64::total_cmp);
        if let Some(usual) = flat.get(flat.len() / 2).copied().or_else(highest).filter(|usual| *usual > 0.0) {
            self.usual = usual;
        }
        self.brings = look.flows.iter().filter_map(|flow| self.flowing(flow)?.rate).sum();
        self.best = self.best.max(self.brings);
        self.opened = self.opened.max(self.tracks.len());
    }

    fn flowing(&self, flow: &Flow) -> Option<&Track> {
        flow.answered.and_then(|_| self.tracks.get(&flow.connection))
    }

    fn grow(&mut self, target: usize, look: Look<'_>) -> Verdict {
        let (target, open) = (target.min(self.cap), look.flows.len());
        let above = look.flows.iter().map(|flow| flow.connection).max().unwrap_or(0);
        self.old = look.flows.iter().filter(|flow| flow.answered.is_some()).map(|flow| flow.connection).collect();
        let count = target.saturating_sub(open) as u64;
        self.batch = Some(Batch { above, count, asked: look.now.as_secs_f64() });
        Verdict::Grow(target)
    }

    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    fn decide(&mut self, look: Look<'_>) -> Verdict {
        let (now, open) = (look.now.as_secs_f64(), look.flows.len());
        let left = look.left as f64 / self.brings.max(1.0);
        let ahead = AHEAD * self.cold(look.way).as_secs_f64();
        let Some(batch) = self.batch else {
            let is_flat = || look.flows.iter().any(|flow| self.flowing(flow).is_some_and(|track| track.is_flat));
            let is_due = self.is_large || (left > ahead && is_flat());
            return if is_due { self.grow(FEW, look) } else { Verdict::Wait };
        };
        let new: Vec<&Flow> = look.flows.iter().filter(|flow| batch.has(flow.connection)).collect();
        let waiting = new.iter().filter(|flow| flow.answered.is_none()).count();
        if waiting * 4 > new.len() {
            return self.wait(now - batch.asked, look);
        }
        let is_old = |flow: &&Flow| self.old.contains(&flow.connection);
        let rated = |flow: &&Flow| self.flowing(flow).is_some_and(|track| track.rate.is_some());
        let mut old: Vec<&Flow> = look.flows.iter().filter(is_old).filter(rated).collect();
        if old.is_empty() {
            old = look.flows.iter().filter(|flow| !batch.has(flow.connection)).filter(rated).collect();
        }
        let judged: Vec<&Flow> =
            if self.is_proved { old.clone() } else { old.iter().copied().chain(new.iter().copied()).collect() };
        let old: Vec<Track> =
            old.iter().filter_map(|flow| self.flowing(flow)).filter(|track| !track.is_stalled).copied().collect();
        let flat = judged.iter().filter(|flow| self.flowing(flow).is_some_and(|track| track.is_flat)).count();
        // The others grow by themselves.
        if old.is_empty() || (flat as f64) < MOST_FLAT * judged.len() as f64 {
            return Verdict::Wait;
        }
        let mean = |of: fn(&Track) -> f64| (old.iter().map(of).sum::<f64>() / old.len() as f64).max(1.0);
        let (peak, rate) = (mean(|track| track.peak), mean(|track| track.rate.unwrap_or(0.0)));
        if rate < peak * if self.is_proved { KEPT } else { KEPT_FIRST } {
            if self.brings >= self.best * FULL {
                return self.stop(&old, look);
            }
            // All of them lose: a burst is over.
            self.best = self.brings;
            self.restart();
            return Verdict::Wait;
        }
        if !new.is_empty() && !self.is_proved {
            // Each is capped: from here on means count, not single windows.
            self.is_proved = true;
            self.restart();
        }
        if left < ahead {
            return Verdict::Wait;
        }
        if open >= self.cap {
            self.rest = Rest::ForGood;
            return Verdict::Wait;
        }
        if waiting > 0 && !is_late(now - batch.asked, look.way) {
            return Verdict::Wait;
        }
        // Where some are left waiting the server may bear no more.
        let more = if waiting > 0 { 0 } else { open };
        let target = (open * FACTOR).min(open + more + FEW).max(FEW);
        self.grow(if left > FAR { target } else { target.min(MANY.max(open)) }, look)
    }

    /// Too many of the last ones are not answered: all that wait go, if others are served meanwhile.
    fn wait(&mut self, waited: f64, look: Look<'_>) -> Verdict {
        let waiting = look.flows.iter().filter(|flow| flow.answered.is_none()).map(|flow| flow.connection);
        let waiting: Vec<u64> = waiting.collect();
        let served = look.flows.len() - waiting.len();
        if served == 0 || !is_late(waited, look.way) {
            return Verdict::Wait;
        }
        self.bears(served.min(self.most));
        Verdict::Bears(self.most, waiting)
    }

    /// Bests count from now on.
    fn restart(&mut self) {
        self.tracks.values_mut().for_each(|track| track.peak = track.rate.unwrap_or(0.0));
    }

    /// The line is full: as many stay as fill it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of connections")]
    #[expect(clippy::cast_precision_loss, reason = "at most 64 connections")]
    fn stop(&mut self, old: &[Track], look: Look<'_>) -> Verdict {
        // The slower half may not have come to its speed before the line was full.
        let mut peaks: Vec<f64> = old.iter().map(|track| track.peak).collect();
        peaks.sort_by(f64::total_cmp);
        let fast = peaks.split_off(peaks.len() / 2);
        let peak = (fast.iter().sum::<f64>() / fast.len() as f64).max(1.0);
        let need = ((self.brings / peak * 1.1).ceil() as usize).max(FEW);
        self.cap = self.cap.min(need);
        self.rest = Rest::Full(Watch::new(look.now.as_secs_f64(), Some(self.brings), look.moved));
        let mut newest: Vec<u64> = look.flows.iter().map(|flow| flow.connection).collect();
        newest.sort_unstable();
        Verdict::Shrink(self.cap, newest.split_off(self.cap.min(newest.len())))
    }

    /// After the growth has ended: caps may hold from now on, or the line was taken for full by mistake.
    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    fn watch(&mut self, look: Look<'_>) -> Verdict {
        let (now, here) = (look.now.as_secs_f64(), (look.now.as_secs_f64(), look.moved));
        let flat = look.flows.iter().filter(|flow| self.flowing(flow).is_some_and(|track| track.is_flat)).count();
        let (brings, open) = (self.brings, look.flows.len());
        let Rest::Full(watch) = &mut self.rest else { return Verdict::Wait };
        if now < watch.next {
            return Verdict::Wait;
        }
        watch.next = now + WATCH.max(Self::period(look.way).as_secs_f64());
        let Some(had) = watch.had else {
            if flat as f64 >= MOST_FLAT * open as f64 {
                watch.had = Some(brings);
            }
            return Verdict::Wait;
        };
        watch.low = if brings < had * CHANGED { watch.low + 1 } else { 0 };
        if watch.low >= CHANGED_LOOKS {
            return self.resume(look);
        }
        if let Some(test) = &mut watch.test {
            if now < test.began + TEST {
                return Verdict::Wait;
            }
            let mark = *test.mark.get_or_insert(here);
            if now < mark.0 + TEST {
                return Verdict::Wait;
            }
            let Test { rate, connections, .. } = *test;
            (watch.test, watch.mark) = (None, here);
            if per_second(mark, here) < rate * (1.0 - 0.5 / connections as f64) {
                // It was capped.
                self.is_proved = true;
                return self.resume(look);
            }
            return Verdict::Grow(connections);
        }
        let mean = per_second(watch.mark, here);
        let is_late = look.left as f64 <= TESTED_BEFORE * mean;
        if now < watch.test_at || open <= 1 || is_late {
            if now > watch.mark.0 + 2.0 * TEST {
                watch.mark = here;
            }
            return Verdict::Wait;
        }
        let connections = open.min(self.cap);
        watch.test = Some(Test { began: now, rate: mean, connections, mark: None });
        watch.pause *= 2.0;
        watch.test_at = now + watch.pause;
        let newest = look.flows.iter().map(|flow| flow.connection).max();
        Verdict::Shrink(connections - 1, newest.into_iter().collect())
    }

    /// Decides again.
    fn resume(&mut self, look: Look<'_>) -> Verdict {
        (self.rest, self.cap, self.best) = (Rest::No, self.most, self.brings);
        self.batch = Some(Batch { above: u64::MAX, count: 0, asked: look.now.as_secs_f64() });
        self.restart();
        Verdict::Wait
    }
}

impl Batch {
    fn has(&self, connection: u64) -> bool {
        connection > self.above && connection - self.above <= self.count
    }
}

impl Watch {
    fn new(now: f64, had: Option<f64>, moved: u64) -> Self {
        let (next, test_at, mark) = (now + WATCH, now + FIRST_TEST, (now, moved));
        Self { next, had, low: 0, test_at, pause: FIRST_TEST, mark, test: None }
    }
}

/// Whether an answer that is waited for so many seconds will not come: others had theirs in a third of that.
fn is_late(waited: f64, way: Way) -> bool {
    waited > 3.0 * way.opening.as_secs_f64() + 0.5
}

#[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
fn per_second((from, had): (f64, u64), (to, has): (f64, u64)) -> f64 {
    has.saturating_sub(had) as f64 / (to - from).max(0.001)
}

#[cfg(test)]
mod tests;
