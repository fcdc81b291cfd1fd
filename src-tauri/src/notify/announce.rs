//! Which ends of jobs are told one by one, and which in one sum.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use ropeway_api::{
    event::Event,
    view::{BlockerView, DirectionView, FailureView, JobView, PhaseView},
};
use ropeway_model::PhaseKind;
use tokio::time::Instant;

/// Notices of one kind, completed or failed, that are told one by one within [`WINDOW`]; more would bury the desktop.
const ONE_BY_ONE_MAXIMUM: usize = 3;
/// How long a notice counts, and how long a sum is held back while jobs are on their way.
const WINDOW: Duration = Duration::from_secs(60);
/// How long the queue must have been at rest before the sum is told: ends come close together.
const QUIET: Duration = Duration::from_secs(2);

/// Something to tell the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// One job.
    One(Outcome),
    /// Several jobs at once.
    Many { completed: usize, failed: usize, held_up: usize },
}

/// How a job ended, or why it cannot go on alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) job: i64,
    pub(crate) direction: DirectionView,
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) end: End,
}

/// A job's end that the user is told of, or that it waits for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Completed { has_file: bool },
    Failed { failure: FailureView },
    HeldUp { by: Hindrance, failure: FailureView },
}

/// What only the user takes out of a job's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    LinkExpired,
    Room,
    NameTaken,
}

/// Follows all jobs, and decides what is told and when.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    /// `None` until all jobs were seen once.
    phases: Option<HashMap<i64, PhaseKind>>,
    completed: Kind,
    failed: Kind,
    held_up: Kind,
    /// When the first and the last end that is held back came.
    held_since: Option<(Instant, Instant)>,
}

/// What was told and what is held back of one kind.
#[derive(Debug, Default)]
struct Kind {
    told: VecDeque<Instant>,
    held: usize,
    first_held: Option<Outcome>,
}

impl Announcer {
    /// Starts from all jobs there are. What ended unseen, while batches were lost, is told too.
    pub(crate) fn take_all(&mut self, jobs: &[JobView], now: Instant) -> Vec<Notice> {
        let notices = if self.phases.is_some() { self.note(jobs, now) } else { Vec::new() };
        self.phases = Some(jobs.iter().map(|job| (job.id, job.phase.kind())).collect());
        notices
    }

    /// Follows a change; gives what is to be told at once.
    pub(crate) fn observe(&mut self, event: &Event, now: Instant) -> Vec<Notice> {
        match event {
            Event::Jobs { jobs } => self.note(jobs, now),
            Event::Removed { ids } => {
                for id in ids {
                    self.phases.get_or_insert_default().remove(id);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn note(&mut self, jobs: &[JobView], now: Instant) -> Vec<Notice> {
        let mut notices = Vec::new();
        for job in jobs {
            let before = self.phases.get_or_insert_default().insert(job.id, job.phase.kind());
            if before == Some(job.phase.kind()) {
                continue;
            }
            let Some(outcome) = Outcome::of(job) else { continue };
            let kind = self.kind_of(&outcome.end);
            if kind.may_tell(now) {
                notices.push(Notice::One(outcome));
            } else {
                kind.held += 1;
                kind.first_held.get_or_insert(outcome);
                self.held_since = Some((self.held_since.map_or(now, |(first, _)| first), now));
            }
        }
        notices
    }

    fn kind_of(&mut self, end: &End) -> &mut Kind {
        match end {
            End::Completed { .. } => &mut self.completed,
            End::Failed { .. } => &mut self.failed,
            End::HeldUp { .. } => &mut self.held_up,
        }
    }

    /// When what is held back is to be told; `None` if nothing is.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (first, last) = self.held_since?;
        let is_at_rest = !self.phases.iter().flat_map(HashMap::values).any(|phase| is_on_its_way(*phase));
        Some(if is_at_rest { last + QUIET } else { first + WINDOW })
    }

    /// What was held back, in one notice.
    pub(crate) fn tell_held(&mut self) -> Option<Notice> {
        self.held_since.take()?;
        let (completed, one_completed) = self.completed.take_held();
        let (failed, one_failed) = self.failed.take_held();
        let (held_up, one_held_up) = self.held_up.take_held();
        match (completed + failed + held_up, one_completed.or(one_failed).or(one_held_up)) {
            (1, Some(outcome)) => Some(Notice::One(outcome)),
            _ => Some(Notice::Many { completed, failed, held_up }),
        }
    }
}

impl Kind {
    fn may_tell(&mut self, now: Instant) -> bool {
        while self.told.front().is_some_and(|told| *told + WINDOW <= now) {
            self.told.pop_front();
        }
        // Behind something that is held back nothing is told first.
        let may = self.held == 0 && self.told.len() < ONE_BY_ONE_MAXIMUM;
        if may {
            self.told.push_back(now);
        }
        may
    }

    fn take_held(&mut self) -> (usize, Option<Outcome>) {
        (std::mem::take(&mut self.held), self.first_held.take())
    }
}

impl End {
    fn held_up(by: Hindrance, failure: &FailureView) -> Self {
        Self::HeldUp { by, failure: failure.clone() }
    }
}

impl Outcome {
    fn of(job: &JobView) -> Option<Self> {
        let end = match &job.phase {
            PhaseView::Completed => End::Completed { has_file: job.path.is_some() },
            PhaseView::Failed { failure } => End::Failed { failure: failure.clone() },
            PhaseView::LinkExpired { failure } => End::held_up(Hindrance::LinkExpired, failure),
            PhaseView::Blocked { by: BlockerView::Room, failure } => End::held_up(Hindrance::Room, failure),
            PhaseView::Blocked { by: BlockerView::NameTaken, failure } => End::held_up(Hindrance::NameTaken, failure),
            _ => return None,
        };
        Some(Self { job: job.id, direction: job.direction, name: job.name.clone(), host: job.host.clone(), end })
    }
}

fn is_on_its_way(phase: PhaseKind) -> bool {
    match phase {
        PhaseKind::Queued | PhaseKind::Probing | PhaseKind::Running | PhaseKind::Waiting | PhaseKind::Verifying => true,
        PhaseKind::Blocked
        | PhaseKind::LinkExpired
        | PhaseKind::Paused
        | PhaseKind::Completed
        | PhaseKind::Canceled
        | PhaseKind::Failed => false,
    }
}

#[cfg(test)]
mod tests;
