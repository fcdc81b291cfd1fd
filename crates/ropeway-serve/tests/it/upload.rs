//! PUT and POST.

use std::{fs, os::unix::fs::PermissionsExt};

use reqwest::{Response, header};
use ropeway_model::ByteRate;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
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

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn put(server: &Fixture, path: &str, body: impl Into<reqwest::Body>) -> Response {
    server.client.put(server.url(path)).body(body).send().await.unwrap()
}

/// A form with a text field and `files`, as browsers write it.
fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = b"--frontier\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n".to_vec();
    for (name, bytes) in files {
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(b"--frontier--\r\n");
    body
}

async fn post(server: &Fixture, path: &str, body: Vec<u8>) -> Response {
    let request =
        server.client.post(server.url(path)).header(header::CONTENT_TYPE, "multipart/form-data; boundary=frontier");
    request.body(body).send().await.unwrap()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = json_of(response).await;
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_put_file_comes_back_as_it_was() {
    let server = serve().await;
    let bytes = pattern(40_000_000);
    let response = put(&server, "/new/folder/a%20b.bin", bytes.clone()).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()[header::LOCATION], "/new/folder/a%20b.bin");
    let digest = response.headers()["repr-digest"].to_str().unwrap().to_owned();
    let stored: Value = json_of(response).await;
    assert_eq!(
        stored,
        json!({"name": "a b.bin", "size": 40_000_000, "sha256": hex(&bytes), "url": "/new/folder/a%20b.bin"})
    );
    let back = server.client.get(server.url("/new/folder/a%20b.bin")).send().await.unwrap().bytes().await.unwrap();
    assert!(back == bytes);
    assert_eq!(server.files(), ["new", "new/folder", "new/folder/a b.bin"]);

    // The digest that was answered is one that is accepted.
    let again =
        server.client.put(server.url("/again")).header("repr-digest", &digest).body(bytes).send().await.unwrap();
    assert_eq!(again.status(), 201);
    let mode = fs::metadata(server.path("again")).unwrap().permissions().mode() & 0o777;
    let ordinary = server.file("ordinary", b"");
    assert_eq!(mode, fs::metadata(ordinary).unwrap().permissions().mode() & 0o777);
}

#[tokio::test]
async fn an_upload_without_a_length_is_taken_too() {
    let server = serve_with(|config| config.max_upload = Some(3_000_000)).await;
    let chunks = |count: usize| {
        let chunks = (0..count).map(|_| Ok::<_, std::io::Error>(pattern(100_000)));
        reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
    };
    assert_eq!(put(&server, "/a", chunks(30)).await.status(), 201);
    assert_eq!(fs::read(server.path("a")).unwrap(), pattern(100_000).repeat(30));
    assert_eq!(code(put(&server, "/b", chunks(31)).await).await, (413, "TOO_LARGE".into()));
    assert_eq!(server.files(), ["a"]);
}

#[tokio::test]
async fn a_promised_digest_is_held_or_nothing_is_kept() {
    let server = serve().await;
    for (field, value, expected) in [
        ("repr-digest", ABC, (201, "")),
        ("content-digest", ABC, (201, "")),
        ("repr-digest", EMPTY, (400, "DIGEST_MISMATCH")),
        ("content-digest", EMPTY, (400, "DIGEST_MISMATCH")),
        ("repr-digest", "sha-256=:AAAA:", (400, "BAD_DIGEST")),
        ("content-md5", "kAFQmDzST7DWlj99KOF/cg==", (201, "")),
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==", (400, "DIGEST_MISMATCH")),
        ("content-md5", "1B2M", (400, "BAD_DIGEST")),
        (
            "digest",
            "SHA-512=3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
            (201, ""),
        ),
        ("digest", "sha=qZk+NkcGgWq6PiVxeFDCbJzQ2J0=,md5=1B2M2Y8AsgTpgAmY7PhCfg==", (400, "DIGEST_MISMATCH")),
        (
            "repr-digest",
            "sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==:, md5=:kAFQmDzST7DWlj99KOF/cg==:",
            (201, ""),
        ),
        ("content-digest", "sha=:2jmj7l5rSw0yVb/vlWAYkK/YBwk=:", (400, "DIGEST_MISMATCH")),
    ] {
        let response = server.client.put(server.url("/new/a")).header(field, value).body("abc").send().await.unwrap();
        assert_eq!(code(response).await, (expected.0, expected.1.to_owned()), "{field}: {value}");
        assert_eq!(server.path("new").exists(), expected.0 == 201, "{field}: {value}");
        let _ = fs::remove_dir_all(server.path("new"));
    }
}

