//! Links that expire midway: the bytes stay, a new link goes on where they end, and only where it leads to the same file.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use ropeway_model::{ConnectionChoice, FailureCode, JobId, Phase, PhaseKind, Secrets, Validation, Wish};
use ropeway_store::Store;
use ropeway_testkit::{
    Peer,
    peer::{Answer, Request, ServedFile},
};

use crate::rig::{Rig, failure};

const MIB: u64 = 1 << 20;

/// A server whose links work until `expired` is set, and then are answered as `refusal` says.
async fn expiring(file: &ServedFile, expired: &Arc<AtomicBool>, refusal: fn() -> Answer) -> Peer {
    let (served, expired) = (file.clone(), Arc::clone(expired));
    Peer::start(move |request| if expired.load(SeqCst) { refusal() } else { served.answer(request).drip(2 * MIB) })
        .await
}

/// A download that has some bytes and whose link has expired.
async fn expired_job(rig: &Rig, peer: &Peer, expired: &Arc<AtomicBool>) -> JobId {
    let mut spec = rig.download(&peer.url("a.bin"));
    // On one connection the bytes that are here end at one place, and no split makes the server send some twice.
    spec.connections = ConnectionChoice::number(1).ok();
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > 2 * MIB).await;
    rig.engine.pause(&[id]).await.unwrap();
    rig.settled(id).await;
    expired.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    rig.until(id, |job| job.phase.kind() == PhaseKind::LinkExpired || job.phase.kind() == PhaseKind::Failed).await;
    id
}

