//! Checksums beside a download: found where servers put them, and nowhere else.

use ropeway_model::{Digest, JobId};
use ropeway_testkit::{
    Peer,
    peer::{Answer, Request, ServedFile},
};

use crate::rig::Rig;

const LENGTH: u64 = 1000;
const SHA_512: &str = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
                       47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

async fn finished(peer: &Peer, rig: &Rig) -> JobId {
    rig.run(rig.download(&peer.url("pool/a.iso?token=1"))).await.id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_beside_the_file_is_offered_the_surest_first() {
    let file = ServedFile::new(110, LENGTH);
    let right = file.pattern().sha256(LENGTH);
    let sums = format!("{}  other.iso\n{right} *a.iso\n", "0".repeat(64));
    let peer = Peer::start(move |request: &Request| match request.path.as_str() {
        "/pool/a.iso?token=1" => file.answer(request),
        "/pool/a.iso.sha512" => Answer::status(200).body(format!("{SHA_512}\n")),
        "/pool/SHA256SUMS" => Answer::status(200).body(sums.clone()),
        "/pool/a.iso.asc" => Answer::status(200).body("-----BEGIN PGP SIGNATURE-----"),
        // A page where nothing is, and a list that names other files only.
        "/pool/a.iso.sig" => Answer::status(200).body("<!doctype html>"),
        "/pool/MD5SUMS" => Answer::status(200).body("d41d8cd98f00b204e9800998ecf8427e  other.iso\n"),
        _ => Answer::status(404),
    })
    .await;
    let rig = Rig::new().await;
    let id = finished(&peer, &rig).await;
    let offers = rig.engine.find_checksums(id).await.unwrap();
    let digest = |text: String| Some(text.parse::<Digest>().unwrap());
    let told: Vec<_> =
        offers.into_iter().map(|offer| (offer.source.expose().path().to_owned(), offer.checksum)).collect();
    assert_eq!(
        told,
        [
            ("/pool/a.iso.sha512".to_owned(), digest(format!("sha512:{SHA_512}"))),
            ("/pool/SHA256SUMS".to_owned(), digest(format!("sha256:{right}"))),
            ("/pool/a.iso.asc".to_owned(), None),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checksum_file_at_another_origin_and_an_endless_one_tell_nothing() {
    let file = ServedFile::new(111, LENGTH);
    let elsewhere = Peer::start(|_| Answer::status(200).body("0".repeat(64))).await;
    let away = elsewhere.url("a.iso.sha256");
    let peer = Peer::start(move |request: &Request| match request.path.as_str() {
        "/pool/a.iso?token=1" => file.answer(request),
        "/pool/a.iso.sha256" => Answer::redirect(302, &away),
        "/pool/SHA256SUMS" => ServedFile::new(1, 50 << 20).whole(),
        _ => Answer::status(404),
    })
    .await;
    let rig = Rig::new().await;
    let id = finished(&peer, &rig).await;
    assert!(rig.engine.find_checksums(id).await.unwrap().is_empty());
    let sums = peer.requests().into_iter().find(|request| request.path == "/pool/SHA256SUMS").unwrap();
    assert!(sums.bytes_sent < 40 << 20, "{} bytes of an endless list were read", sums.bytes_sent);
}
