//! Changes that the store has refused, one for each job. What a job's later changes overwrite need not be kept.

use std::collections::BTreeMap;

use ropeway_model::JobId;
use ropeway_store::{Edit, JobChange};

/// Backlog of changes that the store does not have yet. It holds no more than one change a job, however long the store
/// takes nothing.
#[derive(Debug, Default)]
pub(super) struct Backlog(BTreeMap<JobId, Kept>);

#[derive(Debug)]
enum Kept {
    Change(Box<JobChange>),
    Removal,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of jobs whose changes are kept.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps a change that was made after all that are here.
    pub(super) fn keep(&mut self, edit: Edit) {
        match edit {
            Edit::Remove(ids) => self.0.extend(ids.into_iter().map(|id| (id, Kept::Removal))),
            Edit::Save(change) => match self.0.get_mut(&change.id) {
                None => drop(self.0.insert(change.id, Kept::Change(change))),
                Some(Kept::Change(had)) => had.absorb(*change),
                // What is off the list does not change any more.
                Some(Kept::Removal) => {}
            },
        }
    }

    /// Everything, to be tried again. Of two jobs neither's change depends on the other's.
    pub(super) fn edits(&self) -> Vec<Edit> {
        let removed = self.0.iter().filter(|(_, kept)| matches!(kept, Kept::Removal)).map(|(id, _)| *id).collect();
        let changes = self.0.values().filter_map(|kept| match kept {
            Kept::Change(change) => Some(Edit::Save(change.clone())),
            Kept::Removal => None,
        });
        changes.chain([Edit::Remove(removed)]).collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use ropeway_model::{Phase, Timestamp, Wish};

    use super::*;

    fn id(number: i64) -> JobId {
        JobId::from_row(number)
    }

    fn save(number: i64, change: impl FnOnce(&mut JobChange)) -> Edit {
        let mut saved = JobChange::new(id(number));
        change(&mut saved);
        Edit::Save(Box::new(saved))
    }

    #[test]
    fn a_job_has_one_change_with_the_last_of_each_fact_and_all_lines_of_its_log() {
        let mut backlog = Backlog::default();
        for number in 0..1000 {
            backlog.keep(save(7, |change| {
                change.durable = Some(number);
                change.log.push((Timestamp::from_unix_ms(0), number.to_string()));
            }));
        }
        backlog.keep(save(7, |change| change.wish = Some(Wish::Pause)));
        backlog.keep(save(8, |change| change.phase = Some(Phase::Paused)));
        assert_eq!(backlog.len(), 2);
        let edits = backlog.edits();
        let Some(Edit::Save(change)) = edits.first() else { panic!("{edits:?}") };
        assert_eq!((change.durable, change.wish, change.phase.as_ref()), (Some(999), Some(Wish::Pause), None));
        assert_eq!(change.log.last().map(|(_, line)| line.as_str()), Some("999"));
        assert!(change.log.len() <= ropeway_store::LOG_LINES);
    }

    #[test]
    fn what_is_removed_stays_removed() {
        let mut backlog = Backlog::default();
        backlog.keep(save(7, |change| change.durable = Some(1)));
        backlog.keep(Edit::Remove(vec![id(7), id(9)]));
        backlog.keep(save(7, |change| change.durable = Some(2)));
        assert_eq!(backlog.edits(), [Edit::Remove(vec![id(7), id(9)])]);
        backlog.clear();
        assert!(backlog.is_empty());
    }
}
