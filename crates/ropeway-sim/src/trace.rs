//! What happened in a run: its last lines to read, all of them as one number to compare runs by.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Lines that are kept: enough to see how a run came to its end.
const KEPT: usize = 600;

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    lines: VecDeque<String>,
    hasher: DefaultHasher,
    count: u64,
}

impl Trace {
    /// Takes note of an event at `at` milliseconds.
    pub(crate) fn note(&mut self, at: u64, event: fmt::Arguments<'_>) {
        // The oldest line's room is taken for the newest one.
        let mut line =
            if self.lines.len() == KEPT { self.lines.pop_front().unwrap_or_default() } else { String::new() };
        line.clear();
        // Writing into memory does not fail.
        let _ = write!(line, "{:>9}.{:03}  {event}", at / 1000, at % 1000);
        line.hash(&mut self.hasher);
        self.lines.push_back(line);
        self.count += 1;
    }

    /// What stands for all events: equal for two runs that went the same way.
    pub(crate) fn digest(&self) -> u64 {
        self.hasher.finish()
    }

    /// The last lines, oldest first.
    pub(crate) fn last(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Number of events.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}
