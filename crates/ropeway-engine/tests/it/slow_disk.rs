//! A disk on which something takes long, and what is asked of the engine meanwhile.

use std::{
    path::Path,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use ropeway_engine::{JobSnapshot, ProofProgress, ProofStage, Seams};
use ropeway_flow::disk::{DiskError, FileStamp, PartFile, SourceFile};
use ropeway_model::{Phase, PhaseKind};
use ropeway_testkit::{Peer, peer::ServedFile};

use crate::{
    disturbed::{Disturbance, Disturbed, DisturbedPart, PartDisturbance},
    rig::Rig,
};

const MIB: u64 = 1 << 20;

/// A gate that whoever comes to it waits at until it is opened for good.
#[derive(Debug, Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
    came: AtomicU64,
}

/// Who may open it, and does so at the latest when a failed test ends.
struct Keeper(Arc<Gate>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl Gate {
    fn pass(&self) {
        self.came.fetch_add(1, SeqCst);
        let mut is_open = self.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.opened.wait(is_open).unwrap();
        }
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    async fn reached(&self) {
        while self.came.load(SeqCst) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

/// Where the gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Look,
    Create,
    Sync,
    Rename,
    Read,
    Remove,
}

/// A disk with a gate: of all part files, the first one has it.
#[derive(Debug)]
struct Gated(Place, Arc<Gate>, AtomicBool);

impl Gated {
    fn gate(&self, place: Place, path: &Path) {
        if self.0 == place && path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"a.bin")) {
            self.1.pass();
        }
    }
}

impl Disturbance for Gated {
    fn looks(&self, path: &Path) {
        self.gate(Place::Look, path);
    }

    fn creates(&self, path: &Path) -> Result<(), DiskError> {
        self.gate(Place::Create, path);
        Ok(())
    }

    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        let is_first = !self.2.swap(true, SeqCst);
        if self.0 == Place::Sync && is_first {
            Arc::new(DisturbedPart(part, GatedSync(Arc::clone(&self.1))))
        } else {
            part
        }
    }

    fn source(&self, source: Arc<dyn SourceFile>) -> Arc<dyn SourceFile> {
        if self.0 == Place::Read { Arc::new(GatedSource(source, Arc::clone(&self.1))) } else { source }
    }

    fn removes(&self, _: &Path) {
        if self.0 == Place::Remove {
            self.1.pass();
        }
    }

    fn published(&self, path: &Path) -> Result<(), DiskError> {
        self.gate(Place::Rename, path);
        Ok(())
    }
}

#[derive(Debug)]
struct GatedSync(Arc<Gate>);

impl PartDisturbance for GatedSync {
    fn sync(&self, part: &dyn PartFile) -> Result<(), DiskError> {
        self.0.pass();
        part.sync_data()
    }
}

/// A file at rest whose first block can be read, and no more.
#[derive(Debug)]
struct GatedSource(Arc<dyn SourceFile>, Arc<Gate>);

impl SourceFile for GatedSource {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        if offset >= MIB {
            self.1.pass();
        }
        self.0.read_at(buffer, offset)
    }
    fn stamp(&self) -> Result<FileStamp, DiskError> {
        self.0.stamp()
    }
}

