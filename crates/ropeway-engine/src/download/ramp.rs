//! How many connections a download may have: what its growth says, less what it has lost.

use std::time::Duration;

use ropeway_flow::throttle::Limit;
use tokio::time::Instant;

use super::{
    bandwidth_probe::BandwidthProbe,
    growth::{Growth, Look, Verdict, Way},
    steps::Steps,
};
use crate::{
    hosts::Worth,
    plan::{FIRST_CONNECTIONS, Plan},
};

/// A line that a connection was given up on for another job is left as it is for this long.
const SETTLED: Duration = Duration::from_secs(30);
/// A server that refused a connection is asked for one more after this long at the earliest.
const REFUSED: Duration = Duration::from_secs(10);
/// Connections that broke are replaced one after the other, with this between them.
const BROKEN: Duration = Duration::from_secs(1);

/// The number of connections of one download.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Ramp {
    allowed: usize,
    /// So many as may be open where none is lost.
    target: usize,
    /// No more than this, whatever they would bring.
    wanted: usize,
    /// Whether the number is for the line to say.
    is_automatic: bool,
    /// Whether `wanted` is what the server bears.
    is_borne: bool,
    /// When one more is tried after a connection was lost.
    retry_at: Option<Instant>,
    /// How long each of them is watched before the next one is tried.
    trial: Duration,
    /// Whether one is being tried.
    is_trying: bool,
    /// Connections lost in a row.
    lost: u32,
    /// Whether the server is known to serve ranges.
    is_served: bool,
    /// Whether more came than were there to find that out.
    has_begun: bool,
    probe: BandwidthProbe,
    steps: Steps,
    growth: Growth,
    /// No growth before this moment.
    rests_until: Option<Instant>,
    /// How many there were before some were given up for other jobs, and when they come back.
    lent: Option<(usize, Instant)>,
}

impl Ramp {
    /// Begins a download that misses so many bytes with one connection, and with another that finds out whether ranges are
    /// served if the first has a body already.
    pub(super) fn new(
        missing: u64,
        plan: Plan,
        learned: Option<Worth>,
        has_first: bool,
        probe: BandwidthProbe,
    ) -> Self {
        let Plan { connections: wanted, is_automatic, .. } = plan;
        let allowed = if has_first { plan.first.min(wanted) } else { 1 };
        Self {
            allowed,
            target: allowed,
            wanted,
            is_automatic,
            is_borne: false,
            retry_at: None,
            trial: BROKEN,
            is_trying: false,
            lost: 0,
            is_served: false,
            has_begun: false,
            probe,
            steps: Steps::default(),
            growth: if is_automatic { Growth::new(missing, wanted, learned) } else { Growth::fixed(missing) },
            rests_until: None,
            lent: None,
        }
    }

    /// Connections that may be open now.
    pub(super) fn allowed(&self) -> usize {
        self.allowed
    }

    /// Growth, as connections were measured.
    pub(super) fn growth(&self) -> &Growth {
        &self.growth
    }

    /// True where the server has shown how many it bears.
    pub(super) fn is_borne(&self) -> bool {
        self.is_borne
    }

    /// True where a lost connection will be replaced.
    pub(super) fn is_waiting(&self) -> bool {
        self.retry_at.is_some()
    }

    /// The server serves ranges, as an answer has shown or the first one has said.
    pub(super) fn served(&mut self, now: Instant, look: Look<'_>) {
        self.is_served = true;
        self.probe.answered(now, look.moved);
        self.open(look);
    }

    /// True where [`Ramp::sample`] is to be called after each [`super::bandwidth_probe::SAMPLE_PERIOD`].
    pub(super) fn is_sampling(&self) -> bool {
        self.probe.is_unknown() && self.allowed < self.wanted
    }

    /// Looks at what the first connections bring.
    pub(super) fn sample(&mut self, now: Instant, look: Look<'_>) {
        self.probe.look(now, look.moved);
        self.open(look);
    }

    /// Lets more connections come, where what is known of the line and of the server speaks for it.
    fn open(&mut self, look: Look<'_>) {
        if self.retry_at.is_some() || self.lost > 0 || !self.is_served || self.has_begun {
            return;
        }
        if !self.probe.is_ordinary() {
            let first = if self.growth.is_large() { FIRST_CONNECTIONS } else { 1 };
            return self.allow(self.allowed.max(first));
        }
        self.has_begun = true;
        if !self.is_automatic {
            return self.allow(self.wanted);
        }
        if let Verdict::Grow(target) = self.growth.begin(look) {
            self.allow(target.max(self.allowed));
        }
    }

    /// So many may be open.
    fn allow(&mut self, target: usize) {
        self.target = target.min(self.wanted);
        self.allowed = self.target;
    }

