//! Reasons that a job does not start, as far as they are not its own.

use std::borrow::Cow;

use ropeway_api::view::{JobView, PauseView, PhaseView};

use crate::output::text::{self, moment};

/// What keeps jobs from starting that could.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    pause: Option<PauseView>,
}

impl Waits {
    /// With what keeps all jobs from starting.
    pub(crate) const fn with_pause(pause: Option<PauseView>) -> Self {
        Self { pause }
    }

    /// What the job is doing, or what it waits for, in a few words.
    pub(crate) fn state(&self, job: &JobView) -> Cow<'static, str> {
        self.pause.filter(|_| could_start(&job.phase)).map_or_else(|| text::state(job), |pause| paused(pause).into())
    }

    /// Whether the job goes on without its user and before the hours that are kept free of it.
    pub(crate) fn lets_go_on(&self, phase: &PhaseView) -> bool {
        !could_start(phase) || !matches!(self.pause, Some(PauseView::Schedule { .. } | PauseView::Settings))
    }
}

const fn could_start(phase: &PhaseView) -> bool {
    matches!(phase, PhaseView::Queued | PhaseView::Waiting { .. })
}

/// Why no job starts at all.
fn paused(pause: PauseView) -> String {
    match pause {
        PauseView::Schedule { until_ms: Some(until) } => format!("paused by schedule until {}", moment(until)),
        PauseView::Schedule { until_ms: None } => "paused by schedule".to_owned(),
        PauseView::Settings => "held: the settings cannot be read".to_owned(),
        PauseView::Unrecorded => "held: the queue cannot be written".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::row;

    #[test]
    fn what_could_start_says_that_the_schedule_keeps_it_from_it() {
        let schedule = Waits::with_pause(Some(PauseView::Schedule { until_ms: Some(0) }));
        let queued = row(1, PhaseView::Queued, 0);
        assert!(schedule.state(&queued).starts_with("paused by schedule until 19"), "{}", schedule.state(&queued));
        assert!(!schedule.lets_go_on(&queued.phase));
        assert_eq!(Waits::default().state(&queued), "queued");
        assert!(Waits::default().lets_go_on(&queued.phase));
        let running = row(1, PhaseView::Running, 0);
        assert_eq!(schedule.state(&running), "running");
        assert!(schedule.lets_go_on(&running.phase));
        let full = Waits::with_pause(Some(PauseView::Unrecorded));
        assert_eq!(full.state(&queued), "held: the queue cannot be written");
        assert!(full.lets_go_on(&queued.phase), "it is tried again");
    }
}
