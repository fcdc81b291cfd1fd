//! Many files over one connection, against a real nginx and against a peer that ends streams as it likes.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use http::Version;
use ropeway_drivers::{Context, DriverError};
use ropeway_model::{ByteRate, FailureCode, Retry, Secrets};
use ropeway_testkit::{
    Nginx, NginxSettings, Pattern, Peer, TunnelProxy,
    peer::{Answer, Authority, Cut, Framing, Request, ServedFile, frame},
};

use crate::ground::{Download, Upload, give, range, read, targets, trusting, url};

const LENGTH: u64 = 100_000;
/// Requests at once.
const TOGETHER: usize = 16;
/// More than any of these tests has under way.
const STREAMS: u32 = 100;

/// Codes that end a stream (RFC 9113 §7).
const NO_ERROR: u32 = 0x0;
const PROTOCOL_ERROR: u32 = 0x1;
const INTERNAL_ERROR: u32 = 0x2;
const REFUSED_STREAM: u32 = 0x7;
const CANCEL: u32 = 0x8;
const ENHANCE_YOUR_CALM: u32 = 0xb;
const HTTP_1_1_REQUIRED: u32 = 0xd;

/// A peer that speaks HTTP/2, and a download from it.
async fn peer(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> (Peer, Download) {
    let peer = Peer::start_h2("localhost", STREAMS, script).await;
    let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    (peer, download)
}

fn versions(peer: &Peer) -> Vec<Version> {
    peer.requests().iter().map(|request| request.version).collect()
}

/// Fetches `count` files from `nginx` over one job's clients, [`TOGETHER`] at once; the connections that carried them,
/// each with its version.
async fn connections_of(nginx: &Nginx, count: u64) -> BTreeSet<(String, String)> {
    for number in 0..count {
        Pattern::new(number).write_file(&nginx.root().join(format!("{number}.bin")), 1_000 + number);
    }
    let context = trusting(&nginx.url(""), nginx.ca_file());
    let fetched = stream::iter(0..count).map(|number| {
        let download = Download::with(context.clone(), &nginx.url(&format!("{number}.bin")));
        async move {
            let (bytes, error) = read(download.probe().await.unwrap().body).await;
            assert!(error.is_none(), "{error:?}");
            assert_eq!(bytes, Pattern::new(number).bytes(0, 1_000 + number));
        }
    });
    fetched.buffer_unordered(TOGETHER).collect::<Vec<()>>().await;
    let log = nginx.access_log_of(usize::try_from(count).unwrap());
    let carrier = |line: &String| {
        let mut words = line.rsplit(' ').map(str::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    };
    log.iter().map(carrier).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_small_files_come_over_one_connection() {
    let connections = connections_of(&Nginx::start_h2(NginxSettings::default()), 200).await;
    assert_eq!(connections.len(), 1, "{connections:?}");
    assert_eq!(connections.first().unwrap().1, "HTTP/2.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_connections_in_good_order_gets_a_new_one_and_every_file_comes() {
    let settings = NginxSettings { requests_a_connection: Some(20), ..NginxSettings::default() };
    let connections = connections_of(&Nginx::start_h2(settings), 200).await;
    assert!(connections.len() >= 10, "{connections:?}");
    assert!(connections.iter().all(|(_, version)| version == "HTTP/2.0"), "{connections:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn further_segments_come_over_connections_of_their_own() {
    let nginx = Nginx::start_h2(NginxSettings::default());
    let (pattern, length) = (Pattern::new(1), 32 << 20);
    pattern.write_file(&nginx.root().join("large.bin"), length);
    let download = Download::with(trusting(&nginx.url(""), nginx.ca_file()), &nginx.url("large.bin"));
    let probe = download.probe().await.unwrap();
    let segments = (1..4).map(|number| {
        let want = range(number * length / 4, (number + 1) * length / 4);
        let (download, valid) = (&download, &probe.validator);
        async move {
            let fetched = download.fetch(want, Some(valid)).await.unwrap();
            assert_eq!(read(fetched.body).await.0, pattern.bytes(want.start(), want.end()));
        }
    });
    let segments = futures_util::future::join_all(segments);
    let ((first, error), _) = tokio::join!(read(probe.body), segments);
    assert!(error.is_none() && first == pattern.bytes(0, length), "{error:?}");
    let log = nginx.access_log_of(4);
    let carriers: BTreeSet<Vec<&str>> = log.iter().map(|line| line.rsplit(' ').take(2).collect()).collect();
    let count = |version| carriers.iter().filter(|carrier| carrier[1] == version).count();
    assert_eq!((count("HTTP/2.0"), count("HTTP/1.1")), (1, 3), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_start_together_make_one_connection() {
    let file = ServedFile::new(1, LENGTH);
    let (peer, download) = peer(move |request| file.answer(request)).await;
    let probes = (0..TOGETHER).map(|_| async { read(download.probe().await.unwrap().body).await.0.len() as u64 });
    assert_eq!(futures_util::future::join_all(probes).await, [LENGTH; TOGETHER]);
    assert_eq!((peer.connections(), peer.requests().len()), (1, TOGETHER));
}

#[tokio::test]
async fn a_job_under_a_limit_and_one_that_names_the_host_itself_have_connections_of_their_own() {
    let file = ServedFile::new(1, LENGTH);
    let (peer, mut download) = peer(move |request| file.answer(request)).await;
    download.context.pace = ByteRate::new(1 << 20);
    read(download.probe().await.unwrap().body).await;
    download.context.pace = None;
    give(&mut download.context, ["Host: files.example".parse().unwrap()]);
    read(download.probe().await.unwrap().body).await;
    assert_eq!(versions(&peer), [Version::HTTP_11, Version::HTTP_11]);
}

#[tokio::test]
async fn a_server_without_http2_is_asked_over_the_connections_it_has() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start_tls("localhost", move |request| file.answer(request)).await;
    let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    read(download.probe().await.unwrap().body).await;
    read(download.fetch(range(5, 10), None).await.unwrap().body).await;
    read(download.probe().await.unwrap().body).await;
    assert_eq!((peer.connections(), peer.requests().len()), (1, 3));
}

#[tokio::test]
async fn a_server_that_wants_http_1_is_asked_so_at_once_and_from_then_on() {
    let file = ServedFile::new(1, LENGTH);
    let (peer, download) = peer(move |request| match request.version {
        Version::HTTP_2 => Answer::reset(HTTP_1_1_REQUIRED),
        _ => file.answer(request),
    })
    .await;
    for _ in 0..2 {
        assert_eq!(read(download.probe().await.unwrap().body).await.0, Pattern::new(1).bytes(0, LENGTH));
    }
    assert_eq!(versions(&peer), [Version::HTTP_2, Version::HTTP_11, Version::HTTP_11]);
}

#[tokio::test]
async fn a_request_that_was_not_looked_at_is_sent_again_at_once_and_not_for_ever() {
    for (refusals, requests) in [(1, 2), (3, 4), (usize::MAX, 4)] {
        let file = ServedFile::new(1, LENGTH);
        let (peer, download) =
            peer(
                move |request| {
                    if request.number <= refusals { Answer::reset(REFUSED_STREAM) } else { file.answer(request) }
                },
            )
            .await;
        match download.probe().await {
            Ok(probe) => assert_eq!(read(probe.body).await.0.len() as u64, LENGTH),
            Err(error) => {
                assert!(matches!(error, DriverError::StreamLost { .. }) && refusals == usize::MAX, "{error}");
                assert_eq!(error.retry(), Retry::Backoff);
            }
        }
        assert_eq!((peer.connections(), peer.requests().len()), (1, requests), "{refusals} refusals");
    }
}

#[tokio::test]
async fn a_server_that_says_farewell_to_every_request_is_asked_eleven_times_and_no_more() {
    let farewell = [frame(0x4, 0, 0, &[]), frame(0x7, 0, 0, &[0; 8])].concat();
    let peer = Peer::start_frames(Authority::new("localhost"), move |_| Answer::raw(farewell.clone())).await;
    let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    let error = download.probe_error().await;
    assert!(matches!(error, DriverError::StreamLost { .. }), "{error:?}");
    assert_eq!((peer.requests().len(), error.retry()), (11, Retry::Backoff));
}

#[tokio::test]
async fn a_server_that_asks_for_calm_is_left_alone_for_a_while() {
    let (peer, download) = peer(|_| Answer::reset(ENHANCE_YOUR_CALM)).await;
    let error = download.probe_error().await;
    assert!(matches!(error, DriverError::Overloaded { .. }), "{error}");
    assert_eq!((error.code(), error.retry()), (FailureCode::RateLimited, Retry::Backoff));
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_takes_no_other_one_and_no_connection_with_it() {
    let file = ServedFile::new(1, LENGTH);
    for code in [CANCEL, INTERNAL_ERROR] {
        let file = file.clone();
        let (peer, download) = peer(move |request| match request.number {
            2 => file.whole().reset_after(1_000, code),
            _ => file.answer(request),
        })
        .await;
        let whole = download.probe().await.unwrap().body;
        let (bytes, error) = read(download.probe().await.unwrap().body).await;
        assert!(matches!(error, Some(DriverError::StreamLost { .. })), "{error:?}");
        assert_eq!(bytes, Pattern::new(1).bytes(0, bytes.len() as u64));
        assert_eq!(read(whole).await.0.len() as u64, LENGTH);
        assert_eq!(read(download.probe().await.unwrap().body).await.0.len() as u64, LENGTH);
        assert_eq!(peer.connections(), 1);
    }
}

#[tokio::test]
async fn a_stream_without_an_end_of_its_own_is_cut_however_it_is_closed() {
    let file = ServedFile::new(1, LENGTH);
    for (framing, sent) in [(Framing::Length, 1_000), (Framing::Unsaid, 1_000), (Framing::Unsaid, 0)] {
        let file = file.clone();
        let (_peer, download) = peer(move |_| file.whole().framing(framing).reset_after(sent, NO_ERROR)).await;
        let (bytes, error) = read(download.probe().await.unwrap().body).await;
        assert!(
            error.as_ref().is_some_and(|error| error.code() == FailureCode::ConnectionLost),
            "{framing:?}: {error:?}"
        );
        assert_eq!(error.unwrap().retry(), Retry::Backoff, "{framing:?}");
        assert_eq!(bytes, Pattern::new(1).bytes(0, sent), "{framing:?}");
    }
}

#[tokio::test]
async fn a_length_that_nobody_tells_ends_with_the_stream() {
    let file = ServedFile::new(1, LENGTH);
    let (_peer, download) = peer(move |_| file.whole().framing(Framing::Unsaid)).await;
    let (bytes, error) = read(download.probe().await.unwrap().body).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(bytes.len() as u64, LENGTH);
}

#[tokio::test]
async fn where_the_protocol_goes_wrong_the_next_request_is_in_http_1() {
    let file = ServedFile::new(1, LENGTH);
    let (peer, download) = peer(move |request| match request.version {
        Version::HTTP_2 => file.whole().reset_after(1_000, PROTOCOL_ERROR),
        _ => file.answer(request),
    })
    .await;
    let (_, error) = read(download.probe().await.unwrap().body).await;
    assert!(matches!(error, Some(DriverError::StreamLost { .. })), "{error:?}");
    assert_eq!(read(download.probe().await.unwrap().body).await.0.len() as u64, LENGTH);
    assert_eq!(versions(&peer), [Version::HTTP_2, Version::HTTP_11]);
}

#[tokio::test]
async fn a_connection_that_dies_ends_all_its_streams_and_the_next_requests_share_a_new_one() {
    let file = ServedFile::new(1, LENGTH);
    let (peer, download) = peer(move |request| match request.connection {
        1 if request.number == TOGETHER => Answer::hang_up(Cut::Reset),
        1 => file.whole().stall_after(1_000),
        _ => file.answer(request),
    })
    .await;
    let mut bodies = Vec::new();
    for _ in 1..TOGETHER {
        bodies.push(download.probe().await.unwrap().body);
    }
    // The one that gets no answer is repeated, silently.
    assert_eq!(read(download.probe().await.unwrap().body).await.0.len() as u64, LENGTH);
    for body in bodies {
        let (bytes, error) = read(body).await;
        assert!(matches!(error, Some(DriverError::StreamLost { .. })), "{error:?}");
        assert_eq!(bytes, Pattern::new(1).bytes(0, 1_000));
    }
    let probes = (0..TOGETHER).map(|_| async { read(download.probe().await.unwrap().body).await.0.len() as u64 });
    assert_eq!(futures_util::future::join_all(probes).await, [LENGTH; TOGETHER]);
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_server_that_never_answers_is_tried_twice_over_http_2_as_well() {
    let (peer, download) = peer(|_| Answer::hang_up(Cut::End)).await;
    let error = download.probe_error().await;
    assert!(matches!(error, DriverError::StreamLost { .. } | DriverError::ConnectionLost { .. }), "{error}");
    assert_eq!(peer.requests().len(), 2);
}

#[tokio::test]
async fn a_server_that_takes_one_request_at_a_time_gets_one_at_a_time() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start_h2("localhost", 1, move |request| file.answer(request)).await;
    let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    let probes = (0..8).map(|_| async { read(download.probe().await.unwrap().body).await.0.len() as u64 });
    assert_eq!(futures_util::future::join_all(probes).await, [LENGTH; 8]);
    assert_eq!((peer.connections(), peer.requests().len()), (1, 8));
}

#[tokio::test]
async fn canceling_one_job_ends_its_stream_and_leaves_the_others_theirs() {
    let file = ServedFile::new(1, LENGTH);
    let (peer, download) = peer(move |request| match request.number {
        1 => file.whole().stall_after(1_000),
        _ => file.answer(request),
    })
    .await;
    let canceled = Context { cancel: download.context.cancel.child_token(), ..download.context.clone() };
    let canceled = Download::with(canceled, &peer.url("f"));
    let mut body = canceled.probe().await.unwrap().body;
    body.next().await.unwrap().unwrap();
    let beside = download.probe().await.unwrap().body;
    canceled.context.cancel.cancel();
    assert!(matches!(body.next().await, Some(Err(DriverError::Canceled))));
    drop(body);
    assert_eq!(read(beside).await.0.len() as u64, LENGTH);
    assert_eq!(read(download.probe().await.unwrap().body).await.0.len() as u64, LENGTH);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn what_nobody_reads_is_bounded_and_holds_no_other_answer_up() {
    const WINDOW: u64 = 2 << 20;
    let (large, small) = (ServedFile::new(1, 8 * WINDOW), ServedFile::new(2, LENGTH));
    let (peer, download) = peer(move |request| match request.number {
        1 | 2 => large.answer(request),
        _ => small.answer(request),
    })
    .await;
    let unread = [download.probe().await.unwrap().body, download.probe().await.unwrap().body];
    while !peer.requests().iter().all(|request| request.bytes_sent >= WINDOW) {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        assert_eq!(read(download.probe().await.unwrap().body).await.0, Pattern::new(2).bytes(0, LENGTH));
    }
    assert_eq!(peer.connections(), 1);
    assert!(peer.requests().iter().all(|request| request.bytes_sent <= WINDOW));
    drop(unread);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_as_over_http_1() {
    let file = ServedFile::new(1, LENGTH);
    let (_peer, download) = peer(move |request| file.answer(request).header("X-Large", &"x".repeat(70_000))).await;
    let error = download.probe_error().await;
    assert!(matches!(error, DriverError::BadResponse { .. }) && error.to_string().contains("octets"), "{error}");
}

#[tokio::test]
async fn logins_stay_with_their_origin_and_proxies_lead_there_over_http_2_as_well() {
    let file = ServedFile::new(1, LENGTH);
    let other = Peer::start_h2("files.example", STREAMS, move |request| file.answer(request)).await;
    let target = other.url("f");
    let proxy = TunnelProxy::start(None).await;
    let mut context = trusting(&target, other.ca_file());
    context.network.proxy = Some(url(&proxy.url("")));
    give(&mut context, ["Authorization: Bearer secret".parse().unwrap()]);
    let probe = Download::with(context.clone(), &target).probe().await.unwrap();
    assert_eq!(read(probe.body).await.0, Pattern::new(1).bytes(0, LENGTH));
    let elsewhere = url("https://elsewhere.example/");
    context.origin = elsewhere.expose().origin();
    context.secrets = Secrets::of(&elsewhere, vec!["Authorization: Bearer secret".parse().unwrap()]);
    read(Download::with(context, &target).probe().await.unwrap().body).await;
    let logins: Vec<_> = other.requests().iter().map(|request| request.header("Authorization").is_some()).collect();
    assert_eq!((logins, versions(&other)), (vec![true, false], vec![Version::HTTP_2; 2]));
    assert_eq!(proxy.asked().len(), 1, "one tunnel");
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_frames_end_the_connection_and_cost_no_memory() {
    const DATA: u8 = 0x0;
    const HEADERS: u8 = 0x1;
    const CONTINUATION: u8 = 0x9;
    const END_HEADERS: u8 = 0x4;
    /// `:status: 200` (RFC 7541, appendix A).
    const OK: &[u8] = &[0x88];
    /// What no client takes of a flood.
    const ENOUGH: u64 = 64 << 20;
    // A field that is not remembered: `x`, and its value of 15,872 octets as it is (RFC 7541 §6.2.2).
    let value = [&[0x00, 0x01, b'x', 0x7f, 0x81, 0x7b][..], &[b'v'; 15_872]].concat();
    let floods = [
        ("heads without end", frame(HEADERS, 0, 1, OK), frame(CONTINUATION, 0, 1, &value)),
        ("empty continuations", frame(HEADERS, 0, 1, OK), frame(CONTINUATION, 0, 1, &[]).repeat(1_000)),
        ("empty data", frame(HEADERS, END_HEADERS, 1, OK), frame(DATA, 0, 1, &[]).repeat(1_000)),
    ];
    for (name, first, again) in floods {
        let peer = Peer::start_frames(Authority::new("localhost"), move |_| {
            Answer::flood(first.clone(), again.clone(), ENOUGH)
        })
        .await;
        let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
        let error = match download.probe().await {
            Err(error) => Some(error),
            Ok(probe) => read(probe.body).await.1,
        };
        assert!(error.is_some(), "{name}");
        // The client may be gone before the server has counted a single one.
        let requests = peer.requests();
        let sent: u64 = requests.iter().map(|request| request.bytes_sent).sum();
        assert!(!requests.is_empty() && sent < ENOUGH / 8, "{name}: {sent} octets taken");
    }
}

#[tokio::test]
async fn a_server_that_speaks_http_2_alone_gives_its_ranges_over_that_too() {
    type Refusal = fn() -> Answer;
    let goaway = || Answer::raw([frame(0x4, 0, 0, &[]), frame(0x7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0xd])].concat());
    let refusals: [(&str, Option<Refusal>); 4] = [
        ("the handshake is refused", None),
        ("the connection ends", Some(|| Answer::hang_up(Cut::End))),
        ("frames come", Some(goaway)),
        ("the version is refused", Some(|| Answer::status(505))),
    ];
    for (name, refusal) in refusals {
        let file = ServedFile::new(1, LENGTH);
        let peer = match refusal {
            None => Peer::start_h2_only("localhost", STREAMS, move |request| file.answer(request)).await,
            Some(refusal) => {
                Peer::start_h2("localhost", STREAMS, move |request| match request.version {
                    Version::HTTP_2 => file.answer(request),
                    _ => refusal(),
                })
                .await
            }
        };
        let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
        let probe = download.probe().await.unwrap();
        for start in [10, 20] {
            let fetched = download.fetch(range(start, start + 5), Some(&probe.validator)).await;
            let fetched = fetched.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(start, start + 5), "{name}");
        }
        let refused = versions(&peer).iter().filter(|version| **version == Version::HTTP_11).count();
        assert!(refused <= 2, "{name}: asked in HTTP/1.1 {refused} times");
    }
}

#[tokio::test]
async fn a_server_that_speaks_http_2_alone_is_asked_again_in_it_where_an_answer_went_wrong() {
    let file = ServedFile::new(1, LENGTH);
    let served = file.clone();
    let peer = Peer::start_h2_only("localhost", STREAMS, move |request| match request.number {
        // Its end comes before the length it announced: an error of the protocol (RFC 9113 §8.1.1).
        1 | 3 => served.whole().framing(Framing::LengthOf(2 * LENGTH)),
        _ => served.answer(request),
    })
    .await;
    let download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    for _ in 0..2 {
        let probe = download.probe().await.unwrap();
        assert!(read(probe.body).await.1.is_some());
        let rest = download.fetch(range(1_000, LENGTH), None).await.unwrap();
        assert_eq!(read(rest.body).await.0, Pattern::new(1).bytes(1_000, LENGTH));
    }
}

#[tokio::test]
async fn a_job_under_a_limit_comes_to_a_server_that_speaks_http_2_alone() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start_h2_only("localhost", STREAMS, move |request| file.answer(request)).await;
    let mut download = Download::with(trusting(&peer.url("f"), peer.ca_file()), &peer.url("f"));
    download.context.pace = ByteRate::new(1 << 20);
    assert_eq!(read(download.probe().await.unwrap().body).await.0.len() as u64, LENGTH);
}

#[tokio::test]
async fn a_server_that_speaks_http_2_alone_takes_uploads_over_that_too() {
    let peer = Peer::start_h2_only("localhost", STREAMS, |_| Answer::status(201)).await;
    for target in targets(&peer) {
        let mut upload = Upload::to(&target);
        upload.context = trusting(&peer.url(""), peer.ca_file());
        for length in [0, 1_000_000] {
            upload.send(Pattern::new(2), length).await.unwrap_or_else(|error| panic!("{target}: {error}"));
            assert!(peer.requests().last().unwrap().bytes_received >= length);
        }
        upload.stored().await;
    }
    assert!(versions(&peer).iter().all(|version| *version == Version::HTTP_2));
}
