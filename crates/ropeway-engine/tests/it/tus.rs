//! Uploads to a server that appends: they go on where the server stands, and never mix two versions of a file.

use std::{fs, sync::Arc, time::Duration};

use parking_lot::Mutex;
use ropeway_engine::Verification;
use ropeway_model::{Digest, FailureCode, JobSpec, Phase, PhaseKind, Transfer};
use ropeway_testkit::{
    Pattern,
    peer::{Request, TusFault, TusOffer, TusServer},
};

use crate::rig::{Rig, failure};

const MIB: u64 = 1 << 20;
const PATTERN: Pattern = Pattern::new(7);

/// The faults of the first requests with a method; those behind them are answered well.
async fn breaking(offer: TusOffer, method: &'static str, faults: &[TusFault]) -> TusServer {
    let left = Mutex::new(faults.iter().rev().copied().collect::<Vec<_>>());
    let next = move |request: &Request| if request.method == method { left.lock().pop() } else { None };
    TusServer::start(offer, move |request| next(request).unwrap_or(TusFault::None)).await
}

async fn honest() -> TusServer {
    breaking(TusOffer { extensions: "creation,termination", ..TusOffer::default() }, "", &[]).await
}

fn upload(rig: &Rig, length: u64, server: &TusServer) -> JobSpec {
    let from = rig.file("a.bin");
    PATTERN.write_file(&from, length);
    JobSpec::new(Transfer::Upload { from, to: server.target().parse().unwrap() })
}

/// The last upload that the server has, byte for byte the pattern.
fn assert_arrived(server: &TusServer, pattern: Pattern, length: u64) {
    let upload = server.uploads().pop().unwrap().unwrap();
    assert!(upload.length == length && upload.bytes == pattern.bytes(0, length), "the server has another file");
}

