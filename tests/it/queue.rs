//! The daemon and the verbs that steer it.

use std::fs;

use ropeway_testkit::{
    Peer,
    peer::{Answer, ServedFile},
};
use rustix::process::Signal;

use crate::support::{Daemon, Home, MIB, wait_until};

/// A file that takes four seconds.
const LENGTH: u64 = 4 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_added_paused_resumed_and_ends_whole() {
    let (peer, file) = slow_peer().await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-n", "1", "-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    daemon.wait_for_bytes(&id, LENGTH / 4);
    daemon.run(["pause", &id]).expect(0);
    let paused = daemon.wait_for_phase(&id, "paused");
    let moved = paused["progress"]["moved"].as_u64().unwrap();
    assert!(moved > 0 && moved < LENGTH && paused["progress"]["durable"] == moved, "{paused:#}");
    assert_eq!(home.work_names(), ["a.bin.part"]);

    daemon.run(["resume", &id]).expect(0);
    let job = daemon.wait_for_phase(&id, "completed");
    assert_eq!(job["digest"], format!("sha256:{}", file.pattern().sha256(LENGTH)));
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_stopped_goes_on_where_it_was() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (peer, file) = slow_peer().await;
        let home = Home::new();
        let daemon = Daemon::start(&home);
        let id = daemon.add(["-n", "1", "-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
        daemon.wait_for_bytes(&id, LENGTH / 4);
        let moved = daemon.job(&id)["progress"]["moved"].as_u64().unwrap();
        daemon.stop_with(signal).expect(0);

        let daemon = Daemon::start(&home);
        assert!(daemon.job(&id)["progress"]["moved"].as_u64().unwrap() >= moved, "{signal:?}");
        daemon.wait_for_phase(&id, "completed");
        file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_all_and_resuming_all_reach_every_job() {
    let (peer, _) = slow_peer().await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let ids: Vec<_> = (0..3).map(|number| daemon.add([&peer.url(&format!("{number}.bin"))])).collect();
    daemon.run(["pause", "all"]).expect(0);
    for id in &ids {
        daemon.wait_for_phase(id, "paused");
    }
    daemon.run(["resume", "all"]).expect(0);
    for id in &ids {
        daemon.wait_for_phase(id, "completed");
    }
    daemon.run(["remove", "--finished"]).expect(0);
    assert!(daemon.list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_job_leaves_no_part_file_and_a_complete_file_stays() {
    let (peer, _) = slow_peer().await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let folder = home.work("");
    let folder = folder.to_str().unwrap();
    let whole = daemon.add(["-d", folder, &peer.url("whole.bin")]);
    daemon.wait_for_phase(&whole, "completed");
    let partial = daemon.add(["-l", "64K", "-d", folder, &peer.url("partial.bin")]);
    daemon.wait_for_bytes(&partial, 1);
    daemon.run(["remove", "all"]).expect(0);
    assert!(daemon.list().is_empty());
    wait_until("the part file is gone", || (home.work_names() == ["whole.bin"]).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_deleted_with_their_jobs_where_they_are_still_what_was_saved() {
    // The date that the server names is the file's, which is the same file still.
    let dated = ServedFile::new(7, 100_000).header("Last-Modified", "Mon, 02 Jan 2023 03:04:05 GMT");
    let peer = Peer::serve(dated).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let add = |name: &str| {
        let id = daemon.add(["-d", home.work("").to_str().unwrap(), &peer.url(name)]);
        daemon.wait_for_phase(&id, "completed");
        id
    };
    let (saved, replaced) = (add("saved.bin"), add("replaced.bin"));
    fs::remove_file(home.work("replaced.bin")).unwrap();
    fs::write(home.work("replaced.bin"), "the user's own").unwrap();
    let removed = daemon.run(["remove", "--delete-files", &saved, &replaced]).expect(1);
    assert!(removed.stderr.contains("replaced.bin stays"), "{}", removed.stderr);
    assert!(!removed.stderr.contains("saved.bin"), "{}", removed.stderr);
    assert_eq!(home.work_names(), ["replaced.bin"]);
    assert_eq!(fs::read_to_string(home.work("replaced.bin")).unwrap(), "the user's own");
    assert!(daemon.list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_moved_shown_and_limited() {
    let (peer, _) = slow_peer().await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let ids: Vec<_> =
        ["a", "b", "c"].iter().map(|name| daemon.add(["--paused", &peer.url(&format!("{name}.bin"))])).collect();
    let order = || daemon.list().iter().map(|job| job["id"].to_string()).collect::<Vec<_>>();
    daemon.run(["move", &ids[2], "before", &ids[0]]).expect(0);
    assert_eq!(order(), [&*ids[2], &*ids[0], &*ids[1]]);
    daemon.run(["move", &ids[2], "last"]).expect(0);
    assert_eq!(order(), [&*ids[0], &*ids[1], &*ids[2]]);
    daemon.run(["move", &ids[1], "first"]).expect(0);
    assert_eq!(order(), [&*ids[1], &*ids[0], &*ids[2]]);

    daemon.run(["limit", &ids[0], "500K"]).expect(0);
    let shown = daemon.run(["show", &ids[0]]).expect(0).stdout;
    assert!(shown.contains("limit       500.00 KiB/s") && shown.contains("state       paused"), "{shown}");
    daemon.run(["limit", "all", "none"]).expect(0);
    assert!(daemon.list().iter().all(|job| job["rate_limit"].is_null()));

    let table = daemon.run(["list", "--state", "paused"]).expect(0).stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert_eq!(daemon.run(["list", "--state", "failed"]).expect(0).stdout, "no jobs\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_ends_with_the_jobs_and_tells_of_a_failure() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/missing.bin" => Answer::status(404),
        _ => ServedFile::new(1, LENGTH).answer(request).drip(2 * MIB),
    })
    .await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let good = daemon.add([&peer.url("a.bin")]);
    daemon.run(["watch"]).expect(0);
    assert_eq!(daemon.job(&good)["phase"]["kind"], "completed");
    let bad = daemon.add([&peer.url("missing.bin")]);
    let watched = daemon.run(["watch", "--json", &bad]).expect(1);
    assert_eq!(watched.results()[0]["code"], "HTTP_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_a_job_like_any_other() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    ropeway_testkit::Pattern::new(3).write_file(&home.work("a.bin"), 100_000);
    let daemon = Daemon::start(&home);
    let id = daemon.add(["a.bin", "--to", &peer.url("in/")]);
    let job = daemon.wait_for_phase(&id, "completed");
    assert_eq!(job["direction"], "upload");
    assert_eq!(peer.requests()[0].files[0].sha256, ropeway_testkit::Pattern::new(3).sha256(100_000));
}

#[test]
fn a_second_daemon_is_refused_and_the_first_one_lives_on() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let second = home.run(["daemon"]).expect(1);
    assert!(second.stderr.contains("QUEUE_IN_USE") && second.stderr.contains("hint: "), "{}", second.stderr);
    assert!(daemon.list().is_empty());
}

#[test]
fn without_a_running_queue_the_verbs_say_what_to_start() {
    let home = Home::new();
    for verb in [&["list"][..], &["add", "http://127.0.0.1:9/"], &["pause", "all"], &["watch"]] {
        let refused = home.run(verb).expect(1);
        assert!(refused.stderr.contains("ropeway daemon") && refused.stderr.contains("hint: "), "{}", refused.stderr);
    }
    // A daemon that crashed leaves its address behind; nobody answers there.
    Daemon::start(&home).kill();
    let refused = home.run(["list"]).expect(1);
    assert!(refused.stderr.contains("ropeway daemon"), "{}", refused.stderr);
}

#[test]
fn a_number_without_a_job_is_refused_by_name() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    for verb in [&["pause", "99"][..], &["show", "99"], &["remove", "99"], &["limit", "99", "1M"], &["watch", "99"]] {
        let refused = daemon.run(verb).expect(1);
        assert!(refused.stderr.contains("NOT_FOUND") && refused.stderr.contains("99"), "{verb:?}: {}", refused.stderr);
    }
}

#[test]
fn the_queue_is_closed_to_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let _daemon = Daemon::start(&home);
    for entry in fs::read_dir(home.data("")).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", entry.path().display());
    }
}

/// A server that sends each connection a mebibyte a second.
async fn slow_peer() -> (Peer, ServedFile) {
    let file = ServedFile::new(1, LENGTH);
    let served = file.clone();
    (Peer::start(move |request| served.answer(request).drip(MIB)).await, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_pauses_keeps_jobs_waiting_until_it_is_taken_away() {
    let peer = Peer::serve(ServedFile::new(1, MIB)).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    daemon.run(["schedule", "add", "daily", "00:00-24:00", "--pause"]).expect(0);
    // So high that the job is fetched in one piece, whatever day and hour it is.
    daemon.run(["schedule", "add", "sat,sun", "22:00-06:00", "--down", "500M"]).expect(0);
    let id = daemon.add(["-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    assert_eq!(daemon.job(&id)["phase"]["kind"], "queued");

    daemon.run(["schedule", "remove", "3"]).expect(2);
    daemon.run(["schedule", "remove", "1"]).expect(0);
    daemon.wait_for_phase(&id, "completed");
    let listed = daemon.run(["schedule"]);
    assert!(listed.stdout.contains("sat,sun 22:00-06:00  down 500"), "{}", listed.stdout);
    assert_eq!(peer.requests().len(), 1);
}
