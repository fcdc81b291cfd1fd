//! Stopped and run again: nothing that is on the disk is fetched twice, and versions never mix.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, ServedFile},
};
use rustix::process::Signal;

use crate::support::{Home, MIB, Running, wait_until};

/// A file that takes four seconds on two connections.
const LENGTH: u64 = 8 * MIB;
const RATE: u64 = MIB;
/// What may be on its way when a connection breaks: the buffers of two connections on loopback.
const IN_FLIGHT: u64 = 2 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_is_asked_to_stop_says_how_to_resume_and_resumes() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let file = ServedFile::new(1, LENGTH);
        let peer = paced(file.clone()).await;
        let home = Home::new();
        let arguments = ["get", "--json", "-n", "2", &peer.url("a.bin")];
        let running = home.start(arguments);
        wait_until("half is there", || (moved(&running) >= LENGTH / 2).then_some(()));
        running.signal(signal);
        let stopped = running.wait().expect(130);
        assert!(stopped.stderr.contains("run the same command again to resume"), "{}", stopped.stderr);
        assert_eq!(home.work_names(), ["a.bin.part"], "{signal:?}");

        home.run(arguments).expect(0);
        file.pattern().assert_file(&home.work("a.bin"), LENGTH);
        assert_eq!(home.work_names(), ["a.bin"]);
        let sent = sent(&peer);
        assert!(sent <= LENGTH + IN_FLIGHT, "{signal:?}: {sent} bytes for a file of {LENGTH}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_signed_anew_goes_on_with_what_the_old_one_left() {
    let file = ServedFile::new(1, LENGTH);
    let peer = paced(file.clone()).await;
    let home = Home::new();
    let link = |signature: u8| peer.url(&format!("a.bin?id=7&expires={signature}&signature={signature}"));
    let running = home.start(["get", "--json", "-n", "2", &link(1)]);
    wait_until("half is there", || (moved(&running) >= LENGTH / 2).then_some(()));
    running.signal(Signal::INT);
    running.wait().expect(130);
    home.run(["get", &link(2)]).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    assert_eq!(home.work_names(), ["a.bin"]);
    let sent = sent(&peer);
    assert!(sent <= LENGTH + IN_FLIGHT, "{sent} bytes for a file of {LENGTH}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_signed_anew_for_another_file_brings_that_one_whole() {
    let (old, new) = (ServedFile::new(1, LENGTH), ServedFile::new(2, LENGTH));
    let (first, second) = (old.clone(), new.clone());
    let peer = Peer::start(move |request| {
        let file = if request.path.ends_with('1') { &first } else { &second };
        file.answer(request).drip(RATE)
    })
    .await;
    let home = Home::new();
    let link = |signature: u8| peer.url(&format!("a.bin?signature={signature}"));
    let running = home.start(["get", "--json", "-n", "2", &link(1)]);
    wait_until("half is there", || (moved(&running) >= LENGTH / 2).then_some(()));
    running.signal(Signal::INT);
    running.wait().expect(130);
    home.run(["get", &link(2)]).expect(0);
    new.pattern().assert_file(&home.work("a.bin"), LENGTH);
    assert_eq!(home.work_names(), ["a.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_crashed_resumes_from_its_last_checkpoint() {
    let file = ServedFile::new(1, LENGTH);
    let peer = paced(file.clone()).await;
    let home = Home::new();
    let arguments = ["get", "--json", "-n", "2", &peer.url("a.bin")];
    let running = home.start(arguments);
    wait_until("something is durable", || (durable(&running) > 0 && moved(&running) >= LENGTH / 2).then_some(()));
    running.kill();
    assert_eq!(home.work_names(), ["a.bin.part"]);

    home.run(arguments).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    // Two connections lose the two seconds behind the last checkpoint, at most.
    let (sent, window) = (sent(&peer), 2 * 2 * RATE);
    assert!(sent <= LENGTH + window + IN_FLIGHT, "{sent} bytes for a file of {LENGTH}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_meanwhile_is_the_new_version_and_nothing_else() {
    let version = Arc::new(AtomicU64::new(1));
    let seen = Arc::clone(&version);
    let peer =
        Peer::start(move |request| ServedFile::new(seen.load(Ordering::SeqCst), LENGTH).answer(request).drip(RATE))
            .await;
    let home = Home::new();
    let arguments = ["get", "--json", "-n", "2", &peer.url("a.bin")];
    let running = home.start(arguments);
    wait_until("a quarter is there", || (moved(&running) >= LENGTH / 4).then_some(()));
    running.signal(Signal::INT);
    running.wait().expect(130);

    version.store(2, Ordering::SeqCst);
    home.run(arguments).expect(0);
    Pattern::new(2).assert_file(&home.work("a.bin"), LENGTH);
    assert_eq!(home.work_names(), ["a.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once_and_loses_nothing_durable() {
    let file = ServedFile::new(1, LENGTH);
    let peer = paced(file.clone()).await;
    let home = Home::new();
    let arguments = ["get", "--json", "-n", "2", &peer.url("a.bin")];
    let running = home.start(arguments);
    wait_until("a quarter is there", || (moved(&running) >= LENGTH / 4).then_some(()));
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    running.wait().expect(130);
    home.run(arguments).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_stopped_arrives_whole_when_run_again() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    Pattern::new(6).write_file(&home.work("a.bin"), LENGTH);
    let to = peer.url("in/");
    let running = home.start(["put", "--json", "-l", "1M", "a.bin", "--to", &to]);
    wait_until("some is sent", || (moved(&running) > 0).then_some(()));
    running.signal(Signal::INT);
    running.wait().expect(130);
    home.run(["put", "a.bin", "--to", &to]).expect(0);
    let arrived =
        peer.requests().into_iter().rfind(|request| request.method == "PUT" && request.body_complete).unwrap();
    assert_eq!(arrived.files[0].sha256, Pattern::new(6).sha256(LENGTH));
}

/// A server that sends each connection [`RATE`].
async fn paced(file: ServedFile) -> Peer {
    Peer::start(move |request| file.answer(request).drip(RATE)).await
}

fn sent(peer: &Peer) -> u64 {
    peer.requests().iter().map(|request| request.bytes_sent).sum()
}

fn moved(running: &Running) -> u64 {
    last(running, "bytes")
}

fn durable(running: &Running) -> u64 {
    last(running, "durable")
}

/// A number in the last line of progress.
fn last(running: &Running, field: &str) -> u64 {
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    running.stdout().lines().rev().find_map(|line| parse(line)?[field].as_u64()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_begun_or_keeps_nothing_is_taken_up_by_the_same_command_whatever_its_options() {
    let peer = Peer::start(|request| match request.method.as_str() {
        "PUT" => Answer::status(201),
        "GET" if !request.path.starts_with("/in/") => Answer::status(200).body(vec![7; 3000]),
        _ => Answer::status(405),
    })
    .await;
    let home = Home::new();
    fs::write(home.work("a.bin"), vec![7; 300_000]).unwrap();
    fs::write(home.work("list"), ["x", "y", "z"].map(|name| peer.url(name) + "\n").concat()).unwrap();
    let (to, asked_less) = (peer.url("in/"), peer.url("in/#verify=off"));
    let left = || home.run(["get", "--list", "--json"]).expect(0).json().len();
    for (slow, again, count) in [
        (vec!["put", "-l", "2K", "a.bin", "--to", &to], vec!["put", "-l", "9M", "a.bin", "--to", &to], 1),
        (vec!["put", "-l", "2K", "a.bin", "--to", &to], vec!["put", "a.bin", "--to", &asked_less], 1),
        (vec!["get", "-l", "1K", "-j", "1", "-i", "list"], vec!["get", "-j", "3", "-i", "list"], 3),
    ] {
        let before = peer.requests().len();
        let running = home.start(slow.iter().chain(&["--json"]));
        wait_until("it is on its way", || (peer.requests().len() > before && left() == count).then_some(()));
        running.signal(Signal::INT);
        let results = running.wait().expect(130).results();
        assert!(results.iter().all(|line| line["code"] == "INTERRUPTED" && line["hint"].is_string()), "{results:?}");
        assert_eq!(results.len(), count, "a last line for each: {results:?}");
        assert_eq!(left(), count, "{slow:?}");
        home.run(&again).expect(0);
        assert_eq!(left(), 0, "{again:?}");
    }
}
