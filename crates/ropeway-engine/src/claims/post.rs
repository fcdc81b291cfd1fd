//! A segment that is being fetched, and by whom.

use std::time::Duration;

use ropeway_model::ByteRange;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::speed::Speed;

/// The workers at one segment: one, or in the end game two.
#[derive(Debug)]
pub(super) struct Post {
    /// Offset of the first byte that nobody has written and nobody is writing.
    pub(super) front: u64,
    pub(super) holds: Vec<Hold>,
}

/// One worker at a segment.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) worker: u64,
    /// Sends the worker away from this segment, and no further.
    pub(super) leave: CancellationToken,
    /// What it is writing at this moment.
    pub(super) in_flight: Option<ByteRange>,
    pub(super) moved: u64,
    pub(super) speed: Speed,
    /// When it came.
    pub(super) came: Instant,
    /// Whether the server has answered its request.
    pub(super) is_answered: bool,
    /// Whether it waits for our own throttle.
    pub(super) is_paying: bool,
}

impl Post {
    pub(super) fn new(front: u64) -> Self {
        Self { front, holds: Vec::new() }
    }

    pub(super) fn hold(&mut self, worker: u64) -> Option<&mut Hold> {
        self.holds.iter_mut().find(|hold| hold.worker == worker)
    }

    /// How far the segment is written without a gap: up to the first byte that is still being written.
    pub(super) fn written_to(&self) -> u64 {
        let in_flight = self.holds.iter().filter_map(|hold| hold.in_flight);
        in_flight.map(ByteRange::start).min().unwrap_or(self.front)
    }

    /// The speed of its fastest worker, in bytes a second.
    pub(super) fn rate(&self) -> Option<f64> {
        self.holds.iter().filter_map(Hold::rate).max_by(f64::total_cmp)
    }

    /// How long it has been without a byte.
    pub(super) fn silent(&self, now: Instant) -> Duration {
        self.holds.iter().map(|hold| hold.speed.silent(now)).min().unwrap_or_default()
    }

    /// The other workers have nothing to do here any more.
    pub(super) fn dismiss_others(&self, worker: u64) {
        self.holds.iter().filter(|hold| hold.worker != worker).for_each(|hold| hold.leave.cancel());
    }
}

impl Hold {
    pub(super) fn new(worker: u64, leave: CancellationToken, now: Instant) -> Self {
        Self {
            worker,
            leave,
            in_flight: None,
            moved: 0,
            speed: Speed::new(now),
            came: now,
            is_answered: false,
            is_paying: false,
        }
    }

    pub(super) fn sample(&mut self, now: Instant) {
        if self.is_answered {
            self.speed.sample(now, self.moved);
        }
        if self.is_paying {
            self.speed.excuse(now);
        }
    }

    /// The server has answered: the connection's speed counts from now on.
    pub(super) fn answered(&mut self, now: Instant) {
        if !self.is_answered {
            self.is_answered = true;
            self.speed = Speed::new(now);
        }
    }

    pub(super) fn rate(&self) -> Option<f64> {
        if self.is_answered { self.speed.rate() } else { None }
    }
}
