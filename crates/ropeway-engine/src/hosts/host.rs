//! One server: its connections, and what is known of it.

use std::sync::Arc;

use ropeway_model::{JobId, Timestamp};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    Profile,
    breaker::{Breaker, SEVERAL, Turn},
    budget::Budget,
    cap::{Breaks, LearnedCap},
    outcome::{Fault, Outcome},
    retry_after::RetryAfters,
};

/// One server.
#[derive(Debug)]
pub(super) struct Host {
    /// One permit a connection; waiting is first come, first served.
    pub(super) slots: Arc<Semaphore>,
    /// Permits there are, taken ones included.
    granted: usize,
    /// Connections the user allows.
    wanted: usize,
    /// Connections now.
    pub(super) open: usize,
    /// When the last connection was closed.
    rests_since: Instant,
    /// Jobs that wait for their first connection.
    pub(super) waiting: usize,
    /// Jobs that it serves now.
    pub(super) serving: usize,
    pub(super) cap: Option<LearnedCap>,
    breaks: Breaks,
    pub(super) breaker: Breaker,
    pub(super) budget: Budget,
    /// `Retry-After` of the server and of its addresses.
    pub(super) retry_afters: RetryAfters,
    /// Jobs that failed at it since it answered one well, as far as they count.
    blamed: Vec<JobId>,
    pub(super) profile: Profile,
    /// When it was last spoken to.
    pub(super) used: Timestamp,
    /// True where what is known differs from what is stored.
    pub(super) is_dirty: bool,
}

impl Host {
    pub(super) fn new(wanted: usize, used: Timestamp) -> Self {
        let now = Instant::now();
        Self {
            slots: Arc::new(Semaphore::new(wanted)),
            granted: wanted,
            wanted,
            open: 0,
            rests_since: now,
            waiting: 0,
            serving: 0,
            cap: None,
            breaks: Breaks::default(),
            breaker: Breaker::default(),
            budget: Budget::new(now),
            retry_afters: RetryAfters::default(),
            blamed: Vec::new(),
            profile: Profile::default(),
            used,
            is_dirty: false,
        }
    }

    /// Connections that may be open now.
    pub(super) fn limit(&mut self, now: Instant) -> usize {
        let before = self.cap;
        if self.open > 0 {
            self.cap = self.cap.and_then(|cap| cap.raised(now));
        }
        self.is_dirty |= before != self.cap;
        let learned = self.cap.map_or(usize::MAX, |cap| usize::from(cap.most()));
        self.wanted.min(learned).max(1)
    }

    /// Makes as many permits as connections may be open. One that is taken goes when it comes back.
    pub(super) fn fit(&mut self, now: Instant) {
        let limit = self.limit(now);
        if self.granted > limit {
            self.granted -= self.slots.forget_permits(self.granted - limit);
        } else {
            self.slots.add_permits(limit - self.granted);
            self.granted = limit;
        }
    }

    pub(super) fn set_wanted(&mut self, wanted: usize, now: Instant) {
        self.wanted = wanted;
        self.fit(now);
    }

    /// A connection was opened. What was learned of their number is kept while there are none.
    pub(super) fn connected(&mut self, now: Instant) {
        if self.open == 0 {
            self.cap = self.cap.map(|cap| cap.rested(now.duration_since(self.rests_since)));
        }
        self.open += 1;
    }

    /// A connection was closed; `false` if its permit must not come back.
    pub(super) fn close(&mut self, now: Instant) -> bool {
        let is_kept = self.granted <= self.limit(now);
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            self.rests_since = now;
        }
        if !is_kept {
            self.granted -= 1;
        }
        is_kept
    }

    /// Takes note of what happened.
    pub(super) fn note(&mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Answered { latency } => {
                self.budget.earn();
                self.profile.note_success(true);
                if let Some(latency) = latency {
                    self.profile.note_latency(latency);
                }
                self.succeed();
            }
            Outcome::Moved { bytes, elapsed } => self.profile.note_transfer(bytes, elapsed),
            Outcome::Overloaded | Outcome::Broken => {
                self.budget.earn();
                self.profile.note_success(false);
                // Where nothing else is open it is the server that is ill, not the number that is too large.
                if self.open > 0 {
                    if outcome == Outcome::Broken {
                        self.breaks.note(self.cap, now);
                    }
                    self.cap = Some(LearnedCap::lowered(self.cap, self.open, now));
                }
            }
        }
        self.is_dirty = true;
        self.fit(now);
    }

    /// Notes an answer.
    pub(super) fn succeed(&mut self) {
        self.breaker.succeed();
        self.retry_afters.succeed();
        self.blamed.clear();
    }

    /// A try of `job` failed for its sake. What one address cannot give counts once, however often it is asked for: that
    /// it cannot give anything is known only when several jobs fail.
    pub(super) fn fail(&mut self, job: JobId, fault: Fault, was_probe: bool, now: Instant, random: f64) {
        // While it serves others the server is not ill.
        if self.serving > 0 {
            return;
        }
        if matches!(fault, Fault::OfAddress { .. }) && !was_probe {
            if self.blamed.contains(&job) {
                return;
            }
            // More are not needed: by then the breaker is open.
            if self.blamed.len() < SEVERAL as usize {
                self.blamed.push(job);
            }
        }
        self.breaker.fail(now, fault, random);
    }

    /// So many of its connections are left unanswered while the others are served, which are what it bears.
    pub(super) fn leaves_waiting(&mut self, count: usize, now: Instant) {
        self.cap = Some(LearnedCap::lowered(self.cap, self.open.saturating_sub(count), now));
        self.is_dirty = true;
        self.fit(now);
    }

    /// A download has lost its last connection, as it lost the others. If all at once, the cap is what it was.
    pub(super) fn lost_all(&mut self, now: Instant) {
        self.cap = self.breaks.all(self.cap, now);
        self.is_dirty = true;
        self.fit(now);
    }

    /// Takes up what was known before.
    pub(super) fn recall(&mut self, seen: Timestamp, known: Profile, now: Instant) {
        self.used = seen;
        self.rests_since = now;
        self.cap = known.connection_cap.map(|most| LearnedCap::new(most, now));
        self.profile = known;
        self.fit(now);
    }

    /// Profile for others to read.
    pub(super) fn known(&mut self, now: Instant) -> Profile {
        self.limit(now);
        Profile { connection_cap: self.cap.map(LearnedCap::most), ..self.profile }
    }

    /// Whose turn it is to start beside `running` jobs.
    pub(super) fn turn(&mut self, running: usize, now: Instant) -> Turn {
        if running < self.limit(now) && self.retry_after_until(now).is_none() {
            self.breaker.turn(running, now)
        } else {
            Turn::Nobodys
        }
    }

    /// Until when no new request may be sent, if that is not over.
    pub(super) fn retry_after_until(&self, now: Instant) -> Option<Instant> {
        self.retry_afters.all_until(now)
    }

    /// Until when no job starts, whoever decided it.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.retry_after_until(now).max(self.breaker.rests_until(now))
    }

    /// Whether nobody has or waits for a connection, so that it may be forgotten.
    pub(super) fn is_idle(&self) -> bool {
        self.open == 0 && self.serving == 0 && Arc::strong_count(&self.slots) == 1
    }
}
