//! What a crash leaves behind, and what the next process makes of it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use ropeway_engine::{Scope, Seams, Verification};
use ropeway_flow::disk::{DiskError, PartFile};
use ropeway_model::{Connections, Phase, PhaseKind, SegmentMap, Timestamp, Wish};
use ropeway_store::{Edit, JobChange, NewJob, Store};
use ropeway_testkit::{
    Peer,
    peer::{Cut, Framing, ServedFile},
};

use crate::{
    disturbed::{Disturbance, Disturbed, DisturbedPart, PartDisturbance},
    rig::Rig,
};

const MIB: u64 = 1 << 20;

/// The real disk, whose answer to a rename gets lost once: as if the process had died before it could say so, and before
/// the name was durable. Counts the syncs of files that are opened after that.
#[derive(Debug, Default)]
struct LosesOneAnswer(AtomicBool, Arc<AtomicUsize>);

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl PartDisturbance for Counted {
    fn sync(&self, part: &dyn PartFile) -> Result<(), DiskError> {
        self.0.fetch_add(1, SeqCst);
        part.sync_data()
    }
}

impl Disturbance for LosesOneAnswer {
    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        if self.0.load(SeqCst) { Arc::new(DisturbedPart(part, Counted(Arc::clone(&self.1)))) } else { part }
    }

    fn published(&self, final_path: &Path) -> Result<(), DiskError> {
        if self.0.swap(true, SeqCst) {
            return Ok(());
        }
        Err(DiskError::at(final_path, std::io::Error::other("the answer got lost")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_published_before_the_crash_is_recognised_as_done() {
    let file = ServedFile::new(30, 2 * MIB);
    let peer = Peer::serve(file.clone()).await;
    let syncs = Arc::new(AtomicUsize::new(0));
    let disk = Disturbed(LosesOneAnswer(AtomicBool::new(false), Arc::clone(&syncs)));
    let rig = Rig::with_seams(Seams { disk: Arc::new(disk), ..Seams::default() }, |_| {}).await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase.kind(), PhaseKind::Failed);
    let requests = peer.requests().len();
    rig.engine.resume(&[job.id]).await.unwrap();
    let job = rig.settled(job.id).await;
    assert_eq!((job.phase, job.verification), (Phase::Completed, Some(Verification::Length)));
    assert_eq!(job.digest.unwrap().hex(), file.pattern().sha256(2 * MIB));
    assert_eq!(peer.requests().len(), requests, "nothing is fetched a second time");
    assert_eq!(syncs.load(SeqCst), 1, "its name is made durable before it is claimed");
    assert_eq!(rig.folder.names(), ["a.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_file_that_was_cut_or_deleted_is_fetched_again() {
    let file = ServedFile::new(31, 6 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(2 * MIB)).await;
    for hurt in [
        |part: &Path| std::fs::remove_file(part),
        |part: &Path| std::fs::File::options().write(true).open(part).and_then(|file| file.set_len(1000)),
    ] {
        let rig = Rig::new().await;
        let id = rig.add(rig.download(&peer.url("a.bin"))).await;
        rig.until(id, |job| job.progress.moved > 2 * MIB).await;
        rig.engine.pause(&[id]).await.unwrap();
        rig.settled(id).await;
        hurt(&rig.file("a.bin.part")).unwrap();
        rig.engine.resume(&[id]).await.unwrap();
        assert_eq!(rig.settled(id).await.phase, Phase::Completed);
        file.pattern().assert_file(&rig.file("a.bin"), file.length());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_unknown_length_is_continued_after_a_pause() {
    let file = ServedFile::new(32, 4 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.range() {
        None => served.whole().framing(Framing::Chunked).drip(2 * MIB),
        Some(_) => served.answer(request),
    })
    .await;
    let rig = Rig::new().await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > MIB).await;
    rig.engine.pause(&[id]).await.unwrap();
    rig.settled(id).await;
    rig.engine.resume(&[id]).await.unwrap();
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
    assert_eq!(peer.requests().last().unwrap().range().map(|(start, _)| start > MIB), Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_length_nobody_knew_is_never_made_of_two_that_differ_in_it() {
    let (old, new) = (ServedFile::new(33, 3 * MIB), ServedFile::new(34, 4 * MIB));
    let (first, later) = (old.clone().without_validators(), new.clone().without_validators());
    let peer = Peer::start(move |request| match (request.number, request.range()) {
        (1, _) => first.whole().framing(Framing::ChunkedWithoutEnd).cut_after(MIB, Cut::End),
        // What is answered ends before what was asked for does; the next answer is of the other version.
        (_, Some((start, _))) if start < 2 * MIB => first.part(start, 2 * MIB),
        _ => later.answer(request),
    })
    .await;
    let rig = Rig::with(|config| config.limits.connections = Some(Connections::new(1).unwrap())).await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase, Phase::Completed, "{:?}", peer.requests());
    new.pattern().assert_file(&rig.file("a.bin"), new.length());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_file_that_is_gone_is_nobodys_once_another_command_takes_its_name() {
    let file = ServedFile::new(41, 4 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(4 * MIB)).await;
    let rig = Rig::with(|config| config.scope = Scope::Once).await;
    let (spec, part) = (rig.download(&peer.url("a.bin")), rig.file("a.bin.part"));
    // A command that was killed after it had recorded a part file that nobody has any more.
    let store = Store::open(&rig.database()).await.unwrap();
    let (wish, created) = (Wish::Run, Timestamp::from_unix_ms(4_000_000_000_000));
    let row = NewJob { spec: spec.clone(), wish, phase: Phase::Queued, created };
    let stale = store.insert_jobs(vec![row]).await.unwrap()[0].0;
    let mut change = JobChange::new(stale);
    change.part_path = Some(Some(part.clone()));
    change.segments = Some(Some(SegmentMap::whole(4 * MIB)));
    change.durable = Some(MIB);
    store.apply(Arc::new([Edit::Save(Box::new(change))])).await.unwrap();
    let rig = rig.restart().await;
    let id = rig.add(spec).await;
    rig.until(id, |job| job.progress.durable > 0 || job.phase.is_terminal()).await;
    let rows = store.jobs().await.unwrap();
    let stale = rows.iter().find(|row| row.id == stale).unwrap();
    assert_eq!((&stale.part_path, stale.durable), (&None, 0), "what is there now is another job's");
    assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), 4 * MIB);
}
