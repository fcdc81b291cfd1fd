//! Another process on the same queue: this test program, run again.

use std::{
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
};

use ropeway_model::Timestamp;
use ropeway_store::{JobChange, Store};
use tokio::task::JoinSet;

use crate::sample::{self, download, written};

/// The queue's file, for the child.
const QUEUE: &str = "ROPEWAY_TEST_QUEUE";

/// How many jobs each of the child's tasks adds.
const JOBS_EACH: &str = "ROPEWAY_TEST_JOBS_EACH";

/// The child's callers that write at the same time.
pub(crate) const CALLERS: usize = 8;

/// Bytes that the child saves as durable for the job with this number, never zero.
pub(crate) fn durable_for(id: i64) -> u64 {
    u64::try_from(id).unwrap() % 1000 + 1
}

/// Starts a process that adds jobs and saves their progress, and says `job N` and `saved N` on its standard output once
/// each is acknowledged.
pub(crate) fn start(queue: &Path, jobs_each: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child::adds_jobs_until_killed", "--exact", "--ignored", "--nocapture"])
        .env(QUEUE, queue)
        .env(JOBS_EACH, jobs_each.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The number in a line that the child has finished writing.
pub(crate) fn acknowledged(line: &str, word: &str) -> Option<i64> {
    line.strip_suffix('\n')?.strip_prefix(word)?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by other tests, in a process of its own"]
async fn adds_jobs_until_killed() {
    let Some(queue) = std::env::var_os(QUEUE) else { return };
    let jobs_each: usize = std::env::var(JOBS_EACH).unwrap().parse().unwrap();
    let store = Store::open(Path::new(&queue)).await.unwrap();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(add_and_save(store.clone(), caller, jobs_each));
    }
    callers.join_all().await;
}

async fn add_and_save(store: Store, caller: usize, jobs: usize) {
    let say = |line: String| std::io::stdout().write_all(line.as_bytes()).unwrap();
    for number in 0..jobs {
        let new = download(&format!("https://example.org/{caller}/{number}"));
        let id = sample::insert(&store, vec![new]).await[0];
        say(format!("job {id}\n"));
        let durable = durable_for(id.row());
        let change = JobChange {
            durable: Some(durable),
            segments: Some(Some(written(2000, durable))),
            log: vec![(Timestamp::from_unix_ms(1), "checkpoint".to_owned())],
            ..JobChange::new(id)
        };
        store.save(vec![change]).await.unwrap();
        say(format!("saved {id}\n"));
    }
}
