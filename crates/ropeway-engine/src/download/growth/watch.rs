//! A full line is looked at now and then. Caps may hold from now on, or it was taken for full by mistake.

use super::{Batch, Growth, Look, MOST_FLAT, Rest, Verdict};

/// At least so often a line at rest is looked at, in seconds.
const WATCH: f64 = 0.5;
/// A line that brings less than this share of what it did has changed.
const CHANGED: f64 = 0.6;
/// So many times running.
const CHANGED_LOOKS: u32 = 3;
/// One that brings so many times what it did was not full, where each connection is capped.
const RISEN: f64 = 1.3;
/// So many times running.
const RISEN_LOOKS: u32 = 2;
/// The first test whether it was taken for full by mistake comes after so many seconds, the next ones after twice as
/// many each.
const FIRST_TEST: f64 = 5.0;
/// No test near the end.
const TESTED_BEFORE: f64 = 10.0;
/// One connection fewer is waited for so long, and then measured for so long.
const TEST: f64 = 1.0;

/// A full line that is looked at now and then.
#[derive(Debug)]
pub(super) struct Watch {
    next: f64,
    /// What it brought when it was full; `None` until that is measured.
    had: Option<f64>,
    /// Looks in a row at which it brought much less.
    low: u32,
    /// Looks in a row at which it brought much more.
    high: u32,
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

impl Watch {
    pub(super) fn new(now: f64, had: Option<f64>, moved: u64) -> Self {
        let (next, test_at, mark) = (now + WATCH, now + FIRST_TEST, (now, moved));
        Self { next, had, low: 0, high: 0, test_at, pause: FIRST_TEST, mark, test: None }
    }
}

impl Growth {
    #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
    pub(super) fn watch(&mut self, look: Look<'_>) -> Verdict {
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
        watch.high = if brings > had * RISEN { watch.high + 1 } else { 0 };
        // What stalls and comes back was no word on the line, nor was what came while all of them were begun.
        let (is_low, is_more) = (watch.low >= CHANGED_LOOKS, self.is_proved && watch.high >= RISEN_LOOKS);
        if is_low || is_more || self.is_unsteady(look) {
            return self.resume(look);
        }
        let Rest::Full(watch) = &mut self.rest else { return Verdict::Wait };
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
        self.batch = Some(Batch::none(look));
        self.restart();
        Verdict::Wait
    }
}

#[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
pub(super) fn per_second((from, had): (f64, u64), (to, has): (f64, u64)) -> f64 {
    has.saturating_sub(had) as f64 / (to - from).max(0.001)
}
