//! Lists of addresses: names, options, other encodings, and what happens when they are run again.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use ropeway_testkit::{Peer, peer::ServedFile};

use crate::support::{Daemon, Home};

const LENGTH: u64 = 300_000;

async fn peer() -> (Peer, ServedFile) {
    let file = ServedFile::new(91, LENGTH).without_validators();
    (Peer::serve(file.clone()).await, file)
}

fn write(home: &Home, list: impl AsRef<[u8]>) {
    fs::write(home.work("list"), list).unwrap();
}

fn saved(home: &Home) -> Vec<String> {
    home.work_names().into_iter().filter(|name| name != "list").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_as_json_accounts_for_every_address() {
    let (peer, _) = peer().await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let into = home.work("");
    let url = peer.url("a.bin");
    let added =
        daemon.run(["add", "--json", "--paused", "-d", into.to_str().unwrap(), &url, &url, "gopher://a/b", "x y"]);
    let lines = added.expect(1).json();
    let (refused, rows): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["event"] == "result");
    assert_eq!(rows.len(), 1, "{lines:#?}");
    let codes: Vec<_> = refused.iter().map(|line| line["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["ALREADY_ADDED", "SCHEME_UNSUPPORTED", "URL_MALFORMED"], "{lines:#?}");
    let again = daemon.run(["add", "--json", "-d", into.to_str().unwrap(), &url]).expect(0).json();
    assert_eq!((again.len(), &again[0]["code"], &again[0]["url"]), (1, &"ALREADY_ADDED".into(), &url.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_options_of_a_list_are_followed() {
    let (peer, file) = peer().await;
    let home = Home::new();
    let url = |path: &str| peer.url(path);
    let list = format!(
        "# a list\n{}\tfirst.bin\n{}\n  out=second.bin\n  dir=sub\n  header=X-Key: 7\n{}\n",
        url("1"),
        url("2"),
        url("3.bin")
    );
    write(&home, list);
    home.run(["get", "-i", "list"]).expect(0);
    assert_eq!(saved(&home), ["3.bin", "first.bin", "sub"]);
    file.pattern().assert_file(&home.work("sub/second.bin"), LENGTH);
    let requests = peer.requests();
    let keys: Vec<_> =
        requests.iter().filter_map(|request| Some((request.path.as_str(), request.header("X-Key")?))).collect();
    assert!(!keys.is_empty() && keys.iter().all(|key| *key == ("/2", "7")), "{keys:?}");
    assert!(requests.iter().all(|request| !request.path.contains("first")), "a TAB ends an address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_in_any_encoding_is_read_and_one_bad_line_costs_itself_alone() {
    let (peer, _) = peer().await;
    let home = Home::new();
    let mut list = format!("\u{feff}{}\r\n{}\u{200b}\r\n", peer.url("a.bin"), peer.url("b.bin")).into_bytes();
    list.extend(
        [peer.url("x%20").as_bytes(), b"\xe9\tc.bin\n", peer.url("d.bin").as_bytes(), b"\n  select-file=1\n"].concat(),
    );
    write(&home, list);
    let finished = home.run(["get", "-i", "list"]).expect(1);
    assert_eq!(saved(&home), ["a.bin", "b.bin", "c.bin"]);
    assert!(finished.stderr.contains("select-file"), "{}", finished.stderr);
    let mut paths: Vec<_> = peer.requests().into_iter().map(|request| request.path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths, ["/a.bin", "/b.bin", "/x%20%E9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_run_again_fetches_nothing_again() {
    let (peer, file) = peer().await;
    let home = Home::new();
    write(&home, format!("{}\n{}\tb.bin\n{}\n", peer.url("a.bin"), peer.url("x"), peer.url("a.bin")));
    let finished = home.run(["get", "-i", "list"]).expect(0);
    assert!(finished.stderr.contains("twice"), "{}", finished.stderr);
    let finished = home.run(["get", "-i", "list"]).expect(0);
    assert_eq!(saved(&home), ["a.bin", "b.bin"]);
    assert_eq!(finished.stdout.matches("kept ").count(), 2, "{}", finished.stdout);
    fs::write(home.work("a.bin"), "edited").unwrap();
    home.run(["get", "-i", "list"]).expect(0);
    assert_eq!(saved(&home), ["a (1).bin", "a.bin", "b.bin"]);
    home.run(["get", "--skip-existing", &peer.url("a.bin")]).expect(0);
    assert_eq!(fs::read(home.work("a.bin")).unwrap(), b"edited");
    home.run(["get", "-N", &peer.url("a.bin")]).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    home.run(["get", "--again", "-i", "list"]).expect(0);
    assert_eq!(saved(&home), ["a (1).bin", "a (2).bin", "a (3).bin", "a.bin", "b (1).bin", "b.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_added_to_the_queue_once() {
    let (peer, _) = peer().await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let folder = home.work("");
    let folder = folder.to_str().unwrap();
    let list: String = (0..30).map(|number| format!("{}\tfile{number}.bin\n", peer.url(&number.to_string()))).collect();
    write(&home, &list);
    let added = daemon.run(["add", "-d", folder, "-i", "list"]).expect(0);
    assert_eq!(added.stdout.lines().count(), 30);
    assert!(added.stdout.contains("file7.bin"), "{}", added.stdout);
    let again = home.run_with_input(["add", "-d", folder, "-i", "-"], &list).expect(0);
    assert!(again.stdout.is_empty() && again.stderr.contains("already"), "{} {}", again.stdout, again.stderr);
    for job in daemon.list() {
        daemon.wait_for_phase(&job["id"].to_string(), "completed");
    }
    daemon.run(["add", "-d", folder, "-i", "list"]).expect(0);
    assert_eq!(daemon.list().len(), 30);
    fs::remove_file(home.work("file3.bin")).unwrap();
    let gone = daemon.run(["add", "-d", folder, "-i", "list"]).expect(0);
    assert_eq!(gone.stdout.lines().count(), 1, "its file is gone: {}", gone.stdout);
    daemon.run(["add", "--again", "-d", folder, "-i", "list"]).expect(0);
    assert_eq!(daemon.list().len(), 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_got_a_number_is_not_fetched_again_by_the_next_run() {
    let versions = [ServedFile::new(92, LENGTH), ServedFile::new(93, LENGTH)];
    let is_newer = Arc::new(AtomicBool::new(false));
    let (served, newer) = (versions.clone(), Arc::clone(&is_newer));
    let peer = Peer::start(move |request| served[usize::from(newer.load(SeqCst))].answer(request)).await;
    let home = Home::new();
    write(&home, peer.url("a.bin"));
    home.run(["get", "-i", "list"]).expect(0);
    is_newer.store(true, SeqCst);
    for _ in 0..3 {
        home.run(["get", "-i", "list"]).expect(0);
        assert_eq!(saved(&home), ["a (1).bin", "a.bin"]);
    }
    versions[0].pattern().assert_file(&home.work("a.bin"), LENGTH);
    versions[1].pattern().assert_file(&home.work("a (1).bin"), LENGTH);
}
