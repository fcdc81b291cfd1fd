//! `ropeway change` and `ropeway limit`: what a job is to be like from now on.

use std::fs;

use ropeway_testkit::{
    Peer,
    peer::{Request, ServedFile},
};
use serde_json::json;

use crate::support::{Daemon, Home, MIB, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn queued_jobs_take_urgency_limit_connections_and_checksum_and_keep_them() {
    const LENGTH: u64 = 3 * MIB;
    let file = ServedFile::new(1, LENGTH);
    let right = format!("sha256:{}", file.pattern().sha256(LENGTH));
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(2 * MIB)).await;
    let home = Home::new();
    fs::write(home.config("settings.toml"), "running_jobs = 1\n").unwrap();
    let daemon = Daemon::start(&home);
    // All of them stay queued meanwhile.
    daemon.run(["schedule", "add", "daily", "00:00-24:00", "--pause"]).expect(0);
    let add = |name: &str| daemon.add(["-d", home.work("").to_str().unwrap(), &peer.url(name)]);
    let ids = ["a.bin", "b.bin", "c.bin"].map(add);
    daemon.run(["change", &ids[2], "--priority", "high", "-n", "1"]).expect(0);
    daemon.run(["change", &ids[0], "--priority", "low", "--checksum", &right]).expect(0);
    daemon.run(["limit", &ids[1], "100M"]).expect(0);
    daemon.run(["change", &ids[1], "-n", "100"]).expect(2);
    daemon.run(["change", &ids[1]]).expect(2);
    daemon.stop().expect(0);

    let daemon = Daemon::start(&home);
    let [low, usual, high] = [0, 1, 2].map(|place: usize| daemon.job(&ids[place]));
    assert_eq!(
        (&low["priority"], &usual["priority"], &high["priority"]),
        (&"low".into(), &"normal".into(), &"high".into())
    );
    assert_eq!(usual["rate_limit"], 100 * MIB);
    assert!(peer.requests().is_empty());
    daemon.run(["schedule", "clear"]).expect(0);
    for id in &ids {
        daemon.wait_for_phase(id, "completed");
    }
    let mut order: Vec<_> = peer.requests().into_iter().map(|request| request.path).collect();
    order.dedup();
    assert_eq!(order, ["/c.bin", "/b.bin", "/a.bin"], "one at a time, the urgent one first");
    let of_c = peer.requests().iter().filter(|request| request.path == "/c.bin").count();
    assert_eq!(of_c, 1, "one connection was to be enough");
    assert_eq!(daemon.job(&ids[0])["verification"], "checksum_given");
}

