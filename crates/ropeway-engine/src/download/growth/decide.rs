//! Whether more connections come: judged by those that are open, once most of them have stopped growing.

use super::{
    Batch, FEW, Flow, Growth, Look, MOST_FLAT, Rest, Verdict, Way,
    track::Track,
    watch::{Watch, per_second},
};

/// More than this only for what takes longer than [`FAR`].
const MANY: usize = 32;
/// Seconds that what is left must take to be worth more than [`MANY`].
const FAR: f64 = 1.0;
/// What is left must take this many times what a fresh connection costs.
const AHEAD: f64 = 2.0;
/// So many times what is open may be open next. A server that bears none of the newcomers refuses no more than it bears
/// and [`FEW`] beyond that, which the growth of twice as many and a few ensures.
const FACTOR: usize = 3;
/// Before it is proved that connections are capped: who keeps this share of the best it ever brought has lost nothing.
/// Lower takes full lines for capped ones, higher takes noise for loss.
const KEPT_FIRST: f64 = 0.7;
/// The same afterwards, where means are compared.
const KEPT: f64 = 0.75;
/// Those of before are gone when they have not been seen for so many windows: between two segments they are away, too.
const GONE: f64 = 4.0;
/// Before newcomers have stopped growing: who keeps this share has lost nothing...
const UNSHAKEN: f64 = 0.85;
/// ...and where newcomers bring so many times what those of before did, these did not fill the line.
const PLAINLY: f64 = 1.5;
/// Where all together bring this share of the best they ever did, what some lost others have.
const FULL: f64 = 0.8;
/// Newcomers that raise what all bring by so much are worth their connections.
const GAIN: f64 = 1.2;
/// Where most connections stall and come back, and all together bring less than this share of the best they ever did,
/// the line is idle between...
const ROOM: f64 = 0.6;
/// ...which is seen over so many windows, and so many seconds at the least.
const ROOM_WINDOWS: f64 = 10.0;
const ROOM_SECONDS: f64 = 1.0;
/// Who came back from a stall before so many windows, and so many seconds, does not stall again and again.
const UNSTEADY_WINDOWS: f64 = 30.0;
const UNSTEADY_SECONDS: f64 = 5.0;

