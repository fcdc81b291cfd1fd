//! A file that goes to a stream, beside the queue and by its rules.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ropeway_engine::{Piped, Verification};
use ropeway_flow::digest::Hasher;
use ropeway_model::{Algorithm, Failure, FailureCode, JobSpec, Network, Schedule, ScheduleEffect, ScheduleRule};
use ropeway_testkit::{
    Peer,
    peer::{Answer, Cut, Framing, Request, ServedFile},
};

use crate::rig::Rig;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The bytes that came, and how it ended.
async fn piped(rig: &Rig, spec: &JobSpec) -> (Vec<u8>, Result<Piped, Failure>) {
    let mut sink = Vec::new();
    let ended = rig.engine.pipe(spec, &mut sink, &|_, _| {}).await;
    (sink, ended)
}

fn assert_is(file: &ServedFile, bytes: &[u8]) {
    assert!(file.pattern().bytes(0, file.length()) == bytes, "{} bytes came, or other ones", bytes.len());
}

/// A schedule that lets nothing move, at any hour.
fn never() -> Schedule {
    Schedule::new(vec![ScheduleRule::new(&[1, 2, 3, 4, 5, 6, 7], 0, 0, ScheduleEffect::Pause).unwrap()])
}

#[tokio::test]
async fn nothing_is_fetched_beside_a_queue_that_is_held() {
    let peer = Peer::serve(ServedFile::new(7, 1000)).await;
    let rig = Rig::new().await;
    let id = rig.run(rig.download(&peer.url("a.bin"))).await.id;
    let before = peer.requests().len();
    rig.engine.hold(true);
    let (bytes, ended) = piped(&rig, &rig.download(&peer.url("b.bin"))).await;
    assert_eq!((bytes.len(), ended.unwrap_err().code), (0, FailureCode::StateFailed));
    let url = peer.url("c.metalink").parse().unwrap();
    let read = rig.engine.read_document(&url, &Network::default(), Vec::new(), 1000).await;
    assert_eq!(read.unwrap_err().code, FailureCode::StateFailed);
    assert!(rig.engine.find_checksums(id).await.is_err() && rig.engine.repair(id).await.is_err());
    assert_eq!(peer.requests().len(), before, "the server was asked all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_stops_where_the_schedule_pauses_and_goes_on_there_afterwards() {
    let file = ServedFile::new(7, MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.number {
        1 => served.answer(request).stall_after(256 * KIB),
        _ => served.answer(request),
    })
    .await;
    let rig = Rig::with(|config| config.schedule = never()).await;
    let (spec, engine) = (rig.download(&peer.url("a.bin")), rig.engine.clone());
    let some_came = Arc::new(tokio::sync::Notify::new());
    let came = Arc::clone(&some_came);
    let piping = tokio::spawn(async move {
        let mut sink = Vec::new();
        let progress = move |moved, _| {
            if moved > 0 {
                came.notify_one();
            }
        };
        let ended = engine.pipe(&spec, &mut sink, &progress).await;
        (sink, ended)
    });
    tokio::task::yield_now().await;
    assert!(peer.requests().is_empty() && !piping.is_finished(), "it waits for the end of the pause");

    rig.engine.set_schedule(Schedule::default());
    some_came.notified().await;
    rig.engine.set_schedule(never());
    while rig.engine.servers().iter().any(|server| server.connections > 0) {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    rig.engine.set_schedule(Schedule::default());
    let (bytes, ended) = piping.await.unwrap();
    assert_eq!(ended.unwrap().length, MIB);
    assert_is(&file, &bytes);
    let (start, _) = peer.requests()[1].range().expect("it goes on where it was");
    assert!(start > 0, "{start}");
}

/// What comes of a file of 1 MiB whose first answer breaks at 512 KiB, with what `later` answers.
async fn broken(
    first: Answer,
    later: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (Vec<u8>, Result<Piped, Failure>) {
    let asked = AtomicUsize::new(0);
    let peer = Peer::start(move |request: &Request| match asked.fetch_add(1, SeqCst) {
        0 => first.clone().cut_after(512 * KIB, Cut::End),
        _ => later(request),
    })
    .await;
    let rig = Rig::new().await;
    piped(&rig, &rig.download(&peer.url("a.bin"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_shorter_by_now_than_what_was_handed_on_is_another_one() {
    let old = ServedFile::new(7, MIB).without_validators();
    let nameless = |length| ServedFile::new(7, length).without_validators().whole().framing(Framing::Chunked);
    for (first, later) in [
        (old.whole(), ServedFile::new(7, 300 * KIB).without_validators().whole()),
        (nameless(MIB), nameless(0)),
        (nameless(MIB), nameless(300 * KIB)),
        (nameless(MIB), ServedFile::new(7, 300 * KIB).without_validators().whole()),
    ] {
        let (bytes, ended) = broken(first, move |request| match request.range() {
            Some(_) => Answer::status(403),
            None => later.clone(),
        })
        .await;
        assert_eq!(ended.unwrap_err().code, FailureCode::RemoteChanged);
        assert!(bytes.len() as u64 <= 512 * KIB, "{}", bytes.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_length_that_only_a_later_answer_tells_is_the_end() {
    let file = ServedFile::new(7, MIB).without_validators();
    let served = file.clone();
    // It sends no more than 100 KiB at a time.
    let (bytes, ended) = broken(file.whole().framing(Framing::Chunked), move |request| match request.range() {
        Some((start, end)) => served.part(start, end.unwrap_or(MIB).min(start + 100 * KIB).min(MIB)),
        None => served.whole(),
    })
    .await;
    assert_eq!(ended.unwrap().length, MIB);
    assert_is(&file, &bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_the_rest_from_elsewhere_is_asked_for_the_whole_file() {
    let file = ServedFile::new(7, MIB);
    let served = file.clone();
    let (bytes, ended) = broken(file.whole(), move |request| match request.range() {
        Some(_) => served.part(0, MIB),
        None => served.whole(),
    })
    .await;
    assert_eq!(ended.unwrap().length, MIB);
    assert_is(&file, &bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tag_for_the_same_bytes_ends_no_stream() {
    let file = ServedFile::new(7, MIB).header("ETag", "\"one\"");
    let other = file.clone().header("ETag", "\"two\"");
    let (bytes, ended) = broken(file.whole(), move |request| match request.range() {
        Some((start, _)) => other.part(start, MIB),
        None => other.whole(),
    })
    .await;
    assert_eq!(ended.unwrap().length, MIB);
    assert_is(&file, &bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_redirect_led_and_leads_no_more_is_asked_at_the_users_own_address() {
    let file = ServedFile::new(7, MIB);
    let (first, second) = (file.clone(), file.clone());
    let gone = Peer::start(move |request| match request.range() {
        None => first.whole().cut_after(512 * KIB, Cut::Reset),
        Some(_) => Answer::status(403),
    })
    .await;
    let alive = Peer::start(move |request| second.answer(request)).await;
    let targets = [gone.url("a.bin"), alive.url("a.bin")];
    let asked = AtomicUsize::new(0);
    let own = Peer::start(move |_: &Request| {
        Answer::redirect(302, &targets[asked.fetch_add(1, SeqCst).min(1)]).header("Set-Cookie", "visit=1")
    })
    .await;
    let rig = Rig::new().await;
    let (bytes, ended) = piped(&rig, &rig.download(&own.url("a.bin"))).await;
    assert_eq!(ended.unwrap().length, MIB);
    assert_is(&file, &bytes);
    assert!(gone.requests().len() <= 3, "{} requests to where nothing is", gone.requests().len());
    assert_eq!(own.requests()[1].header("Cookie"), Some("visit=1"), "cookies are kept for as long as the stream lasts");
    assert!(alive.requests()[0].range().is_some(), "it goes on where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_takes_over_where_the_first_address_gives_nothing_more() {
    let file = ServedFile::new(7, MIB).without_validators();
    for (given, first) in [(None, Answer::status(404)), (Some(()), file.whole().cut_after(512 * KIB, Cut::Reset))] {
        let asked = AtomicUsize::new(0);
        let peer = Peer::start(move |_: &Request| match asked.fetch_add(1, SeqCst) {
            0 => first.clone(),
            _ => Answer::status(404),
        })
        .await;
        let mirror = Peer::serve(file.clone()).await;
        let rig = Rig::new().await;
        let mirrors = vec![mirror.url("a.bin").parse().unwrap()];
        let spec = JobSpec { mirrors, ..rig.download(&peer.url("a.bin")) };
        let (bytes, ended) = piped(&rig, &spec).await;
        assert_eq!(ended.unwrap().length, MIB, "{given:?}");
        assert_is(&file, &bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_held_against_the_digest_that_the_server_announces() {
    let file = ServedFile::new(7, 1000);
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(&file.pattern().bytes(0, 1000));
    let right = hasher.finish().bytes().to_vec();
    for (digest, expected) in
        [(right, Ok(Verification::ChecksumOfServer)), (vec![0; 32], Err(FailureCode::DigestMismatch))]
    {
        let field = format!("sha-256=:{}:", STANDARD.encode(digest));
        let peer = Peer::serve(file.clone().header("Repr-Digest", &field)).await;
        let rig = Rig::new().await;
        let (_, ended) = piped(&rig, &rig.download(&peer.url("a.bin"))).await;
        assert_eq!(ended.map(|piped| piped.verification).map_err(|failure| failure.code), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_tried_as_often_as_the_user_chose() {
    let peer = Peer::start(|_: &Request| Answer::status(500)).await;
    let rig = Rig::new().await;
    rig.engine.set_tries(1);
    let (_, ended) = piped(&rig, &rig.download(&peer.url("a.bin"))).await;
    assert_eq!((ended.unwrap_err().code, peer.requests().len()), (FailureCode::ServerUnavailable, 1));
}
