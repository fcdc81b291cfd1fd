//! How a job reaches the network: logins, cookies and proxies, as a user names them.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use ropeway_testkit::{
    Pattern, Peer, free_port,
    peer::{Answer, Request, ServedFile},
};

use crate::support::{Finished, Home, Running};

const LENGTH: u64 = 100_000;

/// A file behind the login `ann:secret`.
async fn guarded() -> Peer {
    let file = ServedFile::new(1, LENGTH);
    Peer::start(move |request| match request.header("Authorization") {
        Some("Basic YW5uOnNlY3JldA==" | "Bearer token-1") => file.answer(request),
        _ => Answer::status(401).header("WWW-Authenticate", "Basic realm=\"files\""),
    })
    .await
}

fn run(command: Command) -> Finished {
    Running::spawn(command).0.wait()
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_come_from_flags_or_from_netrc_and_only_when_asked_for() {
    let peer = guarded().await;
    let home = Home::new();
    let netrc = home.work("../.netrc");
    fs::write(&netrc, "machine 127.0.0.1 login ann password \"secret\"\n").unwrap();
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o600)).unwrap();
    let refused = home.run(["get", &peer.url("no.bin")]).expect(1);
    assert!(refused.stderr.contains("HTTP_UNAUTHORIZED"), "{}", refused.stderr);
    for (name, flags) in [
        ("user.bin", vec!["--user", "ann:secret"]),
        ("bearer.bin", vec!["--bearer", "token-1"]),
        ("netrc.bin", vec!["--netrc"]),
        ("given.bin", vec!["--netrc", "--user", "ann:secret"]),
    ] {
        let finished = home.run([&["get"][..], &flags, &[&peer.url(name)]].concat()).expect(0);
        assert!(!finished.stderr.contains(".netrc"), "{name}: {}", finished.stderr);
        Pattern::new(1).assert_file(&home.work(name), LENGTH);
    }
    // One that others may read is used, and that is said.
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o644)).unwrap();
    let finished = home.run(["get", "--netrc", &peer.url("open.bin")]).expect(0);
    assert!(finished.stderr.contains("other users can read the passwords"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);
    // A file named by the environment goes before the one at home; a broken one is told by its line.
    let other = home.work("other-netrc");
    fs::write(&other, "machine 127.0.0.1\nlogin \"ann").unwrap();
    let mut command = home.command(["get", "--netrc", &peer.url("other.bin")]);
    command.env("NETRC", &other);
    let finished = run(command).expect(1);
    assert!(finished.stderr.contains("CREDENTIAL_FILE") && finished.stderr.contains("line 2"), "{}", finished.stderr);
    fs::remove_file(netrc).unwrap();
    let refused = home.run(["get", "--netrc", &peer.url("none.bin")]).expect(1);
    assert!(refused.stderr.contains("HTTP_UNAUTHORIZED"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_of_a_browser_open_the_file_they_are_for() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start(move |request: &Request| match request.header("Cookie") {
        Some("session=s1") => file.answer(request),
        _ => Answer::redirect(302, "/login"),
    })
    .await;
    let home = Home::new();
    let lines = "# Netscape HTTP Cookie File\n\n\
                 #HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\ts1\n\
                 example.org\tFALSE\t/\tFALSE\t0\tforeign\tx\n";
    fs::write(home.work("cookies.txt"), lines).unwrap();
    home.run(["get", "--cookies", "cookies.txt", &peer.url("a.bin")]).expect(0);
    Pattern::new(1).assert_file(&home.work("a.bin"), LENGTH);
    let finished = home.run(["get", &peer.url("b.bin")]).expect(1);
    assert!(finished.stderr.contains("REDIRECT_REFUSED"), "{}", finished.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_is_the_jobs_or_the_settings_or_the_environments() {
    let proxy = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let target = |name: &str| format!("http://files.invalid/{name}");
    let home = Home::new();
    home.run(["get", "--proxy", &proxy.url(""), &target("flag.bin")]).expect(0);
    fs::write(home.config("settings.toml"), format!("proxy = \"{}\"\n", proxy.url(""))).unwrap();
    home.run(["get", &target("settings.bin")]).expect(0);
    fs::remove_file(home.config("settings.toml")).unwrap();
    let with_environment = |name: &str, exceptions: &str| {
        let mut command = home.command(["get", &target(name)]);
        command.env("http_proxy", proxy.url("")).env("no_proxy", exceptions);
        run(command)
    };
    with_environment("environment.bin", "other.invalid").expect(0);
    let past = with_environment("past.bin", "files.invalid").expect(1);
    assert!(past.stderr.contains("NETWORK_NAME"), "the proxy is not for this host: {}", past.stderr);
    for name in ["flag.bin", "settings.bin", "environment.bin"] {
        Pattern::new(1).assert_file(&home.work(name), LENGTH);
    }
    // One that is down is never passed by.
    let peer = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let down = format!("http://127.0.0.1:{}/", free_port());
    let finished = home.run(["get", "--proxy", &down, &peer.url("down.bin")]).expect(1);
    assert!(finished.stderr.contains("PROXY_FAILED"), "{}", finished.stderr);
    assert!(peer.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_compressed_unasked_is_saved_as_what_its_name_says() {
    // `gzip` of the text, as made by the program of that name.
    let text = "name,size\nropeway,1\n".repeat(500);
    let mut gzip = Command::new("gzip");
    let (gzip, mut stdin) = {
        let mut child = gzip.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        (child, stdin)
    };
    std::io::Write::write_all(&mut stdin, text.as_bytes()).unwrap();
    drop(stdin);
    let encoded = gzip.wait_with_output().unwrap().stdout;
    let octets = encoded.clone();
    let peer = Peer::start(move |request: &Request| {
        let body = if request.path.contains("cut") { octets[..octets.len() - 3].to_vec() } else { octets.clone() };
        let coding = if request.path.contains("brotli") { "br" } else { "gzip" };
        Answer::status(200).header("Content-Encoding", coding).header("ETag", "\"1\"").body(body)
    })
    .await;
    let home = Home::new();
    home.run(["get", "-n", "4", &peer.url("a.csv"), &peer.url("a.csv.gz")]).expect(0);
    assert_eq!(fs::read_to_string(home.work("a.csv")).unwrap(), text);
    assert_eq!(fs::read(home.work("a.csv.gz")).unwrap(), encoded);
    assert!(peer.requests().iter().all(|request| request.header("Accept-Encoding") == Some("identity")));
    let finished = home.run(["get", &peer.url("brotli.csv")]).expect(1);
    assert!(finished.stderr.contains("SERVER_CONTENT_CODING"), "{}", finished.stderr);
    assert!(!home.work("brotli.csv").exists());
}

/// A document with one file at these addresses, the first one the best.
fn metalink(name: &str, urls: &[String]) -> String {
    let pattern = Pattern::new(1);
    let urls: String =
        urls.iter().enumerate().map(|(place, url)| format!("<url priority=\"{}\">{url}</url>", place + 1)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\
         <file name=\"{name}\"><size>{LENGTH}</size><hash type=\"sha-256\">{}</hash>{urls}</file></metalink>",
        pattern.sha256(LENGTH)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metalink_brings_its_files_from_whichever_mirror_has_them() {
    let good = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let gone = Peer::start(|_| Answer::status(404)).await;
    let document = metalink("sub/../disk.iso", &[gone.url("x"), good.url("y")]);
    let home = Home::new();
    fs::write(home.work("disk.meta4"), &document).unwrap();
    let finished = home.run(["get", "--json", "disk.meta4"]).expect(0);
    Pattern::new(1).assert_file(&home.work("sub/disk.iso"), LENGTH);
    assert_eq!(finished.results()[0]["verification"], "checksum_given");

    let text = document.clone();
    let site = Peer::start(move |_| Answer::status(200).body(text.clone())).await;
    home.run(["get", "-d", "in", &site.url("disk.meta4")]).expect(0);
    Pattern::new(1).assert_file(&home.work("in/sub/disk.iso"), LENGTH);

    // Other bytes than the digest tells never get the name.
    let wrong = Peer::serve(ServedFile::new(2, LENGTH)).await;
    fs::write(home.work("wrong.meta4"), metalink("wrong.iso", &[wrong.url("x")])).unwrap();
    let finished = home.run(["get", "wrong.meta4"]).expect(1);
    assert!(finished.stderr.contains("CHECKSUM_MISMATCH"), "{}", finished.stderr);
    assert!(!home.work("wrong.iso").exists());

    let version_3 = "<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\"><files/></metalink>";
    fs::write(home.work("old.metalink"), version_3).unwrap();
    let finished = home.run(["get", "old.metalink"]).expect(1);
    assert!(finished.stderr.contains("version 3"), "{}", finished.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_stands_in_for_an_address_that_is_gone() {
    let good = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let gone = Peer::start(|_| Answer::status(410)).await;
    let home = Home::new();
    home.run(["get", "--mirror", &good.url("b.bin"), &gone.url("a.bin")]).expect(0);
    Pattern::new(1).assert_file(&home.work("b.bin"), LENGTH);
    let refused = home.run(["get", "--mirror", &good.url("b.bin"), &gone.url("a"), &gone.url("b")]);
    refused.expect(2);
}
