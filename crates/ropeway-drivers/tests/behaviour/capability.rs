//! Which driver speaks to which address, and what it cannot do.

use ropeway_drivers::{Drivers, Held, Layout};

use crate::ground::{Upload, targets, url};
use ropeway_testkit::{Pattern, Peer, peer::Answer};

#[test]
fn what_a_driver_cannot_do_is_absent() {
    let drivers = Drivers::default();
    let http = drivers.for_download(&url("https://example.org/f")).unwrap();
    assert!(http.download().is_some() && http.upload().is_none());
    for target in ["https://example.org/in/", "form+https://example.org/up#field=file", "tus+http://example.org/files/"]
    {
        let driver = drivers.for_upload(&target.parse().unwrap()).unwrap();
        assert!(driver.upload().is_some() && driver.download().is_none(), "{target}");
    }
}

#[test]
fn a_scheme_without_a_driver_is_refused_by_name() {
    let error = Drivers::default().for_download(&url("gopher://example.org/f")).unwrap_err();
    assert_eq!(error.to_string(), "gopher:// is not supported");
}

#[tokio::test]
async fn an_upload_in_one_request_opens_without_any() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    for target in targets(&peer) {
        let before = peer.requests().len();
        let opened = Upload::to(&target).open(500_000, None).await.unwrap();
        assert_eq!((opened.layout, opened.held), (Layout::Whole, Held::Nothing), "{target}");
        assert_eq!(peer.requests().len(), before, "{target}");
        Upload::to(&target).send(Pattern::new(1), 500_000).await.unwrap();
        assert_eq!(peer.requests().len(), before + 1, "{target}");
    }
}
