//! What an engine keeps between two processes: secrets no longer than needed, and what can be read of a damaged queue.

use std::{fs, io::Write as _, path::Path};

use ropeway_engine::{Scope, Seams};
use ropeway_model::{Connections, JobSpec, Phase, PhaseKind, Secrets, Transfer, Wish};
use ropeway_store::Store;
use ropeway_testkit::{
    Peer,
    peer::{Cut, Framing, ServedFile},
};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;

/// Everything that the state folder holds, in one.
fn everything(database: &Path) -> Vec<u8> {
    let files = fs::read_dir(database.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| fs::read(file).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_single_commands_login_and_headers_are_in_no_file_of_its_and_it_goes_on_with_them_all_the_same() {
    let file = ServedFile::new(51, 2 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.number {
        1 => served.whole().framing(Framing::Length).cut_after(MIB, Cut::Reset),
        _ => served.answer(request).drip(64 << 10),
    })
    .await;
    let rig = Rig::with(|config| {
        config.scope = Scope::Once;
        config.limits.connections = Connections::new(1).ok();
    })
    .await;
    let url = peer.url("a.bin").replace("http://", "http://ann:hunter2secret@");
    let mut spec = rig.download(&url);
    let fields = ["Authorization: Bearer tokensecret", "X-Key: headersecret"];
    spec.secrets = Secrets::of(&spec.address().clone(), fields.map(|field| field.parse().unwrap()).into());
    spec.network.proxy = Some("http://u:proxysecret@127.0.0.1:1".parse().unwrap());
    let without_proxy = |spec: &JobSpec| JobSpec { network: ropeway_model::Network::default(), ..spec.clone() };
    let id = rig.add(without_proxy(&spec)).await;
    rig.until(id, |job| job.progress.durable > 0).await;
    rig.add(JobSpec { transfer: elsewhere(&rig), ..spec.clone() }).await;
    let kept = everything(&rig.database());
    let rig = rig.restart().await;
    let after = everything(&rig.database());
    for secret in ["hunter2secret", "tokensecret", "headersecret", "proxysecret"] {
        assert!(!holds(&kept, secret) && !holds(&after, secret), "{secret}");
    }
    assert!(holds(&after, "a.bin"), "the job itself is there");

    // The same command once more: it is taken up with what it brings along.
    let before = peer.requests().len();
    let again = rig.add(without_proxy(&spec)).await;
    assert_eq!(again, id);
    rig.until(id, |_| peer.requests().len() > before).await;
    let asked = peer.requests();
    let asked = asked.last().unwrap();
    assert_eq!(asked.header("x-key"), Some("headersecret"), "{asked:?}");
    assert_eq!(asked.header("authorization"), Some("Bearer tokensecret"));
}

fn elsewhere(rig: &Rig) -> Transfer {
    Transfer::Download {
        from: "http://bob:hunter2secret@127.0.0.1:1/b.bin".parse().unwrap(),
        into: rig.folder.path().to_owned(),
        name: None,
    }
}

#[tokio::test]
async fn what_single_commands_left_is_listed_and_forgotten_with_its_bytes() {
    let file = ServedFile::new(52, 4 * MIB);
    let peer = Peer::start(move |request| file.answer(request).drip(128 << 10)).await;
    let rig = Rig::with(|config| config.scope = Scope::Once).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.durable > 0).await;
    let other = ropeway_engine::Engine::open(Seams::default(), rig.config().clone()).await.unwrap();
    // Whoever moves it is believed by the lock of its part file, whatever is known of others.
    for is_alone in [false, true] {
        let running = other.leftovers(is_alone);
        assert!(running.len() == 1 && running[0].is_running, "{running:?}");
        assert!(other.forget(&[id], is_alone).await.unwrap().is_empty(), "nobody forgets what moves");
    }
    other.shutdown().await;

    let rig = rig.restart().await;
    let left = rig.engine.leftovers(true);
    assert_eq!(left.len(), 1);
    assert!(!left[0].is_running && left[0].durable > 0 && left[0].length == Some(4 * MIB), "{left:?}");
    assert!(rig.file("a.bin.part").exists());
    assert_eq!(rig.engine.forget(&[id], true).await.unwrap().len(), 1);
    assert!(!rig.file("a.bin.part").exists() && rig.engine.leftovers(true).is_empty());
    let store = Store::open(&rig.database()).await.unwrap();
    assert!(store.jobs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_queue_is_set_aside_and_the_engine_starts_with_what_can_be_read() {
    let peer = Peer::serve(ServedFile::new(53, 1000)).await;
    for scope in [Scope::Queue, Scope::Once] {
        let rig = Rig::with(|config| config.scope = scope).await;
        let specs = ["a.bin", "b.bin"].map(|name| rig.download(&peer.url(name)));
        for spec in &specs {
            rig.run(spec.clone()).await;
        }
        rig.engine.shutdown().await;
        assert!(rig.engine.damage().is_none());
        // The header of the file, then a single row.
        fs::OpenOptions::new().write(true).open(rig.database()).unwrap().write_all(&[7; 100]).unwrap();
        let rig = rig.reopen().await;
        let damage = rig.engine.damage().unwrap();
        assert!(damage.aside.exists() && damage.may_lack_more, "{damage}");
        assert_eq!(rig.run(rig.download(&peer.url("c.bin"))).await.phase, Phase::Completed);
    }
}

#[tokio::test]
async fn a_held_engine_starts_nothing_until_it_is_let_go() {
    let peer = Peer::serve(ServedFile::new(54, 1000)).await;
    let rig = Rig::with(|config| config.is_held = true).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(rig.engine.pause_of_all(), Some(ropeway_engine::Pause::Held));
    tokio::task::yield_now().await;
    assert_eq!(rig.engine.job(id).unwrap().phase.kind(), PhaseKind::Queued);
    assert!(peer.requests().is_empty());
    rig.engine.hold(false);
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
}

#[tokio::test]
async fn what_one_process_takes_up_is_not_taken_up_by_the_next_one_as_well() {
    let file = ServedFile::new(54, 4 * MIB);
    let peer = Peer::start(move |request| file.answer(request).drip(128 << 10)).await;
    let rig = Rig::with(|config| config.scope = Scope::Once).await;
    let spec = rig.download(&peer.url("a.bin"));
    let id = rig.add(spec.clone()).await;
    rig.until(id, |job| job.progress.durable > 0).await;
    let rig = rig.restart().await;
    let other = ropeway_engine::Engine::open(Seams::default(), rig.config().clone()).await.unwrap();
    // Neither has begun with it yet.
    let first = rig.engine.add(vec![spec.clone()], Wish::Pause).await.unwrap();
    let second = other.add(vec![spec], Wish::Pause).await.unwrap();
    assert_eq!(first, [id]);
    assert_ne!(second, [id]);
    other.shutdown().await;
}
