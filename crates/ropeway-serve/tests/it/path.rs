//! What can be reached, and what cannot.

use std::{fs, os::unix::fs::symlink};

use ropeway_serve::Config;

use crate::{
    fixture::{Fixture, put, serve_with},
    raw,
};

/// A root with everything in and beside it that must stay out of reach.
async fn trapped() -> Fixture {
    trapped_with(|_| {}).await
}

async fn trapped_with(change: impl FnOnce(&mut Config)) -> Fixture {
    let server = serve_with(change).await;
    server.file("plain/a.txt", b"plain");
    put(&server.path(".secret"), b"secret");
    fs::create_dir(server.path(".git")).unwrap();
    put(&server.path(".git/config"), b"secret");
    put(&server.path("plain/.env"), b"secret");
    symlink("/etc/passwd", server.path("link-out")).unwrap();
    symlink("/etc", server.path("folder-out")).unwrap();
    symlink("plain/a.txt", server.path("link-in")).unwrap();
    symlink("plain", server.path("folder-in")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, server.path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    server
}

const HOSTILE: [&str; 32] = [
    "/",
    "/plain",
    "/plain/",
    "/none",
    "/plain/none/a",
    "/plain/a.txt/",
    "/plain/a.txt/b",
    "/../etc/passwd",
    "/../../../../../../etc/passwd",
    "/plain/../../etc/passwd",
    "/plain/../plain/a.txt",
    "/./plain/a.txt",
    "//etc/passwd",
    "//plain/a.txt",
    "/%2e%2e%2fetc%2fpasswd",
    "/%2e%2e/etc/passwd",
    "/%252e%252e%252fetc%252fpasswd",
    "/..%5c..%5cetc%5cpasswd",
    "/..%2f..%2fetc%2fpasswd",
    "/plain%2fa.txt",
    "/%2fetc%2fpasswd",
    "/..;/etc/passwd",
    "/..%00/etc/passwd",
    "/plain/a.txt%00.png",
    "/plain/a.txt%0d%0aX: y",
    "/%c0%ae%c0%ae/etc/passwd",
    "/%ff",
    "/link-out",
    "/folder-out/passwd",
    "/link-in",
    "/folder-in/a.txt",
    "/pipe",
];

#[tokio::test]
async fn what_is_no_plain_file_below_the_root_is_not_found() {
    let server = trapped().await;
    for path in HOSTILE {
        let path = path.replace(' ', "%20");
        for method in ["GET", "HEAD"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
            assert_eq!(raw::status(server.address, request.as_bytes()).await, 404, "{method} {path}");
        }
    }
    let request = format!("GET /plain/a.txt HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
    assert_eq!(raw::status(server.address, request.as_bytes()).await, 200);
}

#[tokio::test]
async fn what_begins_with_a_dot_is_got_and_put_but_where_it_is_shared_only() {
    let received = trapped().await;
    let shared = trapped_with(|config| config.read_only = true).await;
    for path in ["/.secret", "/%2esecret", "/.git/config", "/plain/.env"] {
        for (server, expected) in [(&received, 200), (&shared, 404)] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
            assert_eq!(raw::status(server.address, request.as_bytes()).await, expected, "{path}");
        }
    }
    for path in ["/.gitignore", "/plain/.config/a", "/%2edots"] {
        let put = received.client.put(received.url(path)).body("new").send().await.unwrap();
        assert_eq!(put.status(), 201, "{path}");
        let got = received.client.get(received.url(path)).send().await.unwrap();
        assert_eq!(got.text().await.unwrap(), "new", "{path}");
    }
    // A sweep takes what has such a name for its own.
    let own = received.client.put(received.url("/.a.upload-0123456789abcdef")).body("new").send().await.unwrap();
    assert_eq!(own.status(), 400);
}

#[tokio::test]
async fn nothing_is_put_where_it_could_not_be_got() {
    let server = trapped().await;
    let before = server.files();
    for path in
        HOSTILE.into_iter().filter(|path| !["/none", "/plain/none/a", "/%252e%252e%252fetc%252fpasswd"].contains(path))
    {
        let path = path.replace(' ', "%20");
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nevil",
            server.address
        );
        let status = raw::status(server.address, head.as_bytes()).await;
        assert!([400, 404, 409].contains(&status), "PUT {path}: {status}");
    }
    assert_eq!(server.files(), before);
    assert_eq!(fs::read(server.path("plain/a.txt")).unwrap(), b"plain");
}

#[tokio::test]
async fn smuggled_and_malformed_requests_are_refused_and_the_connection_closed() {
    let server = trapped().await;
    let host = server.address;
    for request in [
        format!("PUT /x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nevil!"),
        format!("GET /plain/a.txt HTTP/1.1\r\nHost: {host}\r\nX: a\rb\r\n\r\n"),
        format!("GET /plain/a.txt HTTP/1.1\r\nHost: {host}\r\n folded: x\r\n\r\n"),
        format!("GET /plain/\u{1}a HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /plain/a.txt HTTP/1.1\r\nHost: {host}\r\nX: {}\r\n\r\n", "x".repeat(100_000)),
        format!("GET /plain/a.txt HTTP/1.1\r\nHost: {host}\r\n{}\r\n", "X: y\r\n".repeat(200)),
    ] {
        let status = raw::status(server.address, request.as_bytes()).await;
        assert!((400..=431).contains(&status), "{status}: {request:.80}");
    }
    assert!(!server.path("x").exists());
}

#[tokio::test]
async fn a_request_inside_a_body_is_not_answered() {
    let server = trapped().await;
    let host = server.address;
    let inner = format!("GET /plain/a.txt HTTP/1.1\r\nHost: {host}\r\n\r\n");
    // RFC 9112 §6.1: the coding counts, the length does not, and the connection ends.
    let outer = format!(
        "PUT /x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
    );
    let answer = raw::exchange(host, outer.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}
