//! The first request.

use ropeway_model::Algorithm;
use ropeway_testkit::{
    Nginx, Pattern, Peer,
    peer::{Answer, Framing, ServedFile},
};

use crate::ground::{Download, read};

const LENGTH: u64 = 300_000;

#[tokio::test]
async fn the_first_request_is_a_plain_get_whose_body_is_the_file() {
    let peer = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let probe = Download::of(&peer.url("a%20file.bin?x=1")).probe().await.unwrap();
    assert_eq!(probe.name.as_str(), "a file.bin");
    assert_eq!(probe.validator.length, Some(LENGTH));
    let (bytes, error) = read(probe.body).await;
    assert!(error.is_none() && bytes == Pattern::new(1).bytes(0, LENGTH));
    let requests = peer.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].header("Range")), ("GET", None));
    assert_eq!(requests[0].header("Accept-Encoding"), Some("identity"));
    assert!(requests[0].header("User-Agent").unwrap().starts_with("Ropeway/"));
}

#[tokio::test]
async fn nginx_names_the_version_of_its_file() {
    let nginx = Nginx::start();
    Pattern::new(1).write_file(&nginx.root().join("file"), LENGTH);
    let probe = Download::of(&nginx.url("file")).probe().await.unwrap();
    assert!(probe.validator.entity_tag.is_some_and(|tag| tag.is_strong()));
    assert!(probe.validator.last_modified.is_some() && probe.validator.length == Some(LENGTH));
    assert_eq!(read(probe.body).await.0, Pattern::new(1).bytes(0, LENGTH));
}

#[tokio::test]
async fn the_servers_name_goes_before_the_addresss_and_both_are_made_safe() {
    for (path, header, name) in [
        ("x", Some("attachment; filename=\"report.pdf\""), "report.pdf"),
        ("x", Some("attachment; filename=\"../../.bashrc\""), "_bashrc"),
        ("x", Some("attachment; filename*=UTF-8''%e2%82%ac.txt"), "€.txt"),
        ("a%2F..%2F%2e%2e%2fpasswd", None, "passwd"),
        ("folder/", Some("attachment"), "folder"),
        ("", None, "download"),
    ] {
        let peer = Peer::start(move |_| {
            let answer = Answer::status(200).body("x");
            header.map_or(answer.clone(), |header| answer.header("Content-Disposition", header))
        })
        .await;
        let probe = Download::of(&peer.url(path)).probe().await.unwrap();
        assert_eq!(probe.name.as_str(), name, "{path} {header:?}");
    }
}

#[tokio::test]
async fn the_announced_digest_is_of_the_whole_file() {
    let header = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    let peer = Peer::start(move |_| Answer::status(200).header("Repr-Digest", header)).await;
    let digest = Download::of(&peer.url("f")).probe().await.unwrap().digest.unwrap();
    assert_eq!(digest.algorithm(), Algorithm::Sha256);
    assert!(digest.hex().starts_with("e3b0c442"), "{digest}");
}

#[tokio::test]
async fn a_length_that_is_not_announced_is_unknown() {
    for framing in [Framing::Chunked, Framing::Close] {
        let file = ServedFile::new(1, LENGTH);
        let peer = Peer::start(move |_| file.whole().framing(framing)).await;
        let probe = Download::of(&peer.url("f")).probe().await.unwrap();
        assert_eq!(probe.validator.length, None, "{framing:?}");
        let (bytes, error) = read(probe.body).await;
        assert!(error.is_none() && bytes == Pattern::new(1).bytes(0, LENGTH), "{framing:?}");
    }
}
