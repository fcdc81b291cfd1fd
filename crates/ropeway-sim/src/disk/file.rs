//! One file: what the running system reads of it, and what a power cut leaves.

use std::ops::Range;

use crate::random::Random;

/// What a disk writes at once or not at all.
const SECTOR: u64 = 512;

/// A file with its two faces.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    /// As the running system reads it.
    pub(crate) cache: Vec<u8>,
    /// As it is after a power cut.
    pub(crate) platter: Vec<u8>,
    /// Stretches that were written since the last sync, in order.
    dirty: Vec<(u64, u64)>,
    /// When it was written first.
    pub(crate) began: Option<u64>,
    /// Every write of the process that runs now, with its moment.
    pub(crate) writes: Vec<(u64, Range<u64>)>,
    /// `true` once a sync of that process has failed.
    pub(crate) has_lost: bool,
    /// When it was last written, in milliseconds since the run began.
    pub(crate) modified: u64,
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("simulated files are small")
}

impl File {
    /// A file that has long been there.
    pub(crate) fn at_rest(bytes: Vec<u8>) -> Self {
        Self { platter: bytes.clone(), cache: bytes, ..Self::default() }
    }

    pub(crate) fn write(&mut self, bytes: &[u8], offset: u64, now: u64) {
        let (start, end) = (index(offset), index(offset) + bytes.len());
        if self.cache.len() < end {
            self.cache.resize(end, 0);
        }
        self.cache[start..end].copy_from_slice(bytes);
        self.dirty.push((offset, end as u64));
        self.began.get_or_insert(now);
        self.writes.push((now, offset..end as u64));
        self.modified = now;
    }

    pub(crate) fn set_length(&mut self, length: u64) {
        self.cache.resize(index(length), 0);
    }

    /// Makes everything durable.
    pub(crate) fn sync(&mut self) {
        self.platter.resize(self.cache.len(), 0);
        for (start, end) in std::mem::take(&mut self.dirty) {
            self.keep(start, end);
        }
    }

    /// A process begins.
    pub(crate) fn begin(&mut self) {
        (self.writes, self.has_lost) = (Vec::new(), false);
    }

    /// A sync that fails: the pages count as clean from here on, and yet are not on the platter.
    pub(crate) fn lose(&mut self) {
        self.dirty.clear();
        self.has_lost = true;
    }

    /// What a power cut leaves: of what was not synced any choice of sectors, `per_mille` of them in the mean.
    pub(crate) fn cut(&mut self, random: &mut Random, per_mille: u64) {
        if random.hits(per_mille) {
            self.platter.resize(self.cache.len(), 0);
        }
        for (start, end) in std::mem::take(&mut self.dirty) {
            let mut at = start;
            while at < end {
                let next = ((at / SECTOR + 1) * SECTOR).min(end);
                if random.hits(per_mille) {
                    self.keep(at, next);
                }
                at = next;
            }
        }
        self.cache.clone_from(&self.platter);
    }

    fn keep(&mut self, start: u64, end: u64) {
        // The file may have been cut since.
        let end = index(end).min(self.cache.len());
        let start = index(start).min(end);
        if self.platter.len() < end {
            self.platter.resize(end, 0);
        }
        self.platter[start..end].copy_from_slice(&self.cache[start..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_cut_takes_what_was_not_synced_and_nothing_else() {
        let mut file = File::default();
        file.write(&[1; 1000], 0, 0);
        file.sync();
        file.write(&[2; 1000], 1000, 0);
        file.cut(&mut Random::new(1), 0);
        assert_eq!(file.cache, [1; 1000]);
        file.write(&[2; 1000], 1000, 0);
        file.cut(&mut Random::new(1), 1000);
        assert_eq!(file.cache.len(), 2000);
    }

    #[test]
    fn a_failed_sync_loses_pages_that_a_later_sync_does_not_bring_back() {
        let mut file = File::default();
        file.write(&[1; 600], 0, 0);
        file.lose();
        file.sync();
        assert_eq!(file.cache, [1; 600]);
        file.cut(&mut Random::new(1), 1000);
        assert_eq!(file.cache, [0; 600]);
    }
}
