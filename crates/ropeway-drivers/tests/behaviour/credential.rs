//! Logins and cookies: who gets them, and who does not.

use std::path::{Path, PathBuf};

use ropeway_drivers::{Context, DriverError};
use ropeway_model::{FailureCode, HeaderField, Network};
use ropeway_testkit::{
    Peer, TempFolder,
    peer::{Answer, Request, ServedFile},
};

use crate::ground::{Download, context, give, range};

fn cookie_file(folder: &TempFolder, lines: &[&str]) -> PathBuf {
    let file = folder.join("cookies.txt");
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
    std::fs::write(&file, format!("# Netscape HTTP Cookie File\n{}\n", lines.join("\n"))).unwrap();
    file
}

fn with_cookies(address: &str, file: &Path) -> Context {
    Context { network: Network { cookie_file: Some(file.to_owned()), ..Network::default() }, ..context(address) }
}

fn cookies(peer: &Peer) -> Vec<Option<String>> {
    peer.requests().iter().map(|request| request.header("Cookie").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_refused_login_is_not_sent_again() {
    let peer = Peer::start(|_| Answer::status(401).header("WWW-Authenticate", "Basic realm=\"x\"")).await;
    let mut context = context(&peer.url("f"));
    give(&mut context, [HeaderField::basic_login("user", "wrong")]);
    let error = Download::with(context, &peer.url("f")).probe_error().await;
    assert_eq!((error.code(), peer.requests().len()), (FailureCode::Unauthorized, 1));
    assert_eq!(error.retry(), ropeway_model::Retry::Never);
}

#[tokio::test]
async fn a_login_is_sent_to_no_other_port_of_the_same_host() {
    let other = Peer::serve(ServedFile::new(1, 1_000)).await;
    let target = other.url("f");
    let own = Peer::start(move |_| Answer::redirect(302, &target)).await;
    let mut context = context(&own.url("f"));
    give(&mut context, [HeaderField::new("Authorization", "Bearer token").unwrap()]);
    let mut download = Download::with(context, &own.url("f"));
    download.url = download.probe().await.unwrap().url;
    download.fetch(range(1, 5), None).await.unwrap();
    assert_eq!(own.requests()[0].header("Authorization"), Some("Bearer token"));
    assert!(other.requests().iter().all(|request| request.header("Authorization").is_none()));
}

#[tokio::test]
async fn cookies_are_chosen_anew_for_every_hop() {
    let file = ServedFile::new(1, 1_000);
    let folder = TempFolder::new();
    let other = Peer::start_tls("localhost", move |request| file.answer(request)).await;
    let target = other.url("deep/file");
    let own = Peer::start(move |request: &Request| match request.path.as_str() {
        "/start" => Answer::redirect(302, "/deep/next"),
        _ => Answer::redirect(302, &target),
    })
    .await;
    let jar = cookie_file(
        &folder,
        &[
            "127.0.0.1\tFALSE\t/\tFALSE\t0\town\t1",
            "127.0.0.1\tFALSE\t/deep\tFALSE\t0\tdeep\t2",
            "127.0.0.1\tFALSE\t/\tTRUE\t0\tsafe\t3",
            "#HttpOnly_localhost\tFALSE\t/\tTRUE\t0\tother\t4",
        ],
    );
    let mut context = with_cookies(&own.url("start"), &jar);
    context.network.ca_file = Some(other.ca_file());
    give(&mut context, [HeaderField::new("Cookie", "given=0").unwrap()]);
    let mut download = Download::with(context, &own.url("start"));
    download.url = download.probe().await.unwrap().url;
    download.fetch(range(1, 5), None).await.unwrap();
    let told = |value: &str| Some(value.to_owned());
    assert_eq!(cookies(&own), [told("given=0; own=1"), told("given=0; deep=2; own=1")]);
    assert_eq!(cookies(&other), [told("other=4"), told("other=4")]);
}

#[tokio::test]
async fn a_changed_cookie_file_counts_from_the_next_request_on() {
    let peer = Peer::serve(ServedFile::new(1, 1_000)).await;
    let folder = TempFolder::new();
    let jar = cookie_file(&folder, &["127.0.0.1\tFALSE\t/\tFALSE\t0\ta\told"]);
    let download = Download::with(with_cookies(&peer.url("f"), &jar), &peer.url("f"));
    download.probe().await.unwrap();
    cookie_file(&folder, &["127.0.0.1\tFALSE\t/\tFALSE\t0\ta\trenewed"]);
    download.probe().await.unwrap();
    assert_eq!(cookies(&peer), [Some("a=old".to_owned()), Some("a=renewed".to_owned())]);
}

#[tokio::test]
async fn a_cookie_file_that_is_none_is_named_with_the_line_before_anything_is_sent() {
    let peer = Peer::serve(ServedFile::new(1, 1_000)).await;
    let folder = TempFolder::new();
    let bad = cookie_file(&folder, &["{\"name\": \"session\"}"]);
    for (file, reason) in [(bad, "line 2"), (folder.join("missing.txt"), "missing.txt")] {
        let error = Download::with(with_cookies(&peer.url("f"), &file), &peer.url("f")).probe_error().await;
        assert!(matches!(error, DriverError::CredentialFile { .. }), "{error}");
        assert!(error.to_string().contains(reason) && !error.to_string().contains("session"), "{error}");
        assert_eq!(error.code(), FailureCode::CredentialFile);
    }
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn encryption_is_given_up_only_where_the_job_allows_it_and_never_with_a_secret() {
    let plain = Peer::serve(ServedFile::new(1, 1_000)).await;
    let target = plain.url("f");
    let secure = Peer::start_tls("localhost", move |_| Answer::redirect(302, &target)).await;
    let folder = TempFolder::new();
    let jar = cookie_file(&folder, &["127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1", "localhost\tFALSE\t/\tFALSE\t0\tb\t2"]);
    let mut context = with_cookies(&secure.url("f"), &jar);
    context.network.ca_file = Some(secure.ca_file());
    give(&mut context, [HeaderField::basic_login("user", "password")]);
    let error = Download::with(context.clone(), &secure.url("f")).probe_error().await;
    assert!(matches!(error, DriverError::RedirectRefused { .. }), "{error}");
    assert!(plain.requests().is_empty());
    context.network.allow_downgrade = true;
    let mut download = Download::with(context, &secure.url("f"));
    download.url = download.probe().await.unwrap().url;
    download.fetch(range(1, 5), None).await.unwrap();
    assert_eq!(secure.requests().last().unwrap().header("Cookie"), Some("b=2"));
    for request in plain.requests() {
        assert_eq!((request.header("Cookie"), request.header("Authorization")), (None, None));
    }
}
