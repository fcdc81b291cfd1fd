//! Any sequence of calls against the simplest thing that could be a queue: rows in a `Vec`.

mod any;

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use ropeway_model::{JobId, SegmentMap, Timestamp};
use ropeway_store::{JobChange, JobRow, LOG_LINE_BYTES, LOG_LINES, NewJob, Store, UploadState};

/// One call; jobs are named by their place, taken modulo how many there are.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Insert(Vec<NewJob>),
    Save(Vec<(usize, JobChange)>),
    Remove(Vec<usize>),
    Move { which: Vec<usize>, before: Option<usize> },
}

#[derive(Default)]
struct Model {
    list: Vec<JobId>,
    rows: HashMap<JobId, JobRow>,
    segments: HashMap<JobId, SegmentMap>,
    uploads: HashMap<JobId, UploadState>,
    logs: HashMap<JobId, Vec<(Timestamp, String)>>,
}

impl Model {
    fn id(&self, place: usize) -> JobId {
        self.list[place % self.list.len()]
    }

    fn insert(&mut self, id: JobId, position: i64, new: NewJob) {
        let row = JobRow {
            id,
            spec: new.spec,
            wish: new.wish,
            phase: new.phase,
            position,
            created: new.created,
            finished: None,
            remote: None,
            part_path: None,
            final_path: None,
            durable: 0,
            digest: None,
            verification: None,
            validation: None,
            damage: None,
        };
        self.list.push(id);
        self.rows.insert(id, row);
        self.logs.insert(id, Vec::new());
    }

    fn save(&mut self, change: JobChange) {
        let row = self.rows.get_mut(&change.id).unwrap();
        row.spec = change.spec.unwrap_or_else(|| row.spec.clone());
        row.wish = change.wish.unwrap_or(row.wish);
        row.phase = change.phase.unwrap_or_else(|| row.phase.clone());
        row.finished = change.finished.or(row.finished);
        row.remote = change.remote.unwrap_or_else(|| row.remote.take());
        row.part_path = change.part_path.unwrap_or_else(|| row.part_path.take());
        row.final_path = change.final_path.unwrap_or_else(|| row.final_path.take());
        row.durable = change.durable.unwrap_or(row.durable);
        row.digest = change.digest.unwrap_or_else(|| row.digest.take());
        row.verification = change.verification.unwrap_or(row.verification);
        row.validation = change.validation.or(row.validation);
        if let Some(upload) = change.upload {
            let _ = match upload {
                Some(upload) => self.uploads.insert(change.id, upload),
                None => self.uploads.remove(&change.id),
            };
        }
        row.damage = change.damage.unwrap_or(row.damage);
        if let Some(map) = change.segments {
            match map.filter(|map| !map.segments().is_empty()) {
                Some(map) => drop(self.segments.insert(change.id, map.coalesced())),
                None => drop(self.segments.remove(&change.id)),
            }
        }
        let log = self.logs.get_mut(&change.id).unwrap();
        log.extend(change.log.into_iter().map(|(at, mut line)| {
            while line.len() > LOG_LINE_BYTES {
                line.pop();
            }
            (at, line)
        }));
        log.drain(..log.len().saturating_sub(LOG_LINES));
    }

    fn relocate(&mut self, moved: &[JobId], before: Option<JobId>) {
        let at = before.map_or(self.list.len(), |before| self.list.iter().position(|id| *id == before).unwrap());
        let mark = self.list[at..].iter().find(|id| !moved.contains(id)).copied();
        self.list.retain(|id| !moved.contains(id));
        let at = mark.map_or(self.list.len(), |mark| self.list.iter().position(|id| *id == mark).unwrap());
        let mut seen = HashSet::new();
        let once: Vec<JobId> = moved.iter().copied().filter(|id| seen.insert(*id)).collect();
        self.list.splice(at..at, once);
    }
}

async fn act(store: &Store, model: &mut Model, act: Act) {
    if model.list.is_empty() && !matches!(act, Act::Insert(_)) {
        return;
    }
    match act {
        Act::Insert(jobs) => {
            let ids = store.insert_jobs(jobs.clone()).await.unwrap();
            ids.into_iter().zip(jobs).for_each(|((id, position), new)| model.insert(id, position, new));
        }
        Act::Save(changes) => {
            let named = |(place, change)| JobChange { id: model.id(place), ..change };
            let changes: Vec<JobChange> = changes.into_iter().map(named).collect();
            store.save(changes.clone()).await.unwrap();
            for change in changes {
                model.save(change);
            }
        }
        Act::Remove(places) => {
            let ids: Vec<JobId> = places.into_iter().map(|place| model.id(place)).collect();
            store.remove_jobs(ids.clone()).await.unwrap();
            model.list.retain(|id| !ids.contains(id));
            model.segments.retain(|id, _| !ids.contains(id));
        }
        Act::Move { which, before } => {
            let moved: Vec<JobId> = which.into_iter().map(|place| model.id(place)).collect();
            let before = before.map(|place| model.id(place));
            for (id, position) in store.move_jobs(moved.clone(), before).await.unwrap() {
                let row = model.rows.get_mut(&id).unwrap();
                assert_ne!(row.position, position, "job {id} did not move");
                row.position = position;
            }
            model.relocate(&moved, before);
        }
    }
}

async fn compare(store: &Store, model: &Model) {
    let rows = store.jobs().await.unwrap();
    assert!(rows.is_sorted_by(|a, b| a.position < b.position), "two jobs in one place");
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), model.list);
    for row in rows {
        let id = row.id;
        assert_eq!(row, model.rows[&id]);
        assert_eq!(store.segments(id).await.unwrap().as_ref(), model.segments.get(&id));
        assert_eq!(store.log(id).await.unwrap(), model.logs[&id]);
        assert_eq!(store.upload(id).await.unwrap().as_ref(), model.uploads.get(&id));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_reads_back_as_the_model_says(acts in prop::collection::vec(any::act(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Store::in_memory().await.unwrap();
            let mut model = Model::default();
            for next in acts {
                act(&store, &mut model, next).await;
                compare(&store, &model).await;
            }
            store.close().await.unwrap();
        });
    }
}
