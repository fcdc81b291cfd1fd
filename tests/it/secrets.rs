//! Secrets of a user, and documents, redirects and mirrors that would hand them on: what real servers were sent.

use std::fs;

use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, Request, ServedFile},
};

use crate::support::{Daemon, Finished, Home};

const LENGTH: u64 = 100_000;
/// Fields of which no other server may see one.
const SECRET: [&str; 3] = ["Authorization", "X-Api-Key", "Cookie"];
/// The flags with all of them, and with what everybody may see.
const FLAGS: [&str; 8] =
    ["--user", "ann:hunter2", "-H", "X-Api-Key: hunter2", "-H", "Cookie: s=hunter2", "-H", "User-Agent: Mozilla/5.0"];

/// A Metalink of one file, which is at each of these addresses.
fn document(name: &str, urls: &[String]) -> String {
    let urls: String = urls.iter().map(|url| format!("<url>{url}</url>")).collect();
    format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\"><file name=\"{name}\">{urls}</file></metalink>")
}

/// A server of files whose `/list.meta4` is this document.
async fn listing(document: String) -> Peer {
    let file = ServedFile::new(1, LENGTH);
    Peer::start(move |request| match request.path.as_str() {
        "/list.meta4" => Answer::status(200).body(document.clone()),
        _ => file.answer(request),
    })
    .await
}

async fn files() -> Peer {
    Peer::serve(ServedFile::new(1, LENGTH)).await
}

/// The secrets that a server was sent.
fn told(peer: &Peer) -> Vec<String> {
    let requests = peer.requests();
    let sent = requests.iter().flat_map(|request| {
        SECRET.iter().filter_map(|name| Some(format!("{} {name}: {}", request.path, request.header(name)?)))
    });
    sent.collect()
}

fn agents(peer: &Peer) -> Vec<Option<String>> {
    peer.requests().iter().map(|request| request.header("User-Agent").map(str::to_owned)).collect()
}

