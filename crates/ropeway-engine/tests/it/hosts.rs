//! Servers over all jobs: connections are counted together, and one that is ill is left alone, whoever queues for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use ropeway_drivers::DriverError;
use ropeway_engine::{JobSnapshot, Scope, ServerPolicy};
use ropeway_model::{
    ConnectionChoice, Connections, FailureCode, JobSpec, Phase, PhaseKind, ServerRule, Transfer, Wish,
};
use ropeway_testkit::{
    Nginx, NginxSettings, Pattern, Peer,
    peer::{Answer, Cut, ServedFile},
};

use tokio::time::Instant;

use crate::{
    rig::Rig,
    still::{Net, Still, all},
};

const MIB: u64 = 1 << 20;
const DYING: &str = "dying.example";
const FRONT: &str = "front.example";

/// A network where one server answers 503 until it is `back`, and all others serve.
fn with_a_dying_server(back: &Arc<AtomicBool>) -> Arc<Net> {
    let back = Arc::clone(back);
    Net::new(move |host| Ok((if host == DYING && !back.load(SeqCst) { 503 } else { 200 }, Vec::new())))
}

#[tokio::test(start_paused = true)]
async fn a_thousand_jobs_do_not_storm_a_dying_server_and_others_do_not_notice() {
    let back = Arc::new(AtomicBool::new(false));
    let net = with_a_dying_server(&back);
    let still = Still::new(Scope::Queue, &net).await;
    let mut specs: Vec<_> = (0..1000).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect();
    specs.extend((0..20).map(|number| still.spec(&format!("https://healthy.example/h{number}"))));
    let ids = still.add(specs).await;
    let healthy = ids[1000..].to_vec();
    let took = still
        .until(|jobs| jobs.iter().filter(|job| healthy.contains(&job.id)).all(|job| job.phase == Phase::Completed))
        .await;
    assert!(took < Duration::from_secs(30), "{took:?}");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let asked = net.asked(DYING);
    let start = asked[0];
    let within = |from: u64, to: u64| {
        let range = start + Duration::from_secs(from)..start + Duration::from_secs(to);
        asked.iter().filter(|at| range.contains(at)).count()
    };
    // The first wave is what may run at once; after it one probe at a time, ever more seldom.
    assert!(within(0, 10) <= 24, "{} in the first 10 s", within(0, 10));
    assert!(within(10, 600) <= 30, "{} in the next 10 minutes", within(10, 600));
    assert!(within(600, 3600) <= 30, "{} in the rest of the hour", within(600, 3600));
    let busiest = (10..3600).map(|second| within(second, second + 1)).max().unwrap();
    assert!(busiest <= 2, "{busiest} requests in one second: a wave");
    assert!(still.engine.servers().iter().any(|server| server.host == DYING && server.rests_until.is_some()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_back_is_found_and_gets_its_jobs_step_by_step() {
    let back = Arc::new(AtomicBool::new(false));
    let net = with_a_dying_server(&back);
    let still = Still::new(Scope::Queue, &net).await;
    still.add((0..60).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    back.store(true, SeqCst);
    let took = still.until(all(PhaseKind::Completed)).await;
    assert!(took < Duration::from_secs(15 * 60), "{took:?}");
    let server = still.engine.servers().into_iter().find(|server| server.host == DYING).unwrap();
    assert_eq!((server.rests_until, server.connections), (None, 0));
}

/// A network where one server redirects everything to one that answers 503 until it is `back`.
fn with_a_dying_server_behind_another(back: &Arc<AtomicBool>) -> Arc<Net> {
    let back = Arc::clone(back);
    Net::new(move |host| match host {
        FRONT => Ok((302, vec![("Location", format!("https://{DYING}/file"))])),
        _ if !back.load(SeqCst) => Ok((503, Vec::new())),
        _ => Ok((200, Vec::new())),
    })
}

#[tokio::test(start_paused = true)]
async fn a_dying_server_behind_redirects_is_spared_as_well_and_who_redirects_is_not_blamed() {
    const JOBS: usize = 300;
    let back = Arc::new(AtomicBool::new(false));
    let net = with_a_dying_server_behind_another(&back);
    let still = Still::new(Scope::Queue, &net).await;
    still.add((0..JOBS).map(|number| still.spec(&format!("https://{FRONT}/{number}"))).collect()).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let rests =
        |host: &str| still.engine.servers().iter().any(|server| server.host == host && server.rests_until.is_some());
    assert!(rests(DYING) && !rests(FRONT));
    // The first wave, then one probe at a time.
    let asked = net.asked(DYING).len();
    assert!(asked <= 50, "{asked} requests in ten minutes");
    let led = net.asked(FRONT).len();
    assert!(led <= JOBS + asked, "{led} requests to the one that redirects");
    back.store(true, SeqCst);
    let took = still.until(all(PhaseKind::Completed)).await;
    assert!(took < Duration::from_secs(15 * 60), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_at_a_terminal_is_told_of_a_dead_server_behind_a_redirect_too() {
    let net = with_a_dying_server_behind_another(&Arc::default());
    let still = Still::new(Scope::Once, &net).await;
    still.add((0..200).map(|number| still.spec(&format!("https://{FRONT}/{number}"))).collect()).await;
    let took = still.until(all(PhaseKind::Failed)).await;
    assert!(took < Duration::from_secs(120), "{took:?}");
    assert!(net.asked(DYING).len() <= 50, "{}", net.asked(DYING).len());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_at_a_terminal_for_a_dead_server_is_told_within_the_minute() {
    let refused = |host: &str| Err(DriverError::ConnectionRefused { host: host.to_owned() });
    let net = Net::new(refused);
    let still = Still::new(Scope::Once, &net).await;
    still.add((0..200).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
    let took = still.until(all(PhaseKind::Failed)).await;
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(net.asked(DYING).len() < 60, "{} requests", net.asked(DYING).len());
    let refused =
        |phase: &Phase| matches!(phase, Phase::Failed { failure } if failure.code == FailureCode::ConnectionRefused);
    assert!(still.engine.jobs().iter().all(|job| refused(&job.phase)));
}

#[tokio::test(start_paused = true)]
async fn a_time_to_wait_that_a_server_names_to_several_jobs_holds_for_all_of_them() {
    let start = Instant::now();
    let net = Net::new(move |_| {
        if start.elapsed() >= Duration::from_secs(90) {
            return Ok((200, Vec::new()));
        }
        Ok((429, vec![("Retry-After", "90".to_owned())]))
    });
    let still = Still::new(Scope::Queue, &net).await;
    still.add((0..5).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
    still.until(all(PhaseKind::Waiting)).await;
    still.add((5..200).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
    still.until(all(PhaseKind::Completed)).await;
    let asked = net.asked(DYING);
    assert!(asked[5] - asked[0] >= Duration::from_secs(90), "{:?}", asked[5] - asked[0]);
}

#[tokio::test(start_paused = true)]
async fn a_few_addresses_that_cannot_be_had_keep_none_that_can_from_being_fetched() {
    for (status, after) in
        [(503, Some("2")), (503, Some("120")), (503, None), (429, Some("2")), (429, None), (500, None)]
    {
        for (bad, patience) in [(1, 5), (3, 5), (4, 5), (12, 180)] {
            let net = Net::of_addresses(move |url| {
                let is_bad = url.to_string().contains("bad");
                let after = after.map(|seconds| ("Retry-After", seconds.to_owned()));
                Ok(if is_bad { (status, after.into_iter().collect()) } else { (200, Vec::new()) })
            });
            let still = Still::new(Scope::Queue, &net).await;
            let names =
                (0..bad).map(|number| format!("bad{number}")).chain((0..8).map(|number| format!("good{number}")));
            let ids = still.add(names.map(|name| still.spec(&format!("https://{DYING}/{name}"))).collect()).await;
            let good = &ids[bad..];
            let are_done = |jobs: &[JobSnapshot]| {
                jobs.iter().filter(|job| good.contains(&job.id)).all(|job| job.phase == Phase::Completed)
            };
            let took = still.until(are_done).await;
            assert!(took <= Duration::from_secs(patience), "{bad} x {status} {after:?}: {took:?}");
        }
    }
}

/// A network where connections are refused until `back` has passed, and its start.
fn with_a_restarting_server(back: Duration) -> (Arc<Net>, Instant) {
    let start = Instant::now();
    let refused = |host: &str| Err(DriverError::ConnectionRefused { host: host.to_owned() });
    (Net::new(move |host| if start.elapsed() < back { refused(host) } else { Ok((200, Vec::new())) }), start)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_restarts_is_in_use_again_within_two_seconds_and_a_thousand_jobs_ask_no_more_than_one() {
    for jobs in [1, 3, 1000] {
        for away in [1, 10, 59] {
            let (net, start) = with_a_restarting_server(Duration::from_secs(away));
            let still = Still::new(Scope::Queue, &net).await;
            still.add((0..jobs).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
            still.until(|jobs| jobs.iter().any(|job| job.phase == Phase::Completed)).await;
            let back = start.elapsed().saturating_sub(Duration::from_secs(away));
            assert!(back <= Duration::from_secs(2), "{jobs} jobs, {away} s away: {back:?}");
            // Behind the first wave each probe waits for the one before it.
            let asked = net.asked(DYING);
            let probes: Vec<_> = asked.iter().filter(|at| **at - start > Duration::from_millis(500)).collect();
            let probes = &probes[..probes.len().min(usize::try_from(away).unwrap())];
            assert!(probes.is_sorted_by(|one, next| **next - **one >= Duration::from_millis(750)), "{probes:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_for_minutes_is_in_use_again_within_seconds_and_asked_by_one_at_a_time() {
    for away in [101, 130, 290] {
        let (net, start) = with_a_restarting_server(Duration::from_secs(away));
        let still = Still::new(Scope::Queue, &net).await;
        still.add((0..100).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
        still.until(|jobs| jobs.iter().any(|job| job.phase == Phase::Completed)).await;
        let back = start.elapsed().saturating_sub(Duration::from_secs(away));
        assert!(back <= Duration::from_secs(6), "{away} s away: {back:?}");
        let asked = net.asked(DYING);
        let later: Vec<_> = asked.iter().filter(|at| (61..away).contains(&(**at - start).as_secs())).collect();
        assert!(later.is_sorted_by(|one, next| **next - **one >= Duration::from_secs(4)), "{later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_of_tries_leaves_a_restarting_server_its_first_minute() {
    for (tries, away) in [(1, 6), (2, 59), (1000, 15)] {
        let (net, start) = with_a_restarting_server(Duration::from_secs(away));
        let still = Still::new(Scope::Queue, &net).await;
        still.engine.set_tries(tries);
        still.add(vec![still.spec(&format!("https://{DYING}/1"))]).await;
        still.until(all(PhaseKind::Completed)).await;
        let back = start.elapsed().saturating_sub(Duration::from_secs(away));
        assert!(back <= Duration::from_secs(2), "{tries} tries, {away} s away: {back:?}");
    }
    let (net, start) = with_a_restarting_server(Duration::MAX);
    let still = Still::new(Scope::Queue, &net).await;
    still.engine.set_tries(3);
    still.add(vec![still.spec(&format!("https://{DYING}/1"))]).await;
    still.until(all(PhaseKind::Failed)).await;
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_is_asked_ever_more_seldom() {
    let (net, start) = with_a_restarting_server(Duration::MAX);
    let still = Still::new(Scope::Queue, &net).await;
    still.add((0..100).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let asked = net.asked(DYING);
    let later = asked.iter().filter(|at| **at - start > Duration::from_secs(310)).count();
    assert!((5..=30).contains(&later), "{later} requests in the rest of the hour");
}

#[tokio::test(start_paused = true)]
async fn the_user_need_not_wait_for_a_rest_to_end() {
    let back = Arc::new(AtomicBool::new(false));
    let net = with_a_dying_server(&back);
    let still = Still::new(Scope::Queue, &net).await;
    let ids = still.add((0..8).map(|number| still.spec(&format!("https://{DYING}/{number}"))).collect()).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    back.store(true, SeqCst);
    still.engine.resume(&ids).await.unwrap();
    let took = still.until(all(PhaseKind::Completed)).await;
    assert!(took <= Duration::from_secs(5), "{took:?}");
}

fn policy(connections: u8, rule: Option<(&str, u8)>) -> ServerPolicy {
    let rule = rule.map(|(host, jobs)| ServerRule {
        host: host.parse().unwrap(),
        connections: None,
        running_jobs: Some(jobs),
        limit: None,
    });
    ServerPolicy { connections: Connections::new(connections).unwrap(), rules: rule.into_iter().collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_a_server_are_counted_over_all_jobs() {
    let file = ServedFile::new(70, 4 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(2 * MIB)).await;
    let rig = Rig::with(|config| config.servers = policy(3, None)).await;
    let specs = ["a", "b", "c"].map(|name| rig.download(&peer.url(name))).to_vec();
    let ids = rig.engine.add(specs, Wish::Run).await.unwrap();
    for id in &ids {
        let job = rig
            .until(*id, |job| {
                let open = rig.engine.servers().first().map_or(0, |server| server.connections);
                assert!(open <= 3, "{open} connections");
                job.phase.is_terminal()
            })
            .await;
        assert_eq!(job.phase, Phase::Completed);
    }
    let most = peer.requests().iter().map(|request| request.beside + 1).max();
    assert!(most <= Some(4), "{most:?}: three, and one whose end the server has not seen yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_have_all_connections_of_a_server_give_one_up_for_the_next_job() {
    let (large, small) = (ServedFile::new(72, 64 * MIB), ServedFile::new(73, MIB / 2));
    let (served, quick) = (large.clone(), small.clone());
    let peer = Peer::start(move |request| {
        if request.path.ends_with("small") { quick.answer(request) } else { served.answer(request).drip(MIB / 4) }
    })
    .await;
    let rig = Rig::with(|config| config.servers = policy(4, None)).await;
    let specs = ["a", "b"].map(|name| rig.download(&peer.url(name))).to_vec();
    let ids = rig.engine.add(specs, Wish::Run).await.unwrap();
    let open = || rig.engine.servers().first().map_or(0, |server| server.connections);
    rig.until(ids[0], |_| open() == 4).await;
    let next = rig.run(rig.download(&peer.url("small"))).await;
    assert_eq!(next.phase, Phase::Completed);
    small.pattern().assert_file(&rig.file("small"), small.length());
    assert!(ids.iter().all(|id| rig.engine.job(*id).unwrap().phase.is_active()), "both go on meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_all_break_at_once_say_nothing_of_how_many_a_server_bears() {
    const LENGTH: u64 = 24 * MIB;
    let settings = NginxSettings { limit_rate: Some(2 * MIB), ..NginxSettings::default() };
    let mut nginx = Nginx::start_with(settings);
    let pattern = Pattern::new(74);
    pattern.write_file(&nginx.root().join("file.bin"), LENGTH);
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&nginx.url("file.bin"))).await;
    let open = || rig.engine.servers().first().map_or(0, |server| server.connections);
    rig.until(id, |job| open() == 4 && job.progress.moved > LENGTH / 8).await;
    nginx.kill();
    rig.until(id, |job| job.phase.kind() == PhaseKind::Waiting).await;
    assert_eq!(rig.engine.servers()[0].profile.connection_cap, None);
    nginx.restart();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    pattern.assert_file(&rig.file("file.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_does_not_hold_up_jobs_of_others() {
    let file = ServedFile::new(71, MIB);
    let served = file.clone();
    let slow = Peer::start(move |request| served.answer(request).drip(MIB)).await;
    let fast = Peer::serve(file.clone()).await;
    let host = format!("127.0.0.1:{}", slow.port());
    let rig = Rig::with(|config| config.servers = policy(16, Some((&host, 1)))).await;
    let mut specs: Vec<_> = ["a", "b", "c"].map(|name| rig.download(&slow.url(name))).to_vec();
    specs.push(rig.download(&fast.url("d")));
    let ids = rig.engine.add(specs, Wish::Run).await.unwrap();
    let running = || {
        let jobs = rig.engine.jobs();
        jobs.iter().filter(|job| job.spec.host() == host && job.phase.is_active()).count()
    };
    rig.until(ids[3], |job| {
        assert!(running() <= 1);
        job.phase == Phase::Completed
    })
    .await;
    assert_eq!(rig.engine.job(ids[1]).unwrap().phase, Phase::Queued, "it waits for its turn");
    assert_eq!(rig.settled(ids[2]).await.phase, Phase::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_of_a_server_outlives_the_process() {
    let file = ServedFile::new(72, 2 * MIB);
    let peer = Peer::serve(file.clone()).await;
    let rig = Rig::new().await;
    rig.run(rig.download(&peer.url("a.bin"))).await;
    let known = rig.engine.servers();
    assert_eq!(known[0].host, format!("127.0.0.1:{}", peer.port()));
    assert_eq!(known[0].profile.reliability, Some(1.0));
    assert!(known[0].profile.throughput.is_some() && known[0].profile.latency.is_some());
    let rig = rig.restart().await;
    let again = rig.engine.servers();
    assert_eq!((&again[0].host, again[0].profile.throughput), (&known[0].host, known[0].profile.throughput));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_connection_that_jobs_share_is_not_counted_for_each_of_them() {
    const JOBS: usize = 8;
    let file = ServedFile::new(71, MIB);
    let whole = file.clone();
    let peer = Peer::start_h2("localhost", 100, move |request| match (request.connection, request.number) {
        (1, JOBS) => Answer::hang_up(Cut::Reset),
        (1, _) => whole.whole().stall_after(100_000),
        _ => whole.answer(request),
    })
    .await;
    let rig = Rig::with(|config| config.limits.running_jobs = JOBS).await;
    let specs = (0..JOBS).map(|number| {
        let mut spec = rig.download(&peer.url(&number.to_string()));
        spec.network.ca_file = Some(peer.ca_file());
        spec.connections = Some(ConnectionChoice::number(1).unwrap());
        spec
    });
    let ids = rig.engine.add(specs.collect::<Vec<_>>(), Wish::Run).await.unwrap();
    for (number, id) in ids.into_iter().enumerate() {
        assert_eq!(rig.settled(id).await.phase, Phase::Completed);
        file.pattern().assert_file(&rig.file(&number.to_string()), MIB);
    }
    let shared = peer.requests().iter().filter(|request| request.connection == 1).count();
    assert_eq!(shared, JOBS);
    let server = rig.engine.servers().into_iter().find(|server| server.host.starts_with("localhost")).unwrap();
    assert_eq!((server.rests_until, server.profile.connection_cap), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_to_wait_that_a_server_names_to_an_upload_holds_for_the_next_one() {
    let peer = Peer::start(|_| Answer::status(503).header("Retry-After", "600")).await;
    let rig = Rig::new().await;
    for folder in ["a", "b"] {
        std::fs::create_dir(rig.file(folder)).unwrap();
        let from = rig.file(folder).join("f.bin");
        Pattern::new(1).write_file(&from, 10);
        let id = rig.add(JobSpec::new(Transfer::Upload { from, to: peer.url("in/").parse().unwrap() })).await;
        rig.until(id, |job| job.phase.kind() == PhaseKind::Waiting).await;
    }
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_a_server_takes_speaks_for_it() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let rig = Rig::new().await;
    let from = rig.file("f.bin");
    Pattern::new(1).write_file(&from, 10);
    rig.run(JobSpec::new(Transfer::Upload { from, to: peer.url("in/").parse().unwrap() })).await;
    assert_eq!(rig.engine.servers()[0].profile.reliability, Some(1.0));
}
