//! Progress of a job, written by its workers and read by everybody.

use std::sync::{
    Arc,
    atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;

use crate::claims::Claims;

/// What stands for a length that is not known.
const UNKNOWN: u64 = u64::MAX;

/// The counters of one job.
#[derive(Debug)]
pub(crate) struct Progress {
    length: AtomicU64,
    moved: AtomicU64,
    durable: AtomicU64,
    wasted: AtomicU64,
    /// The most that a server ever had of an upload.
    reached: AtomicU64,
    connections: AtomicU16,
    claims: Mutex<Option<Arc<Claims>>>,
    unserved: AtomicU32,
    differed: Mutex<Option<(u64, u32)>>,
    last_end: Mutex<Option<Box<SameEnd>>>,
}

/// How tries in a row ended in the same way.
#[derive(Debug)]
struct SameEnd {
    message: String,
    /// The most bytes that were here at the end of one of them.
    furthest: u64,
    times: u32,
}

impl Progress {
    /// Counters as the store kept them.
    pub(crate) const fn new(length: Option<u64>, durable: u64) -> Self {
        Self {
            length: AtomicU64::new(match length {
                Some(length) => length,
                None => UNKNOWN,
            }),
            moved: AtomicU64::new(durable),
            durable: AtomicU64::new(durable),
            wasted: AtomicU64::new(0),
            reached: AtomicU64::new(durable),
            connections: AtomicU16::new(0),
            claims: Mutex::new(None),
            unserved: AtomicU32::new(0),
            differed: Mutex::new(None),
            last_end: Mutex::new(None),
        }
    }

    /// Notes a request for the rest that did not bring it. Returns how many have in a row.
    pub(crate) fn unserved(&self) -> u32 {
        self.unserved.fetch_add(1, Relaxed) + 1
    }

    /// Notes a request for the rest of the file that brought bytes. None in a row did not.
    pub(crate) fn served(&self) -> u32 {
        self.unserved.store(0, Relaxed);
        0
    }

    /// Notes two answers that disagreed on what lies at `at`. Returns how many in a row have.
    pub(crate) fn differed(&self, at: u64) -> u32 {
        let mut differed = self.differed.lock();
        let times = differed.filter(|(had, _)| *had == at).map_or(1, |(_, times)| times + 1);
        *differed = Some((at, times));
        times
    }

    /// Notes a try that ended with `message`. Returns how many in a row have, none of which got further than one before
    /// it.
    pub(crate) fn ended_alike(&self, message: &str) -> u32 {
        let reached = self.moved();
        let mut last = self.last_end.lock();
        let times = match last.as_deref() {
            Some(last) if last.message == message && reached <= last.furthest => last.times + 1,
            _ => 1,
        };
        *last = Some(Box::new(SameEnd { message: message.to_owned(), furthest: reached, times }));
        times
    }

    /// Length of the whole file, once known.
    pub(crate) fn length(&self) -> Option<u64> {
        Some(self.length.load(Relaxed)).filter(|length| *length != UNKNOWN)
    }

    pub(crate) fn set_length(&self, length: Option<u64>) {
        self.length.store(length.unwrap_or(UNKNOWN), Relaxed);
    }

    /// Bytes received or sent.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Relaxed)
    }

    pub(crate) fn add_moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Relaxed);
    }

    /// Bytes that came and were there already. They were fetched twice, and what was under way when another connection
    /// took over. Never part of what was moved.
    pub(crate) fn wasted(&self) -> u64 {
        self.wasted.load(Relaxed)
    }

    pub(crate) fn add_wasted(&self, bytes: u64) {
        self.wasted.fetch_add(bytes, Relaxed);
    }

    /// Sets both counters. That is done at the start of an attempt and after a restart from byte 0.
    pub(crate) fn restart_at(&self, bytes: u64) {
        self.moved.store(bytes, Relaxed);
        self.durable.store(bytes, Relaxed);
    }

    /// Most bytes that the server ever had of an upload. Only what lies beyond is progress, where it goes to and fro.
    pub(crate) fn reached(&self) -> u64 {
        self.reached.load(Relaxed)
    }

    pub(crate) fn reach(&self, bytes: u64) {
        self.reached.fetch_max(bytes, Relaxed);
    }

    /// Bytes that are durably on disk or acknowledged by the server.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Relaxed)
    }

    pub(crate) fn set_durable(&self, bytes: u64) {
        self.durable.store(bytes, Relaxed);
    }

    /// Connections that were answered and are held for more. Those that wait for a limit are among them.
    pub(crate) fn connections(&self) -> u16 {
        self.connections.load(Relaxed)
    }

    /// Counts one more connection for as long as the returned value lives.
    pub(crate) fn connected(self: &Arc<Self>) -> Connected {
        self.connections.fetch_add(1, Relaxed);
        Connected(Arc::clone(self))
    }

    /// The segments of the running download.
    pub(crate) fn claims(&self) -> Option<Arc<Claims>> {
        self.claims.lock().clone()
    }

    pub(crate) fn set_claims(&self, claims: Option<Arc<Claims>>) {
        *self.claims.lock() = claims;
    }
}

/// One connection of a job.
#[derive(Debug)]
pub(crate) struct Connected(Arc<Progress>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_end_alike_where_they_say_the_same_and_get_no_further() {
        let progress = Progress::new(None, 0);
        for (message, more, times) in [
            ("the line broke", 0, 1),
            ("the line broke", 0, 2),
            ("the line broke", 10, 1),
            ("the line broke", 0, 2),
            ("another reason", 0, 1),
            ("the line broke", 0, 1),
        ] {
            progress.add_moved(more);
            assert_eq!(progress.ended_alike(message), times, "{message} and {more} more bytes");
        }
        progress.restart_at(3);
        assert_eq!(progress.ended_alike("the line broke"), 2, "fewer bytes are no progress");
    }

    #[test]
    fn two_answers_differ_in_a_row_only_at_one_place() {
        let progress = Progress::new(None, 0);
        assert_eq!([7, 7, 7, 9, 7].map(|at| progress.differed(at)), [1, 2, 3, 1, 1]);
    }
}
