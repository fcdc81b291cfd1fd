//! Downloads.

use ropeway_drivers::DriverError;
use ropeway_model::ByteRange;
use ropeway_testkit::{
    Nginx, Pattern, Peer,
    peer::{Answer, Cut, ServedFile},
};

use crate::ground::{context, http, read, url};

const LENGTH: u64 = 300_000;

#[tokio::test]
async fn the_first_request_is_a_plain_get_whose_body_is_the_file() {
    let peer = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let address = peer.url("a%20file.bin?x=1");
    let probe = http().download().unwrap().probe(&context(&address), &url(&address)).await.unwrap();
    assert_eq!(probe.name.as_str(), "a file.bin");
    assert_eq!(probe.validator.length, Some(LENGTH));
    let (bytes, error) = read(probe.body).await;
    assert!(error.is_none() && bytes == Pattern::new(1).bytes(0, LENGTH));
    let requests = peer.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].header("Range")), ("GET", None));
    assert_eq!(requests[0].header("Accept-Encoding"), Some("identity"));
}

#[tokio::test]
async fn a_range_brings_its_bytes_and_no_others() {
    let peer = Peer::serve(ServedFile::new(1, LENGTH)).await;
    let nginx = Nginx::start();
    Pattern::new(1).write_file(&nginx.root().join("file"), LENGTH);
    for address in [peer.url("file"), nginx.url("file")] {
        let (context, url) = (context(&address), url(&address));
        let http = http();
        let driver = http.download().unwrap();
        let valid = driver.probe(&context, &url).await.unwrap().validator;
        for (start, end) in [(0, 1), (7, 100_000), (LENGTH - 1, LENGTH), (0, LENGTH), (100_000, u64::MAX)] {
            let want = ByteRange::new(start, end).unwrap();
            let fetched = driver.fetch(&context, &url, want, Some(&valid)).await.unwrap();
            assert_eq!(fetched.validator.length, Some(LENGTH));
            let (bytes, error) = read(fetched.body).await;
            assert!(error.is_none() && bytes == Pattern::new(1).bytes(start, end.min(LENGTH)), "{address} {want}");
        }
        let behind = ByteRange::from_start(LENGTH);
        let error = driver.fetch(&context, &url, behind, Some(&valid)).await.err().unwrap();
        assert!(matches!(error, DriverError::RangeUnsatisfiable { length: Some(LENGTH), .. }), "{error}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_body_is_an_error_behind_the_good_bytes() {
    for cut in [Cut::End, Cut::Reset] {
        let file = ServedFile::new(1, LENGTH);
        let peer = Peer::start(move |request| file.answer(request).cut_after(1_000, cut)).await;
        let address = peer.url("file");
        let probe = http().download().unwrap().probe(&context(&address), &url(&address)).await.unwrap();
        let (bytes, error) = read(probe.body).await;
        assert!(matches!(error, Some(DriverError::ConnectionLost { .. })), "{cut:?}: {error:?}");
        assert_eq!(bytes, Pattern::new(1).bytes(0, bytes.len() as u64));
    }
}

#[tokio::test]
async fn a_whole_file_in_answer_to_a_later_range_is_refused() {
    let file = ServedFile::new(1, LENGTH);
    let peer = Peer::start(move |_| file.whole()).await;
    let (context, url) = (context(&peer.url("f")), url(&peer.url("f")));
    let later = ByteRange::new(5, 10).unwrap();
    let error = http().download().unwrap().fetch(&context, &url, later, None).await.err().unwrap();
    assert!(matches!(error, DriverError::RangeIgnored { .. }), "{error}");
    let first = ByteRange::new(0, 10).unwrap();
    let fetched = http().download().unwrap().fetch(&context, &url, first, None).await.unwrap();
    assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(0, 10));
}

#[tokio::test]
async fn a_failing_status_is_told_with_its_retry_after() {
    let peer = Peer::start(|_| Answer::status(503).header("Retry-After", "90")).await;
    let (context, url) = (context(&peer.url("f")), url(&peer.url("f")));
    let error = http().download().unwrap().probe(&context, &url).await.err().unwrap();
    assert!(
        matches!(error, DriverError::Status { status: 503, retry_after: Some(after), .. } if after.as_secs() == 90)
    );
}