impl Growth {
    /// Decides whether more connections come, while nothing has ended the growth.
    #[expect(clippy::cast_precision_loss, reason = "at most 64 connections")]
    pub(super) fn decide(&mut self, look: Look<'_>) -> Verdict {
        let served = look.flows.iter().filter(|flow| flow.answered.is_some()).count();
        let batch = self.batch.as_mut().map(|batch| {
            batch.served = batch.served.max(served);
            *batch
        });
        let Some(batch) = batch else {
            let is_flat = || look.flows.iter().any(|flow| self.flowing(flow).is_some_and(|track| track.is_flat));
            let is_due = self.is_large || (self.is_far_from_its_end(look) && is_flat());
            return if is_due { self.grow(FEW, look) } else { Verdict::Wait };
        };
        if self.is_alone(look) {
            return self.compare_anew(look);
        }
        let new: Vec<&Flow> = look.flows.iter().filter(|flow| batch.has(flow.connection)).collect();
        let waiting = new.iter().filter(|flow| flow.is_left_waiting()).count();
        if waiting * 4 > new.len() {
            return self.wait(batch, look);
        }
        if self.is_unsteady(look) {
            return if self.has_room(batch, look) { self.more(batch, waiting, look) } else { Verdict::Wait };
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
        let is_plain = || !self.is_proved && self.is_plain(&old, &new, look);
        if old.is_empty() || ((flat as f64) < MOST_FLAT * judged.len() as f64 && !is_plain()) {
            return Verdict::Wait;
        }
        let mean = |of: fn(&Track) -> f64| (old.iter().map(of).sum::<f64>() / old.len() as f64).max(1.0);
        let (peak, rate) = (mean(|track| track.peak), mean(|track| track.rate.unwrap_or(0.0)));
        if rate < peak * if self.is_proved { KEPT } else { KEPT_FIRST } {
            if self.brings >= self.best * FULL {
                // What the newcomers bring counts, too: before that is known the line seems to carry less than it does.
                let is_known = |flow: &&&Flow| self.flowing(flow).is_some_and(|track| track.is_flat);
                let known = new.iter().filter(is_known).count();
                return if (known as f64) < MOST_FLAT * new.len() as f64 {
                    Verdict::Wait
                } else if self.is_proved && self.brings > batch.had * GAIN {
                    self.keep(look)
                } else {
                    self.stop(&old, look)
                };
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
        self.more(batch, waiting, look)
    }

    /// Seconds that what is left takes at what comes now.
    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    fn left(&self, look: Look<'_>) -> f64 {
        look.left as f64 / self.brings.max(1.0)
    }

    /// Whether what is left is worth fresh connections.
    fn is_far_from_its_end(&self, look: Look<'_>) -> bool {
        self.left(look) > AHEAD * self.cold(look.way).as_secs_f64()
    }

    /// More connections, if what is left is worth them: three times as many, or fewer where some are `waiting`.
    fn more(&mut self, batch: Batch, waiting: usize, look: Look<'_>) -> Verdict {
        if !self.is_far_from_its_end(look) {
            return Verdict::Wait;
        }
        let open = look.flows.len();
        if open >= self.cap {
            self.rest = Rest::ForGood;
            return Verdict::Wait;
        }
        if waiting > 0 && !is_late(look.now.as_secs_f64() - batch.asked, look.way) {
            return Verdict::Wait;
        }
        // Where some are left waiting the server may bear no more.
        let more = if waiting > 0 { 0 } else { open };
        let target = (open * FACTOR).min(open + more + FEW).max(FEW);
        let target = if self.left(look) > FAR { target } else { target.min(MANY) }.min(self.cap);
        if target > open { self.grow(target, look) } else { Verdict::Wait }
    }

    /// Whether most connections stall and come back, none at a rate of its own: after losses each begins slowly again, and
    /// what they lose is no word on the line.
    pub(super) fn is_unsteady(&self, look: Look<'_>) -> bool {
        let (now, period) = (look.now.as_secs_f64(), Self::period(look.way).as_secs_f64());
        let since = now - (UNSTEADY_WINDOWS * period).max(UNSTEADY_SECONDS);
        let came_back = |flow: &Flow| self.tracks.get(&flow.connection).and_then(|track| track.came_back);
        let stalling = look.flows.iter().filter(|flow| came_back(flow).is_some_and(|at| at > since)).count();
        2 * stalling > look.flows.len()
    }

    /// Whether the line is idle between the stalls: it brings as much as it ever did, and far less in the mean. One that
    /// carries less by now does not come back to its best.
    fn has_room(&self, batch: Batch, look: Look<'_>) -> bool {
        let (now, period) = (look.now.as_secs_f64(), Self::period(look.way).as_secs_f64());
        now > batch.asked + (ROOM_WINDOWS * period).max(ROOM_SECONDS)
            && self.brings >= self.best * FULL
            && per_second((batch.asked, batch.moved), (now, look.moved)) < self.best * ROOM
    }

    /// Whether the newcomers bring so much at once that those of before cannot have filled the line, and these have lost
    /// nothing, as they have stopped growing: no need to see where the newcomers stop.
    fn is_plain(&self, old: &[Track], new: &[&Flow], look: Look<'_>) -> bool {
        let had: f64 = old.iter().map(|track| track.peak).sum();
        let (now, period) = (look.now.as_secs_f64(), Self::period(look.way).as_secs_f64());
        let brings: f64 =
            new.iter().filter_map(|flow| self.flowing(flow)?.rate.or_else(|| Track::at_least(now, flow, period))).sum();
        let has_lost = |track: &Track| track.rate.unwrap_or(0.0) < track.peak * UNSHAKEN;
        brings > had * PLAINLY && old.iter().all(|track| track.is_flat && !has_lost(track))
    }

    /// Whether none of those is left that the last ones are compared with.
    fn is_alone(&mut self, look: Look<'_>) -> bool {
        let (now, period) = (look.now.as_secs_f64(), Self::period(look.way).as_secs_f64());
        let Some(batch) = &mut self.batch else { return false };
        if look.flows.iter().any(|flow| !batch.has(flow.connection)) {
            batch.seen = now;
        }
        now > batch.seen + GONE * period
    }

    /// Those that are left are what the next ones are compared with. Before caps are proved no more than a few come for
    /// that; where too few would be new for a loss to show, one fewer tells.
    fn compare_anew(&mut self, look: Look<'_>) -> Verdict {
        if !self.is_proved && look.flows.len() <= FEW / 2 {
            return self.grow(FEW, look);
        }
        let now = look.now.as_secs_f64();
        if !self.is_proved {
            self.rest = Rest::Full(Watch::new(now, None, look.moved));
        }
        self.batch = Some(Batch::none(look));
        self.restart();
        Verdict::Wait
    }

    /// Too many of the last ones are not answered: those that wait go, if others are served meanwhile. One that was served
    /// may have ended just now, and the next in turn not have begun: what counts is how many were served at once.
    fn wait(&mut self, batch: Batch, look: Look<'_>) -> Verdict {
        let waiting = look.flows.iter().filter(|flow| flow.is_left_waiting()).map(|flow| flow.connection);
        let mut waiting: Vec<u64> = waiting.collect();
        let served = look.flows.len() - waiting.len();
        if served == 0 || !is_late(look.now.as_secs_f64() - batch.asked, look.way) {
            return Verdict::Wait;
        }
        let borne = batch.served.max(served).min(self.most);
        self.bears(borne);
        waiting.sort_unstable();
        let go = waiting.split_off(borne.saturating_sub(served).min(waiting.len()));
        Verdict::Bears(self.most, go)
    }

    /// All together bring more than before although each brings less: as many stay as are open.
    fn keep(&mut self, look: Look<'_>) -> Verdict {
        self.cap = self.cap.min(look.flows.len().max(FEW));
        self.rest = Rest::Full(Watch::new(look.now.as_secs_f64(), Some(self.brings), look.moved));
        Verdict::Wait
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
}

/// Whether an answer that is waited for so many seconds will not come: others had theirs in a third of that.
fn is_late(waited: f64, way: Way) -> bool {
    waited > 3.0 * way.opening.as_secs_f64() + 0.5
}
