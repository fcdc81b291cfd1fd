//! What a driver declares, and that it keeps it.

use ropeway_drivers::{Drivers, Order};

use crate::ground::{Upload, targets, url};
use ropeway_testkit::{Pattern, Peer, peer::Answer};

#[test]
fn what_a_driver_cannot_do_is_absent() {
    let drivers = Drivers::default();
    let http = drivers.for_download(&url("https://example.org/f")).unwrap();
    assert!(http.capability().ranges && http.download().is_some() && http.upload().is_none());
    for target in ["https://example.org/in/", "form+https://example.org/up#field=file"] {
        let driver = drivers.for_upload(&target.parse().unwrap());
        let can = driver.capability();
        assert!(driver.upload().is_some() && driver.download().is_none(), "{target}");
        assert!(!can.resumes_uploads && can.part_size.is_none(), "{target}");
        assert_eq!((can.part_order, can.parts_in_flight), (Order::Sequential, 1), "{target}");
    }
}

#[test]
fn a_scheme_without_a_driver_is_refused_by_name() {
    let error = Drivers::default().for_download(&url("gopher://example.org/f")).unwrap_err();
    assert_eq!(error.to_string(), "gopher:// is not supported");
}

#[tokio::test]
async fn an_upload_in_one_part_is_one_request() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    for target in targets(&peer) {
        let before = peer.requests().len();
        Upload::to(&target).send(Pattern::new(1), 500_000).await.unwrap();
        assert_eq!(peer.requests().len(), before + 1, "{target}");
    }
}
