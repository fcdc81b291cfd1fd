//! Small documents that are read at once.

use ropeway_model::{FailureCode, Network, SafeUrl};
use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, ServedFile},
};

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_read_up_to_the_largest_size_that_is_allowed() {
    let peer = Peer::serve(ServedFile::new(7, 100_000)).await;
    let rig = Rig::new().await;
    let from: SafeUrl = peer.url("list.meta4").parse().unwrap();
    let network = Network::default();
    let read = |largest| rig.engine.read_document(&from, &network, Vec::new(), largest);
    assert_eq!(read(100_000).await.unwrap(), Pattern::new(7).bytes(0, 100_000));
    let failure = read(99_999).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::UnexpectedContent, "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_not_there_fails_as_a_job_would() {
    let peer = Peer::start(|_| Answer::status(404)).await;
    let rig = Rig::new().await;
    let from: SafeUrl = peer.url("list.meta4").parse().unwrap();
    let failure = rig.engine.read_document(&from, &Network::default(), Vec::new(), 1000).await.unwrap_err();
    assert_eq!((failure.code, failure.status), (FailureCode::NotFound, Some(404)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_came_encrypted_names_nothing_that_does_not_unless_that_is_allowed() {
    let rig = Rig::new().await;
    for (from, to, allow_downgrade, may_name) in [
        ("https://198.51.100.7/l", "https://198.51.100.8/f", false, true),
        ("https://198.51.100.7/l", "http://198.51.100.8/f", false, false),
        ("https://198.51.100.7/l", "http://198.51.100.8/f", true, true),
        ("http://198.51.100.7/l", "http://198.51.100.8/f", false, true),
        ("http://198.51.100.7/l", "http://127.0.0.1/f", true, false),
    ] {
        let network = Network { allow_downgrade, ..Network::default() };
        let (named_by, named): (SafeUrl, SafeUrl) = (from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(rig.engine.may_name(&named_by, &named, &network).await, may_name, "{from} {to}");
    }
}
