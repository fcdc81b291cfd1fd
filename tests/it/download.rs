//! `ropeway get` against a real nginx and against peers that count.

use std::{fs, path::Path, process::Command};

use ropeway_testkit::{
    Nginx, NginxSettings, Pattern, Peer, machine,
    peer::{Answer, ServedFile},
};

use crate::support::{
    GIB, Home, MIB, Running, assert_same_bytes, big_file, has_strace, memory_folder, program, stamped_file, wait_until,
};

#[test]
fn heavy_a_gibibyte_in_eight_segments_from_nginx_is_byte_identical() {
    let memory = memory_folder();
    let source = big_file(memory.path());
    let nginx = Nginx::start();
    std::os::unix::fs::symlink(&source, nginx.root().join("big.bin")).unwrap();
    let home = Home::new();
    let saved = memory.path().join("saved.bin");
    let url = nginx.url("big.bin");
    let finished =
        home.run(["get", "--json", "--checksum", "sha256", "-n", "8", "-o", saved.to_str().unwrap(), &url]).expect(0);
    assert_same_bytes(&saved, &source);
    let result = &finished.results()[0];
    assert_eq!((result["bytes"].as_u64(), &result["verified"]), (Some(GIB), &true.into()), "{result}");
    assert_eq!(result["sha256"], ropeway_testkit::sha256_of_file(&source));
    let ranges: Vec<_> = nginx.access_log().into_iter().filter(|line| line.starts_with("GET /big.bin")).collect();
    assert!(ranges.len() >= 8, "eight connections share the file: {ranges:#?}");
    assert_eq!(fs::read_dir(memory.path()).unwrap().count(), 2, "nothing but the source and the file");
}