#[tokio::test]
async fn a_truncated_put_leaves_nothing() {
    let server = serve().await;
    for head in ["Content-Length: 1000000\r\n\r\n01234", "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("PUT /new/a.bin HTTP/1.1\r\nHost: {}\r\n{head}", server.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        eventually("the upload has begun", || server.files().len() == 1).await;
        drop(stream);
        eventually("nothing is left", || server.files().is_empty()).await;
    }
}

#[tokio::test]
async fn a_file_that_exists_is_kept_unless_the_owner_wants_otherwise() {
    let server = serve().await;
    server.file("a", b"old");
    assert_eq!(code(put(&server, "/a", "new").await).await, (409, "NAME_TAKEN".into()));
    assert_eq!(code(put(&server, "/a/b", "new").await).await, (409, "NO_FOLDER".into()));
    assert_eq!(fs::read(server.path("a")).unwrap(), b"old");

    let server = serve_with(|config| config.overwrite = true).await;
    server.file("a", b"old");
    fs::create_dir(server.path("folder")).unwrap();
    let tag = server.client.head(server.url("/a")).send().await.unwrap().headers()[header::ETAG].clone();
    let conditional = async |name: header::HeaderName, value: &str| {
        server.client.put(server.url("/a")).header(name, value).body("new").send().await.unwrap().status().as_u16()
    };
    assert_eq!(conditional(header::IF_NONE_MATCH, "*").await, 412);
    assert_eq!(conditional(header::IF_MATCH, "\"other\"").await, 412);
    assert_eq!(fs::read(server.path("a")).unwrap(), b"old");
    assert_eq!(conditional(header::IF_MATCH, tag.to_str().unwrap()).await, 200);
    assert_eq!(fs::read(server.path("a")).unwrap(), b"new");
    assert_eq!(put(&server, "/folder", "new").await.status(), 409);
}