    /// A window of the growth is over. Returns which connections go.
    pub(super) fn window(&mut self, now: Instant, look: Look<'_>, is_limited: bool) -> Vec<u64> {
        if is_limited || !self.probe.is_ordinary() {
            self.growth.forget();
            return Vec::new();
        }
        let is_held = self.retry_at.is_some() || self.rests_until.is_some_and(|until| now < until);
        if !self.has_begun || is_held {
            self.growth.measure(look);
            return Vec::new();
        }
        match self.growth.window(look) {
            Verdict::Wait => Vec::new(),
            Verdict::Grow(target) => {
                self.allow(target);
                Vec::new()
            }
            Verdict::Shrink(target, go) => {
                self.lent = None;
                self.allow(target);
                go
            }
            Verdict::Bears(count, go) => {
                self.bears(count);
                go
            }
        }
    }

    /// Time between two looks at what connections bring. Their windows end at moments of their own.
    pub(super) fn period(way: Way) -> Duration {
        Growth::period(way)
    }

    /// The server bears so many, for as long as this download lasts.
    fn bears(&mut self, count: usize) {
        (self.wanted, self.is_borne) = (count.max(1), true);
        self.growth.bears(self.wanted);
        self.allow(self.wanted);
    }

    /// No more than so many for now: what spoke for more is over.
    fn shrink(&mut self, allowed: usize) {
        self.allowed = allowed;
        self.has_begun = true;
    }

    /// One stream is all there is.
    pub(super) fn single(&mut self) {
        self.bears(1);
        (self.retry_at, self.lost) = (None, 0);
    }

    /// Connections lost in a row, this one included.
    pub(super) fn losses(&self) -> u32 {
        self.lost.saturating_add(1)
    }

    /// A connection was lost while `working` others go on. One more is tried after `wait`, `None` gives it up. Alone it
    /// cannot be replaced: then the whole try ends and waits its turn. Where the number is ours to choose, a refusal is
    /// the server's last word on it.
    pub(super) fn on_connection_lost(
        &mut self,
        working: usize,
        wait: Option<Duration>,
        is_refusal: bool,
        now: Instant,
    ) {
        self.lost = self.losses();
        self.shrink(working);
        self.trial = if is_refusal { REFUSED } else { BROKEN };
        self.is_trying = false;
        let wait = wait.filter(|_| working > 0).map(|wait| if is_refusal { wait.max(REFUSED) } else { wait });
        self.retry_at = wait.map(|wait| now + wait);
        self.rest_growth(now + SETTLED);
        if is_refusal && self.is_automatic && working > 0 {
            self.bears(working);
            self.retry_at = None;
        }
    }

    /// The server is not to be asked for anything new for as long as `wait`: what is open goes on.
    pub(super) fn rest(&mut self, working: usize, wait: Duration, now: Instant) {
        self.shrink(working);
        self.trial = BROKEN;
        self.is_trying = false;
        self.retry_at = (working > 0).then(|| now + wait);
        self.rest_growth(now + wait);
    }

    /// One connection fewer: the server lets it wait.
    pub(super) fn lower(&mut self, working: usize, now: Instant) {
        self.on_connection_lost(working.saturating_sub(1).max(1), Some(REFUSED), true, now);
    }

    /// One connection fewer, for another job. No word on what the server bears.
    pub(super) fn give_way(&mut self, working: usize, now: Instant) {
        let had = self.lent.map_or(self.target, |(had, _)| had);
        self.lent = Some((had, now + SETTLED));
        self.shrink(working.saturating_sub(1).max(1));
        self.target = self.allowed;
        self.rest_growth(now + SETTLED);
    }

    /// What was given up for other jobs comes back once none has waited for a while.
    fn return_lent(&mut self, now: Instant) {
        if let Some((had, _)) = self.lent.filter(|(_, until)| *until <= now && self.retry_at.is_none()) {
            self.lent = None;
            self.allow(had.max(self.target));
        }
    }

    fn rest_growth(&mut self, until: Instant) {
        self.steps.rest(until);
        self.rests_until = Some(until);
    }

    /// Time has passed, while a limit of our own did what `limit` says. One that lets through more than the connections
    /// bring is no reason to have no more of them; what each of them brings is no measure then, and they come one by one.
    pub(super) fn tick(&mut self, now: Instant, look: Look<'_>, limit: Limit) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry(now);
        }
        self.return_lent(now);
        self.sample(now, look);
        let may_step = match limit {
            Limit::No => !self.probe.is_ordinary(),
            Limit::Felt => false,
            Limit::Slack => self.is_served,
        };
        let is_busy = look.flows.len() >= self.allowed && self.retry_at.is_none();
        if !is_busy || !may_step || self.wanted <= self.allowed {
            return self.steps.forget();
        }
        let stepped = self.steps.tick(now, look.moved, self.allowed, self.wanted);
        self.allow(stepped);
    }

    /// One more connection stands on trial: where it is lost, too, the next one waits longer.
    fn retry(&mut self, now: Instant) {
        if self.is_trying {
            self.lost = 0;
        }
        // What broke is replaced, and no more than that.
        let most = if self.is_automatic { self.target } else { self.wanted };
        self.is_trying = self.allowed < most;
        self.allowed = (self.allowed + 1).min(most);
        self.retry_at = self.is_trying.then(|| now + self.trial);
        if !self.is_trying && self.is_automatic {
            self.rests_until = None;
        }
    }
}

#[cfg(test)]
mod tests;
