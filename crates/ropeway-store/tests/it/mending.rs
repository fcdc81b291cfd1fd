//! Damaged queues: set aside, and what can be read of them goes on.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use ropeway_model::{JobId, SegmentMap};
use ropeway_store::{JobChange, QueueDamage, Store, StoreError, mend};
use rusqlite::Connection;

use crate::{child, sample};

/// A queue of `count` jobs, each with its segments.
async fn queue(path: &Path, count: usize) -> Vec<JobId> {
    let store = Store::open(path).await.unwrap();
    let ids = sample::insert(&store, sample::downloads(count)).await;
    let changes = ids.iter().map(|id| {
        let mut change = JobChange::new(*id);
        change.segments = Some(Some(SegmentMap::whole(1000)));
        change
    });
    store.save(changes.collect()).await.unwrap();
    store.close().await.unwrap();
    ids
}

fn write_at(path: &Path, offset: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Where the pages begin that have `text` in them.
fn pages_of(path: &Path, text: &[u8]) -> Vec<u64> {
    let bytes = fs::read(path).unwrap();
    let has = |page: &[u8]| page.windows(text.len()).any(|window| window == text);
    let pages = bytes.chunks(4096).enumerate().filter(|(_, page)| has(page));
    pages.map(|(number, _)| number as u64 * 4096).collect()
}

async fn mended(queue: &Path) -> QueueDamage {
    let store = Store::open(queue).await;
    let error = match store {
        Ok(store) => store.jobs().await.err().unwrap(),
        Err(error) => error,
    };
    assert!(error.is_damage(), "{error}");
    let before = fs::read(queue).unwrap();
    let damage = mend(queue).unwrap().unwrap();
    assert_eq!(fs::read(&damage.aside).unwrap(), before, "the damaged file is kept as it was");
    assert!(damage.to_string().contains(damage.aside.to_str().unwrap()), "{damage}");
    assert_eq!(mend(queue).unwrap(), None, "there is nothing to mend any more");
    damage
}

#[tokio::test]
async fn one_damaged_row_is_lost_and_named_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let ids = queue(&path, 3).await;
    let damage = "UPDATE job SET options = '{' WHERE id = 2; UPDATE job SET phase = 'of a newer version' WHERE id = 3";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    let damage = mended(&path).await;
    assert_eq!((damage.saved, damage.lost.as_slice(), damage.may_lack_more), (1, &ids[1..], false));
    assert!(damage.to_string().contains("jobs 2, 3 are lost"), "{damage}");
    let store = Store::open(&path).await.unwrap();
    assert_eq!(sample::order(&store).await, ids[..1]);
    assert!(store.segments(ids[0]).await.unwrap().is_some());
    let new = sample::insert(&store, sample::downloads(1)).await;
    assert_eq!(new, [JobId::from_row(4)], "a number is not given again");
}

#[tokio::test]
async fn the_number_of_a_job_that_was_removed_before_the_damage_is_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let ids = queue(&path, 5).await;
    let damage = "DELETE FROM job WHERE id > 3; UPDATE job SET options = '{' WHERE id = 3";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    assert_eq!(mended(&path).await.lost, ids[2..3]);
    let store = Store::open(&path).await.unwrap();
    assert_eq!(sample::insert(&store, sample::downloads(1)).await, [JobId::from_row(6)]);
}

#[tokio::test]
async fn a_saved_target_that_cannot_be_read_goes_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    queue(&path, 1).await;
    let damage = "UPDATE job SET options = '{';
                  INSERT INTO target (name, address) VALUES ('good', 'https://nas.example/in/'), ('bad', 'nowhere')";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    mended(&path).await;
    let targets = Store::open(&path).await.unwrap().targets().await.unwrap();
    assert_eq!(targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(), ["good"]);
}

#[tokio::test]
async fn of_a_file_with_damaged_pages_all_that_can_be_read_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let ids = queue(&path, 2000).await;
    // That of the table and that of an index.
    for page in pages_of(&path, b"files/1000.bin") {
        write_at(&path, page, &[0xff; 4096]);
    }
    let damage = mended(&path).await;
    assert!(damage.saved > 1900 && damage.saved < 2000 && damage.may_lack_more, "{damage}");
    let store = Store::open(&path).await.unwrap();
    let jobs = sample::order(&store).await;
    assert!(jobs.iter().all(|job| ids.contains(job)));
    for job in jobs {
        // Whole or not there: half of a map would be that of a shorter file.
        let map = store.segments(job).await.unwrap();
        assert!(map.is_none_or(|map| map.length() == Some(1000)), "{job}");
    }
}

#[tokio::test]
async fn what_is_no_database_any_more_is_set_aside_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    for round in 0..3 {
        queue(&path, 1).await;
        write_at(&path, 0, &[7; 4096]);
        let damage = mended(&path).await;
        assert_eq!((damage.saved, damage.may_lack_more), (0, true), "{round}: {damage}");
        assert_eq!(sample::order(&Store::open(&path).await.unwrap()).await, []);
        fs::remove_file(&path).unwrap();
    }
    assert!(folder.path().join("queue.db.damaged-3").exists());
}

#[tokio::test]
async fn a_file_that_was_cut_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    queue(&path, 2000).await;
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length / 2 + 100).unwrap();
    mended(&path).await;
}

#[tokio::test]
async fn another_programs_database_and_a_newer_queue_are_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("bookmarks.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
    assert!(matches!(mend(&foreign), Err(StoreError::NotAQueue { .. })));
    let path = folder.path().join("queue.db");
    queue(&path, 1).await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1000).unwrap();
    assert!(matches!(mend(&path), Err(StoreError::NewerSchema { .. })));
}

#[tokio::test]
async fn processes_that_find_one_damaged_queue_mend_it_once_and_none_loses_a_job() {
    const PROCESSES: usize = 8;
    const JOBS: usize = 1000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("once.db");
    queue(&path, JOBS).await;
    Connection::open(&path).unwrap().execute_batch("UPDATE job SET options = '{' WHERE id = 1").unwrap();
    let mut children: Vec<_> = (0..PROCESSES).map(|_| child::start_mender(&path)).collect();
    for child in &mut children {
        drop(child.stdin.take());
    }
    let mut promised = BTreeSet::new();
    for mut child in children {
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            promised.extend(child::acknowledged(&format!("{}\n", line.unwrap()), "job "));
        }
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(promised.len(), PROCESSES, "two processes were given one number");
    let kept: BTreeSet<i64> =
        sample::order(&Store::open(&path).await.unwrap()).await.into_iter().map(JobId::row).collect();
    assert!(promised.is_subset(&kept), "{promised:?} of {kept:?}");
    assert_eq!(kept.len(), JOBS - 1 + PROCESSES);
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.collect();
    let asides = names.iter().filter(|name| name.contains(".damaged") && !name.ends_with("-wal")).count();
    assert_eq!(asides, 1, "one mends, the others find it done: {names:?}");
    assert!(!names.iter().any(|name| name.contains(".new")), "{names:?}");
}
