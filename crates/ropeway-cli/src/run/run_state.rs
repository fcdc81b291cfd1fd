//! The rows of a run: what the engine last said of every job that is not at its end yet.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use ropeway_api::{
    event::Event,
    view::{DirectionView, JobProgress, JobView, PhaseView, Snapshot},
};

use crate::run::{End, Queue, Sums};

/// Rows that are open, and the count of those that are not. An ended row is handed out once and then forgotten but for
/// its number, so that a list of 100,000 URLs costs what is open.
#[derive(Debug, Default)]
pub(crate) struct RunState {
    open: BTreeMap<i64, Row>,
    ended: HashSet<i64>,
    failed: u64,
    ended_bytes: u64,
    hopeless: Vec<i64>,
    queue: Queue,
}

#[derive(Debug)]
struct Row {
    job: JobView,
    /// When it was first seen to move; before that, when it was first seen.
    since: Instant,
    /// Bytes that had moved by then: whoever begins to watch a job in its middle saw none of those.
    before: u64,
    has_moved: bool,
}

impl RunState {
    /// An empty one for jobs of this queue.
    pub(crate) fn of(queue: Queue) -> Self {
        Self { queue, ..Self::default() }
    }

    /// Takes a row in; gives it back if that is its end. A row that has ended is not taken in again.
    pub(crate) fn put(&mut self, job: JobView) -> Option<End> {
        if self.ended.contains(&job.id) {
            return None;
        }
        let known = self.open.get(&job.id).map(|row| (row.since, row.before, row.has_moved));
        let has_moved = known.is_some_and(|(_, _, has_moved)| has_moved) || is_moving(&job.phase);
        // A short transfer may be over before it was seen to move.
        let (since, before) = match known {
            Some((since, before, moved_before)) if moved_before || !has_moved => (since, before),
            // What a server has of an upload when it goes on was sent by an earlier run.
            Some((_, before, _)) if matches!(job.direction, DirectionView::Upload) => {
                (Instant::now(), before.max(job.progress.durable))
            }
            Some((_, before, _)) => (Instant::now(), before),
            None => (Instant::now(), job.progress.moved),
        };
        if is_final(&job.phase) {
            let took = known.map_or(Duration::ZERO, |(since, ..)| since.elapsed());
            // What was over before it was watched was not seen to move.
            let seen = job.progress.moved.saturating_sub(before);
            return Some(self.end(End { job, took, seen, queue: self.queue }));
        }
        self.open.insert(job.id, Row { job, since, before, has_moved });
        None
    }

    /// Takes in a row that was just added, unless an event has told more of it already.
    pub(crate) fn add(&mut self, job: JobView) -> Option<End> {
        if self.open.contains_key(&job.id) { None } else { self.put(job) }
    }

    /// Applies one event; gives back the jobs that came to their end by it.
    pub(crate) fn apply(&mut self, event: Event) -> Vec<End> {
        match event {
            Event::Jobs { jobs } => jobs.into_iter().filter_map(|job| self.put(job)).collect(),
            Event::Progress { jobs, .. } => {
                for progress in jobs {
                    self.progress(progress);
                }
                Vec::new()
            }
            Event::Removed { ids } => ids.into_iter().filter_map(|id| self.take_away(id)).collect(),
            Event::Settings { .. } | Event::Notices { .. } | Event::Targets { .. } | Event::Offer { .. } => Vec::new(),
        }
    }

    /// Starts again from everything the engine knows, after events were missed.
    pub(crate) fn replace(&mut self, snapshot: Snapshot) -> Vec<End> {
        let known: HashSet<i64> = snapshot.jobs.iter().map(|job| job.id).collect();
        let gone: Vec<i64> = self.open.keys().copied().filter(|id| !known.contains(id)).collect();
        let ended = gone.into_iter().filter_map(|id| self.take_away(id)).collect::<Vec<_>>();
        ended.into_iter().chain(snapshot.jobs.into_iter().filter_map(|job| self.put(job))).collect()
    }

