//! `ropeway verify` and `ropeway checksums`.

use std::{fs::File, os::unix::fs::FileExt};

use ropeway_testkit::{
    Peer,
    peer::{Answer, Request, ServedFile},
};

use crate::support::{Daemon, Home, MIB, wait_until};

const LENGTH: u64 = 3 * MIB + 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_of_the_queue_is_named_and_mended() {
    let file = ServedFile::new(1, LENGTH);
    let right = file.pattern().sha256(LENGTH);
    let (served, sums) = (file.clone(), format!("{right}  a.bin\n"));
    let peer = Peer::start(move |request: &Request| match request.path.as_str() {
        "/a.bin" => served.answer(request),
        "/SHA256SUMS" => Answer::status(200).body(sums.clone()),
        _ => Answer::status(404),
    })
    .await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    daemon.wait_for_phase(&id, "completed");
    daemon.run(["verify", &id]).expect(0);
    let path = home.work("a.bin");
    File::options().write(true).open(&path).unwrap().write_all_at(b"damage", MIB + 5).unwrap();
    let report = daemon.run(["verify", "--json", path.to_str().unwrap()]).expect(1).json();
    assert_eq!(report[0]["damaged"], serde_json::json!([{ "start": MIB, "end": 2 * MIB }]), "{report:?}");
    daemon.run(["verify", "--repair", &id]).expect(0);
    file.pattern().assert_file(&path, LENGTH);
    let offers = daemon.run(["checksums", "--json", &id]).expect(0).json();
    assert_eq!(offers[0]["offers"][0]["checksum"], format!("sha256:{right}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_is_killed_leaves_nothing_behind_and_the_next_one_mends_the_file() {
    let file = ServedFile::new(2, LENGTH);
    let served = file.clone();
    let peer = Peer::start(move |request: &Request| match request.range() {
        // The first repair gets its block at a crawl.
        Some(_) if request.number == 2 => served.answer(request).drip(MIB / 16),
        _ => served.answer(request),
    })
    .await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-n", "1", "-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    daemon.wait_for_phase(&id, "completed");
    assert_eq!(peer.requests().len(), 1);
    let path = home.work("a.bin");
    File::options().write(true).open(&path).unwrap().write_all_at(b"damage", MIB + 5).unwrap();
    let repair = home.start(["verify", "--repair", &id]);
    wait_until("the repair fetches", || peer.requests().get(1).filter(|it| it.bytes_sent > 0).map(|_| ()));
    let proof = &daemon.run(["show", "--json", &id]).expect(0).json()[0]["proof"];
    assert_eq!((&proof["stage"], &proof["total"]), (&"fetching".into(), &MIB.into()), "{proof}");
    daemon.kill();
    drop(repair);
    assert_eq!(home.work_names(), ["a.bin"]);
    let daemon = Daemon::start(&home);
    daemon.run(["verify", "--repair", &id]).expect(0);
    file.pattern().assert_file(&path, LENGTH);
    assert_eq!(home.work_names(), ["a.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_file_is_compared_with_a_checksum() {
    let home = Home::new();
    let path = home.work("abc");
    File::create(&path).unwrap().write_all_at(b"abc", 0).unwrap();
    let path = path.to_str().unwrap();
    home.run(["verify", path, "--checksum", "md5:900150983cd24fb0d6963f7d28e17f72"]).expect(0);
    home.run(["verify", path, "--checksum", "md5:900150983cd24fb0d6963f7d28e17f73"]).expect(1);
    home.run(["verify", path]).expect(1);
    home.run(["verify", &format!("{path}.none"), "--checksum", "md5"]).expect(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_keeps_what_fails_its_checksum_and_compares_it_with_the_right_one() {
    let file = ServedFile::new(5, LENGTH);
    let right = format!("sha256:{}", file.pattern().sha256(LENGTH));
    let wrong = format!("sha256:{}", "0".repeat(64));
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    let get = |checksum: &str| home.run(["get", "--checksum", checksum, &peer.url("a.bin")]);
    let failed = get(&wrong).expect(1);
    assert!(failed.stderr.contains("kept as") && failed.stderr.contains("a.bin.part"), "{}", failed.stderr);
    assert_eq!(home.work_names(), ["a.bin.part"]);
    assert!(home.run(["get", "--list"]).expect(0).stdout.contains("a.bin"));
    let asked = peer.requests().len();
    get(&right).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    assert_eq!((home.work_names(), peer.requests().len()), (vec!["a.bin".to_owned()], asked));
}
