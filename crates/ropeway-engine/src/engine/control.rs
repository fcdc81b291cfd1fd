//! The user's hand on jobs. The wish is set at once; the fact follows when the running attempt has saved what it has.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use ropeway_model::{Direction, FailureCode, JobId, JobSpec, Phase, Step, Wish};
use ropeway_store::JobChange;

use super::{Change, Engine, EngineError};
use crate::{
    core::Core,
    download::{proof, recheck},
    hosts::HostKey,
    journal::Durable,
    table::{Entry, advance},
};

/// Jobs that go on in one transaction: the changes of a hundred thousand would take more memory than the queue itself.
/// Those that are paused or canceled are so in one, lest others of them start in between.
const AT_ONCE: usize = 1000;

/// Outcome of taking jobs off the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Number of jobs that were taken off.
    pub count: u32,
    /// Files that were to be deleted and stay. They are not, or cannot be told to be, the ones that were saved.
    pub kept: Vec<PathBuf>,
}

impl Engine {
    /// Wishes that jobs stop and keep what they have. Returns how many were not stopped already.
    pub async fn pause(&self, ids: &[JobId]) -> Result<u32, EngineError> {
        self.wish(ids, Wish::Pause, |entry| match entry.phase {
            Phase::Queued | Phase::Waiting { .. } | Phase::Blocked { .. } => Some(Step::Pause),
            _ => None,
        })
        .await
    }

    /// Wishes that jobs go on. Failed, waiting and blocked ones are tried again now. Returns how many that changed.
    pub async fn resume(&self, ids: &[JobId]) -> Result<u32, EngineError> {
        self.core.forgive(ids);
        let mut chunks = ids.chunks(AT_ONCE);
        // The first one also where it is empty: that nothing had to change is told once all is recorded.
        let mut changed = self.wish(chunks.next().unwrap_or_default(), Wish::Run, requeued).await?;
        for some in chunks {
            changed += self.wish(some, Wish::Run, requeued).await?;
        }
        Ok(changed)
    }

    /// Gives jobs up; their part files are deleted. Returns how many were not at their end already.
    pub async fn cancel(&self, ids: &[JobId]) -> Result<u32, EngineError> {
        self.wish(ids, Wish::Cancel, |entry| (!entry.phase.is_active()).then_some(Step::Cancel)).await
    }

    /// Pauses every job that runs or wants to.
    pub async fn pause_all(&self) -> Result<u32, EngineError> {
        let ids =
            self.select(|entry| entry.wish == Wish::Run && !entry.phase.is_terminal() && !is_given_up(&entry.phase));
        self.pause(&ids).await
    }

    /// Lets every paused job go on.
    pub async fn resume_all(&self) -> Result<u32, EngineError> {
        let ids = self.select(|entry| entry.wish == Wish::Pause && !is_given_up(&entry.phase));
        self.resume(&ids).await
    }

    /// Takes jobs off the list. Running ones are given up first; with `delete_files` finished downloads are deleted too,
    /// as long as they are the files that were saved.
    pub async fn remove(&self, ids: &[JobId], delete_files: bool) -> Result<Removal, EngineError> {
        match self.cancel(ids).await {
            // What counts is whether the removal is recorded, which overtakes that of the end.
            Ok(_) | Err(EngineError::NotDurable(_)) => {}
            Err(error) => return Err(error),
        }
        for id in ids {
            self.core.until_idle(*id).await;
        }
        let kept = if delete_files { self.delete_finished(ids).await? } else { Vec::new() };
        let (durable, count) = {
            let mut table = self.core.table.lock();
            let removed: Vec<_> = ids.iter().filter_map(|id| table.remove(*id)).collect();
            let numbers: Vec<_> = removed.iter().map(|entry| entry.id).collect();
            (self.core.journal.remove(numbers), removed.len())
        };
        self.core.changed.notify_one();
        durable.wait().await.map_err(EngineError::NotDurable)?;
        Ok(Removal { count: u32::try_from(count).unwrap_or(u32::MAX), kept })
    }

