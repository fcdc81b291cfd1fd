//! TLS.

use ropeway_drivers::DriverError;
use ropeway_testkit::{
    Nginx, Pattern, Peer, TempFolder,
    peer::{Answer, Authority, ServedFile},
};

use crate::ground::{Download, Upload, context, range, read, targets, trusting};

#[tokio::test]
async fn an_authority_named_by_the_job_is_trusted_both_ways() {
    let file = ServedFile::new(1, 100_000);
    let peer = Peer::start_tls("localhost", move |request| match request.method.as_str() {
        "GET" => file.answer(request),
        _ => Answer::status(201),
    })
    .await;
    let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    assert_eq!(read(download.probe().await.unwrap().body).await.0, Pattern::new(1).bytes(0, 100_000));
    let fetched = download.fetch(range(5, 10), None).await.unwrap();
    assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(5, 10));
    for target in targets(&peer) {
        let mut upload = Upload::to(&target);
        upload.context = trusting(&peer.url(""), peer.ca_file());
        upload.send(Pattern::new(2), 1_000_000).await.unwrap();
        assert_eq!(peer.requests().pop().unwrap().files[0].sha256, Pattern::new(2).sha256(1_000_000));
    }
}

#[tokio::test]
async fn answers_tell_how_long_their_connection_took_to_open() {
    let file = ServedFile::new(1, 100_000);
    let one = file.clone();
    let one = Peer::start_tls("localhost", move |request| one.answer(request)).await;
    let two = Peer::start_h2("localhost", 100, move |request| file.answer(request)).await;
    for peer in [one, two] {
        let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
        let probe = download.probe().await.unwrap();
        let fetched = download.fetch(range(5, 10), None).await.unwrap();
        for handshake in [probe.handshake, fetched.handshake] {
            assert!(handshake.is_some_and(|handshake| handshake.round_trip < handshake.took), "{handshake:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_signs_for_itself_is_trusted_with_its_own_certificate_and_its_own_name_only() {
    let peer = Peer::start_with(Authority::self_signed("localhost"), |_| Answer::status(200).body("x")).await;
    let own = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    assert_eq!(read(own.probe().await.unwrap().body).await.0, "x");
    let by_address = peer.url("f").replace("localhost", "127.0.0.1");
    let error = Download::with(trusting(&by_address, peer.ca_file()), &by_address).probe_error().await;
    assert!(matches!(error, DriverError::Tls { .. }), "{error}");
    let other = Authority::self_signed("localhost");
    let error = Download::with(trusting(&peer.url("f"), other.file()), &peer.url("f")).probe_error().await;
    assert!(matches!(error, DriverError::Tls { .. }), "{error}");
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn a_certificate_of_a_foreign_authority_or_for_another_host_is_refused_with_the_reason() {
    let peer = Peer::start_tls("localhost", |_| Answer::status(200)).await;
    let foreign = Authority::new("localhost");
    let by_address = peer.url("f").replace("localhost", "127.0.0.1");
    for (address, ca_file, reason) in [
        (peer.url("f"), None, "an authority that is not trusted"),
        (peer.url("f"), Some(foreign.file()), "an authority that is not trusted"),
        (by_address, Some(peer.ca_file()), "for another host"),
    ] {
        let mut context = context(&address);
        context.network.ca_file = ca_file;
        let error = Download::with(context, &address).probe_error().await;
        assert!(matches!(error, DriverError::Tls { .. }) && error.to_string().contains(reason), "{error}");
    }
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_down() {
    let nginx = Nginx::start();
    let address = nginx.url("f").replace("http://", "https://");
    let error = Download::of(&address).probe_error().await;
    assert!(matches!(error, DriverError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn a_ca_file_that_is_missing_or_holds_no_certificate_is_named() {
    let folder = TempFolder::new();
    let empty = folder.join("empty.pem");
    Pattern::new(1).write_file(&empty, 100);
    for file in [folder.join("missing.pem"), empty] {
        let error =
            Download::with(trusting("https://localhost/", file.clone()), "https://localhost/").probe_error().await;
        assert!(matches!(error, DriverError::CaFile { .. }), "{error}");
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
}
