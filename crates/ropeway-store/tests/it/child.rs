//! Another process on the same queue: this test program, run again.

use std::{
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use ropeway_model::Timestamp;
use ropeway_store::{JobChange, Store, StoreError};
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
    run("child::adds_jobs_until_killed", queue).env(JOBS_EACH, jobs_each.to_string()).spawn().unwrap()
}

/// Starts a process that mends the queue if that is damaged, adds a job and says `job N`. It begins when its standard
/// input ends.
pub(crate) fn start_mender(queue: &Path) -> Child {
    run("child::mends_the_queue_and_adds_a_job", queue).stdin(Stdio::piped()).spawn().unwrap()
}

fn run(test: &str, queue: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).env(QUEUE, queue);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The number in a line that the child has finished writing.
pub(crate) fn acknowledged(line: &str, word: &str) -> Option<i64> {
    line.strip_suffix('\n')?.strip_prefix(word)?.trim().parse().ok()
}

#[tokio::test]
#[ignore = "started by other tests, in a process of its own"]
async fn mends_the_queue_and_adds_a_job() {
    let Some(queue) = std::env::var_os(QUEUE) else { return };
    let queue = Path::new(&queue);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let store = match readable(queue).await {
        Err(error) if error.is_damage() => {
            ropeway_store::mend(queue).unwrap();
            readable(queue).await.unwrap()
        }
        opened => opened.unwrap(),
    };
    let id = sample::insert(&store, vec![download("https://example.org/own")]).await[0];
    std::io::stdout().write_all(format!("job {id}\n").as_bytes()).unwrap();
    store.close().await.unwrap();
}

async fn readable(queue: &Path) -> Result<Store, StoreError> {
    let store = Store::open(queue).await?;
    store.jobs().await?;
    Ok(store)
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
