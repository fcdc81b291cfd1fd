//! Reasons that a job does not start, as far as they are not its own.

use std::{borrow::Cow, collections::HashMap};

use jiff::Zoned;
use ropeway_api::{
    command::{Call, Nothing},
    view::{BlockerView, JobView, PauseView, PhaseView, Servers, Totals, WeekMoment},
};

use crate::{
    command::control::Running,
    error::CommandError,
    output::text::{self, second},
    terminal::plain,
};

/// What keeps jobs from starting that could: all of them, or those of servers that are left alone, and until when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits {
    pause: Option<PauseView>,
    /// When the hours of the schedule end.
    until: Option<WeekMoment>,
    resting: HashMap<String, i64>,
}

impl Waits {
    /// With what keeps all jobs from starting.
    pub(crate) fn of(totals: &Totals) -> Self {
        Self { pause: totals.pause, until: totals.limits.until, resting: HashMap::new() }
    }

    /// The same with the servers that the running queue leaves alone.
    ///
    /// # Errors
    /// [`CommandError::Call`] if it does not answer.
    pub(crate) async fn ask(running: &Running, totals: &Totals) -> Result<Self, CommandError> {
        let Servers { servers } = running.call(Call::ServerList(Nothing {})).await?;
        let resting = servers.into_iter().filter_map(|server| Some((server.host, server.resting_until_ms?)));
        Ok(Self { resting: resting.collect(), ..Self::of(totals) })
    }

    /// What the job is doing, or what it waits for, in a few words.
    pub(crate) fn state(&self, job: &JobView) -> Cow<'static, str> {
        if let Some(pause) = self.pause.filter(|_| could_start(&job.phase)) {
            return paused(pause, self.until, today()).into();
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
        !could_start(phase) || !matches!(self.pause, Some(PauseView::Schedule | PauseView::Settings))
    }

    /// Whether the job goes on once its user has decided something, and not before.
    pub(crate) fn needs_user(&self, phase: &PhaseView) -> bool {
        let is_held = could_start(phase) && matches!(self.pause, Some(PauseView::Settings));
        is_held || matches!(phase, PhaseView::Blocked { by: BlockerView::NameTaken, .. })
    }
}

const fn could_start(phase: &PhaseView) -> bool {
    matches!(phase, PhaseView::Queued | PhaseView::Waiting { .. })
}

/// Why no job starts at all.
fn paused(pause: PauseView, until: Option<WeekMoment>, today: u8) -> String {
    match (pause, until) {
        (PauseView::Schedule, Some(until)) => format!("paused by schedule until {}", clock(until, today)),
        (PauseView::Schedule, None) => "paused by schedule".to_owned(),
        (PauseView::Settings, _) => "held: the settings cannot be read".to_owned(),
        (PauseView::Unrecorded, _) => "held: the queue cannot be written".to_owned(),
    }
}

/// The day of the week on this machine's clock, 1 Monday to 7 Sunday.
fn today() -> u8 {
    u8::try_from(Zoned::now().weekday().to_monday_one_offset()).unwrap_or(1)
}

/// A moment of the week, with its day where that is not `today`.
fn clock(WeekMoment { weekday, minute }: WeekMoment, today: u8) -> String {
    /// As `ropeway schedule` writes them.
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let time = format!("{:02}:{:02}", minute / 60, minute % 60);
    match DAYS.get(usize::from(weekday).wrapping_sub(1)) {
        Some(day) if weekday != today => format!("{day} {time}"),
        _ => time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::row;

    #[test]
    fn what_could_start_says_that_the_schedule_keeps_it_from_it() {
        let schedule = Waits { pause: Some(PauseView::Schedule), ..Waits::default() };
        let queued = row(1, PhaseView::Queued, 0);
        assert_eq!(schedule.state(&queued), "paused by schedule");
        assert!(!schedule.lets_go_on(&queued.phase));
        assert_eq!(Waits::default().state(&queued), "queued");
        assert!(Waits::default().lets_go_on(&queued.phase));
        let running = row(1, PhaseView::Running, 0);
        assert_eq!(schedule.state(&running), "running");
        assert!(schedule.lets_go_on(&running.phase));
        let full = Waits { pause: Some(PauseView::Unrecorded), ..Waits::default() };
        assert_eq!(full.state(&queued), "held: the queue cannot be written");
        assert!(full.lets_go_on(&queued.phase), "it is tried again");
    }

    #[test]
    fn the_end_of_the_hours_is_told_with_its_day_unless_that_is_today() {
        let at_nine = Some(WeekMoment { weekday: 3, minute: 9 * 60 });
        assert_eq!(paused(PauseView::Schedule, at_nine, 3), "paused by schedule until 09:00");
        assert_eq!(paused(PauseView::Schedule, at_nine, 2), "paused by schedule until wed 09:00");
        assert_eq!(paused(PauseView::Settings, at_nine, 3), "held: the settings cannot be read");
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