#[tokio::test]
async fn an_upload_replaces_no_file_that_is_newer_than_its_client_knows() {
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 2033 08:49:37 GMT";
    let server = serve_with(|config| config.overwrite = true).await;
    server.file("a", b"theirs");
    let put = async |path: &str, name: header::HeaderName, date: &str| {
        let request = server.client.put(server.url(path)).header(name, date).body("ours");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(put("/a", header::IF_UNMODIFIED_SINCE, BEFORE).await, 412);
    assert_eq!(fs::read(server.path("a")).unwrap(), b"theirs");
    assert_eq!(put("/new", header::IF_UNMODIFIED_SINCE, BEFORE).await, 201, "what is not there is of no date");
    assert_eq!(put("/a", header::IF_MODIFIED_SINCE, AFTER).await, 200, "it is for GET and HEAD only");
    server.file("a", b"theirs");
    assert_eq!(put("/a", header::IF_UNMODIFIED_SINCE, AFTER).await, 200);
}

#[tokio::test]
async fn two_uploads_of_one_name_never_mix() {
    let server = serve().await;
    let (one, other) = (vec![b'1'; 3_000_000], vec![b'2'; 3_000_000]);
    let (first, second) = tokio::join!(put(&server, "/a", one.clone()), put(&server, "/a", other.clone()));
    let mut statuses = [first.status().as_u16(), second.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let kept = fs::read(server.path("a")).unwrap();
    assert!(kept == if first.status() == 201 { one } else { other });
    assert_eq!(server.files(), ["a"]);
}

#[tokio::test]
async fn what_can_be_refused_from_the_head_is_refused_before_the_body() {
    let server = serve_with(|config| config.max_upload = Some(1000)).await;
    server.file("taken", b"");
    for (path, fields, status) in [
        ("/a", "Content-Length: 1001", 413),
        ("/a", "Content-Length: 100\r\nContent-Range: bytes 0-99/200", 400),
        ("/a", "Content-Length: 100\r\nContent-Encoding: gzip", 415),
        ("/a", "Content-Length: 100\r\nOrigin: http://evil.example", 403),
        ("/a", "Content-Length: 100\r\nOrigin: null", 403),
        ("/taken", "Content-Length: 100", 409),
        ("/", "Content-Length: 100", 400),
    ] {
        let request = format!(
            "PUT {path} HTTP/1.1\r\nHost: {}\r\nExpect: 100-continue\r\nConnection: close\r\n{fields}\r\n\r\n",
            server.address
        );
        // Had the server asked for the body, the answer would begin with "100 Continue".
        assert_eq!(raw::status(server.address, request.as_bytes()).await, status, "{path} {fields}");
    }
    let server = serve().await;
    let request = format!(
        "PUT /a HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        server.address,
        i64::MAX
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 507");
    assert_eq!(server.files(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = serve_with(|config| config.read_only = true).await;
    assert_eq!(code(put(&server, "/a", pattern(20_000_000)).await).await, (403, "READ_ONLY".into()));
    assert_eq!(code(post(&server, "/", form(&[("a", b"")])).await).await, (403, "READ_ONLY".into()));
}

#[tokio::test]
async fn the_files_of_a_form_come_back_as_they_were() {
    let server = serve().await;
    server.file("in/photo.jpg", b"old");
    let big = pattern(20_000_000);
    let response =
        post(&server, "/in", form(&[("photo.jpg", b"abc"), ("big file.bin", &big), ("", b""), ("photo.jpg", b"")]))
            .await;
    assert_eq!(response.status(), 201);
    assert!(!response.headers().contains_key("repr-digest"));
    let stored: Value = json_of(response).await;
    assert_eq!(
        stored,
        json!([
            {"name": "photo (1).jpg", "size": 3, "sha256": hex(b"abc"), "url": "/in/photo%20%281%29.jpg"},
            {"name": "big file.bin", "size": 20_000_000, "sha256": hex(&big), "url": "/in/big%20file.bin"},
            {"name": "photo (2).jpg", "size": 0, "sha256": hex(b""), "url": "/in/photo%20%282%29.jpg"},
        ])
    );
    assert_eq!(fs::read(server.path("in/photo.jpg")).unwrap(), b"old");
    assert!(fs::read(server.path("in/big file.bin")).unwrap() == big);
    assert_eq!(server.files().len(), 5);

    let one = post(&server, "/", form(&[("one.txt", b"abc")])).await;
    assert_eq!(one.headers()["repr-digest"], ABC);
    assert_eq!(one.headers()[header::LOCATION], "/one.txt");
}

#[tokio::test]
async fn hostile_names_in_a_form_stay_inside_and_visible() {
    let server = serve().await;
    for (name, stored) in [
        ("../../etc/passwd", "passwd"),
        ("..\\\\..\\\\boot.ini", "boot.ini"),
        (".bashrc", "_bashrc"),
        ("..", "download"),
        ("CON", "_CON"),
        ("a:b", "a_b"),
        ("evil.desktop", "evil.desktop.download"),
        ("%2e%2e%2fx", "%2e%2e%2fx"),
    ] {
        let response = post(&server, "/", form(&[(name, b"x")])).await;
        let list: Value = json_of(response).await;
        assert_eq!(list[0]["name"], stored, "{name}");
        assert_eq!(server.files(), [stored], "{name}");
        fs::remove_file(server.path(stored)).unwrap();
    }
}

#[tokio::test]
async fn a_form_that_is_cut_or_malformed_leaves_nothing() {
    let server = serve().await;
    let whole = form(&[("a", b"abc"), ("b", &pattern(1_000_000))]);
    for (body, expected) in [
        (whole[..whole.len() - 500_000].to_vec(), "BODY_CUT"),
        (whole[..whole.len() - 10].to_vec(), "BODY_CUT"),
        (form(&[]), "EMPTY_FORM"),
        (b"--frontier\r\nX: ".iter().copied().chain(std::iter::repeat_n(b'x', 2_000_000)).collect(), "BAD_FORM"),
        (form(&vec![("x", &b""[..]); 101]), "BAD_FORM"),
    ] {
        assert_eq!(code(post(&server, "/new", body).await).await, (400, expected.to_owned()));
        eventually("nothing is left", || server.files().is_empty()).await;
    }
    let response =
        server.client.post(server.url("/")).header(header::CONTENT_TYPE, "text/plain").body("x").send().await.unwrap();
    assert_eq!(code(response).await, (415, "NO_FORM".into()));
}

#[tokio::test]
async fn a_limited_client_may_upload_every_byte() {
    let server = serve_with(|config| config.limit_per_client = ByteRate::new(4 * 1024 * 1024)).await;
    let bytes = pattern(1_500_000);
    assert_eq!(put(&server, "/a", bytes.clone()).await.status(), 201);
    assert!(fs::read(server.path("a")).unwrap() == bytes);
}

#[tokio::test]
async fn other_methods_are_named_as_such() {
    let server = serve().await;
    let response = server.client.delete(server.url("/a")).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()[header::ALLOW]),
        (405, &"GET, HEAD, OPTIONS, POST, PUT".parse().unwrap())
    );
    let options = server.client.request(reqwest::Method::OPTIONS, server.url("/")).send().await.unwrap();
    assert_eq!(options.status(), 204);
}

#[tokio::test]
async fn a_form_of_which_one_file_gets_no_name_leaves_none() {
    let server = serve().await;
    server.file("new/b.txt", b"old");
    for number in 1..1_000 {
        fs::hard_link(server.path("new/b.txt"), server.path(&format!("new/b ({number}).txt"))).unwrap();
    }
    let before = server.files();
    let refused = post(&server, "/new", form(&[("a.txt", b"abc"), ("c.txt", b"abc"), ("b.txt", b"abc")])).await;
    assert_eq!(code(refused).await, (409, "NAME_TAKEN".into()));
    assert_eq!(server.files(), before, "what the answer does not name is not there");
}