    /// Deletes the files of finished downloads. Returns those that stay: something else has their name by now, or they
    /// cannot be deleted.
    async fn delete_finished(&self, ids: &[JobId]) -> Result<Vec<PathBuf>, EngineError> {
        let mut kept = Vec::new();
        for id in ids {
            let path = self.core.table.lock().get(*id).and_then(finished_file);
            let Some(path) = path else { continue };
            let saved = self.core.store.part_file(*id).await?.and_then(|state| recheck::stamp(&state));
            let disk = Arc::clone(&self.core.disk);
            let file = path.clone();
            let work = move || saved.map_or_else(|| Ok(!disk.is_taken(&file)?), |it| disk.remove_if_same(&file, it));
            let outcome = self.core.blocking.start(work).await;
            let is_gone = outcome.map_err(|panic| EngineError::NotDurable(panic.to_string()))?;
            if let Err(error) = &is_gone {
                tracing::warn!(job = %id, %error, "finished file not removed");
            }
            if !is_gone.unwrap_or(false) {
                kept.push(path);
            }
        }
        Ok(kept)
    }

    /// Takes completed and canceled jobs off the list; files stay.
    pub async fn clear_finished(&self) -> Result<u32, EngineError> {
        let ids = self.select(|entry| entry.phase.is_terminal());
        self.remove(&ids, false).await.map(|removal| removal.count)
    }

    /// Changes limit, connections, priority, start or checksum. Running jobs follow the limit at once, the rest holds
    /// from the next attempt on. Jobs at their end stay as they are.
    pub async fn change(&self, ids: &[JobId], wanted: Change) -> Result<u32, EngineError> {
        let changed = self.edit(ids, |entry| {
            if entry.phase.is_terminal() {
                return None;
            }
            let had = entry.spec();
            let mut spec = had.clone();
            if let Some(limit) = wanted.rate_limit {
                spec.rate_limit = limit;
                if let Some(active) = &entry.active {
                    active.bucket.set_rate(limit);
                }
            }
            if let Some(connections) = wanted.connections {
                spec.connections = connections;
            }
            if let Some(start_at) = wanted.start_at {
                spec.start_at = start_at;
                entry.is_released = false;
            }
            if let Some(checksums) = &wanted.checksums {
                spec.set_checksums(checksums.iter().cloned());
            }
            spec.priority = wanted.priority.unwrap_or(spec.priority);
            if spec == had {
                return None;
            }
            let mut change = JobChange::new(entry.id);
            if spec.checksums().ne(had.checksums()) && has_other_checksum(&entry.phase, &had) {
                advance(entry, Step::Requeue);
                if let Some(failure) = proof::contradicted(entry, &spec) {
                    // What is here is known to be another file than that, too.
                    advance(entry, Step::Fail(failure));
                } else {
                    entry.wish = Wish::Run;
                    entry.forget_tries();
                    change.wish = Some(Wish::Run);
                }
                change.phase = Some(entry.phase.clone());
            }
            entry.set_spec(spec.clone());
            change.spec = Some(spec);
            Some(change)
        });
        self.settle(changed).await
    }

    /// Moves jobs before another one, or to the end of the list.
    pub async fn move_jobs(&self, ids: &[JobId], before: Option<JobId>) -> Result<u32, EngineError> {
        let positions = self.core.store.move_jobs(ids.to_vec(), before).await?;
        let mut table = self.core.table.lock();
        for (id, position) in &positions {
            table.update(*id, |entry| entry.position = *position);
        }
        drop(table);
        self.core.changed.notify_one();
        Ok(u32::try_from(positions.len()).unwrap_or(u32::MAX))
    }

