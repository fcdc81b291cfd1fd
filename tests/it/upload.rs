//! `ropeway put` against a real nginx, form receivers, and a peer that hashes what it gets.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, net::UnixListener},
    time::{Duration, Instant},
};

use ropeway_testkit::{
    Nginx, Pattern, Peer,
    peer::{Answer, Cut, Intake, Request},
};

use crate::support::{
    Finished, FormReceiver, GIB, Home, MIB, Server, assert_same_bytes, big_file, memory_folder, stamped_file,
};

/// What an upload of any size may have resident.
const MOST_MEMORY: u64 = 40 * MIB;

#[test]
fn heavy_a_gibibyte_put_to_nginx_arrives_in_constant_memory() {
    let memory = memory_folder();
    let source = big_file(memory.path());
    let nginx = Nginx::start();
    let home = Home::new();
    let finished = home.run(["put", "--json", source.to_str().unwrap(), "--to", &nginx.url("in/")]).expect(0);
    assert_same_bytes(&nginx.root().join("in/big.bin"), &source);
    assert_eq!(finished.results()[0]["bytes"], GIB);
    assert!(finished.peak_memory < MOST_MEMORY, "{} MiB", finished.peak_memory / MIB);
}

#[test]
fn heavy_a_gibibyte_form_to_python_arrives_in_constant_memory() {
    let memory = memory_folder();
    let source = big_file(memory.path());
    let arrived = memory_folder();
    let receiver = FormReceiver::start(arrived.path());
    let home = Home::new();
    let finished = home.run(["put", "--json", source.to_str().unwrap(), "--to", &receiver.target()]).expect(0);
    assert_same_bytes(&arrived.path().join("big.bin"), &source);
    assert!(finished.peak_memory < MOST_MEMORY, "{} MiB", finished.peak_memory / MIB);
}

#[test]
fn heavy_a_gibibyte_form_to_our_own_service_arrives_in_constant_memory() {
    let memory = memory_folder();
    let source = big_file(memory.path());
    let arrived = memory_folder();
    let home = Home::new();
    let server = Server::start(&home, arrived.path(), &[]);
    let target = format!("form+{}#field=file", server.url(""));
    let finished = home.run(["put", "--json", source.to_str().unwrap(), "--to", &target]).expect(0);
    assert_same_bytes(&arrived.path().join("big.bin"), &source);
    assert!(finished.peak_memory < MOST_MEMORY, "{} MiB", finished.peak_memory / MIB);
}

