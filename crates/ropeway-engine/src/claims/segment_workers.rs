//! A segment that is being fetched, and by whom.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use ropeway_model::ByteRange;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::speed::Speed;

/// The workers at one segment: one, or in the end game two.
#[derive(Debug)]
pub(super) struct SegmentWorkers {
    /// Offset of the first byte that nobody has written and nobody is writing.
    pub(super) front: u64,
    pub(super) assignments: Vec<Assignment>,
}

/// Haul of one connection, over all its requests.
#[derive(Debug)]
pub(crate) struct Haul {
    /// Which connection; later ones have larger numbers.
    pub(super) connection: u64,
    requests: AtomicU64,
    bytes: AtomicU64,
    reads: AtomicU64,
}

impl Haul {
    pub(super) fn new(connection: u64) -> Self {
        Self { connection, requests: AtomicU64::new(0), bytes: AtomicU64::new(0), reads: AtomicU64::new(0) }
    }

    /// Another request is made; whether it is the first one.
    pub(crate) fn ask(&self) -> bool {
        self.requests.fetch_add(1, Relaxed) == 0
    }

    /// A read has brought so many bytes.
    pub(crate) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.reads.fetch_add(1, Relaxed);
    }

    /// Bytes and reads.
    pub(super) fn count(&self) -> (u64, u64) {
        (self.bytes.load(Relaxed), self.reads.load(Relaxed))
    }
}

/// One worker at a segment.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) worker: u64,
    pub(super) haul: Arc<Haul>,
    /// When the server answered, and what the connection had brought by then.
    pub(super) answered: Option<(Instant, (u64, u64))>,
    /// Sends the worker away from this segment, and no further.
    pub(super) leave: CancellationToken,
    /// Bytes that it is writing at this moment.
    pub(super) in_flight: Option<ByteRange>,
    pub(super) moved: u64,
    pub(super) speed: Speed,
    /// When it came.
    pub(super) came: Instant,
    /// True where it waits for our own throttle.
    pub(super) is_paying: bool,
}

impl SegmentWorkers {
    pub(super) fn new(front: u64) -> Self {
        Self { front, assignments: Vec::new() }
    }

    pub(super) fn assignment(&mut self, worker: u64) -> Option<&mut Assignment> {
        self.assignments.iter_mut().find(|assignment| assignment.worker == worker)
    }

    /// How far the segment is written without a gap: up to the first byte that is still being written.
    pub(super) fn written_to(&self) -> u64 {
        let in_flight = self.assignments.iter().filter_map(|assignment| assignment.in_flight);
        in_flight.map(ByteRange::start).min().unwrap_or(self.front)
    }

    /// Time without a byte.
    pub(super) fn silent(&self, now: Instant) -> Duration {
        self.assignments.iter().map(|assignment| assignment.speed.silent(now)).min().unwrap_or_default()
    }

    /// The other workers have nothing to do here any more.
    pub(super) fn cancel_others(&self, worker: u64) {
        self.assignments
            .iter()
            .filter(|assignment| assignment.worker != worker)
            .for_each(|assignment| assignment.leave.cancel());
    }
}

impl Assignment {
    pub(super) fn new(worker: u64, haul: Arc<Haul>, leave: CancellationToken, now: Instant) -> Self {
        Self {
            worker,
            haul,
            answered: None,
            leave,
            in_flight: None,
            moved: 0,
            speed: Speed::new(now),
            came: now,
            is_paying: false,
        }
    }

    pub(super) fn sample(&mut self, now: Instant) {
        if self.is_answered() {
            self.speed.sample(now, self.moved);
        }
        if self.is_paying {
            self.speed.excuse(now);
        }
    }

    /// The server has answered: the connection's speed counts from now on.
    pub(super) fn answered(&mut self, now: Instant) {
        if !self.is_answered() {
            self.answered = Some((now, self.haul.count()));
            self.speed = Speed::new(now);
        }
    }

    /// Time since the server has answered its request.
    pub(super) fn flows(&self, now: Instant) -> Duration {
        self.answered.map_or(Duration::ZERO, |(at, _)| now.saturating_duration_since(at))
    }

    /// True where the server has answered its request.
    pub(super) fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    pub(super) fn rate(&self) -> Option<f64> {
        if self.is_answered() { self.speed.rate() } else { None }
    }
}