fn bytes_sent(requests: &[Request]) -> u64 {
    requests.iter().map(|request| request.bytes_sent).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_expired_link_answers_the_bytes_stay_and_no_try_is_wasted() {
    let refusals: [(fn() -> Answer, FailureCode); 6] = [
        (|| Answer::status(401), FailureCode::Unauthorized),
        (|| Answer::status(403), FailureCode::Forbidden),
        (|| Answer::status(404), FailureCode::NotFound),
        (|| Answer::status(410), FailureCode::Gone),
        (
            || Answer::status(200).header("Content-Type", "text/html").body("<h1>Please log in</h1>"),
            FailureCode::UnexpectedContent,
        ),
        // A portal's page is a file of the portal's, with marks of its own.
        (
            || {
                let page = Answer::status(200).header("Content-Type", "text/html").header("ETag", "\"portal\"");
                page.header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT").body("<h1>Please log in</h1>")
            },
            FailureCode::UnexpectedContent,
        ),
    ];
    for (refusal, code) in refusals {
        let file = ServedFile::new(60, 8 * MIB);
        let expired = Arc::new(AtomicBool::new(false));
        let peer = expiring(&file, &expired, refusal).await;
        let rig = Rig::new().await;
        let id = expired_job(&rig, &peer, &expired).await;
        let job = rig.engine.job(id).unwrap();
        assert!(matches!(&job.phase, Phase::LinkExpired { failure } if failure.code == code), "{:?}", job.phase);
        assert!(job.progress.durable > 2 * MIB && rig.file("a.bin.part").exists());
        let rig = rig.restart().await;
        assert_eq!(rig.engine.job(id).unwrap().phase.kind(), PhaseKind::LinkExpired, "it survives the process");
        expired.store(false, SeqCst);
        rig.engine.resume(&[id]).await.unwrap();
        assert_eq!(rig.settled(id).await.phase, Phase::Completed, "a link that works again goes on");
        file.pattern().assert_file(&rig.file("a.bin"), file.length());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_never_worked_is_a_failure() {
    let peer = Peer::start(|_| Answer::status(404)).await;
    let rig = Rig::new().await;
    assert_eq!(failure(&rig.run(rig.download(&peer.url("a.bin"))).await).code, FailureCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_saved_where_the_name_does_not_promise_something_else() {
    const PAGE: &str = "\n<!DOCTYPE html><title>Log in</title>";
    for (path, media_type, body, is_saved) in [
        ("disk.iso", "text/html; charset=utf-8", PAGE, false),
        ("disk.iso", "text/html", "no markup: a label that somebody forgot to set", true),
        ("disk.iso", "application/octet-stream", PAGE, true),
        ("index.html", "text/html", PAGE, true),
        ("download?file=disk.iso", "text/html", PAGE, true),
    ] {
        let peer = Peer::start(move |_| Answer::status(200).header("Content-Type", media_type).body(body)).await;
        let rig = Rig::new().await;
        let job = rig.run(rig.download(&peer.url(path))).await;
        assert_eq!(job.phase == Phase::Completed, is_saved, "{path} as {media_type}: {:?}", job.phase);
        if is_saved {
            assert_eq!(std::fs::read_to_string(job.final_path.unwrap()).unwrap(), body);
        } else {
            assert_eq!(failure(&job).code, FailureCode::UnexpectedContent);
            assert_eq!(std::fs::read_dir(rig.folder.path()).unwrap().count(), 0, "no file, and no part of one");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_to_the_same_file_keeps_every_byte() {
    let file = ServedFile::new(61, 8 * MIB);
    let expired = Arc::new(AtomicBool::new(false));
    let peer = expiring(&file, &expired, || Answer::status(403)).await;
    let rig = Rig::new().await;
    let id = expired_job(&rig, &peer, &expired).await;
    let durable = rig.engine.job(id).unwrap().progress.durable;
    // Another server, with a tag of its own for the same bytes.
    let mirror = Peer::serve(file.clone().header("ETag", "\"mirror\"")).await;
    rig.engine.renew(id, mirror.url("other-name.bin?token=2").parse().unwrap()).await.unwrap();
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    let log = rig.engine.detail(id).await.unwrap().log;
    assert!(log.iter().any(|(_, line)| line.contains("the same file: the same bytes")), "{log:?}");
    assert!(!log.iter().any(|(_, line)| line.contains("left out")), "there were no headers: {log:?}");
    assert_eq!(job.validation, Some(Validation::Overlap), "the new server's tag says nothing of the old bytes");
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    let fetched = bytes_sent(&mirror.requests());
    assert!(
        fetched <= file.length() - durable + MIB + MIB / 2,
        "{fetched} bytes for {} missing",
        file.length() - durable
    );
    assert!(mirror.requests().iter().all(|request| request.range().is_some()));
    assert_eq!(job.spec.host(), format!("127.0.0.1:{}", mirror.port()));
    let rows = Store::open(&rig.database()).await.unwrap().jobs().await.unwrap();
    let remote = rows.into_iter().find(|row| row.id == id).and_then(|row| row.remote).unwrap();
    assert_eq!(remote.validator.entity_tag.unwrap().as_str(), "\"mirror\"", "its next ranges are of that version");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_strong_tag_proves_the_file_without_a_comparison() {
    let file = ServedFile::new(62, 8 * MIB);
    let expired = Arc::new(AtomicBool::new(false));
    let peer = expiring(&file, &expired, || Answer::status(410)).await;
    let rig = Rig::new().await;
    let id = expired_job(&rig, &peer, &expired).await;
    let mirror = Peer::serve(file.clone()).await;
    rig.engine.renew(id, mirror.url("b.bin").parse().unwrap()).await.unwrap();
    let job = rig.settled(id).await;
    assert_eq!((job.phase, job.validation), (Phase::Completed, Some(Validation::StrongTag)));
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_to_another_file_is_refused_and_the_bytes_wait_for_a_better_one() {
    let file = ServedFile::new(63, 8 * MIB);
    let others =
        [ServedFile::new(64, 8 * MIB), ServedFile::new(63, 9 * MIB), ServedFile::new(64, 8 * MIB).without_validators()];
    let expired = Arc::new(AtomicBool::new(false));
    let peer = expiring(&file, &expired, || Answer::status(403)).await;
    let rig = Rig::new().await;
    let id = expired_job(&rig, &peer, &expired).await;
    let durable = rig.engine.job(id).unwrap().progress.durable;
    for other in others {
        let wrong = Peer::serve(other).await;
        rig.engine.renew(id, wrong.url("b.bin").parse().unwrap()).await.unwrap();
        let job = rig.settled(id).await;
        assert_eq!(failure(&job).code, FailureCode::RenewedLinkDiffers, "{:?}", job.phase);
        assert_eq!(job.progress.durable, durable);
    }
    let one_stream = file.clone();
    let whole_only = Peer::start(move |_| one_stream.whole()).await;
    rig.engine.renew(id, whole_only.url("c.bin").parse().unwrap()).await.unwrap();
    assert_eq!(failure(&rig.settled(id).await).code, FailureCode::RenewedLinkDiffers, "nothing to compare by");
    let rig = rig.restart().await;
    let right = Peer::serve(file.clone().without_validators()).await;
    rig.engine.renew(id, right.url("d.bin").parse().unwrap()).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_stay_with_the_server_they_were_given_for() {
    let file = ServedFile::new(65, 100_000);
    let rig = Rig::new().await;
    let (first, second) = (Peer::serve(file.clone()).await, Peer::serve(file.clone()).await);
    let mut spec = rig.download(&first.url("a.bin"));
    spec.secrets = Secrets::of(&spec.address().clone(), vec!["X-Api-Key: secret".parse().unwrap()]);
    let id = rig.engine.add(vec![spec], Wish::Pause).await.unwrap()[0];
    rig.engine.renew(id, second.url("a.bin").parse().unwrap()).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    assert_eq!((first.requests().len(), second.requests()[0].header("X-Api-Key")), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_download_at_rest_gets_a_new_link() {
    let file = ServedFile::new(66, 8 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(MIB)).await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > 0).await;
    let link: ropeway_model::SafeUrl = peer.url("b.bin").parse().unwrap();
    assert!(rig.engine.renew(id, link.clone()).await.is_err());
    assert!(rig.engine.renew(JobId::from_row(99), link.clone()).await.is_err());
    rig.engine.cancel(&[id]).await.unwrap();
    rig.settled(id).await;
    assert!(rig.engine.renew(id, link).await.is_err());
}
