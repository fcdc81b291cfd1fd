//! Two changes of one job as one.

use super::JobChange;
use crate::table::{
    block::{Block, BlockChange},
    log::LOG_LINES,
};

impl JobChange {
    /// Takes up what `later` changes about the same job, as if one had been made after the other.
    pub fn absorb(&mut self, later: Self) {
        // All fields by name: a new one cannot be forgotten here.
        let Self {
            id: _,
            spec,
            wish,
            phase,
            finished,
            remote,
            part_path,
            final_path,
            durable,
            segments,
            blocks,
            part_file,
            digest,
            verification,
            validation,
            upload,
            damage,
            log,
        } = later;
        replace(&mut self.spec, spec);
        replace(&mut self.wish, wish);
        replace(&mut self.phase, phase);
        replace(&mut self.finished, finished);
        replace(&mut self.remote, remote);
        replace(&mut self.part_path, part_path);
        replace(&mut self.final_path, final_path);
        replace(&mut self.durable, durable);
        replace(&mut self.segments, segments);
        replace(&mut self.part_file, part_file);
        replace(&mut self.digest, digest);
        replace(&mut self.verification, verification);
        replace(&mut self.validation, validation);
        replace(&mut self.upload, upload);
        replace(&mut self.damage, damage);
        self.blocks = match (self.blocks.take(), blocks) {
            (had, None) => had,
            (Some(BlockChange::Replace(had)), Some(BlockChange::Add(more))) => {
                Some(BlockChange::Replace(joined(had, more)))
            }
            (Some(BlockChange::Add(had)), Some(BlockChange::Add(more))) => Some(BlockChange::Add(joined(had, more))),
            (_, fresh) => fresh,
        };
        self.log.extend(log);
        // The store keeps no more of them either.
        self.log.drain(..self.log.len().saturating_sub(LOG_LINES));
    }
}

fn replace<T>(had: &mut Option<T>, now: Option<T>) {
    if now.is_some() {
        *had = now;
    }
}

/// Both, with the later one of two at the same offset.
fn joined(mut had: Vec<Block>, more: Vec<Block>) -> Vec<Block> {
    had.retain(|old| more.iter().all(|new| new.range.start() != old.range.start()));
    had.extend(more);
    had
}

#[cfg(test)]
mod tests {
    use ropeway_model::{ByteRange, JobId};

    use super::*;

    fn block(start: u64, digest: u8) -> Block {
        Block { range: ByteRange::new(start, start + 10).unwrap(), digest: [digest; 32] }
    }

    #[test]
    fn blocks_that_replaced_all_before_are_joined_by_those_that_came_later() {
        use BlockChange::{Add, Replace};
        for (had, more, expected) in [
            (None, Some(Add(vec![block(0, 1)])), Some(Add(vec![block(0, 1)]))),
            (Some(Add(vec![block(0, 1)])), None, Some(Add(vec![block(0, 1)]))),
            (
                Some(Add(vec![block(0, 1), block(10, 1)])),
                Some(Add(vec![block(10, 2)])),
                Some(Add(vec![block(0, 1), block(10, 2)])),
            ),
            (Some(Replace(vec![])), Some(Add(vec![block(0, 2)])), Some(Replace(vec![block(0, 2)]))),
            (Some(Add(vec![block(0, 1)])), Some(Replace(vec![])), Some(Replace(vec![]))),
        ] {
            let change = |blocks| JobChange { blocks, ..JobChange::new(JobId::from_row(1)) };
            let mut joined = change(had);
            joined.absorb(change(more));
            assert_eq!(joined.blocks, expected);
        }
    }

    #[test]
    fn a_field_that_changed_twice_has_its_later_value_and_others_keep_theirs() {
        let id = JobId::from_row(1);
        let mut joined = JobChange { durable: Some(1), part_path: Some(Some("/a.part".into())), ..JobChange::new(id) };
        joined.absorb(JobChange { durable: Some(2), damage: Some(None), ..JobChange::new(id) });
        joined.absorb(JobChange { part_path: Some(None), ..JobChange::new(id) });
        assert_eq!(
            (joined.durable, joined.part_path, joined.damage, joined.phase),
            (Some(2), Some(None), Some(None), None)
        );
    }
}
