//! Uploads that meet others: of the same file, of the same name, of the same moment.

use std::{fs, time::Duration};

use reqwest::header::{self, HeaderName};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    fixture::{Fixture, eventually, pattern, serve, serve_with},
    raw,
};

const ABC: &str = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
const EMPTY: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

async fn put(server: &Fixture, path: &str, fields: &[(HeaderName, &str)], body: &'static str) -> (u16, Value) {
    let request = server.client.put(server.url(path)).body(body);
    let request = fields.iter().fold(request, |request, (name, value)| request.header(name, *value));
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

/// The head of an upload of three bytes, sent; its body is still to come.
async fn begin(server: &Fixture, path: &str, fields: &str) -> TcpStream {
    let before = server.files().len();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 3\r\n{fields}\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the upload has begun", || server.files().len() > before).await;
    stream
}

async fn end(mut stream: TcpStream, body: &[u8]) -> u16 {
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test]
async fn what_is_there_already_and_is_the_same_has_arrived() {
    let server = serve().await;
    assert_eq!(put(&server, "/new/a", &[], "abc").await.0, 201);
    let repr_digest = HeaderName::from_static("repr-digest");
    for fields in [vec![], vec![(repr_digest.clone(), ABC)], vec![(header::IF_NONE_MATCH, "*")]] {
        let (status, stored) = put(&server, "/new/a", &fields, "abc").await;
        assert_eq!((status, &stored["url"], &stored["size"]), (200, &"/new/a".into(), &3.into()), "{fields:?}");
    }
    for (fields, body, expected) in [
        (vec![], "abd", (409, "NAME_TAKEN")),
        (vec![], "abcd", (409, "NAME_TAKEN")),
        (vec![(repr_digest.clone(), EMPTY)], "abc", (409, "NAME_TAKEN")),
        (vec![(header::IF_NONE_MATCH, "*")], "abd", (412, "PRECONDITION_FAILED")),
    ] {
        let (status, refusal) = put(&server, "/new/a", &fields, body).await;
        assert_eq!((status, refusal["code"].as_str().unwrap()), expected, "{fields:?} {body}");
    }
    assert_eq!((fs::read(server.path("new/a")).unwrap(), server.files().len()), (b"abc".to_vec(), 2));
}

#[tokio::test]
async fn what_is_there_already_is_not_asked_for_where_its_digest_is_promised() {
    let server = serve().await;
    server.file("a", b"abc");
    let request = |digest: &str| {
        format!(
            "PUT /a HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\
             Repr-Digest: {digest}\r\n\r\n",
            server.address
        )
    };
    assert_eq!(raw::status(server.address, request(ABC).as_bytes()).await, 200);
    assert_eq!(raw::status(server.address, request(EMPTY).as_bytes()).await, 409);
}

#[tokio::test]
async fn who_asks_is_told_the_digest_of_what_is_stored() {
    let server = serve().await;
    server.file("a", b"abc");
    let head = async |want: Option<&str>| {
        let request = server.client.head(server.url("/a"));
        let request = want.map(|want| request.try_clone().unwrap().header("want-repr-digest", want)).unwrap_or(request);
        let response = request.send().await.unwrap();
        response.headers().get("repr-digest").map(|value| value.to_str().unwrap().to_owned())
    };
    for (want, expected) in [
        (Some("sha-256=1"), Some(ABC)),
        (Some("sha-512=3, sha-256=10"), Some(ABC)),
        (Some("sha-256=0"), None),
        (Some("md5=1"), None),
        (None, None),
    ] {
        assert_eq!(head(want).await.as_deref(), expected, "{want:?}");
    }
    server.file("a", b"abcd");
    assert_ne!(head(Some("sha-256=1")).await.as_deref(), Some(ABC), "another version has another digest");
}

#[tokio::test]
async fn the_slower_of_two_that_replace_one_version_is_refused() {
    let server = serve_with(|config| config.overwrite = true).await;
    server.file("a", b"old");
    let tag = server.client.head(server.url("/a")).send().await.unwrap().headers()[header::ETAG].clone();
    let if_match = format!("If-Match: {}\r\n", tag.to_str().unwrap());
    let (first, second) = (begin(&server, "/a", &if_match).await, begin(&server, "/a", &if_match).await);
    assert_eq!(end(second, b"two").await, 200);
    assert_eq!(end(first, b"one").await, 412, "it would undo what it has never seen");
    assert_eq!((fs::read(server.path("a")).unwrap(), server.files().len()), (b"two".to_vec(), 1));

    // The same for who wants to be the first.
    let none = "If-None-Match: *\r\n";
    let (first, second) = (begin(&server, "/b", none).await, begin(&server, "/b", none).await);
    assert_eq!(end(second, b"two").await, 201);
    assert_eq!(end(first, b"one").await, 412);
    assert_eq!(fs::read(server.path("b")).unwrap(), b"two");
}

#[tokio::test]
async fn of_many_that_replace_one_version_one_does() {
    let server = serve_with(|config| config.overwrite = true).await;
    server.file("a", b"old");
    let tag = server.client.head(server.url("/a")).send().await.unwrap().headers()[header::ETAG].clone();
    let puts = (0..16_u32).map(|number| {
        let request = server.client.put(server.url("/a")).header(header::IF_MATCH, &tag);
        request.body(number.to_string().repeat(100_000)).send()
    });
    let answers = futures_util::future::join_all(puts).await;
    let statuses: Vec<u16> = answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn an_upload_that_fails_in_a_new_folder_takes_it_from_nobody() {
    let server = serve().await;
    for round in 0..30 {
        let path = |name: &str| server.url(&format!("/{round}/below/{name}"));
        let failing = (0..4).map(|number| {
            let request = server.client.put(path(&format!("bad-{number}"))).header("repr-digest", EMPTY);
            request.body(pattern(10_000)).send()
        });
        let honest = server.client.put(path("good")).body(pattern(10_000)).send();
        let (honest, failed) = tokio::join!(honest, futures_util::future::join_all(failing));
        assert_eq!(honest.unwrap().status(), 201, "round {round}");
        assert!(failed.into_iter().all(|answer| answer.unwrap().status() == 400), "round {round}");
    }
}

#[tokio::test]
async fn an_upload_that_is_under_way_leaves_no_folder_behind_if_the_server_is_killed() {
    let server = serve().await;
    let _upload = begin(&server, "/new/er/a", "").await;
    let names = server.files();
    assert!(names.len() == 1 && names[0].starts_with(".a.upload-"), "{names:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_name_is_said() {
    let server = serve().await;
    for (path, status, code) in [
        (format!("/{}", "n".repeat(256)), 400, "NAME_TOO_LONG"),
        (format!("/{}/a", "n".repeat(256)), 400, "NAME_TOO_LONG"),
        ("//a".to_owned(), 400, "EMPTY_NAME"),
        ("/a//b".to_owned(), 400, "EMPTY_NAME"),
        ("/%ff".to_owned(), 400, "NOT_UNICODE"),
        ("/a%00b".to_owned(), 400, "BAD_NAME"),
        ("/..hidden".to_owned(), 400, "BAD_NAME"),
        ("/start.desktop".to_owned(), 400, "BAD_NAME"),
        ("/folder/a.LNK".to_owned(), 400, "BAD_NAME"),
        ("/annexe%D8%9Cfdp.exe".to_owned(), 400, "BAD_NAME"),
        (format!("/{}b", "a/".repeat(65)), 400, "PATH_TOO_LONG"),
    ] {
        let request = format!(
            "PUT {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
            server.address
        );
        let answer = raw::exchange(server.address, request.as_bytes()).await;
        let is_it = answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(&format!("\"{code}\""));
        assert!(is_it, "{path:.40}: {answer}");
    }
    let longest = format!("/{}", "n".repeat(255));
    assert_eq!(put(&server, &longest, &[], "abc").await.0, 201);
    assert_eq!(server.files().len(), 1);
}

#[tokio::test]
async fn a_name_is_stored_composed_however_it_comes_and_found_either_way() {
    let server = serve().await;
    let (status, stored) = put(&server, "/e%CC%81/u%CC%88.txt", &[], "abc").await;
    assert_eq!((status, &stored["url"]), (201, &"/%C3%A9/%C3%BC.txt".into()));
    assert_eq!(server.files(), ["\u{e9}", "\u{e9}/\u{fc}.txt"]);
    assert_eq!(put(&server, "/%C3%A9/%C3%BC.txt", &[], "abd").await.0, 409, "it is the same name");
    server.file("o\u{308}.txt", b"decomposed");
    for path in ["/e%CC%81/u%CC%88.txt", "/%C3%A9/%C3%BC.txt", "/o%CC%88.txt"] {
        assert_eq!(server.client.get(server.url(path)).send().await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_digest_is_taken_anew_of_a_file_that_was_edited_and_whose_time_was_set_back() {
    let fixture = serve().await;
    let digest = async || {
        let request = fixture.client.head(fixture.url("/a")).header("want-repr-digest", "sha-256=1");
        let response = request.send().await.unwrap();
        response.headers()["repr-digest"].to_str().unwrap().to_owned()
    };
    fixture.file("a", b"abc");
    let before = digest().await;
    assert_eq!(digest().await, before);
    // Longer than a tick of the file system's clock.
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Written in place, with the time of before.
    fixture.file("a", b"abd");
    assert_ne!(digest().await, before);
}