#[test]
fn connections_are_left_to_the_line_or_to_the_settings_again() {
    let home = Home::new();
    fs::write(home.config("settings.toml"), "connections = 2\n").unwrap();
    let daemon = Daemon::start(&home);
    let add = |count: &[&str]| daemon.add([&["--again", "--paused", "http://127.0.0.1:9/a.bin"], count].concat());
    let [plain, automatic, given] = [add(&[]), add(&["-n", "auto"]), add(&["-n", "8"])];
    let had = || [&plain, &automatic, &given].map(|id| daemon.job(id)["connections"].clone());
    assert_eq!(had(), [json!(null), json!("auto"), json!(8)]);
    daemon.run(["change", &plain, &given, "-n", "auto"]).expect(0);
    daemon.run(["change", &automatic, "-n", "none"]).expect(0);
    assert_eq!(had(), [json!("auto"), json!(null), json!("auto")]);
    let details = daemon.run(["show", &given]).expect(0).stdout;
    assert!(details.lines().any(|line| line.split_whitespace().eq(["connections", "auto"])), "{details}");
    daemon.run(["change", &given, "-n", "Auto"]).expect(2);
    daemon.stop().expect(0);
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.job(&given)["connections"], "auto", "it is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_follows_its_new_limit_at_once() {
    let file = ServedFile::new(2, 2 * MIB);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-l", "16K", "-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    daemon.wait_for_bytes(&id, 1);
    daemon.run(["limit", &id, "none"]).expect(0);
    daemon.wait_for_phase(&id, "completed");
    file.pattern().assert_file(&home.work("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_moved_holds_a_job_back_until_it_is_taken_away() {
    let peer = Peer::serve(ServedFile::new(3, 1000)).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["--at", "2100-01-01T00:00:00Z", &peer.url("a.bin")]);
    daemon.run(["change", &id, "--at", "2101-01-01T00:00:00Z"]).expect(0);
    assert_eq!(daemon.job(&id)["phase"]["kind"], "queued");
    assert!(peer.requests().iter().all(|request: &Request| request.path.is_empty()));
    daemon.run(["change", &id, "--at", "none"]).expect(0);
    wait_until("the job is done", || (daemon.job(&id)["phase"]["kind"] == "completed").then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_that_is_given_behind_the_end_is_compared_at_once() {
    let file = ServedFile::new(4, 70_000);
    let right = format!("sha256:{}", file.pattern().sha256(file.length()));
    let wrong = format!("sha256:{}", "0".repeat(64));
    let peer = Peer::serve(file).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    daemon.wait_for_phase(&id, "completed");
    for verb in [["change", &id], ["verify", &id]] {
        let matched = daemon.run([&verb[..], &["--checksum", &right]].concat()).expect(0);
        assert!(matched.stdout.contains("matches"), "{}", matched.stdout);
        let differs = daemon.run([&verb[..], &["--checksum", &wrong]].concat()).expect(1);
        assert!(differs.stdout.contains("does not match"), "{}", differs.stdout);
    }
    let unchanged = daemon.run(["change", &id, "--priority", "high"]).expect(1);
    assert!(unchanged.stderr.contains("is at its end"), "{}", unchanged.stderr);
    daemon.run(["verify", "4711", "--checksum", "sha256"]).expect(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_is_corrected_and_nothing_is_fetched_again() {
    let file = ServedFile::new(6, 70_000);
    let right = format!("sha256:{}", file.pattern().sha256(file.length()));
    let wrong = format!("sha256:{}", "0".repeat(64));
    let peer = Peer::serve(file).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-d", home.work("").to_str().unwrap(), "--checksum", &wrong, &peer.url("a.bin")]);
    daemon.wait_for_phase(&id, "failed");
    let asked = peer.requests().len();
    daemon.run(["change", &id, "--checksum", &right]).expect(0);
    daemon.wait_for_phase(&id, "completed");
    assert_eq!((peer.requests().len(), &daemon.job(&id)["verification"]), (asked, &"checksum_given".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_to_a_job_that_is_over_is_said() {
    let file = ServedFile::new(5, 5000);
    let peer = Peer::start(move |request| match request.path.as_str() {
        "/gone" => ropeway_testkit::peer::Answer::status(404),
        _ => file.answer(request),
    })
    .await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let [done, failed, open] = [&["/a.bin"][..], &["/gone"], &["/b.bin", "--paused"]]
        .map(|words| daemon.add([&[&*peer.url(&words[0][1..])], &words[1..]].concat()));
    daemon.wait_for_phase(&done, "completed");
    daemon.wait_for_phase(&failed, "failed");
    for verb in [&["limit", &done, "1M"][..], &["pause", &done], &["resume", &done], &["limit", &open, &done, "1M"]] {
        let refused = daemon.run(verb).expect(1);
        assert!(refused.stderr.contains(&format!("job {done} is at its end")), "{verb:?}: {}", refused.stderr);
    }
    assert_eq!(daemon.job(&open)["rate_limit"], json!(null), "all or nothing");
    let refused = daemon.run(["pause", &failed]).expect(1);
    assert!(refused.stderr.contains("has failed"), "{}", refused.stderr);
    let moved = daemon.run(["move", &done, "last"]).expect(0);
    assert!(moved.stderr.contains("is at its end"), "{}", moved.stderr);
    daemon.run(["limit", &failed, "1M"]).expect(0);
    daemon.run(["limit", "all", "2M"]).expect(0);
    assert_eq!(daemon.job(&open)["rate_limit"], 2 * MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_a_unit_is_no_rate() {
    let peer = Peer::serve(ServedFile::new(3, 1000)).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let ids = ["a", "b"].map(|name| daemon.add(["--paused", &peer.url(name)]));
    for line in [[&*ids[0], &*ids[1]], [&*ids[0], "1.5"]] {
        let refused = daemon.run([&["limit"][..], &line].concat()).expect(2);
        assert!(refused.stderr.contains("unit"), "{}", refused.stderr);
    }
    for (rate, bytes) in [("2MB", 2 * MIB), ("2MiB/s", 2 * MIB), ("1.50 MiB/s", 3 * MIB / 2), ("62B", 62)] {
        daemon.run([&["limit", &ids[0]][..], &rate.split(' ').collect::<Vec<_>>()].concat()).expect(0);
        assert_eq!(daemon.job(&ids[0])["rate_limit"], bytes, "{rate}");
    }
}
