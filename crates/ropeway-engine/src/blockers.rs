//! Jobs that wait for something that is not ours to mend. They go on when it is gone, without a try of theirs spent on
//! finding out.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ropeway_model::{Blocker, JobId, Step};
use ropeway_store::JobChange;
use tokio::time::Instant;

use crate::{
    core::Core,
    network::without_port,
    table::{Entry, Table, advance},
};

/// How often is looked whether a blocker is gone, while any job has one: jobs go on within five seconds of it.
const LOOKED_EVERY: Duration = Duration::from_secs(3);
/// A disk that does not answer within this time is asked again with the next look.
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// Jobs that wait for a network are tried again after this long in any case: a table of routes is no oracle.
const NETWORK_TRIED_EVERY: Duration = Duration::from_secs(5 * 60);
/// Room that makes a file of unknown length worth another try.
const ROOM_FOR_UNKNOWN: u64 = 64 << 20;

/// Watches, while any job is blocked, until the engine stops.
pub(crate) async fn run(engine: Arc<Core>) {
    let mut tried = Instant::now();
    loop {
        if !engine.has_blockers() {
            tokio::select! {
                biased;
                () = engine.blocked.notified() => tried = Instant::now(),
                () = engine.stopping.cancelled() => return,
            }
            continue;
        }
        tokio::select! {
            biased;
            () = tokio::time::sleep(LOOKED_EVERY) => {}
            () = engine.stopping.cancelled() => return,
        }
        let is_time = tried.elapsed() >= NETWORK_TRIED_EVERY;
        if is_time {
            tried = Instant::now();
        }
        let reached = engine.reached_again(is_time);
        if !reached.is_empty() {
            // What is open belongs to the network that went.
            engine.clients.reconnect();
        }
        engine.unblock(&reached);
        engine.unblock(&engine.fitting_again().await);
    }
}

impl Core {
    fn has_blockers(&self) -> bool {
        let table = self.table.lock();
        [Blocker::Network, Blocker::Room].iter().any(|blocker| table.blocked_by(*blocker).next().is_some())
    }

    /// Jobs whose host there is a way to again.
    fn reached_again(&self, all: bool) -> Vec<JobId> {
        let waiting: Vec<(JobId, String)> =
            self.table.lock().blocked_by(Blocker::Network).map(|entry| (entry.id, way_to(entry))).collect();
        let mut reached = HashMap::new();
        let mut has_way =
            |host: &str| *reached.entry(host.to_owned()).or_insert_with(|| self.routes.reach(without_port(host)));
        waiting.into_iter().filter(|(_, host)| all || has_way(host)).map(|(id, _)| id).collect()
    }

    /// Jobs whose missing bytes have room again, as many of one folder as fit together.
    async fn fitting_again(&self) -> Vec<JobId> {
        let need = |entry: &Entry| {
            let missing = entry.progress().length().map(|length| length.saturating_sub(entry.progress().durable()));
            missing.unwrap_or(ROOM_FOR_UNKNOWN)
        };
        let waiting: Vec<(JobId, PathBuf, u64)> = self
            .table
            .lock()
            .blocked_by(Blocker::Room)
            .filter_map(|entry| Some((entry.id, folder(entry)?.to_owned(), need(entry))))
            .collect();
        let folders: HashSet<&PathBuf> = waiting.iter().map(|(_, folder, _)| folder).collect();
        // A mount that hangs has no room as far as is known, and holds up nobody else.
        let looks = folders.into_iter().map(|folder| async move {
            let room = tokio::time::timeout(LONGEST_LOOK, self.room(folder)).await;
            (folder.clone(), room.unwrap_or(0))
        });
        let mut free: HashMap<PathBuf, u64> = futures_util::future::join_all(looks).await.into_iter().collect();
        let mut fits = |folder: &Path, needed: u64| {
            let Some(left) = free.get_mut(folder) else { return false };
            let rest = left.checked_sub(needed);
            *left = rest.unwrap_or(*left);
            rest.is_some()
        };
        waiting.into_iter().filter(|(_, folder, needed)| fits(folder, *needed)).map(|(id, ..)| id).collect()
    }

    /// Bytes that nobody needs yet below `folder`: those that are free without those that running jobs still write.
    async fn room(&self, folder: &Path) -> u64 {
        self.free(folder).await.saturating_sub(promised(&self.table.lock(), folder, None))
    }

    /// Bytes that are free below `folder`, looked up on a thread that may block.
    async fn free(&self, folder: &Path) -> u64 {
        let (disk, folder) = (Arc::clone(&self.disk), folder.to_owned());
        self.blocking.start(move || disk.free_space(&folder).unwrap_or(0)).await.unwrap_or(0)
    }

    /// Promises `needed` bytes below `folder` to a running job.
    ///
    /// # Errors
    /// The bytes that nobody needs yet, where they are fewer.
    pub(crate) async fn promise_room(&self, id: JobId, folder: &Path, needed: u64) -> Result<(), u64> {
        let free = self.free(folder).await;
        self.promise_of(id, folder, needed, free)
    }

    /// Promises `needed` of the `free` bytes below `folder` to a running job.
    ///
    /// # Errors
    /// As [`Core::promise_room`].
    pub(crate) fn promise_of(&self, id: JobId, folder: &Path, needed: u64, free: u64) -> Result<(), u64> {
        // Under one lock: of two that ask at once for the same room one gets it.
        let mut table = self.table.lock();
        let left = free.saturating_sub(promised(&table, folder, Some(id)));
        if needed > left {
            return Err(left);
        }
        table.touch(id, |entry| {
            if let Some(active) = &mut entry.active {
                active.has_room = true;
            }
        });
        Ok(())
    }

    /// Queues jobs whose blocker is gone.
    fn unblock(&self, ids: &[JobId]) {
        if ids.is_empty() {
            return;
        }
        let mut table = self.table.lock();
        for id in ids {
            let change = table.update(*id, |entry| {
                // It may have been paused meanwhile.
                if !matches!(entry.phase, ropeway_model::Phase::Blocked { .. }) {
                    return None;
                }
                advance(entry, Step::Requeue);
                let mut change = JobChange::new(entry.id);
                change.phase = Some(entry.phase.clone());
                change.log.push((self.clock.now(), "what stood in the way is gone".to_owned()));
                Some(change)
            });
            if let Some(change) = change.flatten() {
                self.journal.note(change);
            }
        }
        drop(table);
        self.changed.notify_one();
        self.wake.notify_one();
    }
}

/// Bytes below `folder` that running jobs have been promised and did not write yet, those of the job `but` aside.
fn promised(table: &Table, folder: &Path, but: Option<JobId>) -> u64 {
    let running = table.active().iter().filter(|id| Some(**id) != but).filter_map(|id| table.get(*id));
    let has_room = |entry: &&Entry| entry.active.as_ref().is_some_and(|active| active.has_room);
    let here = running.filter(has_room).filter(|entry| self::folder(entry) == Some(folder));
    here.filter_map(|entry| entry.progress().length()?.checked_sub(entry.progress().moved())).sum()
}

/// Host that must be reached for the job. It is its proxy's, else its server's.
pub(crate) fn way_to(entry: &Entry) -> String {
    entry.interned().network().proxy.as_ref().map_or_else(|| entry.host(), ropeway_model::SafeUrl::host)
}

fn folder(entry: &Entry) -> Option<&Path> {
    entry.interned().folder()
}
