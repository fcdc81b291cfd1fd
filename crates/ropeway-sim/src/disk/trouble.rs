//! What goes wrong with the disk of a run, and when.

use std::ops::Range;

use crate::random::Random;

/// What the disk is asked to do to a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Write,
    Read,
    Sync,
}

/// A span of time in which one kind of operation fails.
#[derive(Clone, Debug)]
pub(crate) struct Failing {
    operation: Operation,
    during: Range<u64>,
    /// Whether only the first one fails.
    once: bool,
    is_over: bool,
}

/// What goes wrong with the disk of a run, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    failing: Vec<Failing>,
    /// When the volume has this many bytes of room in all, instead of plenty.
    full: Option<(Range<u64>, u64)>,
}

impl Trouble {
    /// Trouble within the first `rough` milliseconds of a run.
    pub(crate) fn any(random: &mut Random, rough: u64) -> Self {
        let mut trouble = Self::default();
        let span = |random: &mut Random| {
            let start = random.within(0..rough);
            start..(start + random.within(100..30_000)).min(rough)
        };
        if random.hits(200) {
            let operation = random.pick(&[Operation::Write, Operation::Read, Operation::Sync, Operation::Sync]);
            let (during, once) = (span(random), random.hits(600));
            trouble.failing.push(Failing { operation, during, once, is_over: false });
        }
        if random.hits(120) {
            trouble.full = Some((span(random), random.within(0..6 << 20)));
        }
        trouble
    }

    /// Whether this operation fails now.
    pub(crate) fn fails(&mut self, operation: Operation, now: u64) -> bool {
        let hit =
            self.failing.iter_mut().find(|it| !it.is_over && it.operation == operation && it.during.contains(&now));
        hit.is_some_and(|failing| {
            failing.is_over = failing.once;
            true
        })
    }

    /// Bytes the volume holds now.
    pub(crate) fn capacity(&self, now: u64) -> u64 {
        /// More than all files of a run need.
        const PLENTY: u64 = 1 << 40;
        self.full.as_ref().filter(|(during, _)| during.contains(&now)).map_or(PLENTY, |(_, capacity)| *capacity)
    }
}
