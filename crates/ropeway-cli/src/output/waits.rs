//! Reasons that a job does not start, as far as they are not its own.

use std::{borrow::Cow, collections::HashMap};

use ropeway_api::{
    command::{Call, Nothing},
    view::{JobView, PauseView, PhaseView, Servers},
};

use crate::{
    command::control::Running,
    error::CommandError,
    output::text::{self, moment, plain, second},
};

/// What keeps jobs from starting that could: all of them, or those of servers that are left alone, and until when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits {
    pause: Option<PauseView>,
    resting: HashMap<String, i64>,
}

impl Waits {
    /// With what keeps all jobs from starting.
    pub(crate) fn with_pause(pause: Option<PauseView>) -> Self {
        Self { pause, resting: HashMap::new() }
    }

    /// The same with the servers that the running queue leaves alone.
    ///
    /// # Errors
    /// [`CommandError::Call`] if it does not answer.
    pub(crate) async fn ask(running: &Running, pause: Option<PauseView>) -> Result<Self, CommandError> {
        let Servers { servers } = running.call(Call::ServerList(Nothing {})).await?;
        let resting = servers.into_iter().filter_map(|server| Some((server.host, server.resting_until_ms?)));
        Ok(Self { pause, resting: resting.collect() })
    }

    /// What the job is doing, or what it waits for, in a few words.
    pub(crate) fn state(&self, job: &JobView) -> Cow<'static, str> {
        if let Some(pause) = self.pause.filter(|_| could_start(&job.phase)) {
            return paused(pause).into();
        }
        match self.server(job) {
            Some(reason) => format!("{}, {reason}", text::state(job)).into(),
            None => text::state(job),
        }
    }

    /// The server that `job` waits for beside what its phase says; `None` where it waits for none.
    pub(crate) fn server(&self, job: &JobView) -> Option<String> {
        let until = self.resting.get(&job.host)?;
        let is_longer = match &job.phase {
            PhaseView::Queued => true,
            PhaseView::Waiting { until_ms, .. } => until > until_ms,
            _ => false,
        };
        is_longer.then(|| format!("{} is left alone until {}", plain(&job.host), second(*until)))
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

    #[test]
    fn only_what_could_start_waits_for_its_server() {
        let waits = Waits { resting: HashMap::from([("example.org".to_owned(), 65_000)]), ..Waits::default() };
        let words = waits.server(&row(1, PhaseView::Queued, 0)).unwrap();
        assert!(words.starts_with("example.org is left alone until ") && words.ends_with(":01:05"), "{words}");
        assert!(waits.state(&row(1, PhaseView::Queued, 0)).starts_with("queued, example.org is left alone"));
        assert_eq!(waits.server(&row(1, PhaseView::Running, 0)), None);
        let mut other = row(1, PhaseView::Queued, 0);
        other.host = "other.example".to_owned();
        assert_eq!(waits.server(&other), None);
    }
}
