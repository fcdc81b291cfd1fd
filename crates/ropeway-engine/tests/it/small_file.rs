//! Small files of a single command: saved in one piece, without a part file.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use ropeway_engine::{DigestPolicy, EngineConfig, Scope, Seams};
use ropeway_flow::disk::{Disk as _, LocalDisk, PartFile};
use ropeway_model::{FailureCode, OnConflict, PhaseKind, Transfer};
use ropeway_testkit::{
    Peer,
    peer::{Cut, ServedFile},
};

use crate::{
    disturbed::{Disturbance, Disturbed},
    rig::{Rig, failure},
};

const LENGTH: u64 = 60_000;

fn single_command(config: &mut EngineConfig) {
    config.scope = Scope::Once;
    config.digests = DigestPolicy::WhereGiven;
}

/// Tells whether any part file was made.
#[derive(Debug, Default)]
struct Watched(Arc<AtomicBool>);

impl Disturbance for Watched {
    fn part(&self, part: Arc<dyn PartFile>) -> Arc<dyn PartFile> {
        self.0.store(true, SeqCst);
        part
    }
}

fn names(rig: &Rig) -> Vec<String> {
    let entries = std::fs::read_dir(rig.folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn small_files_get_their_names_one_behind_the_other_and_leave_nothing_else() {
    let file = ServedFile::new(3, LENGTH);
    let pattern = file.pattern();
    let peer = Peer::serve(file).await;
    let has_part = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Disturbed(Watched(Arc::clone(&has_part))));
    let rig = Rig::with_seams(Seams { disk, ..Seams::default() }, single_command).await;
    for _ in 0..2 {
        let job = rig.run(rig.download(&peer.url("a.bin"))).await;
        assert_eq!(job.phase.kind(), PhaseKind::Completed);
        assert_eq!((job.progress.moved, job.progress.durable), (LENGTH, LENGTH));
    }
    assert_eq!(names(&rig), ["a (1).bin", "a.bin"]);
    for name in names(&rig) {
        pattern.assert_file(&rig.file(&name), LENGTH);
    }
    assert_eq!(peer.requests().len(), 2);
    assert!(!has_part.load(SeqCst), "they went through part files");
}

#[tokio::test]
async fn a_name_that_somebody_takes_while_a_list_is_under_way_stays_theirs() {
    let file = ServedFile::new(3, LENGTH);
    let pattern = file.pattern();
    let rig = Rig::with(single_command).await;
    let theirs = rig.file("5.bin");
    let taken = theirs.clone();
    let peer = Peer::start(move |request| {
        if request.path.ends_with("/5.bin") && !taken.exists() {
            LocalDisk.create_part(&taken).unwrap();
        }
        file.answer(request)
    })
    .await;
    // One behind the other, so that the folder is well known by then.
    for number in 0..8 {
        let job = rig.run(rig.download(&peer.url(&format!("{number}.bin")))).await;
        assert_eq!(job.phase.kind(), PhaseKind::Completed);
    }
    let expected = ["0.bin", "1.bin", "2.bin", "3.bin", "4.bin", "5 (1).bin", "5.bin", "6.bin", "7.bin"];
    assert_eq!(names(&rig), expected);
    assert_eq!(theirs.metadata().unwrap().len(), 0);
    for name in expected.iter().filter(|name| **name != "5.bin") {
        pattern.assert_file(&rig.file(name), LENGTH);
    }
}

#[tokio::test]
async fn a_small_file_that_ends_early_is_fetched_anew() {
    let file = ServedFile::new(3, LENGTH);
    let pattern = file.pattern();
    let peer = Peer::start(move |request| {
        let whole = file.answer(request);
        if request.number == 1 { whole.cut_after(LENGTH / 2, Cut::End) } else { whole }
    })
    .await;
    let rig = Rig::with(single_command).await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(job.phase.kind(), PhaseKind::Completed);
    assert_eq!(names(&rig), ["a.bin"]);
    pattern.assert_file(&rig.file("a.bin"), LENGTH);
}

#[tokio::test]
async fn a_small_file_never_takes_the_place_of_another() {
    let peer = Peer::serve(ServedFile::new(3, LENGTH)).await;
    let rig = Rig::with(single_command).await;
    LocalDisk.create_part(&rig.file("a.bin")).unwrap();
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.on_conflict = OnConflict::Fail;
    let job = rig.run(spec).await;
    assert_eq!(failure(&job).code.code(), "FILE_EXISTS");
    assert_eq!(std::fs::metadata(rig.file("a.bin")).unwrap().len(), 0);
}

#[tokio::test]
async fn a_link_that_is_put_in_the_place_of_a_documents_folder_leads_no_small_file_out() {
    let outside = tempfile::tempdir().unwrap();
    let rig = Rig::with(single_command).await;
    let (folder, target) = (rig.file("sub"), outside.path().to_owned());
    let (file, swapped) = (ServedFile::new(4, LENGTH), folder.clone());
    let peer = Peer::start(move |request| {
        if swapped.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            std::fs::remove_dir(&swapped).unwrap();
            std::os::unix::fs::symlink(&target, &swapped).unwrap();
        }
        file.answer(request)
    })
    .await;
    let mut spec = rig.download(&peer.url("a.bin"));
    if let Transfer::Download { into, .. } = &mut spec.transfer {
        *into = folder;
    }
    spec.named_folders = 1;
    let job = rig.run(spec).await;
    assert_eq!(failure(&job).code, FailureCode::PermissionDenied);
    assert_eq!(outside.path().read_dir().unwrap().count(), 0);
}
