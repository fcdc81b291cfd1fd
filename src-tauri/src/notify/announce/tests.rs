//! Announcements of jobs that run, complete and fail in all the ways that would be told wrongly.

use super::*;
use ropeway_api::view::{FailureView, JobProgress, PriorityView, WishView};

fn job(id: i64, phase: PhaseView) -> JobView {
    JobView {
        id,
        direction: DirectionView::Download,
        name: format!("{id}.iso"),
        source: String::new(),
        destination: String::new(),
        host: "example.org".into(),
        path: None,
        stored_at: None,
        wish: WishView::Run,
        phase,
        progress: JobProgress {
            id,
            length: None,
            moved: 0,
            durable: 0,
            rate: 0,
            seconds_left: None,
            active_connections: 0,
        },
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

fn failed() -> PhaseView {
    let failure =
        FailureView { code: "X".into(), message: "m".into(), hint: "h".into(), status: None, can_resume: true };
    PhaseView::Failed { failure }
}

fn jobs(ids: std::ops::Range<i64>, phase: &PhaseView) -> Vec<JobView> {
    ids.map(|id| job(id, phase.clone())).collect()
}

fn ids(notices: &[Notice]) -> Vec<i64> {
    notices.iter().map(|notice| if let Notice::One(outcome) = notice { outcome.job } else { -1 }).collect()
}

#[test]
fn what_ended_before_the_start_is_not_told() {
    let mut announcer = Announcer::default();
    assert_eq!(announcer.take_all(&jobs(0..5, &PhaseView::Completed), Instant::now()), []);
}

#[test]
fn an_end_is_told_once_and_told_again_after_a_retry() {
    let mut announcer = Announcer::default();
    let now = Instant::now();
    for (phase, is_told) in [
        (PhaseView::Running, false),
        (failed(), true),
        (failed(), false),
        (PhaseView::Running, false),
        (PhaseView::Completed, true),
        (PhaseView::Completed, false),
    ] {
        let told = announcer.observe(&Event::Jobs { jobs: vec![job(1, phase.clone())] }, now);
        assert_eq!(!told.is_empty(), is_told, "{phase:?}");
    }
}

#[test]
fn of_500_ends_in_a_moment_three_are_told_and_the_rest_is_one_sum() {
    let mut announcer = Announcer::default();
    let now = Instant::now();
    announcer.take_all(&jobs(0..500, &PhaseView::Running), now);
    let told = announcer.observe(&Event::Jobs { jobs: jobs(0..500, &PhaseView::Completed) }, now);
    assert_eq!(ids(&told), [0, 1, 2]);
    assert_eq!(announcer.due(), Some(now + QUIET));
    assert_eq!(announcer.tell_held(), Some(Notice::Many { completed: 497, failed: 0, held_up: 0 }));
    assert_eq!((announcer.due(), announcer.tell_held()), (None, None));
}

#[test]
fn a_slow_batch_is_not_told_file_by_file_either() {
    let mut announcer = Announcer::default();
    let start = Instant::now();
    announcer.take_all(&jobs(0..20, &PhaseView::Running), start);
    let mut told = Vec::new();
    for (id, seconds) in (0..20).zip((0..).step_by(5)) {
        let now = start + Duration::from_secs(seconds);
        if announcer.due().is_some_and(|due| due <= now) {
            told.extend(announcer.tell_held());
        }
        told.extend(announcer.observe(&Event::Jobs { jobs: vec![job(id, PhaseView::Completed)] }, now));
    }
    // Three at 0, 5 and 10 s; a sum a minute after the fourth end at 15 s; then three more.
    assert_eq!(told.len(), 7, "{told:?}");
    assert!(told.contains(&Notice::Many { completed: 12, failed: 0, held_up: 0 }), "{told:?}");
}

#[test]
fn a_failure_is_told_at_once_among_many_completions() {
    let mut announcer = Announcer::default();
    let now = Instant::now();
    announcer.take_all(&jobs(0..10, &PhaseView::Running), now);
    announcer.observe(&Event::Jobs { jobs: jobs(0..8, &PhaseView::Completed) }, now);
    assert_eq!(ids(&announcer.observe(&Event::Jobs { jobs: vec![job(8, failed())] }, now)), [8]);
}

#[test]
fn what_only_the_user_can_mend_is_told_and_a_missing_network_is_not() {
    let mut announcer = Announcer::default();
    let now = Instant::now();
    announcer.take_all(&jobs(0..4, &PhaseView::Running), now);
    let failure =
        || FailureView { code: "X".into(), message: "m".into(), hint: "h".into(), status: None, can_resume: true };
    let blocked = |by| PhaseView::Blocked { by, failure: failure() };
    let jobs = vec![
        job(0, PhaseView::LinkExpired { failure: failure() }),
        job(1, blocked(BlockerView::Room)),
        job(2, blocked(BlockerView::Network)),
        job(3, blocked(BlockerView::NameTaken)),
    ];
    let told = announcer.observe(&Event::Jobs { jobs }, now);
    let hindrances = told.iter().map(|notice| match notice {
        Notice::One(Outcome { job, end: End::HeldUp { by, .. }, .. }) => (*job, *by),
        other => panic!("{other:?}"),
    });
    let expected = [(0, Hindrance::LinkExpired), (1, Hindrance::Room), (3, Hindrance::NameTaken)];
    assert_eq!(hindrances.collect::<Vec<_>>(), expected);
}

#[test]
fn a_sum_of_one_is_told_as_what_it_is() {
    let mut announcer = Announcer::default();
    let now = Instant::now();
    announcer.take_all(&jobs(0..4, &PhaseView::Running), now);
    announcer.observe(&Event::Jobs { jobs: jobs(0..4, &PhaseView::Completed) }, now);
    assert!(matches!(announcer.tell_held(), Some(Notice::One(Outcome { job: 3, .. }))));
}

#[test]
fn ends_in_lost_batches_are_told_from_the_snapshot() {
    let mut announcer = Announcer::default();
    let now = Instant::now();
    announcer.take_all(&jobs(0..2, &PhaseView::Running), now);
    let told = announcer.take_all(&[job(0, PhaseView::Completed), job(1, PhaseView::Running)], now);
    assert_eq!(ids(&told), [0]);
    assert_eq!(announcer.observe(&Event::Jobs { jobs: vec![job(0, PhaseView::Completed)] }, now), []);
}