#[test]
fn a_nginx_that_dies_midway_and_comes_back_costs_only_time() {
    const LENGTH: u64 = 48 * MIB;
    let mut nginx = Nginx::start_with(NginxSettings { limit_rate: Some(4 * MIB), ..NginxSettings::default() });
    let source = nginx.root().join("file.bin");
    stamped_file(&source, LENGTH);
    let home = Home::new();
    let running = home.start(["get", "--json", "-n", "4", &nginx.url("file.bin")]);
    wait_until("a quarter is there", || (moved(&running) > LENGTH / 4).then_some(()));
    nginx.kill();
    wait_until("the program notices", || {
        running.stdout().lines().any(|line| line.contains(r#""phase":"waiting""#)).then_some(())
    });
    nginx.restart();
    let finished = running.wait().expect(0);
    assert_same_bytes(&home.work("file.bin"), &source);
    assert_eq!(finished.results().len(), 1);
    assert_eq!(home.work_names(), ["file.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_gets_a_number_unless_the_user_says_otherwise() {
    let file = ServedFile::new(1, 100_000);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    let url = peer.url("a.bin");
    for choice in [&[][..], &["--on-conflict", "rename"]] {
        home.run([&["get"], choice, &[&url]].concat()).expect(0);
    }
    home.run(["get", &url]).expect(0);
    assert_eq!(home.work_names(), ["a (1).bin", "a (2).bin", "a.bin"]);

    write(&home.work("b.bin"), b"precious");
    let failed = home.run(["get", "--on-conflict", "fail", "-o", "b.bin", &url]).expect(1);
    assert!(failed.stderr.contains("FILE_EXISTS") && failed.stderr.contains("hint: "), "{}", failed.stderr);
    assert_eq!(fs::read(home.work("b.bin")).unwrap(), b"precious");

    // Nobody is there to be asked.
    let failed = home.run(["get", "--on-conflict", "ask", "-o", "b.bin", &url]).expect(1);
    for flag in ["FILE_EXISTS", "--on-conflict rename", "--on-conflict overwrite", "--skip-existing"] {
        assert!(failed.stderr.contains(flag), "{flag}: {}", failed.stderr);
    }
    home.run(["get", "--on-conflict", "overwrite", "-o", "b.bin", &url]).expect(0);
    file.pattern().assert_file(&home.work("b.bin"), file.length());
    assert!(home.work_names().iter().all(|name| !name.ends_with(".part")), "{:?}", home.work_names());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gets_at_once_both_finish() {
    let (left, right) = (ServedFile::new(1, 4 * MIB), ServedFile::new(2, 4 * MIB));
    let (left_peer, right_peer) = (slow_peer(left.clone()).await, slow_peer(right.clone()).await);
    let home = Home::new();
    let first = home.start(["get", &left_peer.url("left.bin")]);
    let second = home.start(["get", &right_peer.url("right.bin")]);
    for running in [first, second] {
        running.wait().expect(0);
    }
    left.pattern().assert_file(&home.work("left.bin"), left.length());
    right.pattern().assert_file(&home.work("right.bin"), right.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gets_of_the_same_file_at_once_never_mix_their_bytes() {
    let file = ServedFile::new(5, 4 * MIB);
    let peer = slow_peer(file.clone()).await;
    let home = Home::new();
    let url = peer.url("same.bin");
    let runs = [home.start(["get", &url]), home.start(["get", &url])];
    let ended = runs.map(Running::wait);
    assert!(ended.iter().any(|run| run.code == Some(0)), "{ended:?}");
    for run in ended.iter().filter(|run| run.code != Some(0)) {
        assert!(run.stderr.contains("PART_IN_USE"), "{run:?}");
    }
    for name in home.work_names() {
        file.pattern().assert_file(&home.work(name), file.length());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_from_stdin_is_fetched_whole_and_a_bad_line_stops_nothing() {
    let pattern = Pattern::new(3);
    let peer = Peer::start(move |request| {
        let length: u64 = request.path.trim_start_matches('/').parse().unwrap();
        Answer::status(200).pattern(pattern, 0, length)
    })
    .await;
    let home = Home::new();
    let lines: Vec<_> = (1..=60_u64).map(|number| peer.url(&(number * 1000).to_string())).collect();
    let list = format!("# a comment\n\n{}\nnot a url\n{}\n", lines[..30].join("\n"), lines[30..].join("\n"));
    let finished = home.run_with_input(["get", "--json", "-j", "8", "-d", "out", "-i", "-"], &list).expect(1);
    let (failed, complete): (Vec<_>, Vec<_>) =
        finished.results().into_iter().partition(|result| result["code"].is_string());
    assert_eq!((failed.len(), complete.len()), (1, 60));
    assert_eq!(failed[0]["url"], "not a url");
    for number in 1..=60 {
        pattern.assert_file(&home.work(format!("out/{}", number * 1000)), number * 1000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_checksum_is_told_apart_from_a_mere_length() {
    let file = ServedFile::new(4, 300_000);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    let checksum = format!("sha256:{}", file.pattern().sha256(file.length()));
    let finished = home.run(["get", "--json", "--checksum", &checksum, &peer.url("a.bin")]).expect(0);
    assert_eq!(finished.results()[0]["verification"], "checksum_given");
    let finished = home.run(["get", "--json", "-o", "b.bin", &peer.url("a.bin")]).expect(0);
    assert_eq!(finished.results()[0]["verification"], "length");
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_says_nothing_and_plain_output_is_a_line_per_file() {
    let peer = Peer::serve(ServedFile::new(4, 1000)).await;
    let home = Home::new();
    let quiet = home.run(["get", "--quiet", &peer.url("a.bin")]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let plain = home.run(["get", &peer.url("b.bin"), &peer.url("c.bin")]).expect(0);
    assert_eq!(plain.stdout.lines().count(), 2, "{}", plain.stdout);
    assert!(plain.stdout.contains(&format!("saved {}", home.work("b.bin").display())), "{}", plain.stdout);
    assert_eq!(plain.stderr, "2 of 2 complete\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_given_twice_becomes_two_files() {
    let file = ServedFile::new(4, 50_000);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    home.run(["get", &peer.url("a.bin"), &peer.url("a.bin")]).expect(0);
    assert_eq!(home.work_names(), ["a (1).bin", "a.bin"]);
    for name in home.work_names() {
        file.pattern().assert_file(&home.work(name), file.length());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_get_chooses_is_no_setting_and_leaves_nothing_behind() {
    let peer = Peer::serve(ServedFile::new(4, 50_000)).await;
    let home = Home::new();
    home.run(["get", "-j", "2", "-l", "10M", &peer.url("a.bin")]).expect(0);
    assert_eq!(fs::read_dir(home.config("")).unwrap().count(), 0);
    home.run(["get", "-j", "65", &peer.url("b.bin")]).expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_logins_reach_the_server() {
    let peer = Peer::serve(ServedFile::new(4, 1000)).await;
    let home = Home::new();
    home.run(["get", "-H", "X-Key: 17", "--user", "ann:secret", &peer.url("a.bin")]).expect(0);
    let request = &peer.requests()[0];
    assert_eq!(request.header("X-Key"), Some("17"));
    assert_eq!(request.header("Authorization"), Some("Basic YW5uOnNlY3JldA=="));
}

/// A server that takes about two seconds for four mebibytes.
async fn slow_peer(file: ServedFile) -> Peer {
    Peer::start(move |request| file.answer(request).drip(MIB / 2)).await
}

/// Bytes moved according to the last line of progress.
fn moved(running: &Running) -> u64 {
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    running.stdout().lines().rev().find_map(|line| parse(line)?["bytes"].as_u64()).unwrap_or(0)
}

fn write(file: &Path, bytes: &[u8]) {
    use std::io::Write;
    fs::File::options().write(true).create_new(true).open(file).unwrap().write_all(bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_follows_the_schedule_unless_it_is_told_not_to() {
    let file = ServedFile::new(6, 1000);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    let daemon = crate::support::Daemon::start(&home);
    daemon.run(["schedule", "add", "daily", "00:00-24:00", "--pause"]).expect(0);
    daemon.stop().expect(0);
    let waiting = home.start(["get", &peer.url("a.bin")]);
    wait_until("it says why it waits", || waiting.stderr().contains("--now").then_some(()));
    assert!(peer.requests().is_empty());
    waiting.kill();
    home.run(["get", "--now", &peer.url("a.bin")]).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), file.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_chooses_how_often_is_tried_and_how_long_is_waited() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/silent" => Answer::silence(),
        _ => Answer::status(500),
    })
    .await;
    let home = Home::new();
    home.run(["get", "--tries", "2", &peer.url("a.bin")]).expect(1);
    assert_eq!(peer.requests().len(), 2);
    let silent = home.run(["get", "--tries", "1", "--timeout", "1", &peer.url("silent")]).expect(1);
    assert!(silent.stderr.contains("within 1 s"), "{}", silent.stderr);
    home.run(["get", "--tries", "0", &peer.url("a.bin")]).expect(2);
    home.run(["get", "--tries", "1", "--connect-timeout", "1", "http://127.0.0.1:1/"]).expect(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leaves_no_room_for_its_part_file_is_saved_and_resumed_all_the_same() {
    let length = 2 * MIB;
    let file = ServedFile::new(31, length);
    let slow = file.clone();
    let peer = Peer::start(move |request| slow.answer(request).drip(MIB)).await;
    let home = Home::new();
    for octets in [250, 251, 255] {
        let name = format!("{}.iso", "n".repeat(octets - 4));
        let arguments = ["get", "-n", "1", "-o", &name, &peer.url("a.bin")];
        let running = home.start(arguments);
        wait_until("something is there", || {
            let names = home.work_names();
            let part = names.iter().find(|name| name.ends_with(".part"))?;
            assert!(part.len() <= 255, "{part}");
            // The blocks are counted: a part file may be as long as the file from the beginning.
            let has_some = std::os::unix::fs::MetadataExt::blocks(&home.work(part).metadata().ok()?) > 0;
            has_some.then_some(())
        });
        running.signal(rustix::process::Signal::TERM);
        running.wait();
        home.run(arguments).expect(0);
        file.pattern().assert_file(&home.work(&name), length);
        assert_eq!(home.work_names(), [name.as_str()]);
        fs::remove_file(home.work(&name)).unwrap();
    }
    let too_long = home.run(["get", "-o", &"n".repeat(256), &peer.url("a.bin")]);
    assert!(too_long.code != Some(0) && home.work_names().is_empty(), "{}", too_long.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_folders_are_as_durable_as_the_file_in_them() {
    if !has_strace() {
        return machine::excuse(machine::STRACE);
    }
    let peer = Peer::serve(ServedFile::new(1, 100_000)).await;
    let home = Home::new();
    let (work, trace) = (home.work("").canonicalize().unwrap(), home.work("trace"));
    let mut command = Command::new("strace");
    home.dress(&mut command);
    command.args(["-f", "-qq", "-y", "-e", "trace=fsync,fdatasync", "-o"]).arg(&trace).arg(program());
    let status = command.args(["get", "-q", "-d", "new/deep", &peer.url("a.bin")]).status().unwrap();
    assert!(status.success() && work.join("new/deep/a.bin").is_file());
    let trace = fs::read_to_string(trace).unwrap();
    for (folder, why) in [("", "new"), ("new", "deep"), ("new/deep", "the file")] {
        let place = work.join(folder);
        let place = format!("<{}>", place.to_str().unwrap().trim_end_matches('/'));
        let times = trace.lines().filter(|line| line.contains("fsync(") && line.contains(&place)).count();
        assert_eq!(times, 1, "syncs that make {why} durable:\n{trace}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_made_for_nothing_are_gone_at_the_end_and_no_others() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/a.bin" => ServedFile::new(3, 1000).answer(request),
        _ => Answer::status(404),
    })
    .await;
    let home = Home::new();
    let (good, missing) = (peer.url("a.bin"), peer.url("missing.bin"));
    fs::create_dir_all(home.work("mine/empty")).unwrap();
    home.run(["get", "-d", "new/deep/er", &missing]).expect(1);
    assert_eq!(home.work_names(), ["mine"], "nobody asked for an empty folder");
    home.run(["get", "-d", "mine/empty", &missing]).expect(1);
    assert!(home.work("mine/empty").exists(), "it was there before");
    home.run(["get", "-d", "mine/empty/new", &missing]).expect(1);
    assert_eq!(fs::read_dir(home.work("mine/empty")).unwrap().count(), 0);
    home.run(["get", "-d", "both/new", &missing, &good]).expect(1);
    assert!(home.work("both/new/a.bin").exists());
    // Folders that a document names are made for its files, too.
    let file = format!("<file name=\"named/deep/x.bin\"><url>{missing}</url></file>");
    let document = format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">{file}</metalink>");
    fs::write(home.data("list.meta4"), document).unwrap();
    let document = home.data("list.meta4");
    home.run(["get", "-d", "mine/empty/new", document.to_str().unwrap()]).expect(1);
    assert_eq!(fs::read_dir(home.work("mine/empty")).unwrap().count(), 0);
    home.run(["get", "-d", "mine/empty", document.to_str().unwrap()]).expect(1);
    assert_eq!(fs::read_dir(home.work("mine/empty")).unwrap().count(), 0);
}