    /// Whether any job still has a way to go.
    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Open rows, in the order they were added.
    pub(crate) fn open(&self) -> impl Iterator<Item = &JobView> {
        self.open.values().map(|row| &row.job)
    }

    /// Open rows as ends that did not come.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = End> {
        self.open.values().map(|row| End {
            job: row.job.clone(),
            took: row.since.elapsed(),
            seen: row.job.progress.moved.saturating_sub(row.before),
            queue: self.queue,
        })
    }

    /// Sums over all rows that were ever put.
    pub(crate) fn sums(&self) -> Sums {
        let ended = self.ended.len() as u64;
        let start = Sums {
            jobs: ended + self.open.len() as u64,
            ended,
            failed: self.failed,
            moved: self.ended_bytes,
            length: Some(self.ended_bytes),
            rate: 0,
        };
        self.open.values().fold(start, |sums, row| {
            let progress = &row.job.progress;
            Sums {
                moved: sums.moved + progress.moved,
                length: sums.length.zip(progress.length).map(|(sum, length)| sum + length),
                rate: sums.rate + progress.rate,
                ..sums
            }
        })
    }

    /// Failed rows that have no byte, which no later run could go on with.
    pub(crate) fn hopeless(&self) -> &[i64] {
        &self.hopeless
    }

    fn progress(&mut self, progress: JobProgress) {
        if let Some(row) = self.open.get_mut(&progress.id) {
            row.job.progress = progress;
        }
    }

    /// A row another program took off the list.
    fn take_away(&mut self, id: i64) -> Option<End> {
        let Row { mut job, since, before, .. } = self.open.remove(&id)?;
        job.phase = PhaseView::Canceled;
        let seen = job.progress.moved.saturating_sub(before);
        Some(self.end(End { job, took: since.elapsed(), seen, queue: self.queue }))
    }

    fn end(&mut self, end: End) -> End {
        self.open.remove(&end.job.id);
        self.ended.insert(end.job.id);
        self.ended_bytes += end.job.progress.moved;
        self.failed += u64::from(!end.is_complete());
        if end.failure().is_some() && end.job.progress.durable == 0 {
            self.hopeless.push(end.job.id);
        }
        end
    }
}

const fn is_moving(phase: &PhaseView) -> bool {
    matches!(phase, PhaseView::Probing | PhaseView::Running | PhaseView::Verifying)
}

