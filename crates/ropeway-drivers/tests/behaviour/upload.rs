//! Uploads that arrive.

use std::os::unix::ffi::OsStrExt;

use ropeway_drivers::{Evidence, Stored};
use ropeway_model::Algorithm;
use ropeway_testkit::{
    Nginx, Pattern, Peer,
    peer::{Answer, Cut, ServedFile},
    sha256_of_file,
};

use crate::ground::{Upload, give, targets};

#[tokio::test]
async fn an_upload_arrives_whole_with_its_length_announced() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let pattern = Pattern::new(3);
    for length in [0, 1, 64 * 1024, 1_000_000] {
        for target in targets(&peer) {
            Upload::to(&target).send(pattern, length).await.unwrap();
            let request = peer.requests().pop().unwrap();
            assert_eq!((request.files[0].length, &request.files[0].sha256), (length, &pattern.sha256(length)));
            assert!(request.body_complete && request.header("Transfer-Encoding").is_none(), "{target}");
            assert_eq!(request.content_length(), Some(request.bytes_received), "{target}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_kept_whole_up_to_64_kib_and_a_longer_one_not_at_all() {
    for (length, is_kept) in [(0, true), (64 * 1024, true), (64 * 1024 + 1, false)] {
        let words = vec![b'x'; length];
        let answer = words.clone();
        let peer = Peer::start(move |_| Answer::status(201).body(answer.clone())).await;
        let receipt = Upload::to(&peer.url("f")).send(Pattern::new(3), 10).await.unwrap();
        assert!(receipt.answer == is_kept.then_some(words), "{length}");
    }
}

#[tokio::test]
async fn a_put_goes_to_the_folders_address_with_the_files_name() {
    let peer = Peer::start(|_| Answer::status(204)).await;
    Upload::to(&peer.url("in/")).named("ä b#?.bin").send(Pattern::new(3), 10).await.unwrap();
    let request = peer.requests().pop().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/in/%C3%A4%20b%23%3F.bin"));
    assert_eq!(request.header("Content-Type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn a_forms_names_are_escaped_as_browsers_do() {
    let peer = Peer::start(|_| Answer::status(200)).await;
    let target = format!("form+{}#field=a\"b", peer.url("up?x=1"));
    for (name, sent) in [
        ("plain.bin", "plain.bin"),
        ("a\"b.bin", "a%22b.bin"),
        ("a\rb\nc\r\nd.bin", "a%0Db%0Ac%0D%0Ad.bin"),
        ("a\\b.bin", "a\\b.bin"),
        ("ä 100%.bin", "ä 100%.bin"),
    ] {
        Upload::to(&target).named(name).send(Pattern::new(3), 10).await.unwrap();
        let request = peer.requests().pop().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/up?x=1"));
        let [file] = &request.files[..] else { panic!("one field") };
        assert_eq!((file.field.as_str(), file.name.as_deref()), ("a%22b", Some(sent)));
        assert_eq!(file.start, Pattern::new(3).bytes(0, 10));
    }
}

#[tokio::test]
async fn a_put_arrives_at_nginx() {
    let nginx = Nginx::start();
    let pattern = Pattern::new(4);
    Upload::to(&nginx.url("new/folder/")).named("a b.bin").send(pattern, 3_000_000).await.unwrap();
    assert_eq!(sha256_of_file(&nginx.root().join("new/folder/a b.bin")), pattern.sha256(3_000_000));
}

#[tokio::test]
async fn the_receipt_tells_the_servers_digest_and_where_the_file_is() {
    let header = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    let peer = Peer::start(move |request| match request.number {
        1 | 2 => Answer::status(201).header("Repr-Digest", header).header("Location", "/stored/1"),
        _ => Answer::status(204),
    })
    .await;
    for target in targets(&peer) {
        let receipt = Upload::to(&target).send(Pattern::new(1), 0).await.unwrap();
        let [Evidence::Digest(digest)] = &receipt.evidence[..] else { panic!("one digest") };
        assert_eq!(digest.algorithm(), Algorithm::Sha256);
        assert_eq!(receipt.location.unwrap().expose().as_str(), peer.url("stored/1"));
    }
    let receipt = Upload::to(&peer.url("in/")).send(Pattern::new(1), 0).await.unwrap();
    assert_eq!(receipt.location.unwrap().expose().as_str(), peer.url("in/file.bin"));
    assert_eq!(receipt.evidence, []);
}

#[tokio::test]
async fn names_that_differ_go_to_addresses_that_differ() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let names: [&[u8]; 4] = [b"a\\report.txt", b"report.txt", b"x\xe4.txt", b"x\xf6.txt"];
    for name in names {
        let name = std::ffi::OsStr::from_bytes(name);
        Upload::to(&peer.url("in/")).named(name).send(Pattern::new(3), 10).await.unwrap();
    }
    let paths: Vec<_> = peer.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/in/a%5Creport.txt", "/in/report.txt", "/in/x%E4.txt", "/in/x%F6.txt"]);
}

#[tokio::test]
async fn what_is_stored_is_asked_by_head_and_else_by_the_first_octet() {
    let file = ServedFile::new(1, 5_000);
    for (status, methods) in [(200, &["HEAD"][..]), (405, &["HEAD", "GET"]), (501, &["HEAD", "GET"])] {
        let file = file.clone();
        let peer = Peer::start(move |request| match request.method.as_str() {
            "HEAD" if status != 200 => Answer::status(status),
            _ => file.answer(request),
        })
        .await;
        let stored = Upload::to(&peer.url("in/")).stored().await.unwrap();
        assert!(matches!(stored, Stored::File { length: Some(5_000), .. }), "{status}: {stored:?}");
        let asked: Vec<_> = peer.requests().iter().map(|request| request.method.clone()).collect();
        assert_eq!(asked, methods);
        assert!(peer.requests().iter().all(|request| request.path == "/in/file.bin"));
    }
}

#[tokio::test]
async fn an_answer_that_is_about_no_file_says_nothing_of_what_is_stored() {
    let answers: [fn() -> Answer; 5] = [
        || Answer::status(403),
        || Answer::status(200),
        || Answer::status(200).header("Content-Type", "text/html").body("<html>sign in</html>"),
        || Answer::status(200).header("Content-Type", "application/json; charset=utf-8").body("{}"),
        || Answer::hang_up(Cut::Reset),
    ];
    for answer in answers {
        let peer = Peer::start(move |_| answer()).await;
        assert_eq!(Upload::to(&peer.url("in/")).stored().await, None);
    }
    let peer = Peer::start(|_| Answer::status(200).header("ETag", "\"1\"")).await;
    let empty = Upload::to(&peer.url("in/")).stored().await;
    assert!(matches!(empty, Some(Stored::File { length: Some(0), .. })), "an empty file has a tag: {empty:?}");
    for (status, of_head) in [(404, 404), (410, 410), (404, 405), (410, 501)] {
        let of = move |method: &str| Answer::status(if method == "HEAD" { of_head } else { status });
        let peer = Peer::start(move |request| of(&request.method)).await;
        assert_eq!(Upload::to(&peer.url("in/")).stored().await, Some(Stored::Nothing), "{status} after {of_head}");
    }
}

#[tokio::test]
async fn the_users_headers_go_along() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    for target in targets(&peer) {
        let mut upload = Upload::to(&target);
        give(&mut upload.context, ["X-Api-Key: hunter2".parse().unwrap()]);
        give(&mut upload.context, ["Content-Type: text/plain".parse().unwrap()]);
        upload.send(Pattern::new(1), 10).await.unwrap();
        let request = peer.requests().pop().unwrap();
        assert_eq!(request.header("X-Api-Key"), Some("hunter2"));
        // A form's content type names its boundary and cannot be the user's.
        assert_eq!(request.header("Content-Type") == Some("text/plain"), request.method == "PUT");
        assert_eq!(request.files[0].length, 10);
    }
}

#[tokio::test]
async fn a_cookie_that_tells_machines_behind_one_name_apart_goes_with_what_comes_after_the_upload() {
    let peer = Peer::start(|_| Answer::status(201).header("Set-Cookie", "machine=7")).await;
    let upload = Upload::to(&peer.url("in/"));
    upload.send(Pattern::new(3), 10).await.unwrap();
    upload.stored().await;
    upload.send(Pattern::new(3), 10).await.unwrap();
    let cookies: Vec<_> = peer.requests().iter().map(|request| request.header("Cookie").map(str::to_owned)).collect();
    assert_eq!(cookies, [None, Some("machine=7".to_owned()), Some("machine=7".to_owned())]);
}
