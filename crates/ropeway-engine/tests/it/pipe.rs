//! A file that goes to a stream, beside the queue and by its rules.

use std::sync::Arc;

use ropeway_engine::Piped;
use ropeway_model::{Failure, FailureCode, JobSpec, Network, Schedule, ScheduleEffect, ScheduleRule};
use ropeway_testkit::{Peer, peer::ServedFile};

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
        0 => served.answer(request).stall_after(256 * KIB),
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
