//! One job in memory. A hundred thousand of them wait in a queue, so what only a job has that was begun is apart.

use std::{
    cmp::Reverse,
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::Arc,
};

use ropeway_drivers::CookieJar;
use ropeway_flow::{meter::Meter, throttle::Bucket};
use ropeway_model::{Digest, Direction, JobId, JobSpec, Phase, Timestamp, Validation, Wish};
use ropeway_store::{Damage, JobRow, Remote, Verification};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    interned_spec::InternedSpec,
    queue::{Place, Server},
};
use crate::{download::mirrors::Wrong, progress::Progress};

/// One job in memory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: JobId,
    pub(super) spec: InternedSpec,
    pub(crate) wish: Wish,
    pub(crate) phase: Phase,
    pub(crate) position: i64,
    pub(crate) created: Timestamp,
    pub(crate) remote: Option<Arc<Remote>>,
    /// State since it was begun.
    pub(crate) state: AttemptState,
    progress: Option<Arc<Progress>>,
    /// True once the moment to start it has come.
    pub(crate) is_released: bool,
    /// Its server, as the table numbers them.
    pub(super) server: Server,
    /// Handles that exist only while an attempt runs.
    pub(crate) active: Option<Box<Active>>,
}

/// State that a job has by its attempts. It takes no room before there is any, and reads as nothing.
#[derive(Debug, Default)]
pub(crate) struct AttemptState(Option<Box<AttemptFacts>>);

/// See [`AttemptState`].
#[derive(Debug, Default)]
pub(crate) struct AttemptFacts {
    pub(crate) finished: Option<Timestamp>,
    pub(crate) part_path: Option<PathBuf>,
    pub(crate) final_path: Option<PathBuf>,
    pub(crate) digest: Option<Digest>,
    pub(crate) verification: Option<Verification>,
    pub(crate) validation: Option<Validation>,
    pub(crate) damage: Option<Damage>,
    /// Tries in a row that failed without progress.
    pub(crate) attempts: u32,
    /// How often it began again since its bytes were no longer those of before, as far as the user was not there since.
    pub(crate) restarts: u32,
    /// When a waiting job may start, on the monotonic clock. `None` once it may.
    pub(crate) due: Option<Instant>,
    /// Cookies that its servers have set.
    pub(crate) cookies: Option<Arc<CookieJar>>,
    /// Whether its server makes the file for whoever asks, and serves no rest of it.
    pub(crate) is_made_anew: bool,
    /// Mirrors whose bytes were not the file's.
    pub(crate) wrong: Vec<Wrong>,
    /// What the user changed it to, until the table has interned it.
    new_spec: Option<Box<JobSpec>>,
}

/// The facts of a job that was never begun.
static NOTHING: AttemptFacts = AttemptFacts {
    finished: None,
    part_path: None,
    final_path: None,
    digest: None,
    verification: None,
    validation: None,
    damage: None,
    attempts: 0,
    restarts: 0,
    due: None,
    cookies: None,
    is_made_anew: false,
    wrong: Vec::new(),
    new_spec: None,
};

/// The counters of a job that was never begun; nobody counts with them.
static AT_REST: Progress = Progress::new(None, 0);

impl Deref for AttemptState {
    type Target = AttemptFacts;

    fn deref(&self) -> &AttemptFacts {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for AttemptState {
    fn deref_mut(&mut self) -> &mut AttemptFacts {
        self.0.get_or_insert_default()
    }
}

/// The handles of a running attempt.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) cancel: CancellationToken,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) meter: Meter,
    /// Bytes a second, as last measured.
    pub(crate) rate: u64,
    /// Whether the room for what it still writes has been promised to it.
    pub(crate) has_room: bool,
}

impl Entry {
    /// A job that has just been added.
    pub(crate) fn new(
        id: JobId,
        position: i64,
        created: Timestamp,
        wish: Wish,
        phase: Phase,
        spec: InternedSpec,
    ) -> Self {
        Self {
            id,
            spec,
            wish,
            phase,
            position,
            created,
            remote: None,
            state: AttemptState::default(),
            progress: None,
            is_released: false,
            server: Server::default(),
            active: None,
        }
    }