    fn select(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<JobId> {
        self.core.table.lock().iter().filter(|entry| wanted(entry)).map(|entry| entry.id).collect()
    }

    /// Sets the wish, stops a running attempt that it goes against, and takes the step a job at rest can take at once.
    async fn wish(&self, ids: &[JobId], wish: Wish, step: impl Fn(&Entry) -> Option<Step>) -> Result<u32, EngineError> {
        let (mut discarded, mut ended) = (Vec::new(), Vec::new());
        let changed = self.edit(ids, |entry| {
            if entry.phase.is_terminal() {
                return None;
            }
            let step = step(entry);
            if entry.wish == wish && step.is_none() {
                return None;
            }
            entry.wish = wish;
            let mut change = JobChange::new(entry.id);
            change.wish = Some(wish);
            if let Some(step) = step {
                advance(entry, step);
                entry.forget_tries();
                change.phase = Some(entry.phase.clone());
            }
            match &entry.active {
                Some(active) if wish != Wish::Run => active.cancel.cancel(),
                None if wish == Wish::Cancel => {
                    discarded.extend(entry.state.part_path.clone().map(|part| (entry.id, part)));
                    if entry.interned().direction() == Direction::Upload {
                        ended.push(entry.id);
                    }
                }
                _ => {}
            }
            Some(change)
        });
        // Before a removal takes what is known of them.
        let ending = self.core.end_uploads(ended);
        let (settled, (), ()) = tokio::join!(self.settle(changed), self.core.discard(discarded), ending);
        settled
    }

    /// Changes entries and pushes what changed into the journal, all under the one lock.
    fn edit(&self, ids: &[JobId], mut edit: impl FnMut(&mut Entry) -> Option<JobChange>) -> Vec<Durable> {
        let mut table = self.core.table.lock();
        let changes: Vec<_> = ids.iter().filter_map(|id| table.update(*id, &mut edit).flatten()).collect();
        changes.into_iter().map(|change| self.core.journal.save(change)).collect()
    }

    pub(super) async fn settle(&self, changed: Vec<Durable>) -> Result<u32, EngineError> {
        self.core.changed.notify_one();
        self.core.wake.notify_one();
        let count = changed.len();
        if changed.is_empty() && self.core.journal.is_behind() {
            // Nothing had to change any more; that is no promise before it is recorded.
            self.core.journal.settle().wait().await.map_err(EngineError::NotDurable)?;
        }
        for durable in changed {
            durable.wait().await.map_err(EngineError::NotDurable)?;
        }
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

/// The step of a job that goes on; `None` where it has not stopped.
const fn requeued(entry: &Entry) -> Option<Step> {
    match entry.phase {
        Phase::Paused
        | Phase::Failed { .. }
        | Phase::Waiting { .. }
        | Phase::Blocked { .. }
        | Phase::LinkExpired { .. } => Some(Step::Requeue),
        _ => None,
    }
}

/// Whether a job has failed since the file did not have the checksum that was given: with another one it may be right.
fn has_other_checksum(phase: &Phase, spec: &JobSpec) -> bool {
    let is_mismatch = matches!(phase, Phase::Failed { failure } if failure.code == FailureCode::DigestMismatch);
    is_mismatch && spec.checksum.is_some()
}

/// Whether the job has stopped for a reason that only the user can mend.
const fn is_given_up(phase: &Phase) -> bool {
    matches!(phase, Phase::Failed { .. } | Phase::LinkExpired { .. })
}

impl Core {
    /// The user wants to know now: the servers of these jobs are asked again.
    fn forgive(&self, ids: &[JobId]) {
        let table = self.table.lock();
        let entries = ids.iter().filter_map(|id| table.get(*id));
        let hosts: HashSet<String> = entries.map(|entry| table.server_of(entry).to_owned()).collect();
        drop(table);
        for host in &hosts {
            self.hosts.forgive(&HostKey::new(host));
        }
    }
}

/// The file that a download has saved.
fn finished_file(entry: &Entry) -> Option<PathBuf> {
    let is_download = entry.interned().direction() == Direction::Download;
    if is_download && entry.phase == Phase::Completed { entry.state.final_path.clone() } else { None }
}
