//! Whose a name in the folder is: a job touches no file that is not its own, and writes nowhere else.

use std::{
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use ropeway_engine::Seams;
use ropeway_flow::disk::DiskError;
use ropeway_model::{FailureCode, Phase};
use ropeway_testkit::{Peer, TempFolder, peer::ServedFile};

use crate::{
    disturbed::{Disturbance, Disturbed},
    rig::{Rig, failure},
};

const MIB: u64 = 1 << 20;

fn put(path: &Path, text: &str) {
    std::fs::File::create_new(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// A folder that takes no new files at first.
#[derive(Debug, Default)]
struct SealedAtFirst(Arc<AtomicBool>);

impl Disturbance for SealedAtFirst {
    fn creates(&self, path: &Path) -> Result<(), DiskError> {
        if self.0.load(SeqCst) {
            return Ok(());
        }
        Err(DiskError::Io { path: path.to_owned(), source: std::io::ErrorKind::PermissionDenied.into() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_file_that_never_came_to_be_is_not_this_jobs_whoever_makes_one_of_its_name() {
    let file = ServedFile::new(80, MIB);
    let peer = Peer::serve(file.clone()).await;
    let is_open = Arc::new(AtomicBool::new(false));
    let seams = Seams { disk: Arc::new(Disturbed(SealedAtFirst(Arc::clone(&is_open)))), ..Seams::default() };
    let rig = Rig::with_seams(seams, |_| {}).await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(failure(&job).code, FailureCode::PermissionDenied);
    put(&rig.file("a.bin.part"), "somebody else's");
    is_open.store(true, SeqCst);
    rig.engine.resume(&[job.id]).await.unwrap();
    let job = rig.until(job.id, |job| job.phase == Phase::Completed).await;
    assert_eq!(std::fs::read_to_string(rig.file("a.bin.part")).unwrap(), "somebody else's");
    assert_eq!(job.final_path, Some(rig.file("a (1).bin")));
    file.pattern().assert_file(&rig.file("a (1).bin"), MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_swapped_for_a_link_midway_is_not_written_through() {
    let file = ServedFile::new(81, 4 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| served.answer(request).drip(MIB)).await;
    let rig = Rig::new().await;
    let (elsewhere, aside) = (TempFolder::new(), rig.folder.path().with_extension("aside"));
    put(&elsewhere.join("a.bin"), "precious");
    let id = rig.add(rig.download(&peer.url("a.bin"))).await;
    rig.until(id, |job| job.progress.moved > MIB).await;
    rustix::fs::rename(rig.folder.path(), &aside).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), rig.folder.path()).unwrap();
    let job = rig.settled(id).await;
    let names: Vec<_> = std::fs::read_dir(elsewhere.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    std::fs::remove_file(rig.folder.path()).unwrap();
    rustix::fs::rename(&aside, rig.folder.path()).unwrap();
    assert_eq!(std::fs::read_to_string(elsewhere.join("a.bin")).unwrap(), "precious");
    assert_eq!(names, ["a.bin"]);
    assert_eq!(failure(&job).code, FailureCode::FolderMissing, "{:?}", job.phase);
}
