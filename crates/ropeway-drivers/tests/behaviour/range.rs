//! Ranges, and the answers that must not be believed.

use ropeway_drivers::DriverError;
use ropeway_model::{ByteRange, EntityTag, Validator};
use ropeway_testkit::{
    Nginx, Pattern, Peer,
    peer::{Answer, Cut, ServedFile},
};

use crate::ground::{Download, range, read};

const LENGTH: u64 = 300_000;

/// What is done to a right answer.
type Bend = Box<dyn Fn(Answer) -> Answer + Send + Sync>;

fn version(tag: &str) -> Validator {
    Validator { entity_tag: EntityTag::parse(tag), length: Some(LENGTH), ..Validator::default() }
}

#[tokio::test]
async fn a_range_brings_its_bytes_and_no_others() {
    let peer = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let nginx = Nginx::start();
    Pattern::new(1).write_file(&nginx.root().join("file"), LENGTH);
    for address in [peer.url("file"), nginx.url("file")] {
        let download = Download::of(&address);
        let valid = download.probe().await.unwrap().validator;
        for (start, end) in [(0, 1), (7, 100_000), (LENGTH - 1, LENGTH), (0, LENGTH), (100_000, u64::MAX)] {
            let fetched = download.fetch(range(start, end), Some(&valid)).await.unwrap();
            assert_eq!(fetched.validator.length, Some(LENGTH));
            let (bytes, error) = read(fetched.body).await;
            assert!(error.is_none() && bytes == Pattern::new(1).bytes(start, end.min(LENGTH)), "{address} {start}");
        }
        let error = download.fetch_error(ByteRange::from_start(LENGTH), Some(&valid)).await;
        assert!(matches!(error, DriverError::RangeUnsatisfiable { length: Some(LENGTH), .. }), "{error}");
    }
}

#[tokio::test]
async fn a_changed_file_at_nginx_is_noticed_by_its_tag() {
    let nginx = Nginx::start();
    let file = nginx.root().join("file");
    Pattern::new(1).write_file(&file, LENGTH);
    let download = Download::of(&nginx.url("file"));
    let valid = download.probe().await.unwrap().validator;
    Pattern::new(2).write_file(&file, LENGTH - 1);
    for start in [0, 5] {
        let error = download.fetch_error(range(start, 10), Some(&valid)).await;
        assert!(matches!(error, DriverError::RemoteChanged { .. }), "{error}");
    }
}

#[tokio::test]
async fn only_a_strong_validator_stands_in_if_range() {
    let peer = Peer::serve(ServedFile::new(1, LENGTH).without_validators()).await;
    let download = Download::of(&peer.url("f"));
    let date = |strong| Validator {
        last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
        last_modified_is_strong: strong,
        ..Validator::default()
    };
    for (valid, sent) in [
        (Some(version("\"1\"")), Some("\"1\"")),
        (Some(version("W/\"1\"")), None),
        (Some(date(true)), Some("Sun, 06 Nov 1994 08:49:37 GMT")),
        (Some(date(false)), None),
        (Some(Validator::default()), None),
        (None, None),
    ] {
        // What comes back is of no interest here.
        let _ = download.fetch(range(0, 5), valid.as_ref()).await;
        let last = peer.requests().pop().unwrap();
        assert_eq!((last.header("If-Range"), last.header("Range")), (sent, Some("bytes=0-4")), "{valid:?}");
    }
}

#[tokio::test]
async fn a_whole_file_serves_a_range_from_its_start_and_no_other() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start(move |_| file.whole()).await;
    let download = Download::of(&peer.url("f"));
    let error = download.fetch_error(range(5, 10), None).await;
    assert!(matches!(error, DriverError::RangeIgnored { .. }), "{error}");
    let fetched = download.fetch(range(0, 10), None).await.unwrap();
    assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(0, 10));
}

