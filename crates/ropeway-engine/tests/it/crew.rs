//! The workers of one download against servers on which connections are not alike.

use std::{sync::Arc, time::Duration};

use ropeway_engine::JobSnapshot;
use ropeway_model::{ConnectionChoice, Connections, JobSpec, Phase};
use ropeway_testkit::{
    Peer,
    peer::{Answer, Request, ServedFile},
};

use tokio::sync::Semaphore;

use crate::rig::Rig;

const MIB: u64 = 1 << 20;
/// Bytes before its range that a request asks for at most.
const LONGEST_LEAD: u64 = 4 << 10;

fn with_connections(rig: &Rig, peer: &Peer, count: u8) -> JobSpec {
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.connections = Some(ConnectionChoice::number(count).unwrap());
    spec
}

fn assert_whole(rig: &Rig, job: &JobSnapshot, file: &ServedFile) {
    assert_eq!(job.phase, Phase::Completed);
    assert_eq!(job.progress.moved, file.length(), "no byte counts twice");
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

/// A peer whose second request, the tail of the file, is answered as `bend` says; the others at 4 MiB a second.
async fn peer_with_one_bad_connection(file: &ServedFile, bend: fn(Answer) -> Answer) -> Peer {
    let served = file.clone();
    Peer::start(move |request| {
        let answer = served.answer(request);
        if request.number == 2 { bend(answer) } else { answer.drip(4 * MIB) }
    })
    .await
}

fn second(peer: &Peer) -> Request {
    peer.requests().into_iter().find(|request| request.number == 2).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_left_to_the_line_has_more_connections_than_the_settings_give() {
    for (connections, expected) in [(None, 1..2), (Some(ConnectionChoice::Automatic), 2..usize::MAX)] {
        let file = ServedFile::new(46, 8 * MIB);
        let served = file.clone();
        let peer = Peer::start(move |request| served.answer(request).drip(8 * MIB)).await;
        let rig = Rig::with(|config| config.limits.connections = Connections::new(1).ok()).await;
        let job = rig.run(JobSpec { connections, ..rig.download(&peer.url("a.bin")) }).await;
        assert_whole(&rig, &job, &file);
        assert!(expected.contains(&peer.requests().len()), "{connections:?}: {} requests", peer.requests().len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_drips_is_replaced() {
    let file = ServedFile::new(40, 32 * MIB);
    let peer = peer_with_one_bad_connection(&file, |answer| answer.drip(1)).await;
    let rig = Rig::new().await;
    let job = rig.run(with_connections(&rig, &peer, 4)).await;
    assert_whole(&rig, &job, &file);
    let sent = second(&peer).bytes_sent;
    assert!(sent < 100, "{sent} bytes were waited for");
    let (start, _) = second(&peer).range().unwrap();
    // The first answer covers that range, too, and may be read on; who asks anew begins some bytes before it.
    let stood = start + LONGEST_LEAD + sent;
    let reaches = |request: &Request| {
        let from = request.range().map_or(0, |(from, _)| from);
        request.number != 2 && from <= stood && from + request.bytes_sent > stood
    };
    assert!(peer.requests().iter().any(reaches), "somebody else went on where it stood");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_is_replaced_within_seconds() {
    let file = ServedFile::new(41, 48 * MIB);
    let peer = peer_with_one_bad_connection(&file, |answer| answer.stall_after(100_000)).await;
    let rig = Rig::new().await;
    let job = rig.run(with_connections(&rig, &peer, 3)).await;
    assert_whole(&rig, &job, &file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_never_answered_does_not_hold_the_file_up() {
    let file = ServedFile::new(42, 6 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.number {
        3 => Answer::silence(),
        _ => served.answer(request).drip(4 * MIB),
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(with_connections(&rig, &peer, 4)).await;
    assert_whole(&rig, &job, &file);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_the_range_of_a_slow_connection_is_fetched_twice() {
    let file = ServedFile::new(43, 2 * MIB);
    let peer = peer_with_one_bad_connection(&file, |answer| answer.drip(2_000)).await;
    let rig = Rig::new().await;
    let job = rig.run(with_connections(&rig, &peer, 2)).await;
    assert_whole(&rig, &job, &file);
    let requests = peer.requests();
    let slow = second(&peer);
    let (start, sent) = (slow.range().unwrap().0, slow.bytes_sent);
    let others = requests.iter().filter(|request| request.number != slow.number);
    let hedge = others.filter_map(Request::range).find(|(from, _)| (start..=start + sent + 2_000).contains(from));
    let (from, to) = hedge.expect("somebody else asked for what it was fetching");
    assert!(to.unwrap() - from <= 132 * 1024, "only what is too small to be split is fetched twice: {from}..{to:?}");
    assert!(job.progress.wasted < 256 * 1024, "{}", job.progress.wasted);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_the_server_refuses_are_not_asked_for_again_and_again() {
    let file = ServedFile::new(44, 12 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.beside {
        0..=2 => served.answer(request).drip(2 * MIB),
        _ => Answer::status(503),
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(with_connections(&rig, &peer, 8)).await;
    assert_whole(&rig, &job, &file);
    let refused = peer.requests().iter().filter(|request| request.beside > 2).count();
    assert!((1..=6).contains(&refused), "{refused} were refused");
    assert!(peer.requests().iter().any(|request| request.beside == 2), "three connections were used");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wanted_connections_come_while_the_server_answers() {
    let file = ServedFile::new(45, 24 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(2 * MIB)).await;
    let rig = Rig::new().await;
    let job = rig.run(with_connections(&rig, &peer, 8)).await;
    assert_whole(&rig, &job, &file);
    let most = peer.requests().iter().map(|request| request.beside + 1).max().unwrap();
    assert!((8..=10).contains(&most), "{most}, with those whose end the peer has not noticed yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_wait_for_a_limit_are_still_the_jobs() {
    let file = ServedFile::new(44, 3 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request)).await;
    let rig = Rig::new().await;
    let mut spec = with_connections(&rig, &peer, 4);
    spec.rate_limit = ropeway_model::ByteRate::new(MIB);
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > 0).await;
    let mut seen = Vec::new();
    loop {
        let progress = rig.engine.job(id).unwrap().progress;
        // Towards the end they have nothing left to do.
        if progress.moved > 2 * MIB {
            break;
        }
        seen.push(progress.connections);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(seen.is_sorted(), "none comes and goes: {seen:?}");
    assert_eq!(rig.settled(id).await.progress.connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_our_own_replaces_nobody() {
    let file = ServedFile::new(46, 3 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request)).await;
    let rig = Rig::new().await;
    let mut spec = with_connections(&rig, &peer, 3);
    spec.rate_limit = ropeway_model::ByteRate::new(MIB);
    let job = rig.run(spec).await;
    assert_whole(&rig, &job, &file);
    let mut asked: Vec<_> = peer.requests().iter().filter_map(Request::range).collect();
    asked.sort_unstable();
    asked.dedup_by_key(|(start, _)| *start);
    assert_eq!(asked.len(), peer.requests().iter().filter(|request| request.range().is_some()).count());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_jobs_together_have_no_more_connections_to_a_server_than_it_is_allowed() {
    let file = ServedFile::new(47, 8 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(4 * MIB)).await;
    let rig = Rig::with(|config| config.servers.connections = Connections::new(3).unwrap()).await;
    let mut jobs = Vec::new();
    for _ in 0..2 {
        jobs.push(rig.add(with_connections(&rig, &peer, 4)).await);
    }
    for job in jobs {
        assert_eq!(rig.settled(job).await.phase, Phase::Completed);
    }
    // The first connection of a job is not refused for the others, and one may be on its way out; without the cap there
    // would be eight.
    let most = peer.requests().iter().map(|request| request.beside + 1).max().unwrap();
    assert!((2..=5).contains(&most), "{most}");
}

/// A distant server answers the others when the first stream has long come to where their ranges begin.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_works_once_is_read_to_its_end_though_its_refusals_come_late() {
    let file = ServedFile::new(48, 4 * MIB);
    let (served, gate) = (file.clone(), Arc::new(Semaphore::new(0)));
    let refusals = Arc::clone(&gate);
    let peer = Peer::start(move |request| match request.number {
        1 => served.answer(request).drip(8 * MIB),
        _ => Answer::status(403).held_by(&refusals),
    })
    .await;
    let rig = Rig::new().await;
    let id = rig.add(with_connections(&rig, &peer, 8)).await;
    rig.until(id, |job| job.progress.moved > 2 * MIB).await;
    gate.add_permits(1_000);
    assert_whole(&rig, &rig.settled(id).await, &file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_works_once_is_read_to_its_end_on_its_one_connection() {
    for refusal in [403, 404, 410] {
        let file = ServedFile::new(48, 4 * MIB);
        let served = file.clone();
        let peer = Peer::start(move |request| match request.number {
            1 => served.answer(request).drip(8 * MIB),
            _ => Answer::status(refusal),
        })
        .await;
        let rig = Rig::new().await;
        let job = rig.run(with_connections(&rig, &peer, 8)).await;
        assert_whole(&rig, &job, &file);
    }
}