fn is_whole(home: &Home, name: &str) {
    Pattern::new(1).assert_file(&home.work(name), LENGTH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metalink_gets_the_secrets_and_the_servers_it_names_do_not() {
    let other = files().await;
    let trusted = listing(document("a.bin", &[other.url("a.bin")])).await;
    let home = Home::new();
    home.run([&["get"][..], &FLAGS, &[&trusted.url("list.meta4")]].concat()).expect(0);
    is_whole(&home, "a.bin");
    assert_eq!(told(&trusted).len(), 3, "the document itself is behind the login");
    assert_eq!(told(&other), Vec::<String>::new());
    assert!(!other.requests().is_empty());
    assert!(agents(&other).iter().all(|agent| agent.as_deref() == Some("Mozilla/5.0")), "{:?}", agents(&other));

    home.run(["get", "--bearer", "hunter2", &trusted.url("list.meta4")]).expect(0);
    assert_eq!(told(&trusted).len(), 4);
    assert_eq!(told(&other), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metalink_gives_secrets_back_to_the_server_that_the_user_named() {
    let other = files().await;
    let file = ServedFile::new(1, LENGTH);
    let far = other.url("none.bin");
    let trusted = Peer::start(move |request: &Request| match request.path.as_str() {
        "/list.meta4" => {
            let own = format!("http://{}/own.bin", request.header("Host").unwrap());
            Answer::status(200).body(document("own.bin", &[own, far.clone()]))
        }
        _ if request.header("X-Api-Key") == Some("hunter2") => file.answer(request),
        _ => Answer::status(403),
    })
    .await;
    let home = Home::new();
    home.run([&["get"][..], &FLAGS, &[&trusted.url("list.meta4")]].concat()).expect(0);
    is_whole(&home, "own.bin");
    assert_eq!(told(&other), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_behind_a_redirect_gets_nothing_for_itself() {
    let other = files().await;
    let evil = listing(document("a.bin", &[other.url("a.bin")])).await;
    let target = evil.url("list.meta4");
    let trusted = Peer::start(move |_| Answer::redirect(302, &target)).await;
    let home = Home::new();
    home.run([&["get"][..], &FLAGS, &[&trusted.url("list.meta4")]].concat()).expect(0);
    is_whole(&home, "a.bin");
    assert_eq!(told(&trusted).len(), 3);
    assert_eq!((told(&evil), told(&other)), (Vec::new(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_keeps_secrets_to_their_server_too_and_after_a_restart() {
    let (other, mirror) = (files().await, files().await);
    let trusted = listing(document("a.bin", &[other.url("a.bin"), mirror.url("a.bin")])).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let folder = home.work("");
    let dir = ["-d", folder.to_str().unwrap()];
    let paused = daemon.add([&["--paused"][..], &dir, &FLAGS, &[&trusted.url("list.meta4")]].concat());
    daemon.stop().expect(0);
    let daemon = Daemon::start(&home);
    daemon.run(["resume", &paused]).expect(0);
    daemon.wait_for_phase(&paused, "completed");
    is_whole(&home, "a.bin");
    // What lies beside the file is looked for at its server.
    daemon.run(["checksums", &paused]);
    assert_eq!(told(&trusted).len(), 3);
    assert_eq!((told(&other), told(&mirror)), (Vec::new(), Vec::new()));
    assert!(other.requests().len() + mirror.requests().len() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_metalink_of_this_machine_secrets_go_to_nobody_and_that_is_said() {
    let other = files().await;
    let home = Home::new();
    fs::write(home.work("list.meta4"), document("a.bin", &[other.url("a.bin")])).unwrap();
    fs::write(home.work("../.netrc"), "machine 127.0.0.1 login ann password hunter2\n").unwrap();
    let flags = [&["get", "--netrc"][..], &FLAGS, &["list.meta4"]].concat();
    let said = home.run(flags).expect(0).stderr;
    assert!(said.contains("sent to nobody") && !said.contains("hunter2"), "{said}");
    is_whole(&home, "a.bin");
    assert_eq!(told(&other), Vec::<String>::new());
    assert!(agents(&other).iter().all(|agent| agent.as_deref() == Some("Mozilla/5.0")), "{:?}", agents(&other));
    let daemon = Daemon::start(&home);
    let folder = home.work("again");
    let id = daemon.add([&["-d", folder.to_str().unwrap()][..], &FLAGS, &["list.meta4"]].concat());
    daemon.wait_for_phase(&id, "completed");
    assert_eq!(told(&other), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_of_netrc_is_not_for_servers_that_a_document_names() {
    let other = files().await;
    let trusted = listing(document("a.bin", &[other.url("a.bin")])).await;
    let home = Home::new();
    fs::write(home.work("../.netrc"), "machine 127.0.0.1 login ann password hunter2\n").unwrap();
    home.run(["get", "--netrc", &trusted.url("list.meta4")]).expect(0);
    assert_eq!((told(&trusted).len(), told(&other).len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_came_encrypted_leads_to_nothing_that_does_not() {
    let (plain, file) = (files().await, ServedFile::new(1, LENGTH));
    let far = plain.url("a.bin");
    let secure = Peer::start_tls("localhost", move |request| match request.path.as_str() {
        "/plain.meta4" => Answer::status(200).body(document("a.bin", std::slice::from_ref(&far))),
        "/both.meta4" => {
            let own = format!("https://{}/a.bin", request.header("Host").unwrap());
            Answer::status(200).body(document("b.bin", &[far.clone(), own]))
        }
        _ => file.answer(request),
    })
    .await;
    let home = Home::new();
    let ca_file = secure.ca_file();
    let get = |flags: &[&str], path: &str| -> Finished {
        home.run([&["get", "--ca-cert", ca_file.to_str().unwrap()], flags, &FLAGS, &[&secure.url(path)]].concat())
    };
    let refused = get(&[], "plain.meta4").expect(1);
    assert!(refused.stderr.contains("REDIRECT_REFUSED"), "{}", refused.stderr);
    get(&[], "both.meta4").expect(0);
    is_whole(&home, "b.bin");
    assert!(plain.requests().is_empty(), "{:?}", plain.requests());
    get(&["--allow-downgrade"], "plain.meta4").expect(0);
    is_whole(&home, "a.bin");
    assert_eq!(told(&plain), Vec::<String>::new());
    assert!(!plain.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_a_document_writes_into_an_address_is_sent_to_nobody() {
    let other = files().await;
    let url = other.url("a.bin").replace("http://", "http://admin:admin@");
    let trusted = listing(document("a.bin", &[url])).await;
    let home = Home::new();
    home.run(["get", &trusted.url("list.meta4")]).expect(0);
    assert_eq!(told(&other), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_of_the_user_gets_no_secret_of_another_server() {
    let (own, mirror) = (files().await, files().await);
    let home = Home::new();
    let (from, other) = (own.url("a.bin"), mirror.url("a.bin"));
    home.run([&["get", "--mirror", &other][..], &FLAGS, &[&from]].concat()).expect(0);
    is_whole(&home, "a.bin");
    assert_eq!(told(&mirror), Vec::<String>::new());
    assert!(!told(&own).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_metalink_follows_no_link_out_of_the_chosen_one() {
    let other = files().await;
    let home = Home::new();
    let outside = home.data("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, home.work("link")).unwrap();
    for name in ["link/a.bin", "link/deeper/a.bin"] {
        let trusted = listing(document(name, &[other.url("a.bin")])).await;
        let refused = home.run(["get", &trusted.url("list.meta4")]).expect(1);
        assert!(refused.stderr.contains("DISK_PERMISSION") && refused.stderr.contains("link"), "{}", refused.stderr);
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let trusted = listing(document("real/deeper/a.bin", &[other.url("a.bin")])).await;
    home.run(["get", &trusted.url("list.meta4")]).expect(0);
    is_whole(&home, "real/deeper/a.bin");
    // A link that the user chose is the user's way.
    home.run(["get", "-d", "link", &trusted.url("list.meta4")]).expect(0);
    assert!(outside.join("real/deeper/a.bin").is_file());
}

#[test]
fn no_part_of_a_password_is_shown_of_an_address_that_is_refused() {
    let home = Home::new();
    fs::write(home.work("a"), "a").unwrap();
    for (arguments, address) in [
        (&["get"][..], "http://u:hunter2#x@127.0.0.1:1/f"),
        (&["get", "http://127.0.0.1:1/f", "--proxy"], "http://u:hunter2@127.0.0.1:99999/"),
        (&["get", "http://127.0.0.1:1/f", "--proxy"], "u:hunter2@127.0.0.1:1"),
        (&["put", "a", "--to"], "http://u:12#hunter2@127.0.0.1:1/"),
    ] {
        let refused = home.run([arguments, &[address]].concat());
        assert_ne!(refused.code, Some(0), "{address}");
        assert!(!refused.stderr.is_empty() && !refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
}
