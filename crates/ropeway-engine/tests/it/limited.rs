//! A limit of our own at a server that caps each connection.

use ropeway_model::ByteRate;
use ropeway_testkit::{Peer, peer::ServedFile};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn as_many_connections_come_as_the_limit_takes_also_after_a_pause() {
    let file = ServedFile::new(60, 24 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(300_000)).await;
    let rig = Rig::with(|config| config.limits.connections = None).await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.rate_limit = ByteRate::new(1_400_000);
    let id = rig.add(spec).await;
    for _ in 0..2 {
        let before = peer.requests().len();
        // One brings a fifth of what may pass.
        rig.until(id, |job| job.progress.connections >= 5).await;
        assert_eq!(rig.engine.pause(&[id]).await.unwrap(), 1);
        rig.settled(id).await;
        let most = peer.requests()[before..].iter().map(|request| request.beside + 1).max().unwrap();
        assert!(most <= 10, "{most} connections where five fill the limit");
        assert_eq!(rig.engine.resume(&[id]).await.unwrap(), 1);
    }
}
