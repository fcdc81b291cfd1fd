//! Answers that are no file, and heads that are no HTTP.

use ropeway_drivers::DriverError;
use ropeway_model::{FailureCode, Retry};
use ropeway_testkit::{
    Peer, SocksProxy, TunnelProxy,
    peer::{Answer, Request, ServedFile},
};

use crate::ground::{Download, context, range, trusting};

#[tokio::test]
async fn a_success_without_a_file_is_no_download() {
    for status in [201, 202, 204, 205, 207, 304] {
        let peer = Peer::start(move |_| Answer::status(status)).await;
        let download = Download::of(&peer.url("f"));
        for error in [download.probe_error().await, download.fetch_error(range(0, 5), None).await] {
            assert!(matches!(error, DriverError::NoContent { status: had, .. } if had == status), "{error}");
        }
    }
}

#[tokio::test]
async fn a_head_of_hundreds_of_short_fields_is_one() {
    let file = ServedFile::new(1, 1_000);
    let peer = Peer::start(move |request| {
        (0..300).fold(file.answer(request), |answer, number| answer.header(&format!("X-{number}"), "y"))
    })
    .await;
    assert!(Download::of(&peer.url("f")).probe().await.is_ok());
}

#[tokio::test]
async fn a_part_that_nobody_asked_for_is_refused() {
    let file = ServedFile::new(1, 1_000);
    let peer = Peer::start(move |_| file.part(0, 1_000)).await;
    let error = Download::of(&peer.url("f")).probe_error().await;
    assert!(matches!(error, DriverError::BadResponse { .. }), "{error}");
}

#[tokio::test]
async fn a_failing_status_is_told_with_its_retry_after() {
    for (status, code) in [
        (400, FailureCode::RequestRefused),
        (401, FailureCode::Unauthorized),
        // As GitHub counts requests.
        (403, FailureCode::RateLimited),
        (404, FailureCode::NotFound),
        (410, FailureCode::Gone),
        (429, FailureCode::RateLimited),
        (500, FailureCode::ServerUnavailable),
        (503, FailureCode::ServerUnavailable),
    ] {
        let peer = Peer::start(move |_| Answer::status(status).header("Retry-After", "90").body("<h1>no</h1>")).await;
        let download = Download::of(&peer.url("f"));
        for error in [download.probe_error().await, download.fetch_error(range(0, 5), None).await] {
            assert!(matches!(error, DriverError::Status { retry_after: Some(after), .. } if after.as_secs() == 90));
            assert_eq!(error.code(), code, "{status}");
            assert_eq!(matches!(error.retry(), Retry::After(_)), matches!(status, 403 | 429 | 500..), "{status}");
        }
    }
}

/// A download over one way to a server; the servers on it live as long.
struct Way {
    download: Download,
    name: &'static str,
    _servers: (Peer, Option<TunnelProxy>, Option<SocksProxy>),
}

/// Servers that answer everything with `octets`, with and without encryption, each reached directly and by a proxy.
async fn ways(octets: &str) -> Vec<Way> {
    let mut ways = Vec::new();
    for name in ["plain", "encrypted", "HTTP proxy", "tunnel", "SOCKS"] {
        let octets = octets.to_owned();
        let script = move |_: &Request| Answer::raw(octets.clone());
        let is_secure = matches!(name, "encrypted" | "tunnel");
        let peer = if is_secure { Peer::start_tls("localhost", script).await } else { Peer::start(script).await };
        let address = peer.url("f");
        let mut context = if is_secure { trusting(&address, peer.ca_file()) } else { context(&address) };
        let (mut tunnel, mut socks) = (None, None);
        context.network.proxy = match name {
            "HTTP proxy" => Some(peer.url("")),
            "tunnel" => Some(tunnel.insert(TunnelProxy::start(None).await).url("")),
            "SOCKS" => {
                let port = socks.insert(SocksProxy::start(peer.port()).await).port();
                Some(format!("socks5h://user:password@127.0.0.1:{port}"))
            }
            _ => None,
        }
        .map(|proxy| crate::ground::url(&proxy));
        let download = Download::with(context, &address);
        ways.push(Way { download, name, _servers: (peer, tunnel, socks) });
    }
    ways
}

#[tokio::test]
async fn a_head_that_is_no_http_is_refused() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Field: value\r\n".repeat(5_000));
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Field: {}\r\n\r\n", "v".repeat(100 * 1024));
    for head in [
        "hello\r\n\r\n",
        "<html>HTTP/0.9</html>",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Field: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length\0: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer_Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length : 5\r\nContent-Length 6\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 42s\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x20\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        &many,
        &long,
    ] {
        for Way { download, name, _servers } in ways(head).await {
            let error = download.probe_error().await;
            let shown: String = head.chars().take(80).collect();
            assert!(matches!(error, DriverError::BadResponse { .. }), "{name} {shown:?}: {error}");
        }
    }
}

#[tokio::test]
async fn equal_lengths_count_as_one_and_interim_answers_are_passed_over() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let peer = Peer::start(move |_| Answer::raw(head)).await;
        let probe = Download::of(&peer.url("f")).probe().await.unwrap();
        assert_eq!(probe.validator.length, Some(5), "{head}");
        assert_eq!(crate::ground::read(probe.body).await.0, "hello");
    }
}

#[tokio::test]
async fn a_head_as_old_and_odd_servers_write_it_is_read_for_what_it_says() {
    for (head, length) in [
        ("HTTP/1.1 200 OK\r\nno field\r\nContent-Length: 5\r\n\r\nhello", Some(5)),
        ("HTTP/1.1 200 OK\r\nX Odd: a\r\nX-\u{e9}: b\r\n(x): c\r\nContent-Length: 5\r\n\r\nhello", Some(5)),
        ("HTTP/1.1 200 OK\r\nServer : x\r\nContent-Length : 5\r\n\r\nhello", Some(5)),
        ("HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", Some(5)),
        ("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", Some(5)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", None),
    ] {
        for Way { download, name, _servers } in ways(head).await {
            let fetched = || async { download.fetch(range(0, 5), None).await.map(|fetched| fetched.body) };
            let probe = download.probe().await.unwrap_or_else(|error| panic!("{name} {head:?}: {error}"));
            assert_eq!(probe.validator.length, length, "{head:?}");
            for body in [probe.body, fetched().await.unwrap(), fetched().await.unwrap()] {
                let (bytes, error) = crate::ground::read(body).await;
                assert!(error.is_none() && bytes == "hello", "{name} {head:?}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn fields_of_a_request_have_their_capitals() {
    let peer = Peer::serve(ServedFile::new(1, 1_000)).await;
    Download::of(&peer.url("f")).probe().await.unwrap();
    let names: Vec<String> = peer.requests()[0].headers.iter().map(|(name, _)| name.clone()).collect();
    for name in ["Host", "User-Agent", "Accept", "Accept-Encoding"] {
        assert!(names.iter().any(|had| had == name), "{name}: {names:?}");
    }
}