#[tokio::test]
async fn a_whole_file_of_another_version_is_a_change() {
    let file = ServedFile::new(2, LENGTH);
    let peer = Peer::start(move |_| file.whole()).await;
    let download = Download::of(&peer.url("f"));
    for start in [0, 5] {
        let error = download.fetch_error(range(start, 10), Some(&version("\"old\""))).await;
        assert!(matches!(error, DriverError::RemoteChanged { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_page_in_place_of_the_file_is_no_new_version() {
    let peer =
        Peer::start(|_| Answer::status(200).header("Content-Type", "text/html; charset=utf-8").body("<h1>Log in</h1>"))
            .await;
    for start in [0, 5] {
        let error = Download::of(&peer.url("f")).fetch_error(range(start, 10), Some(&version("\"1\""))).await;
        assert!(matches!(error, DriverError::NoContent { status: 200, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_206_is_believed_only_on_a_content_range_that_fits() {
    let told = |value: &'static str| move |answer: Answer| answer.header("Content-Range", value);
    let cases: Vec<(&str, Bend)> = vec![
        ("bad", Box::new(told("bytes 101-200/300000"))),
        ("bad", Box::new(told("bytes 0-99/300000"))),
        ("bad", Box::new(told("bytes 100-99/300000"))),
        ("bad", Box::new(told("100-199/300000"))),
        ("bad", Box::new(told("bytes */300000"))),
        ("bad", Box::new(|answer| answer.without("Content-Range"))),
        ("bad", Box::new(|answer| answer.header("Content-Type", "multipart/byteranges; boundary=x"))),
        ("changed", Box::new(told("bytes 100-199/300001"))),
        ("changed", Box::new(|answer| answer.header("ETag", "\"other\""))),
        ("ignored", Box::new(|answer| answer.header("Content-Encoding", "gzip"))),
        ("good", Box::new(told("bytes 100-199/*"))),
        ("good", Box::new(|answer| answer.header("Content-Encoding", "none"))),
        ("good", Box::new(|answer| answer.without("ETag"))),
    ];
    for (place, (expected, bend)) in cases.into_iter().enumerate() {
        let file = ServedFile::new(1, LENGTH);
        let peer = Peer::start(move |_| bend(file.part(100, 200))).await;
        let valid = version(&format!("\"1-{LENGTH}\""));
        let outcome = Download::of(&peer.url("f")).fetch(range(100, 200), Some(&valid)).await;
        let had = match &outcome {
            Ok(_) => "good",
            Err(DriverError::BadResponse { .. }) => "bad",
            Err(DriverError::RemoteChanged { .. }) => "changed",
            Err(DriverError::RangeIgnored { .. }) => "ignored",
            Err(other) => panic!("case {place}: {other}"),
        };
        assert_eq!(had, expected, "case {place}: {:?}", outcome.err());
    }
}

#[tokio::test]
async fn a_longer_206_is_cut_and_a_shorter_one_taken() {
    let file = ServedFile::new(1, LENGTH);
    for (start, end) in [(100, 5_000), (100, 150)] {
        let file = file.clone();
        let peer = Peer::start(move |_| file.part(start, end)).await;
        let fetched = Download::of(&peer.url("f")).fetch(range(100, 200), None).await.unwrap();
        let (bytes, error) = read(fetched.body).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(bytes, Pattern::new(1).bytes(100, end.min(200)));
    }
}

#[tokio::test]
async fn a_body_longer_than_its_own_content_range_is_cut_there() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start(move |_| file.part(100, 5_000).header("Content-Range", "bytes 100-149/300000")).await;
    let fetched = Download::of(&peer.url("f")).fetch(range(100, 200), None).await.unwrap();
    assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(100, 150));
}

#[tokio::test]
async fn a_part_that_breaks_off_keeps_its_good_bytes() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start(move |request| file.answer(request).cut_after(70_000, Cut::End)).await;
    let fetched = Download::of(&peer.url("f")).fetch(range(1_000, 200_000), None).await.unwrap();
    let (bytes, error) = read(fetched.body).await;
    assert!(matches!(error, Some(DriverError::ConnectionLost { .. })), "{error:?}");
    assert_eq!(bytes, Pattern::new(1).bytes(1_000, 71_000));
}

#[tokio::test]
async fn a_416_tells_the_length_or_that_it_is_unknown() {
    for (header, expected) in [(Some("bytes */10"), Some(10)), (Some("bytes 0-9/10"), None), (None, None)] {
        let peer = Peer::start(move |_| {
            header.map_or(Answer::status(416), |header| Answer::status(416).header("Content-Range", header))
        })
        .await;
        let error = Download::of(&peer.url("f")).fetch_error(range(20, 30), None).await;
        assert!(matches!(error, DriverError::RangeUnsatisfiable { length, .. } if length == expected), "{error}");
    }
}

#[tokio::test]
async fn ranges_one_after_the_other_share_a_connection() {
    let peer = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let download = Download::of(&peer.url("f"));
    for start in (0..LENGTH).step_by(100_000) {
        let fetched = download.fetch(range(start, start + 100_000), None).await.unwrap();
        assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(start, start + 100_000));
    }
    assert_eq!((peer.requests().len(), peer.connections()), (3, 1));
}

#[tokio::test]
async fn a_signed_address_is_asked_without_a_condition_and_its_answer_compared_all_the_same() {
    let peer = Peer::serve(ServedFile::new(1, LENGTH)).await;
    for query in ["X-Amz-Signature=1", "a=b&x-goog-signature=1", "Signature=1&Key-Pair-Id=2", "sv=1&sig=2"] {
        let download = Download::of(&peer.url(&format!("f?{query}")));
        let valid = download.probe().await.unwrap().validator;
        download.fetch(range(1, 10), Some(&valid)).await.unwrap();
        assert_eq!(peer.requests().last().unwrap().header("If-Range"), None, "{query}");
        let error = download.fetch_error(range(1, 10), Some(&version("\"other\""))).await;
        assert!(matches!(error, DriverError::RemoteChanged { .. }), "{query}: {error}");
    }
    let download = Download::of(&peer.url("f?design=1"));
    let valid = download.probe().await.unwrap().validator;
    download.fetch(range(1, 10), Some(&valid)).await.unwrap();
    assert!(peer.requests().last().unwrap().header("If-Range").is_some());
}
