//! GET and HEAD.

use std::{fs, time::Duration};

use reqwest::{
    StatusCode,
    header::{self, HeaderMap, HeaderName},
};
use ropeway_model::ByteRate;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::fixture::{Fixture, eventually, pattern, put, serve, serve_with};

async fn get(server: &Fixture, path: &str, fields: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = server.client.get(server.url(path));
    for (name, value) in fields {
        request = request.header(name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn each_range_gives_exactly_its_bytes() {
    let server = serve().await;
    let bytes = pattern(1_000_000);
    server.file("a.bin", &bytes);
    for (range, status, content_range, expected) in [
        ("bytes=0-0", 206, Some("bytes 0-0/1000000"), &bytes[..1]),
        ("bytes=0-", 206, Some("bytes 0-999999/1000000"), &bytes[..]),
        ("bytes=262143-262144", 206, Some("bytes 262143-262144/1000000"), &bytes[262_143..262_145]),
        ("bytes=300000-899999", 206, Some("bytes 300000-899999/1000000"), &bytes[300_000..900_000]),
        ("bytes=-10", 206, Some("bytes 999990-999999/1000000"), &bytes[999_990..]),
        ("bytes=999999-2000000", 206, Some("bytes 999999-999999/1000000"), &bytes[999_999..]),
        ("bytes=1000000-", 416, Some("bytes */1000000"), &[]),
        ("bytes=-0", 416, Some("bytes */1000000"), &[]),
        ("bytes=0-1,5-6", 200, None, &bytes[..]),
        ("bytes=5-4", 200, None, &bytes[..]),
        ("chunks=1-2", 200, None, &bytes[..]),
    ] {
        let (got, headers, body) = get(&server, "/a.bin", &[(header::RANGE, range)]).await;
        assert_eq!(got, status, "{range}");
        assert_eq!(headers.get(header::CONTENT_RANGE).map(|v| v.to_str().unwrap()), content_range, "{range}");
        assert_eq!(headers[header::CONTENT_LENGTH], expected.len().to_string(), "{range}");
        assert!(body == expected, "{range}");
    }
}

#[tokio::test]
async fn head_says_what_get_says() {
    let server = serve().await;
    server.file("docs/a.html", b"<script>alert(1)</script>");
    let comparable = |mut headers: HeaderMap| {
        headers.remove(header::DATE);
        headers
    };
    let (status, get_headers, _) = get(&server, "/docs/a.html", &[]).await;
    let head = server.client.head(server.url("/docs/a.html")).send().await.unwrap();
    assert_eq!((status, head.status()), (StatusCode::OK, StatusCode::OK));
    assert_eq!(comparable(head.headers().clone()), comparable(get_headers.clone()));

    assert_eq!(get_headers[header::CONTENT_LENGTH], "25");
    assert_eq!(get_headers[header::ACCEPT_RANGES], "bytes");
    assert_eq!(get_headers[header::CONTENT_TYPE], "text/html");
    assert_eq!(get_headers[header::LAST_MODIFIED], "Tue, 14 Nov 2023 22:13:20 GMT");
    assert!(get_headers[header::ETAG].to_str().unwrap().starts_with('"'));
    // Whatever was uploaded is never run by a browser on this address.
    assert_eq!(get_headers[header::CONTENT_DISPOSITION], "attachment; filename=\"a.html\"");
    assert_eq!(get_headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(get_headers[header::CONTENT_SECURITY_POLICY], "default-src 'none'; sandbox");

    let ranged =
        server.client.head(server.url("/docs/a.html")).header(header::RANGE, "bytes=0-1").send().await.unwrap();
    assert_eq!((ranged.status().as_u16(), &ranged.headers()[header::CONTENT_LENGTH]), (200, &"25".parse().unwrap()));
    assert_eq!(server.client.head(server.url("/none")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_resume_gets_its_part_only_of_the_version_it_has() {
    let server = serve().await;
    let path = server.file("a.bin", b"0123456789");
    let (_, headers, _) = get(&server, "/a.bin", &[]).await;
    let (tag, date) = (headers[header::ETAG].to_str().unwrap(), headers[header::LAST_MODIFIED].to_str().unwrap());
    for (if_range, status) in [
        (tag, 206),
        (date, 206),
        ("\"other\"", 200),
        (&*format!("W/{tag}"), 200),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 200),
    ] {
        let (got, _, body) = get(&server, "/a.bin", &[(header::RANGE, "bytes=5-"), (header::IF_RANGE, if_range)]).await;
        assert_eq!(got, status, "{if_range}");
        assert_eq!(body, if status == 206 { &b"56789"[..] } else { b"0123456789" }, "{if_range}");
    }
    put(&path, b"9876543210");
    let (status, _, body) = get(&server, "/a.bin", &[(header::RANGE, "bytes=5-"), (header::IF_RANGE, tag)]).await;
    assert_eq!((status.as_u16(), &*body), (200, &b"9876543210"[..]));
}

#[tokio::test]
async fn a_version_the_client_has_is_not_sent_again() {
    let server = serve().await;
    server.file("a.bin", b"0123456789");
    let (_, headers, _) = get(&server, "/a.bin", &[]).await;
    let (tag, date) = (headers[header::ETAG].to_str().unwrap(), headers[header::LAST_MODIFIED].to_str().unwrap());
    for (name, value, status) in [
        (header::IF_NONE_MATCH, tag, 304),
        (header::IF_MODIFIED_SINCE, date, 304),
        (header::IF_NONE_MATCH, "\"other\"", 200),
        (header::IF_MATCH, "\"other\"", 412),
        (header::IF_UNMODIFIED_SINCE, "Tue, 14 Nov 2023 22:13:19 GMT", 412),
    ] {
        let (got, headers, _) = get(&server, "/a.bin", &[(name.clone(), value)]).await;
        assert_eq!(got, status, "{name}: {value}");
        assert!(status == 412 || headers[header::ETAG] == tag, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_file_that_was_just_written_has_no_strong_tag_yet() {
    let server = serve().await;
    let path = server.path("a.bin");
    put(&path, b"0123456789");
    let ahead = std::time::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    fs::File::options().append(true).open(&path).unwrap().set_modified(ahead).unwrap();
    let (_, headers, _) = get(&server, "/a.bin", &[]).await;
    assert!(headers[header::ETAG].to_str().unwrap().starts_with("W/\""));
}

/// Asks for a file that does not fit into the socket buffers and reads its head and first bytes.
async fn half_read(server: &Fixture, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    stream
}

/// How many descriptors of this process have `path` open.
fn times_open(path: &std::path::Path) -> usize {
    let path = path.canonicalize().unwrap();
    let open = |entry: fs::DirEntry| fs::read_link(entry.path()).is_ok_and(|target| target == path);
    fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| fs::read_link(entry.path()).is_ok())
        .filter_map(|entry| open(entry).then_some(()))
        .count()
}

#[tokio::test]
async fn a_client_that_goes_away_frees_the_file() {
    let server = serve().await;
    let path = server.path("big.bin");
    fs::File::options().write(true).create_new(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let stream = half_read(&server, "/big.bin").await;
    assert_eq!(times_open(&path), 1);
    drop(stream);
    eventually("the file is closed", || times_open(&path) == 0).await;
}

#[tokio::test]
async fn a_file_that_is_cut_or_written_over_meanwhile_is_never_completed() {
    for cut in [true, false] {
        let server = serve().await;
        let path = server.path("big.bin");
        let file = fs::File::options().write(true).create_new(true).open(&path).unwrap();
        file.set_len(1 << 26).unwrap();
        let mut stream = half_read(&server, "/big.bin").await;
        if cut {
            file.set_len(1 << 20).unwrap();
        } else {
            std::os::unix::fs::FileExt::write_all_at(&file, b"another version", 0).unwrap();
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.len() < 1 << 26, "cut: {cut}, {} bytes", rest.len());
    }
}

#[tokio::test]
async fn a_file_that_grows_meanwhile_is_sent_as_it_was() {
    let server = serve().await;
    let path = server.path("log.txt");
    let mut file = fs::File::options().append(true).create_new(true).open(&path).unwrap();
    file.set_len(1 << 24).unwrap();
    let mut stream = half_read(&server, "/log.txt").await;
    std::io::Write::write_all(&mut file, b"one more line").unwrap();
    let mut left = vec![0; (1 << 24) - 1000];
    stream.read_exact(&mut left).await.unwrap();
}

#[tokio::test]
async fn a_limited_client_gets_every_byte() {
    let server = serve_with(|config| config.limit_per_client = ByteRate::new(4 * 1024 * 1024)).await;
    let bytes = pattern(1_500_000);
    server.file("a.bin", &bytes);
    let (_, _, body) = get(&server, "/a.bin", &[]).await;
    assert!(body == bytes);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let server = serve().await;
    server.file("empty", b"");
    for fields in [vec![], vec![(header::RANGE, "bytes=0-")]] {
        let (status, headers, body) = get(&server, "/empty", &fields).await;
        assert_eq!((status.as_u16(), &headers[header::CONTENT_LENGTH], body.len()), (200, &"0".parse().unwrap(), 0));
    }
}
