//! Connections that break, stall or are given up.

use futures_util::StreamExt;
use ropeway_drivers::DriverError;
use ropeway_model::{FailureCode, Network};
use ropeway_testkit::{
    Pattern, Peer, free_port,
    peer::{Answer, Cut, Framing, ServedFile},
};

use crate::ground::{Download, context, read};

const LENGTH: u64 = 300_000;

#[tokio::test]
async fn a_connection_that_ends_before_the_body_is_an_error_behind_the_good_bytes() {
    for cut in [Cut::End, Cut::Reset] {
        for at in [0, 1, 1_000, LENGTH - 1] {
            let file = ServedFile::new(1, LENGTH);
            let peer = Peer::start(move |request| file.answer(request).cut_after(at, cut)).await;
            let (bytes, error) = match Download::of(&peer.url("f")).probe().await {
                Ok(probe) => read(probe.body).await,
                // A reset may overtake the head.
                Err(error) => (bytes::Bytes::new(), Some(error)),
            };
            assert!(matches!(error, Some(DriverError::ConnectionLost { .. })), "{cut:?} {at}: {error:?}");
            assert_eq!(bytes, Pattern::new(1).bytes(0, bytes.len() as u64));
            assert!(cut == Cut::Reset || bytes.len() as u64 == at, "{at}: {}", bytes.len());
        }
    }
}

#[tokio::test]
async fn chunks_without_the_last_one_are_no_whole_file() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start(move |_| file.whole().framing(Framing::ChunkedWithoutEnd)).await;
    let (bytes, error) = read(Download::of(&peer.url("f")).probe().await.unwrap().body).await;
    assert!(matches!(error, Some(DriverError::ConnectionLost { .. })), "{error:?}");
    assert_eq!(bytes, Pattern::new(1).bytes(0, LENGTH));
}

#[tokio::test]
async fn chunks_that_are_framed_wrongly_are_a_bad_answer_and_no_lost_connection() {
    let octets = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nno size\r\n";
    let peer = Peer::start(move |_| Answer::raw(octets)).await;
    let (bytes, error) = read(Download::of(&peer.url("f")).probe().await.unwrap().body).await;
    assert!(matches!(error, Some(DriverError::BadResponse { .. })), "{error:?}");
    assert_eq!(bytes, "hello");
}

#[tokio::test]
async fn a_length_that_lies_ends_the_body_where_it_says_or_as_incomplete() {
    for (announced, broken) in [(LENGTH + 1, true), (LENGTH - 1, false)] {
        let file = ServedFile::new(1, LENGTH);
        let peer = Peer::start(move |_| file.whole().framing(Framing::LengthOf(announced))).await;
        let (bytes, error) = read(Download::of(&peer.url("f")).probe().await.unwrap().body).await;
        assert_eq!(matches!(error, Some(DriverError::ConnectionLost { .. })), broken, "{error:?}");
        assert_eq!(bytes, Pattern::new(1).bytes(0, announced.min(LENGTH)));
    }
}

#[tokio::test]
async fn behind_tls_a_body_that_ends_with_the_connection_needs_the_farewell() {
    for farewell in [true, false] {
        let file = ServedFile::new(1, LENGTH);
        let peer = Peer::start_tls("localhost", move |_| {
            let answer = file.whole().framing(Framing::Close);
            if farewell { answer } else { answer.cut_after(LENGTH, Cut::End) }
        })
        .await;
        let mut context = context(&peer.url("f"));
        context.network = Network { ca_file: Some(peer.ca_file()), ..Network::default() };
        let (bytes, error) = read(Download::with(context, &peer.url("f")).probe().await.unwrap().body).await;
        assert_eq!(bytes.len() as u64, LENGTH);
        assert_eq!(error.is_none(), farewell, "{error:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_given_up_is_replaced_silently() {
    let file = ServedFile::new(1, 1_000);
    let peer = Peer::start(move |request| match request.number {
        2 => Answer::raw(""),
        _ => file.answer(request),
    })
    .await;
    let download = Download::of(&peer.url("f"));
    read(download.probe().await.unwrap().body).await;
    assert_eq!(read(download.probe().await.unwrap().body).await.0, Pattern::new(1).bytes(0, 1_000));
    assert_eq!((peer.requests().len(), peer.connections()), (3, 2));
}

#[tokio::test]
async fn a_server_that_never_answers_is_tried_twice_and_no_more() {
    let peer = Peer::start(|_| Answer::raw("")).await;
    let error = Download::of(&peer.url("f")).probe_error().await;
    assert!(matches!(error, DriverError::ConnectionLost { .. }), "{error}");
    assert_eq!(peer.requests().len(), 2);
}

#[tokio::test]
async fn canceling_ends_a_stalled_body_and_an_unanswered_request() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start(move |request| match request.number {
        1 => file.whole().stall_after(1_000),
        _ => Answer::silence(),
    })
    .await;
    let download = Download::of(&peer.url("f"));
    let mut body = download.probe().await.unwrap().body;
    assert_eq!(body.next().await.unwrap().unwrap(), Pattern::new(1).bytes(0, 1_000));
    let cancel = download.context.cancel.clone();
    let stopped = async { body.next().await };
    let (unanswered, stalled, ()) = tokio::join!(download.probe(), stopped, async { cancel.cancel() });
    assert!(matches!(unanswered.err(), Some(DriverError::Canceled)));
    assert!(matches!(stalled, Some(Err(DriverError::Canceled))));
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_server_that_takes_the_request_and_says_nothing_is_given_up() {
    let file = ServedFile::new(1, 1_000);
    let peer = Peer::start(move |request| match request.number {
        1 => file.whole(),
        _ => Answer::silence(),
    })
    .await;
    let download = Download::of(&peer.url("f"));
    read(download.probe().await.unwrap().body).await;
    // With the connection made, only the driver's own patience is left to run out.
    tokio::time::pause();
    let error = download.probe_error().await;
    assert!(matches!(error, DriverError::Silent { waited_s: 120, .. }), "{error}");
    assert_eq!(error.code(), FailureCode::IdleTimeout);
}

#[tokio::test]
async fn nobody_listening_and_no_such_host_are_told_apart() {
    let refused = Download::of(&format!("http://127.0.0.1:{}/f", free_port())).probe_error().await;
    assert!(matches!(refused, DriverError::ConnectionRefused { .. }), "{refused}");
    for scheme in ["http", "https"] {
        let unknown = Download::of(&format!("{scheme}://no-such-host.invalid/f")).probe_error().await;
        assert!(
            matches!(unknown, DriverError::NameNotResolved { ref host } if host == "no-such-host.invalid"),
            "{unknown}"
        );
    }
}
