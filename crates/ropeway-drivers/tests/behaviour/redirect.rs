//! Redirects.

use std::sync::Arc;

use ropeway_drivers::{Context, DriverError, Gate};
use ropeway_model::{HeaderField, Network, Secrets};
use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, Request, ServedFile},
};

use crate::ground::{Download, context, give, range, read};

/// Headers that are secrets by name and one that is by use only.
fn with_secrets(mut context: Context) -> Context {
    let fields = [
        HeaderField::basic_login("user", "password"),
        HeaderField::new("Cookie", "session=1").unwrap(),
        HeaderField::new("X-Api-Key", "hunter2").unwrap(),
    ];
    give(&mut context, fields);
    context
}

fn secrets(request: &Request) -> usize {
    ["Authorization", "Cookie", "X-Api-Key"].iter().filter(|name| request.header(name).is_some()).count()
}

#[tokio::test]
async fn every_kind_of_redirect_is_followed_and_the_last_address_is_told() {
    for status in [301, 302, 303, 307, 308] {
        let file = ServedFile::new(1, 1_000);
        let peer = Peer::start(move |request| match request.path.as_str() {
            "/start" => Answer::redirect(status, "folder/next?x=1"),
            "/folder/next?x=1" => Answer::redirect(status, "/end/file.bin"),
            _ => file.answer(request),
        })
        .await;
        let download = Download::of(&peer.url("start"));
        let probe = download.probe().await.unwrap();
        assert_eq!(probe.url.expose().as_str(), peer.url("end/file.bin"));
        assert_eq!((probe.name.as_str(), read(probe.body).await.0), ("file.bin", Pattern::new(1).bytes(0, 1_000)));
        let fetched = download.fetch(range(5, 10), None).await.unwrap();
        assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(5, 10));
        assert!(peer.requests()[3..].iter().all(|request| request.header("Range") == Some("bytes=5-9")));
    }
}

