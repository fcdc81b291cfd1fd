//! When a try holds one of the places for running jobs.

use ropeway_model::{Phase, Step};

use super::Attempt;
use crate::table::advance;

impl Attempt {
    /// All bytes of a download have come. What is left of the try needs no connection, and the next job may have the
    /// place.
    pub(crate) fn land(&self) {
        self.update(|entry| {
            if entry.phase == Phase::Probing {
                advance(entry, Step::Probed);
            }
            advance(entry, Step::Transferred);
        });
        self.host_session.leave();
        self.engine.wake.notify_one();
    }

    /// Goes back to the first request, in one move. A job that is queued for a moment would be started a second time.
    pub(crate) fn start_again(&self) {
        self.update(|entry| {
            advance(entry, Step::Recover);
            advance(entry, Step::Start);
        });
    }
}
