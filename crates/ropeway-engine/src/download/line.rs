//! What the workers of one download have learned of the way to the server.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::seam::LONGEST_LEAD;

/// How a server takes requests for ranges, and how long it takes to answer them.
#[derive(Debug)]
pub(super) struct Line {
    /// Bytes before the rest of a file that are asked for with it.
    lead: AtomicU64,
    serves: AtomicBool,
    refuses: AtomicBool,
    /// Microseconds from a request to its answer's head, the last one.
    round_trip: AtomicU64,
    /// Length of the file, where the first answer left it open and a later one told it.
    length: OnceLock<u64>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            lead: AtomicU64::new(LONGEST_LEAD),
            serves: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            round_trip: AtomicU64::new(0),
            length: OnceLock::new(),
        }
    }
}

impl Line {
    /// Bytes before the rest of a file that are asked for with it.
    pub(super) fn lead(&self) -> u64 {
        self.lead.load(Relaxed)
    }

    /// An answer ended behind so many of them, as its head said: the next one is to bring something new, too.
    pub(super) fn shorten_lead(&self, came: u64) {
        self.lead.fetch_min(came / 4, Relaxed);
    }

    /// A request was answered; with `as_range` the answer was the range that was asked for.
    pub(super) fn answered(&self, took: Duration, as_range: bool) {
        self.round_trip.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        if as_range {
            self.serves.store(true, Relaxed);
        }
    }

    /// An answer told the file's length; `false` if an earlier one told another.
    pub(super) fn learn_length(&self, length: u64) -> bool {
        *self.length.get_or_init(|| length) == length
    }

    /// Length of the file, as far as answers told it.
    pub(super) fn length(&self) -> Option<u64> {
        self.length.get().copied()
    }

    /// Another request beside the first one was refused: what is open is all there is.
    pub(super) fn refuse_ranges(&self) {
        self.refuses.store(true, Relaxed);
    }

    pub(super) fn serves_ranges(&self) -> bool {
        self.serves.load(Relaxed)
    }

    pub(super) fn refuses_ranges(&self) -> bool {
        self.refuses.load(Relaxed) && !self.serves_ranges()
    }

    /// How long the server took to answer last.
    pub(super) fn round_trip(&self) -> Duration {
        Duration::from_micros(self.round_trip.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_length_that_is_told_is_the_files_and_no_answer_may_tell_another() {
        let line = Line::default();
        assert_eq!(line.length(), None);
        assert!(line.learn_length(5) && line.learn_length(5));
        assert!(!line.learn_length(6));
        assert_eq!(line.length(), Some(5));
    }
}