#[tokio::test]
async fn the_users_headers_and_login_stay_with_the_jobs_own_origin() {
    let file = ServedFile::new(1, 1_000);
    let other = Peer::serve(file).await;
    let target = other.url("file");
    let own = Peer::start(move |request| match request.path.as_str() {
        "/start" => Answer::redirect(302, "/again"),
        _ => Answer::redirect(302, &target),
    })
    .await;
    let mut context = with_secrets(context(&own.url("start")));
    let told = [("User-Agent", "Mozilla/5.0"), ("Referer", "http://page.example/files")];
    give(&mut context, told.map(|(name, value)| HeaderField::new(name, value).unwrap()));
    let mut download = Download::with(context, &own.url("start"));
    let probe = download.probe().await.unwrap();
    assert_eq!(own.requests().iter().map(secrets).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(secrets(&other.requests()[0]), 0);

    // A later range goes straight to the last address, which is no more trusted than before.
    download.url = probe.url;
    download.fetch(range(5, 10), None).await.unwrap();
    assert_eq!(secrets(&other.requests()[1]), 0);

    // What is no secret is told to everybody: many servers give nothing to those they do not know.
    for request in own.requests().iter().chain(&other.requests()) {
        assert_eq!(told.map(|(name, _)| request.header(name)), told.map(|(_, value)| Some(value)));
    }
}

#[tokio::test]
async fn a_page_behind_encryption_is_not_told_to_a_server_without() {
    let peer = Peer::serve(ServedFile::new(1, 1_000)).await;
    let mut context = context(&peer.url("f"));
    context.secrets = Secrets::of(
        &"https://own.example/".parse().unwrap(),
        vec![
            HeaderField::new("Referer", "https://own.example/private").unwrap(),
            HeaderField::new("User-Agent", "x").unwrap(),
        ],
    );
    Download::with(context, &peer.url("f")).probe().await.unwrap();
    let request = &peer.requests()[0];
    assert_eq!((request.header("Referer"), request.header("User-Agent")), (None, Some("x")));
}

#[tokio::test]
async fn a_login_that_a_server_writes_into_an_address_is_sent_to_nobody() {
    let other = Peer::serve(ServedFile::new(1, 1_000)).await;
    let with_login = |url: String| url.replace("http://", "http://admin:admin@");
    let target = with_login(other.url("file"));
    let own = Peer::start(move |request| match request.path.as_str() {
        "/start" => Answer::redirect(302, &with_login(format!("http://{}/own", request.header("Host").unwrap()))),
        _ => Answer::redirect(302, &target),
    })
    .await;
    let address = own.url("start").replace("http://", "http://user:password@");
    let probe = Download::of(&address).probe().await.unwrap();
    let logins: Vec<_> = own.requests().iter().map(|had| had.header("Authorization").map(str::to_owned)).collect();
    assert_eq!(logins, [(); 2].map(|()| Some("Basic dXNlcjpwYXNzd29yZA==".to_owned())), "the user's own one stays");
    assert_eq!(other.requests()[0].header("Authorization"), None);
    assert_eq!(probe.url.expose().as_str(), other.url("file"));
    Download::of(&own.url("start")).probe().await.unwrap();
    assert!(own.requests()[2..].iter().all(|request| request.header("Authorization").is_none()));
}

#[tokio::test]
async fn octets_of_an_address_that_are_no_utf_8_are_asked_for_as_they_are() {
    let file = ServedFile::new(1, 1_000);
    let peer = Peer::start(move |request| match request.path.as_str() {
        "/f" => Answer::raw(b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9/f.bin\r\nContent-Length: 0\r\n\r\n".to_vec()),
        "/utf-8" => Answer::raw("HTTP/1.1 302 Found\r\nLocation: /café/f.bin\r\nContent-Length: 0\r\n\r\n"),
        "/caf%E9/f.bin" | "/caf%C3%A9/f.bin" => file.answer(request),
        _ => Answer::status(404),
    })
    .await;
    for path in ["f", "utf-8"] {
        assert_eq!(Download::of(&peer.url(path)).probe().await.unwrap().name.as_str(), "f.bin", "{path}");
    }
}

#[tokio::test]
async fn cookies_that_are_set_on_the_way_open_the_door() {
    let file = ServedFile::new(1, 1_000);
    let other = Peer::start(move |request| match request.header("Cookie") {
        Some("share=2; FedAuth=3") => file.answer(request),
        None if request.path == "/share" => {
            Answer::redirect(302, "/auth").header("Set-Cookie", "share=2; Path=/; HttpOnly")
        }
        Some("share=2") => Answer::redirect(302, "/f.bin").header("Set-Cookie", "FedAuth=3; Path=/"),
        _ => Answer::status(403),
    })
    .await;
    // Cookies are for all ports of a host: the other one needs another name.
    let named = |path: &str| other.url(path).replace("127.0.0.1", "localhost");
    let target = named("share");
    let own = Peer::start(move |request| match request.header("Cookie") {
        // A check whether cookies are kept leads to the same address again.
        None => Answer::redirect(302, &request.path).header("Set-Cookie", "check=1"),
        Some("check=1") => Answer::redirect(302, &target),
        _ => Answer::status(403),
    })
    .await;
    let mut download = Download::of(&own.url("start"));
    let probe = download.probe().await.unwrap();
    assert_eq!(read(probe.body).await.0.len(), 1_000);
    download.url = probe.url;
    let fetched = download.fetch(range(5, 10), None).await.unwrap();
    assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(5, 10));
    assert_eq!(own.requests().len(), 2);
    let stranger = Download::of(&named("f.bin")).probe_error().await;
    assert!(matches!(stranger, DriverError::Status { status: 403, .. }), "another job has no cookie: {stranger}");
}

#[tokio::test]
async fn a_file_that_is_being_made_is_waited_for_where_its_address_leads_to_itself() {
    let file = ServedFile::new(1, 1_000);
    let peer = Peer::start(move |request| match request.number {
        1..=4 => Answer::redirect(302, "/f"),
        _ => file.answer(request),
    })
    .await;
    assert_eq!(read(Download::of(&peer.url("f")).probe().await.unwrap().body).await.0.len(), 1_000);
}

#[tokio::test]
async fn a_login_in_the_address_is_sent_to_its_origin_only() {
    let other = Peer::serve(ServedFile::new(1, 1_000)).await;
    let target = other.url("file");
    let own = Peer::start(move |_| Answer::redirect(302, &target)).await;
    let address = own.url("start").replace("http://", "http://user:password@");
    Download::of(&address).probe().await.unwrap();
    assert_eq!(own.requests()[0].header("Authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="));
    assert_eq!(other.requests()[0].header("Authorization"), None);
}

#[tokio::test]
async fn headers_that_would_change_the_bytes_are_left_out() {
    let peer = Peer::serve(ServedFile::new(1, 1_000)).await;
    let mut context = context(&peer.url("f"));
    for (name, value) in
        [("Range", "bytes=1-2"), ("Accept-Encoding", "gzip"), ("Content-Length", "5"), ("User-Agent", "curl/8")]
    {
        give(&mut context, [HeaderField::new(name, value).unwrap()]);
    }
    Download::with(context, &peer.url("f")).probe().await.unwrap();
    let request = &peer.requests()[0];
    assert_eq!((request.header("Range"), request.header("Content-Length")), (None, None));
    assert_eq!(request.header("Accept-Encoding"), Some("identity"));
    assert_eq!(request.header("User-Agent"), Some("curl/8"));
}

#[tokio::test]
async fn a_loop_is_named_once_nothing_changes_in_it_and_a_chain_ends_at_20() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/a" => Answer::redirect(302, "/b"),
        _ => Answer::redirect(302, "/a"),
    })
    .await;
    let error = Download::of(&peer.url("a")).probe_error().await.to_string();
    assert!(error.contains(&format!("in a loop: {0}a → {0}b → {0}a", peer.url(""))), "{error}");
    assert!(peer.requests().len() <= 10, "{}", peer.requests().len());

    for (hops, followed) in [(20, true), (21, false)] {
        let file = ServedFile::new(1, 1_000);
        let peer = Peer::start(move |request| match request.path[1..].parse::<u32>().unwrap() {
            hop if hop < hops => Answer::redirect(302, &format!("/{}", hop + 1)),
            _ => file.answer(request),
        })
        .await;
        let outcome = Download::of(&peer.url("0")).probe().await;
        assert_eq!(outcome.is_ok(), followed, "{hops}");
        assert_eq!(peer.requests().len(), 21);
    }
}

