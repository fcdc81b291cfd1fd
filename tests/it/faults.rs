//! Bad input and bad surroundings: a code and a hint on stderr, the right exit code, nothing lost, and the other jobs
//! of the same run finish.

use std::{fs, process::Command};

use ropeway_testkit::{
    Pattern, Peer, free_port,
    peer::{Answer, Framing, Request, ServedFile},
};

use crate::support::{Finished, Home, MIB, Running, on_volume};

/// The file beside the bad one.
const GOOD: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_download_fails_with_its_code_and_the_others_finish() {
    let peer = Peer::start(answer_by_path).await;
    let home = Home::new();
    let refused = format!("http://127.0.0.1:{}/a.bin", free_port());
    let cases = [
        ("not a url", "URL_MALFORMED"),
        ("http://", "URL_MALFORMED"),
        ("gopher://127.0.0.1/a", "SCHEME_UNSUPPORTED"),
        (&peer.url("404"), "HTTP_NOT_FOUND"),
        (&peer.url("410"), "HTTP_GONE"),
        (&peer.url("401"), "HTTP_UNAUTHORIZED"),
        (&peer.url("403"), "HTTP_FORBIDDEN"),
        (&peer.url("204"), "SERVER_BAD_CONTENT"),
        (&peer.url("loop"), "REDIRECT_REFUSED"),
        (&peer.url("to-file"), "REDIRECT_REFUSED"),
    ];
    for (number, (bad, code)) in cases.into_iter().enumerate() {
        let good = peer.url(&format!("good-{number}.bin"));
        let finished = home.run(["get", "--json", bad, &good]).expect(1);
        assert_told(&finished, code);
        let results = finished.results();
        assert_eq!(results.iter().filter(|result| result["code"] == code).count(), 1, "{bad}: {results:#?}");
        Pattern::new(1).assert_file(&home.work(format!("good-{number}.bin")), GOOD);
    }
    assert_eq!(home.work_names().len(), cases.len(), "only the good files: {:?}", home.work_names());
    assert_told(&home.run(["get", &refused, &peer.url("beside.bin")]).expect(1), "NETWORK_REFUSED");
    Pattern::new(1).assert_file(&home.work("beside.bin"), GOOD);
}

/// Runs `ropeway` under a limit of the shell.
fn under(limit: &str, home: &Home, arguments: &[&str]) -> Finished {
    let mut command = Command::new("sh");
    home.dress(&mut command);
    let program = home.command(arguments).get_program().to_owned();
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]).arg(program).args(arguments);
    Running::spawn(command).0.wait()
}