    /// A job as the store kept it; `spec` is the row's own.
    pub(super) fn from_row(row: JobRow, spec: InternedSpec) -> Self {
        // What was sent whole is as long as what was acknowledged, whatever else is known of it.
        let is_sent = row.phase == Phase::Completed && row.spec.direction() == Direction::Upload;
        let length = row.remote.as_ref().and_then(|remote| remote.validator.length);
        let length = length.or(is_sent.then_some(row.durable));
        let was_begun = length.is_some() || row.durable > 0;
        let facts = AttemptFacts {
            finished: row.finished,
            part_path: row.part_path,
            final_path: row.final_path,
            digest: row.digest,
            verification: row.verification,
            validation: row.validation,
            damage: row.damage,
            ..AttemptFacts::default()
        };
        Self {
            progress: was_begun.then(|| Arc::new(Progress::new(length, row.durable))),
            remote: row.remote.map(Arc::new),
            state: AttemptState::of(facts),
            ..Self::new(row.id, row.position, row.created, row.wish, row.phase, spec)
        }
    }

    /// Specification, as the user gave it.
    pub(crate) fn spec(&self) -> JobSpec {
        self.state.new_spec.as_deref().cloned().unwrap_or_else(|| self.spec.spec())
    }

    /// Specification in little room, for what of it is asked often.
    pub(crate) const fn interned(&self) -> &InternedSpec {
        &self.spec
    }

    /// Changes what the user asked for, within a change of the table's.
    pub(crate) fn set_spec(&mut self, spec: JobSpec) {
        self.state.new_spec = Some(Box::new(spec));
    }

    pub(super) fn take_new_spec(&mut self) -> Option<JobSpec> {
        let facts = self.state.0.as_mut()?;
        let spec = facts.new_spec.take().map(|spec| *spec);
        if facts.are_none() {
            self.state = AttemptState::default();
        }
        spec
    }

    /// Progress, to look at.
    pub(crate) fn progress(&self) -> &Progress {
        self.progress.as_deref().unwrap_or(&AT_REST)
    }

    /// Its counters, to count with.
    pub(crate) fn counters(&mut self) -> &Arc<Progress> {
        self.progress.get_or_insert_with(|| Arc::new(Progress::new(None, 0)))
    }

    /// Bytes a second.
    pub(crate) fn rate(&self) -> u64 {
        self.active.as_ref().map_or(0, |active| active.rate)
    }

    /// Lets the next try be the first one, at once.
    pub(crate) fn forget_tries(&mut self) {
        if let Some(facts) = &mut self.state.0 {
            facts.due = None;
            facts.attempts = 0;
            facts.restarts = 0;
        }
    }

    /// Server it speaks to, or will. It is where redirects ended, once that is known.
    pub(crate) fn host(&self) -> String {
        match (&self.remote, &self.state.new_spec) {
            (Some(remote), _) => remote.url.host(),
            (None, Some(spec)) => spec.host(),
            (None, None) => self.spec.host(),
        }
    }

    /// True where it is a download all of whose bytes have come.
    pub(super) fn has_landed(&self) -> bool {
        self.phase == Phase::Verifying && self.spec.direction() == Direction::Download
    }

    /// The moment before which it is not to be started.
    pub(super) fn held_until(&self) -> Option<Timestamp> {
        self.spec.start_at().filter(|_| !self.is_released)
    }

    pub(super) fn place(&self) -> Place {
        Place {
            priority: Reverse(self.spec.priority()),
            has_failed: self.remote.is_none() && self.state.attempts > 0,
            position: self.position,
            id: self.id,
        }
    }
}

impl AttemptState {
    fn of(facts: AttemptFacts) -> Self {
        Self((!facts.are_none()).then(|| Box::new(facts)))
    }
}

impl AttemptFacts {
    fn are_none(&self) -> bool {
        let Self { finished, part_path, final_path, digest, verification, validation, .. } = self;
        let Self { damage, attempts, restarts, due, cookies, is_made_anew, wrong, new_spec, .. } = self;
        finished.is_none()
            && part_path.is_none()
            && final_path.is_none()
            && digest.is_none()
            && verification.is_none()
            && validation.is_none()
            && damage.is_none()
            && (*attempts, *restarts, *due) == (0, 0, None)
            && cookies.is_none()
            && !is_made_anew
            && wrong.is_empty()
            && new_spec.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_at_rest_is_small() {
        // A hundred thousand wait with less than 64 MiB; each also has the end of its address and its places in indexes.
        assert!(size_of::<Entry>() <= 152, "{}", size_of::<Entry>());
    }
}