#[test]
fn a_folder_is_sent_with_every_file_below_it() {
    let nginx = Nginx::start();
    let home = Home::new();
    fs::create_dir_all(home.work("pictures/summer")).unwrap();
    stamped_file(&home.work("pictures/a.bin"), 3000);
    stamped_file(&home.work("pictures/summer/b.bin"), 5000);
    let finished = home.run(["put", "--json", "pictures", "--to", &nginx.url("in/")]).expect(0);
    assert_eq!(finished.results().len(), 2);
    let mut arrived: Vec<_> =
        nginx.access_log().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived, ["HEAD", "PUT"], "what is stored is asked");
    let found: u64 = sizes(&nginx.root().join("in"));
    assert_eq!(found, 8000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_everything_and_never_answers_is_given_up_in_the_time_chosen() {
    // Far less than what is waited for where nothing is chosen.
    const AT_MOST: Duration = Duration::from_secs(45);
    let peer = Peer::start(|request| match request.method.as_str() {
        "PUT" if request.path.ends_with("made.bin") => Answer::status(201),
        _ => Answer::silence(),
    })
    .await;
    let home = Home::new();
    let send = |name: &str| {
        stamped_file(&home.work(name), 3000);
        let begun = Instant::now();
        let finished = home.run(["put", "--json", name, "--to", &peer.url("in/"), "--timeout", "1", "--tries", "1"]);
        assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
        finished
    };
    assert_eq!(codes(&send("never.bin").expect(1)), ["NETWORK_IDLE"]);
    assert_eq!(puts(&peer).len(), 1, "one try is one");
    // Nor is who does not say what he has waited for longer.
    send("made.bin").expect(0);
}

/// More files than one batch of changes tells of.
const MANY: usize = 2_300;

/// Codes of the failures that were told, in their order.
fn codes(finished: &Finished) -> Vec<String> {
    finished.results().iter().filter_map(|line| Some(line["code"].as_str()?.to_owned())).collect()
}

fn puts(peer: &Peer) -> Vec<String> {
    let requests = peer.requests();
    requests.iter().filter(|request| request.method == "PUT").map(|request| request.path.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_folder_of_more_files_than_a_batch_tells_of_comes_to_its_end() {
    let peer = Peer::start(|request| {
        let is_refused = request.path.ends_with("7.txt");
        Answer::status(if is_refused { 403 } else { 201 })
    })
    .await;
    let home = Home::new();
    fs::create_dir(home.work("many")).unwrap();
    for number in 0..MANY {
        fs::write(home.work("many").join(format!("{number:04}.txt")), number.to_string()).unwrap();
    }
    let to = peer.url("in/#verify=off");
    let finished = home.run(["put", "--json", "-j", "32", "many", "--to", &to]).expect(1);
    assert_eq!(finished.results().len(), MANY);
    assert_eq!(codes(&finished), vec!["HTTP_FORBIDDEN"; MANY / 10]);
    assert_eq!(finished.stderr.matches("HTTP_FORBIDDEN").count(), MANY / 10, "each is told on stderr, too");
    assert_eq!(puts(&peer).len(), MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_list_of_more_links_than_a_batch_tells_of_comes_to_its_end() {
    let peer = Peer::start(|request| {
        if request.path.ends_with("7.txt") {
            Answer::status(404)
        } else {
            Answer::status(200).body(request.path.clone())
        }
    })
    .await;
    let home = Home::new();
    let list: String = (0..MANY).map(|number| format!("{}\n", peer.url(&format!("{number:04}.txt")))).collect();
    fs::write(home.work("list"), list).unwrap();
    let finished = home.run(["get", "--json", "-j", "32", "-i", "list", "-d", "out"]).expect(1);
    assert_eq!(finished.results().len(), MANY);
    assert_eq!(codes(&finished), vec!["HTTP_NOT_FOUND"; MANY / 10]);
    assert_eq!(fs::read_dir(home.work("out")).unwrap().count(), MANY - MANY / 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_files_of_one_command_go_to_one_address() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    fs::create_dir_all(home.work("x")).unwrap();
    fs::create_dir_all(home.work("y")).unwrap();
    for file in ["x/a.txt", "y/a.txt", "y/A.TXT", "x/b.txt", "y/q\\b.txt"] {
        fs::write(home.work(file), file).unwrap();
    }
    let exact = peer.url("in");
    for paths in [&["x/a.txt", "x/b.txt"][..], &["x"]] {
        let refused = home.run(["put"].iter().chain(paths).chain(&["--to", &exact])).expect(2);
        assert!(refused.stderr.contains("End the target in /"), "{}", refused.stderr);
    }
    assert_eq!(puts(&peer).len(), 0);
    home.run(["put", "x/a.txt", "--to", &exact]).expect(0);
    let folder = peer.url("all/#verify=off");
    let finished =
        home.run(["put", "--json", "x/a.txt", "y/a.txt", "y/A.TXT", "x/b.txt", "y/q\\b.txt", "--to", &folder]);
    assert_eq!(codes(&finished.expect(1)), ["UPLOAD_NAMES_COLLIDE"; 2]);
    let mut arrived = puts(&peer);
    arrived.sort();
    assert_eq!(arrived, ["/all/a.txt", "/all/b.txt", "/all/q%5Cb.txt", "/in"]);
    let folder = peer.url("exact/#case=exact");
    home.run(["put", "x/a.txt", "y/A.TXT", "--to", &folder]).expect(0);
    assert_eq!(puts(&peer).iter().filter(|path| path.starts_with("/exact/")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_no_utf_8_go_to_addresses_of_their_own() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    let folder = home.work("f");
    fs::create_dir(&folder).unwrap();
    for name in [&b"x\xe4"[..], b"x\xf6"] {
        fs::write(folder.join(OsStr::from_bytes(name)), name).unwrap();
    }
    home.run(["put", "f", "--to", &peer.url("in/")]).expect(0);
    let mut arrived = puts(&peer);
    arrived.sort();
    assert_eq!(arrived, ["/in/f/x%E4", "/in/f/x%F6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_of_a_folder_is_said() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    fs::create_dir(home.work("f")).unwrap();
    fs::write(home.work("f/a.txt"), "a").unwrap();
    std::os::unix::fs::symlink("a.txt", home.work("f/link")).unwrap();
    let _socket = UnixListener::bind(home.work("f/socket")).unwrap();
    // Every file arrived: nothing has failed.
    let finished = home.run(["put", "--json", "f", "--to", &peer.url("in/")]).expect(0);
    for name in ["f/link is left out: it is a link", "f/socket is left out: it is a pipe, a socket"] {
        let line = finished.stderr.lines().find(|line| line.contains(name));
        assert!(line.is_some_and(|line| line.starts_with("notice: ")), "{name}: {}", finished.stderr);
    }
    assert_eq!(codes(&finished), ["LEFT_OUT"; 2]);
    assert_eq!(puts(&peer), ["/in/f/a.txt"]);
    let quiet = home.run(["put", "--quiet", "f", "--to", &peer.url("in/")]).expect(0);
    assert_eq!(quiet.stderr.lines().filter(|line| line.contains("is left out")).count(), 2, "{}", quiet.stderr);
    // What the user names is meant, also where it is a link; one that leads nowhere is an error.
    std::os::unix::fs::symlink("nowhere", home.work("broken")).unwrap();
    home.run(["put", "f/link", "--to", &peer.url("in/")]).expect(0);
    assert!(home.run(["put", "broken", "--to", &peer.url("in/")]).expect(1).stderr.contains("SOURCE_MISSING"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_length_is_refused_with_a_clear_word() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    let to = peer.url("in/");
    let refused = home.run(["put", "-", "--to", &to]).expect(2);
    assert!(refused.stderr.contains("standard input cannot be sent"), "{}", refused.stderr);
    for path in ["/proc/self/status", "/dev/null"] {
        let refused = home.run(["put", path, "--to", &to]).expect(1);
        assert!(refused.stderr.contains("SOURCE_NOT_A_FILE"), "{path}: {}", refused.stderr);
    }
    let status = std::process::Command::new("mkfifo").arg(home.work("pipe")).status().unwrap();
    assert!(status.success());
    let refused = home.run(["put", "pipe", "--to", &to]).expect(1);
    assert!(refused.stderr.contains("SOURCE_NOT_A_FILE"), "{}", refused.stderr);
    assert_eq!(peer.requests().len(), 0);
    fs::write(home.work("-"), "a").unwrap();
    home.run(["put", "./-", "--to", &to]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sent_and_verified_are_two_words() {
    let silent = Peer::start(|request| Answer::status(if request.method == "PUT" { 204 } else { 405 })).await;
    let home = Home::new();
    Pattern::new(9).write_file(&home.work("a.bin"), 1000);
    let finished = home.run(["put", "--json", "a.bin", "--to", &silent.url("in/")]).expect(0);
    let result = &finished.results()[0];
    assert_eq!((&result["verified"], &result["verification"]), (&false.into(), &"unverified".into()));
    let finished = home.run(["put", "a.bin", "--to", &silent.url("in/")]).expect(0);
    assert!(finished.stdout.contains("unverified"), "{}", finished.stdout);
    let nginx = Nginx::start();
    let finished = home.run(["put", "--json", "a.bin", "--to", &nginx.url("in/")]).expect(0);
    let result = &finished.results()[0];
    assert_eq!((&result["verified"], &result["verification"]), (&true.into(), &"length".into()));
    let server = Server::start(&home, &home.work(""), &[]);
    fs::rename(home.work("a.bin"), home.work("b.bin")).unwrap();
    fs::create_dir(home.work("in")).unwrap();
    let finished = home.run(["put", "--json", "b.bin", "--to", &server.url("in/")]).expect(0);
    assert_eq!(finished.results()[0]["verification"], "checksum_of_server");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_did_not_arrive_whole_is_no_success() {
    type Script = fn(&Request) -> Answer;
    let half = |request: &Request| match request.method.as_str() {
        "PUT" => Answer::status(204),
        _ => Answer::status(200).header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT").body(vec![0; 500]),
    };
    let login = |_: &Request| Answer::status(200).header("Content-Type", "text/html").body("<html>Sign in</html>");
    let early = |_: &Request| Answer::status(201).intake(Intake::Refused(Cut::End));
    let lying = |_: &Request| {
        Answer::status(201).header("Repr-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:").body("{}")
    };
    let scripts: [(&str, &str, Script); 4] = [
        ("half", "UPLOAD_DAMAGED", half),
        ("login", "SERVER_BAD_CONTENT", login),
        ("early", "SERVER_BAD_RESPONSE", early),
        ("lying", "UPLOAD_DAMAGED", lying),
    ];
    let home = Home::new();
    Pattern::new(9).write_file(&home.work("a.bin"), 20 * MIB);
    for (what, code, script) in scripts {
        let peer = Peer::start(script).await;
        let finished = home.run(["put", "--json", "a.bin", "--to", &peer.url("in/")]).expect(1);
        assert_eq!(codes(&finished), [code], "{what}");
        assert_eq!(finished.results()[0]["verified"], false, "{what}");
        assert_eq!(puts(&peer).len(), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_at_the_end_is_what_arrived() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    let source = home.work("a.bin");
    Pattern::new(9).write_file(&source, 700_001);
    let finished = home.run(["put", "--json", "--checksum", "sha256", "a.bin", "--to", &peer.url("in/")]).expect(0);
    let request = &peer.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/in/a.bin"));
    assert_eq!(request.content_length(), Some(700_001));
    let result = &finished.results()[0];
    assert_eq!(result["sha256"], request.files[0].sha256);
    assert_eq!((&result["url"], result["bytes"].as_u64()), (&peer.url("in/a.bin").into(), Some(700_001)));
    assert_eq!(result["path"], source.to_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_carries_the_field_the_name_and_the_bytes() {
    let peer = Peer::start(|_| Answer::status(200)).await;
    let home = Home::new();
    Pattern::new(9).write_file(&home.work("a b.bin"), 100_000);
    let target = format!("form+{}#field=upload", peer.url("up?x=1"));
    home.run(["put", "a b.bin", "--to", &target]).expect(0);
    let request = &peer.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/up?x=1"));
    let file = &request.files[0];
    assert_eq!((file.field.as_str(), file.name.as_deref(), file.length), ("upload", Some("a b.bin"), 100_000));
    assert_eq!(file.sha256, Pattern::new(9).sha256(100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_the_server_refuses_fails_with_its_code() {
    for (status, code) in [
        (403, "HTTP_FORBIDDEN"),
        (401, "HTTP_UNAUTHORIZED"),
        (413, "HTTP_TOO_LARGE"),
        (409, "HTTP_CONFLICT"),
        (507, "HTTP_STORAGE_FULL"),
        (423, "HTTP_LOCKED"),
        (422, "HTTP_REFUSED"),
    ] {
        let peer = Peer::start(move |_| {
            let words = r#"{"title":"Not now","detail":"Ask Mara."}"#;
            Answer::status(status).header("Content-Type", "application/problem+json").body(words)
        })
        .await;
        let home = Home::new();
        Pattern::new(9).write_file(&home.work("a.bin"), 1000);
        let finished = home.run(["put", "a.bin", "--to", &peer.url("in/")]).expect(1);
        for part in [code, "Ask Mara.", "hint: "] {
            assert!(finished.stderr.contains(part), "{status} {part}: {}", finished.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_stops_no_other_upload() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    Pattern::new(9).write_file(&home.work("a.bin"), 1000);
    let finished = home.run(["put", "missing.bin", "a.bin", "--to", &peer.url("in/")]).expect(1);
    assert!(
        finished.stderr.contains("missing.bin") && finished.stderr.contains("SOURCE_MISSING"),
        "{}",
        finished.stderr
    );
    assert_eq!(peer.requests()[0].path, "/in/a.bin");
    home.run(["put", "missing.bin", "--to", &peer.url("in/")]).expect(1);
}

/// Bytes of all files below `folder`.
fn sizes(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { sizes(&entry.path()) } else { meta.len() }
        })
        .sum()
}
