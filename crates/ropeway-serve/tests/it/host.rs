//! Whom a request is for.

use crate::{
    fixture::{serve, serve_with},
    raw,
};

#[tokio::test]
async fn a_request_says_once_whom_it_is_for_and_that_is_us() {
    let server = serve_with(|config| config.hosts = vec!["files.example".parse().unwrap()]).await;
    server.file("a", b"abc");
    let own = server.address;
    for (target, version, fields, status) in [
        ("/a", "1.1", format!("Host: {own}\r\n"), 200),
        ("/a", "1.1", "Host: files.example\r\n".to_owned(), 200),
        ("/a", "1.1", String::new(), 400),
        ("/a", "1.1", format!("Host: {own}\r\nHost: {own}\r\n"), 400),
        ("/a", "1.1", format!("Host: {own}\r\nHost: rebound.example\r\n"), 400),
        ("/a", "1.1", "Host: \r\n".to_owned(), 400),
        ("/a", "1.1", "Host: a b\r\n".to_owned(), 400),
        ("/a", "1.1", "Host: rebound.example\r\n".to_owned(), 403),
        ("/a", "1.0", String::new(), 200),
        ("/a", "1.0", "Host: rebound.example\r\n".to_owned(), 403),
        (&*format!("http://{own}/a"), "1.1", format!("Host: {own}\r\n"), 200),
        (&*format!("http://{own}/a"), "1.1", String::new(), 400),
        (&*format!("http://{own}/a"), "1.1", "Host: rebound.example\r\n".to_owned(), 400),
        ("http://rebound.example/a", "1.1", format!("Host: {own}\r\n"), 400),
        ("http://rebound.example/a", "1.1", "Host: rebound.example\r\n".to_owned(), 403),
    ] {
        let request = format!("GET {target} HTTP/{version}\r\n{fields}Connection: close\r\n\r\n");
        let answer = raw::exchange(own, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1") && answer.contains(&format!(" {status} ")), "{request}{answer:.40}");
    }
}

#[tokio::test]
async fn a_page_that_rebinds_its_name_writes_nothing() {
    let server = serve().await;
    for method in ["PUT /new", "POST /"] {
        let request = format!(
            "{method} HTTP/1.1\r\nHost: rebound.example\r\nOrigin: http://rebound.example\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\nContent-Length: 4\r\n\r\nevil"
        );
        assert_eq!(raw::status(server.address, request.as_bytes()).await, 403, "{method}");
    }
    assert_eq!(server.files(), [""; 0]);
}