#[tokio::test(flavor = "multi_thread")]
async fn few_open_files_mean_fewer_jobs_at_once_and_no_failure() {
    let peer = Peer::serve(ServedFile::new(1, GOOD)).await;
    let list: String = (0..200).map(|number| format!("{}\n", peer.url(&format!("{number}.bin")))).collect();
    // The soft limit is the process's to raise, the hard one is not.
    for limit in ["-Sn 32", "-n 64"] {
        let home = Home::new();
        fs::write(home.work("list"), &list).unwrap();
        let finished = under(limit, &home, &["get", "-j", "64", "-i", "list", "--json"]).expect(0);
        assert_eq!(finished.results().len(), 200, "{limit}");
        assert_eq!(home.work_names().len(), 201, "{limit}: {:?}", home.work_names());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_beyond_the_largest_that_may_be_written_is_told_as_that() {
    let peer = Peer::serve(ServedFile::new(1, 12 * MIB)).await;
    let home = Home::new();
    // In blocks of 512 octets or of 1 KiB, as the shell has it.
    let finished = under("-f 8192", &home, &["get", "--json", &peer.url("a.bin")]).expect(1);
    assert_told(&finished, "DISK_FILE_TOO_LARGE");
}

#[test]
fn nothing_but_a_mistyped_address_is_bad_usage() {
    let home = Home::new();
    for bad in ["not a url", "http://", "gopher://127.0.0.1/a"] {
        let finished = home.run(["get", bad]).expect(2);
        assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
    }
    for target in ["nonsense", "form+http://127.0.0.1:9/", "gopher://127.0.0.1/"] {
        Pattern::new(1).write_file(&home.work(target.len().to_string()), 10);
        let finished = home.run(["put", &target.len().to_string(), "--to", target]).expect(2);
        assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
    }
    home.run(["get"]).expect(2);
    home.run(["get", "-i", "no-such-list"]).expect(2);
    home.run(["fly"]).expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_nobody_vouches_for_is_refused_until_its_authority_is_named() {
    let file = ServedFile::new(1, GOOD);
    let served = file.clone();
    let peer = Peer::start_tls("localhost", move |request| served.answer(request)).await;
    let home = Home::new();
    assert_told(&home.run(["get", &peer.url("a.bin")]).expect(1), "TLS_FAILED");
    assert!(peer.requests().is_empty(), "no request was sent to a server that proved nothing");
    let ca_file = peer.ca_file();
    home.run(["get", "--ca-cert", ca_file.to_str().unwrap(), &peer.url("a.bin")]).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), GOOD);
    // The certificate is for localhost.
    let other = peer.url("b.bin").replace("localhost", "127.0.0.1");
    assert_told(&home.run(["get", "--ca-cert", ca_file.to_str().unwrap(), &other]).expect(1), "TLS_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_never_gets_the_final_name() {
    let file = ServedFile::new(1, GOOD);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    let wrong = format!("sha256:{}", "0".repeat(64));
    let finished = home.run(["get", "--checksum", &wrong, &peer.url("a.bin")]).expect(1);
    assert_told(&finished, "CHECKSUM_MISMATCH");
    assert!(finished.stderr.contains(&file.pattern().sha256(GOOD)), "both digests are shown: {}", finished.stderr);
    assert!(!home.work("a.bin").exists());
    let right = format!("sha256:{}", file.pattern().sha256(GOOD));
    home.run(["get", "--checksum", &right, &peer.url("a.bin")]).expect(0);
    file.pattern().assert_file(&home.work("a.bin"), GOOD);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_a_server_gives_leaves_the_folder() {
    let peer = Peer::start(|request| {
        let name = request.path.trim_start_matches("/named?");
        let decoded = name.replace("%2F", "/").replace("%5C", "\\").replace("%00", "\0");
        ServedFile::new(1, GOOD)
            .answer(request)
            .header("Content-Disposition", &format!("attachment; filename=\"{decoded}\""))
    })
    .await;
    let home = Home::new();
    fs::create_dir(home.work("into")).unwrap();
    let names = [
        "..%2F..%2Fevil.bin",
        "%2Fetc%2Fevil.bin",
        "..%5C..%5Cevil.bin",
        "..",
        "a%00.bin",
        ".hidden",
        "-rf",
        "con.txt",
    ];
    for name in names {
        let finished = home.run(["get", "--json", "-d", "into", &peer.url(&format!("named?{name}"))]);
        // A NUL in a header is no HTTP any more; everything else gets a safe name.
        if name.contains("%00") && finished.code == Some(1) {
            assert_told(&finished, "SERVER_BAD_RESPONSE");
            continue;
        }
        let path = finished.expect(0).results()[0]["path"].as_str().unwrap().to_owned();
        let saved = std::path::Path::new(&path);
        assert_eq!(saved.parent().unwrap(), home.work("into"), "{name}");
        let shown = saved.file_name().unwrap().to_str().unwrap();
        assert!(!shown.starts_with(['.', '-']) && !shown.contains(['/', '\\', '\0']), "{name} became {shown}");
        Pattern::new(1).assert_file(saved, GOOD);
    }
    assert_eq!(home.work_names(), ["into"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_stops_its_own_job_only() {
    let peer = Peer::serve(ServedFile::new(1, GOOD)).await;
    let home = Home::new();
    Pattern::new(1).write_file(&home.work("file"), 1);
    let finished = home.run(["get", "-d", "file", &peer.url("a.bin")]).expect(1);
    assert_told(&finished, "DISK_FOLDER_MISSING");

    let folder = home.work("sealed");
    fs::create_dir(&folder).unwrap();
    let script = format!("ropeway get -o \"$folder/a.bin\" {0}; echo exit $?; ropeway get {0}", peer.url("a.bin"));
    let Some(command) = on_volume(&home, "ro", &folder, &script) else { return };
    let finished = end(command);
    assert!(finished.stdout.contains("exit 1"), "{finished:?}");
    assert_told(&finished, "DISK_PERMISSION");
    assert!(home.work("a.bin").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_keeps_what_it_has_and_goes_on_when_there_is_room() {
    const LENGTH: u64 = 4 * MIB;
    let file = ServedFile::new(1, LENGTH);
    // Without its length in advance, so that the disk is full in the middle and not before the first byte.
    let served = file.clone();
    let peer = Peer::start(move |request| match request.range() {
        None => served.answer(request).framing(Framing::Chunked),
        Some(_) => served.answer(request),
    })
    .await;
    let home = Home::new();
    let folder = home.work("small");
    fs::create_dir(&folder).unwrap();
    let script = "
        ropeway get -d \"$folder\" $URL; echo first $?
        mount -o remount,size=16m \"$folder\"
        ropeway get -d \"$folder\" $URL; echo second $?
        sha256sum \"$folder/a.bin\"; ls \"$folder\""
        .replace("$URL", &peer.url("a.bin"));
    let Some(command) = on_volume(&home, "size=1m", &folder, &script) else { return };
    let finished = end(command);
    assert_told(&finished, "DISK_FULL");
    for expected in ["first 1", "second 0", &file.pattern().sha256(LENGTH)] {
        assert!(finished.stdout.contains(expected), "{expected}: {finished:?}");
    }
    assert!(finished.stdout.ends_with("\na.bin\n"), "nothing but the file: {}", finished.stdout);
    let resumed = peer.requests().iter().filter_map(Request::range).map(|(start, _)| start).max();
    assert!(resumed > Some(MIB / 2), "what was saved is not fetched again: {resumed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_under_the_queue_of_a_single_command_is_told_and_breaks_nothing() {
    let file = ServedFile::new(1, GOOD);
    let pattern = file.pattern();
    let peer = Peer::serve(file).await;
    let home = Home::new();
    let folder = home.work("full");
    fs::create_dir(&folder).unwrap();
    let script = format!(
        "head -c 1M /dev/zero >\"$folder/filler\" 2>/dev/null; ROPEWAY_DATA_DIR=\"$folder\" ropeway get {}",
        peer.url("a.bin")
    );
    let Some(command) = on_volume(&home, "size=64k", &folder, &script) else { return };
    let finished = end(command).expect(0);
    assert_told(&finished, "STATE_FAILED");
    assert!(finished.stderr.contains("cannot be resumed"), "{}", finished.stderr);
    pattern.assert_file(&home.work("a.bin"), GOOD);
}

/// Fails the test unless stderr has the code and a hint.
#[track_caller]
fn assert_told(finished: &Finished, code: &str) {
    assert!(finished.stderr.contains(code), "{code} is not on stderr: {finished:?}");
    assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
}

fn end(command: Command) -> Finished {
    Running::spawn(command).0.wait()
}

fn answer_by_path(request: &Request) -> Answer {
    match request.path.as_str() {
        "/loop" => Answer::redirect(302, "/loop"),
        "/to-file" => Answer::redirect(302, "file:///etc/passwd"),
        path => match path.trim_start_matches('/').parse::<u16>() {
            Ok(status) => Answer::status(status),
            Err(_) => ServedFile::new(1, GOOD).answer(request),
        },
    }
}
