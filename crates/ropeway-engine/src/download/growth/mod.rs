//! How many connections a line deserves, decided from what each of them brings: more while those that are open neither
//! grow by themselves nor lose by the newcomers.
//!
//! A few come at once. If the first ones lose what the newcomers bring, the line is full, and what is too many goes. If
//! none loses, each connection has a cap of its own (a distant server's window, a limit per connection), and three times
//! as many come. No clock, no network: it is handed what is seen, and answers.

mod decide;
mod track;
mod watch;

use std::{collections::BTreeMap, time::Duration};

use self::{track::Track, watch::Watch};
use crate::{hosts::Worth, plan};

/// Connections that come before anything is proved. They fill 92 % of any line that is shared fairly, and no server
/// that serves ranges minds.
pub(super) const FEW: usize = 4;
/// No line is worth more, and no server should be asked for more.
pub(super) const MOST: usize = 64;

/// Nothing is measured over less time than this.
const SHORTEST_WINDOW: f64 = 0.02;
/// A server that thinks before it answers is not far away: no window is longer for that.
const LONGEST_THOUGHT: f64 = 0.1;
/// The share of those that are judged which must be flat.
const MOST_FLAT: f64 = 0.75;
/// Connections that have gone and still count for what is usual, and for how many seconds.
const MOST_GONE: usize = 8;
const REMEMBERED: f64 = 10.0;
/// The first window of ten segments (RFC 6928), in bytes.
const FIRST_WINDOW: f64 = 14_600.0;

/// Time of the way to the server and back.
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

impl Flow {
    /// Whether it was never answered: one that waits for its next answer is served.
    fn is_left_waiting(&self) -> bool {
        self.answered.is_none() && self.bytes == 0
    }
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

/// Decision on the number of connections.
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
    /// When one of those of before was seen last.
    seen: f64,
    /// Bytes that had come by then.
    moved: u64,
    /// As many as were served at once since then.
    served: usize,
    /// Bytes a second that all brought before.
    had: f64,
}

/// Whether anything more is to be decided.
#[derive(Debug)]
enum Rest {
    No,
    /// The line is full.
    Full(Watch),
    ForGood,
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

    /// Length of a window.
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

    /// Bytes a second that a connection usually brings. `None` before anything was measured.
    pub(super) fn usual(&self) -> Option<f64> {
        Some(self.usual).filter(|usual| *usual > 0.0)
    }

    /// Paces of connections: the rate, and whether it has stopped growing.
    pub(super) fn paces(&self) -> impl Iterator<Item = (u64, f64, bool)> {
        self.tracks.iter().filter_map(|(connection, track)| Some((*connection, track.rate?, track.is_flat)))
    }

    /// What a fresh connection costs: the time to its first byte, and what slow start withholds.
    pub(super) fn cold(&self, way: Way) -> Duration {
        let round_trip = way.round_trip.as_secs_f64();
        let usual = self.usual.max(1.0);
        let by_rule = (usual * round_trip / FIRST_WINDOW).max(f64::MIN_POSITIVE).log2();
        let doublings = self.doublings(usual).map_or(by_rule, |seen| seen.min(by_rule)) - 1.0;
        way.opening + Duration::from_secs_f64((round_trip * doublings.max(0.0)).min(10.0))
    }

    /// How often connections have doubled what their first window brought, until they brought what is usual: not every
    /// server begins slowly. `None` before one has stopped growing.
    fn doublings(&self, usual: f64) -> Option<f64> {
        let mut begun: Vec<f64> =
            self.tracks.values().filter(|track| track.is_flat).filter_map(|track| track.begun).collect();
        begun.sort_by(f64::total_cmp);
        begun.get(begun.len() / 2).map(|begun| (usual / begun.max(1.0)).log2())
    }

    /// Worth that the next download from this server is to know.
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

    /// True where the file is worth a few connections in any case.
    pub(super) fn is_large(&self) -> bool {
        self.is_large
    }

    /// A window is over.
    pub(super) fn window(&mut self, look: Look<'_>) -> Verdict {
        self.measure(look);
        if matches!(self.rest, Rest::No) {
            let verdict = self.decide(look);
            if verdict != Verdict::Wait {
                return self.told(verdict, look);
            }
        }
        let verdict = if matches!(self.rest, Rest::Full(_)) { self.watch(look) } else { Verdict::Wait };
        self.told(verdict, look)
    }

    /// A verdict, written to the log.
    fn told(&self, verdict: Verdict, look: Look<'_>) -> Verdict {
        if verdict != Verdict::Wait {
            let Self { brings, best, usual, is_proved, .. } = *self;
            tracing::debug!(?verdict, now = ?look.now, open = look.flows.len(), brings, best, usual, is_proved, "growth");
        }
        verdict
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
        let now = look.now.as_secs_f64();
        self.batch =
            Some(Batch { above, count, asked: now, seen: now, moved: look.moved, served: 0, had: self.brings });
        Verdict::Grow(target)
    }

    /// Bests count from now on.
    fn restart(&mut self) {
        self.tracks.values_mut().for_each(|track| track.peak = track.rate.unwrap_or(0.0));
    }
}

impl Batch {
    /// No newcomers: all that are open are of before.
    fn none(look: Look<'_>) -> Self {
        let now = look.now.as_secs_f64();
        Self { above: u64::MAX, count: 0, asked: now, seen: now, moved: look.moved, served: 0, had: f64::INFINITY }
    }

    fn has(&self, connection: u64) -> bool {
        connection > self.above && connection - self.above <= self.count
    }
}

#[cfg(test)]
mod tests;