#[tokio::test]
async fn a_redirect_to_an_unsafe_place_is_refused() {
    for target in ["file:///etc/passwd", "ftp://example.org/f", "data:,x", "gopher://example.org/", "http://[::", ""] {
        let peer = Peer::start(move |_| Answer::redirect(302, target)).await;
        let error = Download::of(&peer.url("f")).probe_error().await;
        assert!(matches!(error, DriverError::RedirectRefused { .. }), "{target}: {error}");
    }
    let peer = Peer::start(|_| Answer::status(302)).await;
    let error = Download::of(&peer.url("f")).probe_error().await;
    assert!(matches!(error, DriverError::RedirectRefused { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_never_gives_the_encryption_up() {
    let plain = Peer::serve(ServedFile::new(1, 1_000)).await;
    let target = plain.url("f");
    let secure = Peer::start_tls("localhost", move |_| Answer::redirect(302, &target)).await;
    let mut context = context(&secure.url("f"));
    context.network = Network { ca_file: Some(secure.ca_file()), ..Network::default() };
    let error = Download::with(context, &secure.url("f")).probe_error().await;
    assert!(matches!(error, DriverError::RedirectRefused { .. }), "{error}");
    assert!(plain.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_to_encryption_is_followed() {
    let file = ServedFile::new(1, 1_000);
    let secure = Peer::start_tls("localhost", move |request| file.answer(request)).await;
    let target = secure.url("f");
    let plain = Peer::start(move |_| Answer::redirect(301, &target)).await;
    let mut context = with_secrets(context(&plain.url("f")));
    context.network = Network { ca_file: Some(secure.ca_file()), ..Network::default() };
    let probe = Download::with(context, &plain.url("f")).probe().await.unwrap();
    assert_eq!(probe.url.expose().scheme(), "https");
    assert_eq!(secrets(&secure.requests()[0]), 0);
}

/// Keeps requests from one server.
#[derive(Debug)]
struct Closed(String);

impl Gate for Closed {
    fn may_redirect_to(&self, host: &str) -> bool {
        host != self.0
    }
}

#[tokio::test]
async fn a_server_that_is_left_alone_is_not_asked_by_way_of_another_one() {
    let file = ServedFile::new(1, 1_000);
    let behind = Peer::serve(file).await;
    let target = behind.url("f");
    let front = Peer::start(move |_| Answer::redirect(302, &target)).await;
    let mut download = Download::of(&front.url("f"));
    let host = format!("127.0.0.1:{}", behind.port());
    download.context.gate = Some(Arc::new(Closed(host.clone())));
    let error = download.probe_error().await;
    assert!(matches!(error, DriverError::LeftAlone { .. }) && error.host() == Some(host), "{error}");
    assert!(behind.requests().is_empty());
    download.context.gate = Some(Arc::new(Closed("elsewhere.example".to_owned())));
    assert_eq!(read(download.probe().await.unwrap().body).await.0.len(), 1_000);
}
