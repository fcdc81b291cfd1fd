//! How what comes from the network reaches the disk.

use std::sync::Arc;

use parking_lot::Mutex;
use ropeway_engine::Seams;
use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::Phase;
use ropeway_testkit::{
    Peer,
    peer::{Cut, ServedFile},
};

use crate::{
    disturbed::{Disturbance, Disturbed, DisturbedPart, PartDisturbance},
    rig::Rig,
};

const MIB: u64 = 1 << 20;
/// The most that the HTTP library reads at once.
const LARGEST_READ: u64 = 417_792;

/// Takes down the length of every write.
#[derive(Clone, Debug, Default)]
struct Noted(Arc<Mutex<Vec<u64>>>);

impl Disturbance for Noted {
    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        Arc::new(DisturbedPart(part, self.clone()))
    }
}

impl PartDisturbance for Noted {
    fn write(&self, part: &dyn PartFile, pieces: &[&[u8]], offset: u64) -> Result<(), DiskError> {
        self.0.lock().push(pieces.iter().map(|piece| piece.len() as u64).sum());
        part.write_all_at(pieces, offset)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_a_fast_line_are_joined_into_writes_of_a_mebibyte_and_more() {
    let file = ServedFile::new(70, 64 * MIB);
    let peer = Peer::serve(file.clone()).await;
    let disk = Noted::default();
    let lengths = Arc::clone(&disk.0);
    let rig = Rig::with_seams(Seams { disk: Arc::new(Disturbed(disk)), ..Seams::default() }, |_| {}).await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    let lengths = lengths.lock();
    assert_eq!(lengths.iter().sum::<u64>(), file.length(), "nothing is written twice");
    assert!(lengths.iter().any(|length| *length > LARGEST_READ), "{lengths:?}");
    assert!(lengths.iter().all(|length| *length <= MIB + LARGEST_READ), "{lengths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_connection_broke_is_not_fetched_again() {
    let file = ServedFile::new(71, MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.number {
        1 => served.answer(request).cut_after(100_000, Cut::End),
        _ => served.answer(request),
    })
    .await;
    let rig = Rig::new().await;
    assert_eq!(rig.run(rig.download(&peer.url("a.bin"))).await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    let asked: Vec<_> = peer.requests().iter().map(ropeway_testkit::peer::Request::range).collect();
    assert!(asked.iter().all(|range| range.is_none_or(|(first, _)| first >= 100_000 - (4 << 10))), "{asked:?}");
}