async fn rig_with(place: Place) -> (Rig, Keeper) {
    let gate = Arc::new(Gate::default());
    let disk = Arc::new(Disturbed(Gated(place, Arc::clone(&gate), AtomicBool::new(false))));
    (Rig::with_seams(Seams { disk, ..Seams::default() }, |_| {}).await, Keeper(gate))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_takes_long_holds_up_neither_its_transfer_nor_the_engine() {
    let file = ServedFile::new(91, 6 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(MIB / 2)).await;
    let (rig, keeper) = rig_with(Place::Sync).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    keeper.0.reached().await;
    let at_gate = rig.engine.job(id).unwrap().progress;
    // Bytes go on, and none of them counts as durable before the sync is over.
    let later = rig.until(id, |job| job.progress.moved > at_gate.moved + MIB).await;
    assert_eq!(later.progress.durable, 0);
    let other = Peer::serve(ServedFile::new(92, 1000)).await;
    let added = rig.add(rig.download(&other.url("b.bin"))).await;
    assert_eq!(rig.settled(added).await.phase, Phase::Completed, "other jobs do not wait");
    keeper.0.open();
    let job = rig.settled(id).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(&rig.file("a.bin"), file.length());
}

#[tokio::test]
async fn a_disk_that_never_answers_does_not_keep_the_process_from_ending() {
    let peer = Peer::serve(ServedFile::new(94, MIB)).await;
    let (rig, keeper) = rig_with(Place::Sync).await;
    rig.add(rig.download(&peer.url("a.bin"))).await;
    keeper.0.reached().await;
    // The blocked thread keeps the paused clock from going on by itself.
    tokio::time::pause();
    let engine = rig.engine.clone();
    let shutdown = tokio::spawn(async move { engine.shutdown().await });
    let started = tokio::time::Instant::now();
    while !shutdown.is_finished() {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "it waits for what never comes");
        tokio::time::advance(std::time::Duration::from_millis(100)).await;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    shutdown.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_canceled_during_its_last_sync_or_its_rename_is_done_or_leaves_no_file() {
    for place in [Place::Sync, Place::Rename] {
        let file = ServedFile::new(93, MIB);
        let peer = Peer::serve(file.clone()).await;
        let (rig, keeper) = rig_with(place).await;
        let id = rig.add(rig.download(&peer.url("a.bin"))).await;
        keeper.0.reached().await;
        rig.engine.cancel(&[id]).await.unwrap();
        keeper.0.open();
        let job = rig.settled(id).await;
        match job.phase.kind() {
            PhaseKind::Completed => {
                file.pattern().assert_file(&rig.file("a.bin"), file.length());
                assert_eq!(rig.folder.names(), ["a.bin"]);
            }
            PhaseKind::Canceled => assert!(rig.folder.names().is_empty(), "{place:?}: {:?}", rig.folder.names()),
            other => panic!("{place:?}: {other:?}"),
        }
        let rig = rig.restart().await;
        assert_eq!(rig.engine.job(id).unwrap().phase.kind(), job.phase.kind(), "one end, once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_comparison_that_takes_long_tells_how_far_it_is_until_it_is_over() {
    let peer = Peer::serve(ServedFile::new(93, 3 * MIB)).await;
    let (rig, keeper) = rig_with(Place::Read).await;
    let id = rig.run(rig.download(&peer.url("a.bin"))).await.id;
    let engine = rig.engine.clone();
    let comparison = tokio::spawn(async move { engine.verify(id).await });
    keeper.0.reached().await;
    let proof = rig.engine.detail(id).await.unwrap().proof;
    assert_eq!(proof, Some(ProofProgress { stage: ProofStage::Comparing, done: MIB, total: 3 * MIB }));
    keeper.0.open();
    assert_eq!(comparison.await.unwrap().unwrap().damaged, []);
    assert_eq!(rig.engine.detail(id).await.unwrap().proof, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_disk_that_hangs_at_the_beginning_or_the_end_of_a_job_holds_up_no_other() {
    for place in [Place::Look, Place::Create, Place::Rename] {
        let file = ServedFile::new(98, MIB);
        let peer = Peer::serve(file.clone()).await;
        let (rig, keeper) = rig_with(place).await;
        let id = rig.add(rig.download(&peer.url("a.bin"))).await;
        keeper.0.reached().await;
        let added = rig.add(rig.download(&peer.url("b.bin"))).await;
        assert_eq!(rig.settled(added).await.phase, Phase::Completed, "{place:?}");
        keeper.0.open();
        assert_eq!(rig.settled(id).await.phase, Phase::Completed, "{place:?}");
        file.pattern().assert_file(&rig.file("a.bin"), file.length());
    }
}

/// A part file whose first sync has the gate.
#[derive(Debug)]
struct GatedOnce(Arc<Gate>, AtomicBool);

impl PartDisturbance for GatedOnce {
    fn sync(&self, part: &dyn PartFile) -> Result<(), DiskError> {
        if !self.1.swap(true, SeqCst) {
            self.0.pass();
        }
        part.sync_data()
    }
}

#[derive(Debug)]
struct FirstSyncGated(Arc<Gate>);

impl Disturbance for FirstSyncGated {
    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        Arc::new(DisturbedPart(part, GatedOnce(Arc::clone(&self.0), AtomicBool::new(false))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_of_the_try_before_does_not_lock_the_next_one_out() {
    let file = ServedFile::new(97, 64 * MIB);
    let peer = Peer::start(move |request| file.answer(request).drip(MIB / 4)).await;
    let gate = Arc::new(Gate::default());
    let keeper = Keeper(Arc::clone(&gate));
    let disk = Arc::new(Disturbed(FirstSyncGated(Arc::clone(&gate))));
    let rig = Rig::with_seams(Seams { disk, ..Seams::default() }, |_| {}).await;
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    gate.reached().await;
    let opener = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        keeper.0.open();
        keeper
    });
    rig.engine.pause(&[id]).await.unwrap();
    let paused = rig.until(id, |job| job.phase.kind() == PhaseKind::Paused).await;
    rig.engine.resume(&[id]).await.unwrap();
    let goes_on = |job: &JobSnapshot| job.progress.durable > paused.progress.durable;
    let job = rig.until(id, |job| job.phase.kind() == PhaseKind::Failed || goes_on(job)).await;
    assert!(goes_on(&job), "{:?}", job.phase);
    drop(opener.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_part_file_that_takes_long_to_delete_holds_up_nobody_else() {
    for is_running in [true, false] {
        let file = ServedFile::new(95, 2 * MIB);
        let peer = Peer::start(move |request| file.answer(request).stall_after(MIB)).await;
        let (rig, keeper) = rig_with(Place::Remove).await;
        let id = rig.add(rig.download(&peer.url("a.bin"))).await;
        rig.until(id, |job| job.progress.moved > 0).await;
        if !is_running {
            rig.engine.pause(&[id]).await.unwrap();
            rig.settled(id).await;
        }
        let engine = rig.engine.clone();
        let canceling = tokio::spawn(async move { engine.cancel(&[id]).await });
        keeper.0.reached().await;
        let other = Peer::serve(ServedFile::new(96, 1000)).await;
        let added = rig.add(rig.download(&other.url("b.bin"))).await;
        assert_eq!(rig.settled(added).await.phase, Phase::Completed, "other jobs do not wait");
        keeper.0.open();
        assert_eq!(canceling.await.unwrap().unwrap(), 1);
        assert_eq!(rig.settled(id).await.phase, Phase::Canceled);
        assert_eq!(rig.folder.names(), ["b.bin"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_is_only_to_be_saved_leaves_its_place_to_the_next_one_and_few_do() {
    let peer = Peer::serve(ServedFile::new(98, 1000)).await;
    let gate = Arc::new(Gate::default());
    let keeper = Keeper(Arc::clone(&gate));
    let disk = Arc::new(Disturbed(FirstSyncGated(Arc::clone(&gate))));
    let rig = Rig::with_seams(Seams { disk, ..Seams::default() }, |config| config.limits.running_jobs = 1).await;
    let mut jobs = Vec::new();
    for name in ["a.bin", "b.bin", "c.bin"] {
        jobs.push(rig.add(rig.download(&peer.url(name))).await);
    }
    while gate.came.load(SeqCst) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let phases: Vec<Phase> = jobs.iter().map(|id| rig.engine.job(*id).unwrap().phase).collect();
    assert_eq!(phases, [Phase::Verifying, Phase::Verifying, Phase::Queued], "none counts as complete before its sync");
    keeper.0.open();
    for id in jobs {
        assert_eq!(rig.settled(id).await.phase, Phase::Completed);
    }
}