const fn is_final(phase: &PhaseView) -> bool {
    matches!(
        phase,
        PhaseView::Completed | PhaseView::Canceled | PhaseView::Failed { .. } | PhaseView::LinkExpired { .. }
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use ropeway_api::{
        settings::Settings,
        view::{DirectionView, FailureView, HostCapability, PriorityView, Totals, WishView},
    };

    use super::*;

    /// A row as the engine sends it.
    pub(crate) fn row(id: i64, phase: PhaseView, moved: u64) -> JobView {
        JobView {
            id,
            direction: DirectionView::Download,
            name: format!("{id}.bin"),
            source: format!("http://example.org/{id}.bin"),
            destination: "/downloads".to_owned(),
            host: "example.org".to_owned(),
            path: Some(format!("/downloads/{id}.bin")),
            stored_at: None,
            wish: WishView::Run,
            phase,
            progress: progress(id, moved),
            rate_limit: None,
            connections: None,
            priority: PriorityView::Normal,
            start_at_ms: None,
            position: id,
            created_ms: 0,
            finished_ms: None,
            digest: None,
            verification: None,
            damage: None,
        }
    }

    fn progress(id: i64, moved: u64) -> JobProgress {
        JobProgress {
            id,
            length: Some(100),
            moved,
            durable: moved,
            rate: 10,
            seconds_left: None,
            active_connections: 1,
        }
    }

    fn numbers(ends: &[End]) -> Vec<i64> {
        ends.iter().map(|end| end.job.id).collect()
    }

    #[test]
    fn a_job_ends_once_however_often_its_last_row_comes() {
        let mut state = RunState::default();
        assert_eq!(state.add(row(1, PhaseView::Queued, 0)), None);
        assert!(state.apply(Event::Jobs { jobs: vec![row(1, PhaseView::Running, 50)] }).is_empty());
        let ends = state.apply(Event::Jobs { jobs: vec![row(1, PhaseView::Completed, 100)] });
        assert_eq!(numbers(&ends), [1]);
        assert!(ends[0].is_complete());
        assert!(state.apply(Event::Jobs { jobs: vec![row(1, PhaseView::Completed, 100)] }).is_empty());
        assert!(state.apply(Event::Removed { ids: vec![1] }).is_empty());
        assert_eq!(state.add(row(1, PhaseView::Queued, 0)), None, "the reply to the call came after the event");
        assert_eq!((state.sums().open(), state.sums().failed), (0, 0));
    }

    #[test]
    fn who_begins_to_watch_in_the_middle_saw_only_the_rest() {
        let mut state = RunState::default();
        state.put(row(1, PhaseView::Running, 60));
        state.put(row(1, PhaseView::Running, 80));
        assert_eq!(state.put(row(1, PhaseView::Completed, 100)).unwrap().seen, 40);
        state.put(row(2, PhaseView::Queued, 0));
        assert_eq!(state.put(row(2, PhaseView::Completed, 100)).unwrap().seen, 100);
        assert_eq!(state.put(row(3, PhaseView::Completed, 100)).unwrap().seen, 0);
    }

    #[test]
    fn what_failed_without_a_byte_is_hopeless() {
        let failure = FailureView {
            status: Some(404),
            code: "HTTP_NOT_FOUND".to_owned(),
            message: String::new(),
            hint: String::new(),
            can_resume: true,
        };
        let mut state = RunState::default();
        state.put(row(1, PhaseView::Failed { failure: failure.clone() }, 0));
        state.put(row(2, PhaseView::Failed { failure }, 50));
        state.put(row(3, PhaseView::Completed, 0));
        assert_eq!(state.hopeless(), [1]);
    }

    #[test]
    fn an_added_row_does_not_undo_what_an_event_told() {
        let mut state = RunState::default();
        state.put(row(1, PhaseView::Running, 50));
        state.add(row(1, PhaseView::Queued, 0));
        assert_eq!(state.open().map(|job| job.progress.moved).collect::<Vec<_>>(), [50]);
    }

    #[test]
    fn sums_count_open_and_ended_jobs() {
        let mut state = RunState::default();
        state.put(row(1, PhaseView::Completed, 100));
        state.put(row(2, PhaseView::Running, 30));
        let progress = progress(2, 40);
        state.apply(Event::Progress { jobs: vec![progress], totals: Totals::default() });
        let expected = Sums { jobs: 2, ended: 1, failed: 0, moved: 140, length: Some(200), rate: 10 };
        assert_eq!(state.sums(), expected);
    }

    #[test]
    fn after_a_gap_the_snapshot_ends_what_ended_meanwhile() {
        let mut state = RunState::default();
        for id in 1..=3 {
            state.put(row(id, PhaseView::Running, 1));
        }
        let snapshot = Snapshot {
            seq: 9,
            version: String::new(),
            jobs: vec![row(1, PhaseView::Completed, 100), row(2, PhaseView::Running, 50)],
            totals: Totals::default(),
            settings: Settings::default(),
            targets: Vec::new(),
            host: HostCapability::default(),
            notices: Vec::new(),
        };
        let ends = state.replace(snapshot);
        let complete: Vec<_> = ends.iter().map(|end| (end.job.id, end.is_complete())).collect();
        assert_eq!(complete, [(3, false), (1, true)]);
        assert_eq!(state.sums().open(), 1);
    }
}
