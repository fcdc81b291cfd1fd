//! Where a redirect led is of no use any more: the user's own address knows another place.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use ropeway_model::{ConnectionChoice, Phase, PhaseKind};
use ropeway_testkit::{
    Peer,
    peer::{Answer, ServedFile},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;
const LENGTH: u64 = 8 * MIB;
/// `handshake_failure`, fatal (RFC 8446 §6).
const ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

/// A server whose address leads to `first`, and to `then` once that is `over`.
async fn leading(first: String, then: String, over: &Arc<AtomicBool>) -> Peer {
    let over = Arc::clone(over);
    Peer::start(move |_| Answer::redirect(302, if over.load(SeqCst) { &then } else { &first })).await
}

/// Fetches a part, has the first place fail, and goes on.
async fn interrupted(rig: &Rig, own: &Peer, over: &AtomicBool, ca_file: Option<std::path::PathBuf>) {
    let mut spec = rig.download(&own.url("a.bin"));
    spec.connections = ConnectionChoice::number(1).ok();
    spec.network.ca_file = ca_file;
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > 2 * MIB).await;
    rig.engine.pause(&[id]).await.unwrap();
    rig.settled(id).await;
    over.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    let job = rig.until(id, |job| job.phase.is_terminal() || job.phase.kind() == PhaseKind::Waiting).await;
    assert_eq!(job.phase, Phase::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_wants_to_be_left_alone_is_and_the_users_own_address_is_asked_meanwhile() {
    let busy: [fn() -> Answer; 4] = [
        || Answer::status(429),
        || Answer::status(429).header("Retry-After", "600"),
        || Answer::status(503).header("Retry-After", "600"),
        || Answer::status(403).header("Retry-After", "600"),
    ];
    for refusal in busy {
        let (file, over) = (ServedFile::new(110, LENGTH), Arc::new(AtomicBool::new(false)));
        let (served, is_over) = (file.clone(), Arc::clone(&over));
        let first = Peer::start(
            move |request| {
                if is_over.load(SeqCst) { refusal() } else { served.answer(request).drip(4 * MIB) }
            },
        )
        .await;
        let then = Peer::serve(file.clone()).await;
        let own = leading(first.url("x"), then.url("y"), &over).await;
        let rig = Rig::new().await;
        interrupted(&rig, &own, &over, None).await;
        file.pattern().assert_file(&rig.file("x"), LENGTH);
        assert_eq!(first.requests().len(), 2, "the answer that stopped, and the refusal");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_wants_to_be_left_alone_is_not_come_to_by_way_of_the_users_own_address_either() {
    let (file, over) = (ServedFile::new(111, LENGTH), Arc::new(AtomicBool::new(false)));
    let (served, is_over) = (file.clone(), Arc::clone(&over));
    let first = Peer::start(move |request| {
        let is_busy = is_over.load(SeqCst);
        if is_busy { Answer::status(503).header("Retry-After", "600") } else { served.answer(request).drip(4 * MIB) }
    })
    .await;
    let own = leading(first.url("x"), first.url("y"), &over).await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&own.url("a.bin"));
    spec.connections = ConnectionChoice::number(1).ok();
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.moved > 2 * MIB).await;
    rig.engine.pause(&[id]).await.unwrap();
    rig.settled(id).await;
    over.store(true, SeqCst);
    rig.engine.resume(&[id]).await.unwrap();
    rig.until(id, |job| job.phase.kind() == PhaseKind::Waiting).await;
    assert_eq!((first.requests().len(), own.requests().len()), (2, 2));
}

/// A way to the server at `port` that refuses every handshake once it is `over`.
async fn front(port: u16, over: &Arc<AtomicBool>) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (own, over) = (listener.local_addr().unwrap().port(), Arc::clone(over));
    let listening = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            if over.load(SeqCst) {
                // The greeting is read, or the close would become a reset.
                drop(client.read(&mut [0; 4096]).await);
                drop(client.write_all(ALERT).await);
                continue;
            }
            let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { drop(copy_bidirectional(&mut client, &mut server).await) });
        }
    });
    (own, listening)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_own_address_is_asked_where_a_handshake_is_refused() {
    let (file, over) = (ServedFile::new(112, LENGTH), Arc::new(AtomicBool::new(false)));
    let served = file.clone();
    let first = Peer::start_tls("localhost", move |request| served.answer(request).drip(4 * MIB)).await;
    let (port, listening) = front(first.port(), &over).await;
    let then = Peer::serve(file.clone()).await;
    let own = leading(format!("https://localhost:{port}/x"), then.url("y"), &over).await;
    let rig = Rig::new().await;
    interrupted(&rig, &own, &over, Some(first.ca_file())).await;
    file.pattern().assert_file(&rig.file("x"), LENGTH);
    listening.abort();
}