fn offsets(server: &TusServer) -> Vec<u64> {
    let parts = server.requests().into_iter().filter(|request| request.method == "PATCH");
    parts.map(|request| request.header("Upload-Offset").unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_arrives_in_growing_parts_with_what_proves_it() {
    let server = honest().await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, 41 * MIB, &server)).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Length)));
    assert_eq!((job.progress.moved, job.progress.durable), (41 * MIB, 41 * MIB));
    assert_arrived(&server, PATTERN, 41 * MIB);
    assert_eq!((offsets(&server), server.received()), (vec![0, 8 * MIB, 40 * MIB], 41 * MIB));
    assert_eq!(job.digest.map(|digest| digest.hex()), Some(PATTERN.sha256(41 * MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_off_goes_on_where_the_server_stands() {
    let faults = [TusFault::Cut(3 * MIB), TusFault::LostAnswer, TusFault::Status(409), TusFault::Gathered];
    let server = breaking(TusOffer::default(), "PATCH", &faults).await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, 20 * MIB, &server)).await;
    assert_eq!(job.phase, Phase::Completed);
    assert_arrived(&server, PATTERN, 20 * MIB);
    // What was gathered and what met the wrong offset came twice.
    assert_eq!(offsets(&server), [0, 3, 11, 11, 11, 19].map(|offset| offset * MIB));
    assert_eq!(job.digest.map(|digest| digest.hex()), Some(PATTERN.sha256(20 * MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_sends_only_what_the_server_does_not_have() {
    let server = breaking(TusOffer::default(), "PATCH", &[TusFault::Cut(5 * MIB)]).await;
    let rig = Rig::new().await;
    let id = rig.add(upload(&rig, 9 * MIB, &server)).await;
    rig.until(id, |job| job.phase.kind() == PhaseKind::Waiting).await;
    let rig = rig.restart().await;
    rig.engine.resume(&[id]).await.unwrap();
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    assert_arrived(&server, PATTERN, 9 * MIB);
    assert_eq!((offsets(&server), server.received()), (vec![0, 5 * MIB], 9 * MIB));
    assert_eq!(job.digest.map(|digest| digest.hex()), Some(PATTERN.sha256(9 * MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_meanwhile_is_sent_anew_and_the_old_upload_is_ended() {
    let server = breaking(TusOffer::default(), "PATCH", &[TusFault::Cut(5 * MIB)]).await;
    let rig = Rig::new().await;
    let id = rig.add(upload(&rig, 9 * MIB, &server)).await;
    rig.until(id, |job| job.phase.kind() == PhaseKind::Waiting).await;
    rig.engine.pause(&[id]).await.unwrap();
    Pattern::new(8).write_file(&rig.file("a.bin"), 9 * MIB);
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    assert_arrived(&server, Pattern::new(8), 9 * MIB);
    assert_eq!(server.uploads().iter().filter(|upload| upload.is_some()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_between_two_parts_is_sent_anew() {
    let path = Arc::new(Mutex::new(None));
    let changed = Arc::clone(&path);
    let server = TusServer::start(TusOffer::default(), move |request| {
        if request.header("Upload-Offset").is_some_and(|offset| offset == "0") {
            let _ = changed.lock().take().map(|path: std::path::PathBuf| Pattern::new(8).write_file(&path, 9 * MIB));
        }
        TusFault::None
    })
    .await;
    let rig = Rig::new().await;
    let spec = upload(&rig, 9 * MIB, &server);
    *path.lock() = Some(rig.file("a.bin"));
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    assert_arrived(&server, Pattern::new(8), 9 * MIB);
    assert_eq!(job.digest.map(|digest| digest.hex()), Some(Pattern::new(8).sha256(9 * MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_had_of_an_earlier_version_is_not_recorded_of_the_next() {
    let path = Arc::new(Mutex::new(None));
    let changed = Arc::clone(&path);
    let offer = TusOffer { extensions: "creation,creation-with-upload", ..TusOffer::default() };
    let server = TusServer::start(offer, move |request| {
        if request.method == "POST" {
            let _ = changed.lock().take().map(|path: std::path::PathBuf| Pattern::new(8).write_file(&path, 2 * MIB));
        }
        if request.method == "PATCH" { TusFault::Status(503) } else { TusFault::None }
    })
    .await;
    let rig = Rig::new().await;
    let spec = upload(&rig, MIB, &server);
    *path.lock() = Some(rig.file("a.bin"));
    let id = rig.add(spec).await;
    let is_refused = |phase: &Phase| match phase {
        Phase::Waiting { cause, .. } => cause.code != FailureCode::SourceChanged,
        _ => false,
    };
    rig.until(id, |job| is_refused(&job.phase)).await;
    rig.engine.pause(&[id]).await.unwrap();
    let rig = rig.restart().await;
    assert_eq!(rig.engine.job(id).unwrap().progress.durable, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_too_large_for_what_stands_before_the_server_are_made_smaller() {
    let offer = TusOffer { largest_body: Some(MIB), ..TusOffer::default() };
    let server = breaking(offer, "", &[]).await;
    let rig = Rig::new().await;
    assert_eq!(rig.run(upload(&rig, 5 * MIB, &server)).await.phase, Phase::Completed);
    assert_arrived(&server, PATTERN, 5 * MIB);
    let refused = server.requests().iter().filter(|request| request.content_length().unwrap_or(0) > MIB).count();
    assert_eq!(refused, 3, "5, 2.5 and 1.25 MiB, and none after that");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_the_server_forgot_begins_anew_and_a_server_that_keeps_none_is_left() {
    let server = breaking(TusOffer::default(), "PATCH", &[TusFault::None, TusFault::Forget]).await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, 20 * MIB, &server)).await;
    assert_eq!(job.phase, Phase::Completed);
    assert_arrived(&server, PATTERN, 20 * MIB);
    assert_eq!(job.digest.map(|digest| digest.hex()), Some(PATTERN.sha256(20 * MIB)));
    let forgetful = breaking(TusOffer::default(), "PATCH", &[TusFault::Forget; 100]).await;
    let job = rig.run(upload(&rig, 20 * MIB, &forgetful)).await;
    assert_eq!(failure(&job).code, FailureCode::BadResponse, "{:?}", job.phase);
    assert!(forgetful.requests().len() < 40, "{}", forgetful.requests().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_ended_at_the_server_whether_it_runs_or_not() {
    for is_paused in [true, false] {
        let server = honest().await;
        let rig = Rig::new().await;
        let mut spec = upload(&rig, 20 * MIB, &server);
        spec.rate_limit = ropeway_model::ByteRate::new(MIB);
        let id = rig.add(spec).await;
        rig.until(id, |job| job.progress.moved > 0).await;
        if is_paused {
            rig.engine.pause(&[id]).await.unwrap();
            rig.settled(id).await;
        }
        rig.engine.cancel(&[id]).await.unwrap();
        rig.settled(id).await;
        assert!(server.uploads()[0].is_none(), "paused: {is_paused}");
        assert_eq!(server.methods().last().unwrap(), "DELETE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_of_each_part_proves_the_file_and_damage_on_the_way_is_sent_again() {
    let offer = TusOffer { extensions: "creation,checksum", ..TusOffer::default() };
    for (faults, sent) in [(&[][..], 9 * MIB), (&[TusFault::Damage], 17 * MIB)] {
        let server = breaking(offer.clone(), "PATCH", faults).await;
        let rig = Rig::new().await;
        let job = rig.run(upload(&rig, 9 * MIB, &server)).await;
        assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::ChecksumOfServer)));
        assert_arrived(&server, PATTERN, 9 * MIB);
        assert_eq!(server.received(), sent);
    }
    let damaging = breaking(offer, "PATCH", &[TusFault::Damage; 100]).await;
    let rig = Rig::new().await;
    rig.engine.set_tries(1);
    let job = rig.run(upload(&rig, MIB, &damaging)).await;
    assert_eq!(failure(&job).code, FailureCode::BadResponse);
    assert!(damaging.requests().len() < 12, "{}", damaging.requests().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_acknowledged_with_its_checksum_is_compared() {
    let offer = TusOffer { extensions: "creation,checksum", ..TusOffer::default() };
    for (offer, faults) in [
        // No part was ever acknowledged.
        (TusOffer::default(), &[TusFault::LostAnswer][..]),
        (offer.clone(), &[TusFault::LostAnswer]),
        // The half of a part that stayed was compared by nobody.
        (offer.clone(), &[TusFault::Cut(3 * MIB)]),
        (offer.clone(), &[TusFault::None, TusFault::Cut(100_000)]),
    ] {
        let server = breaking(offer, "PATCH", faults).await;
        let rig = Rig::new().await;
        let job = rig.run(upload(&rig, 9 * MIB, &server)).await;
        assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Length)), "{faults:?}");
    }
    let server = breaking(offer, "", &[]).await;
    let rig = Rig::new().await;
    let empty = rig.run(upload(&rig, 0, &server)).await;
    assert_eq!(empty.verification, Some(Verification::Length));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compared_stays_so_over_a_restart() {
    let offer = TusOffer { extensions: "creation,checksum", ..TusOffer::default() };
    let server = breaking(offer, "PATCH", &[TusFault::None, TusFault::Gathered]).await;
    let rig = Rig::new().await;
    let id = rig.add(upload(&rig, 12 * MIB, &server)).await;
    rig.until(id, |job| job.phase.kind() == PhaseKind::Waiting).await;
    let rig = rig.restart().await;
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.verification, Some(Verification::ChecksumOfServer));
    assert_arrived(&server, PATTERN, 12 * MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_more_than_was_sent_has_another_upload() {
    for claimed in [15 * MIB, 20 * MIB] {
        let asked = Mutex::new(0);
        let server = TusServer::start(TusOffer::default(), move |request| match request.method.as_str() {
            "PATCH" if request.number < 4 => TusFault::Cut(5 * MIB),
            "HEAD" => {
                *asked.lock() += 1;
                if *asked.lock() == 1 { TusFault::Claims(claimed) } else { TusFault::None }
            }
            _ => TusFault::None,
        })
        .await;
        let rig = Rig::new().await;
        let job = rig.run(upload(&rig, 20 * MIB, &server)).await;
        assert_eq!(job.phase, Phase::Completed, "{claimed}");
        assert_arrived(&server, PATTERN, 20 * MIB);
        assert_eq!(server.uploads().len(), 2, "{claimed}");
    }
    let renamed = TusServer::start(TusOffer::default(), |request| match request.method.as_str() {
        "PATCH" if request.number < 4 => TusFault::Cut(5 * MIB),
        "HEAD" => TusFault::OtherName,
        _ => TusFault::None,
    })
    .await;
    let rig = Rig::new().await;
    assert_eq!(rig.run(upload(&rig, 20 * MIB, &renamed)).await.phase, Phase::Completed);
    assert_arrived(&renamed, PATTERN, 20 * MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_refused_at_its_end_is_not_there_the_next_time() {
    let server = breaking(TusOffer::default(), "PATCH", &[TusFault::Refused(403)]).await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, MIB, &server)).await;
    assert_eq!(failure(&job).code, FailureCode::Forbidden);
    assert!(server.uploads()[0].is_none(), "it is ended");
    rig.engine.resume(&[job.id]).await.unwrap();
    assert_eq!(rig.settled(job.id).await.phase, Phase::Completed);
    assert_eq!(server.received(), 2 * MIB, "and sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_every_long_request_gets_shorter_ones() {
    let server = TusServer::start(TusOffer::default(), |request| {
        if request.content_length().unwrap_or(0) > 2 * MIB { TusFault::Gathered } else { TusFault::None }
    })
    .await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, 3 * MIB, &server)).await;
    assert_eq!(job.phase, Phase::Completed, "{job:?}");
    assert_arrived(&server, PATTERN, 3 * MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_to_and_fro_is_no_progress() {
    let server = TusServer::start(TusOffer::default(), |request| match request.method.as_str() {
        "PATCH" => TusFault::Cut(MIB),
        // Each time it has lost what it had.
        "HEAD" => TusFault::Forget,
        _ => TusFault::None,
    })
    .await;
    let rig = Rig::new().await;
    rig.engine.set_tries(3);
    let job = rig.run(upload(&rig, 9 * MIB, &server)).await;
    assert!(matches!(job.phase, Phase::Failed { .. }), "{job:?}");
    assert!(server.requests().len() < 40, "{}", server.requests().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_its_checksum_is_not_sent() {
    let server = honest().await;
    let rig = Rig::new().await;
    let mut spec = upload(&rig, MIB, &server);
    spec.checksum = Some(format!("sha256:{}", PATTERN.sha256(5)).parse::<Digest>().unwrap());
    let job = rig.run(spec).await;
    assert_eq!((failure(&job).code, server.requests().len()), (FailureCode::DigestMismatch, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_until_when_the_server_keeps_what_it_has() {
    let offer = TusOffer { expires: Some("Wed, 25 Jun 2031 16:00:00 GMT"), ..TusOffer::default() };
    let server = breaking(offer, "", &[]).await;
    let rig = Rig::new().await;
    let job = rig.run(upload(&rig, 2 * MIB, &server)).await;
    let log = rig.engine.detail(job.id).await.unwrap().log;
    let told = "the server keeps what it has until Wed, 25 Jun 2031 16:00:00 GMT";
    assert!(log.iter().any(|(_, line)| line == told), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_and_empty_ones_arrive_with_their_creation() {
    let offer = TusOffer { extensions: "creation,creation-with-upload", ..TusOffer::default() };
    let server = breaking(offer, "", &[]).await;
    let rig = Rig::new().await;
    for length in [0, 1, 70_000] {
        assert_eq!(rig.run(upload(&rig, length, &server)).await.phase, Phase::Completed);
        assert_arrived(&server, PATTERN, length);
    }
    assert_eq!(server.methods(), ["OPTIONS", "POST", "POST", "POST"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_over_parts_and_an_upload_that_is_paused_goes_on() {
    let server = honest().await;
    let rig = Rig::new().await;
    let mut spec = upload(&rig, 3 * MIB, &server);
    spec.rate_limit = ropeway_model::ByteRate::new(2 * MIB);
    let began = std::time::Instant::now();
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > MIB / 2).await;
    rig.engine.pause(&[id]).await.unwrap();
    let paused = rig.settled(id).await;
    assert!(paused.progress.durable <= paused.progress.moved && paused.phase == Phase::Paused);
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
    assert_arrived(&server, PATTERN, 3 * MIB);
    // The server kept what had come when the pause ended the request.
    assert!(server.received() < 4 * MIB, "{}", server.received());
    fs::remove_file(rig.file("a.bin")).unwrap();
}
