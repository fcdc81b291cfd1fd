//! `get -o -` and its like: bytes in order to something that takes them once.

use std::{
    fs,
    io::Read as _,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, Cut, Request, ServedFile},
};

use crate::support::{Home, MIB};

const LENGTH: u64 = 3 * MIB;

/// Runs `get` with stdout taken as bytes.
fn piped(home: &Home, arguments: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    let output = home.command([&["get"], arguments].concat()).output().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

fn is_pattern(home: &Home, pattern: Pattern, bytes: &[u8]) {
    fs::write(home.work("had"), bytes).unwrap();
    pattern.assert_file(&home.work("had"), LENGTH);
    fs::remove_file(home.work("had")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_output_gets_the_file_and_nothing_else() {
    let file = ServedFile::new(92, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    for output in ["-", "/dev/stdout"] {
        let (code, bytes, stderr) = piped(&home, &["-n", "8", "-o", output, &peer.url("a.bin")]);
        assert_eq!(code, Some(0), "{stderr}");
        is_pattern(&home, file.pattern(), &bytes);
        assert!(stderr.contains("3.00 MiB"), "{stderr}");
    }
    assert!(home.work_names().is_empty(), "{:?}", home.work_names());
    assert!(peer.requests().iter().all(|request| request.range().is_none()), "one connection, in order");
    let digest = format!("sha256:{}", file.pattern().sha256(LENGTH));
    assert_eq!(piped(&home, &["-q", "-o", "-", "--checksum", &digest, &peer.url("a.bin")]).2, "");
    let wrong = format!("sha256:{}", "0".repeat(64));
    let (code, _, stderr) = piped(&home, &["-o", "-", "--checksum", &wrong, &peer.url("a.bin")]);
    assert!(code == Some(1) && stderr.contains("CHECKSUM_MISMATCH"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_goes_on_where_it_was_with_and_without_ranges() {
    for has_ranges in [true, false] {
        let file = ServedFile::new(92, LENGTH).without_validators();
        let served = file.clone();
        let peer = Peer::start(move |request| {
            let answer = if has_ranges { served.answer(request) } else { served.whole() };
            if request.number < 3 { answer.cut_after(MIB, Cut::Reset) } else { answer }
        })
        .await;
        let home = Home::new();
        let (code, bytes, stderr) = piped(&home, &["-o", "-", &peer.url("a.bin")]);
        assert_eq!(code, Some(0), "{stderr}");
        is_pattern(&home, file.pattern(), &bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_file_changes_ends_there_instead_of_mixing_two() {
    let (old, new) =
        (ServedFile::new(92, LENGTH).without_validators(), ServedFile::new(93, LENGTH).without_validators());
    let asked = AtomicUsize::new(0);
    let peer = Peer::start(move |request: &Request| match asked.fetch_add(1, SeqCst) {
        0 => old.answer(request).cut_after(MIB, Cut::Reset),
        _ => new.answer(request),
    })
    .await;
    let home = Home::new();
    let (code, bytes, stderr) = piped(&home, &["-o", "-", &peer.url("a.bin")]);
    assert!(code == Some(1) && stderr.contains("REMOTE_CHANGED"), "{stderr}");
    assert!(bytes.len() as u64 <= MIB, "{}", bytes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn pipes_devices_and_folders_get_what_they_can_take() {
    let file = ServedFile::new(92, LENGTH);
    let peer = Peer::serve(file.clone()).await;
    let home = Home::new();
    assert!(Command::new("mkfifo").arg(home.work("fifo")).status().unwrap().success());
    let mut reader = Command::new("cat").arg(home.work("fifo")).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = reader.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        bytes
    });
    home.run(["get", "-o", "fifo", &peer.url("a.bin")]).expect(0);
    is_pattern(&home, file.pattern(), &reading.join().unwrap());
    reader.wait().unwrap();
    home.run(["get", "-o", "/dev/null", &peer.url("a.bin")]).expect(0);
    assert_eq!(home.work_names(), ["fifo"]);
    fs::create_dir(home.work("there")).unwrap();
    for folder in ["there", "new/"] {
        home.run(["get", "-o", folder, &peer.url("a.bin")]).expect(0);
        file.pattern().assert_file(&home.work(folder).join("a.bin"), LENGTH);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_what_a_file_would_say_of_a_failure() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/f.zip" => Answer::status(200).header("Content-Type", "application/json").body("{\"error\":1}"),
        _ => Answer::status(404),
    })
    .await;
    let home = Home::new();
    for (path, code) in [("gone", "HTTP_NOT_FOUND"), ("f.zip", "SERVER_BAD_CONTENT")] {
        let (exit, bytes, stderr) = piped(&home, &["-o", "-", &peer.url(path)]);
        assert!(exit == Some(1) && bytes.is_empty() && stderr.contains(code), "{stderr}");
    }
    let (exit, _, stderr) = piped(&home, &["-o", "-", &peer.url("a"), &peer.url("b")]);
    assert!(exit == Some(2), "{stderr}");
}
