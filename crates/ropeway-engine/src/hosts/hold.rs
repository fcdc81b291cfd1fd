//! What a server says with `Retry-After` is said to everybody: no job sends it a new request before.

use std::time::Duration;

use ropeway_drivers::DriverError;
use ropeway_model::{Failure, FailureCode, Retry};
use tokio::time::Instant;

use super::{HostKey, Hosts};
use crate::attempt::Stop;

/// Nobody is kept from a server for longer by what another one was told: a wrong header must not park a whole server.
const LONGEST_HOLD: Duration = Duration::from_secs(5 * 60);

/// A server that asked to be left alone, and for how long from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    host: HostKey,
    pub(crate) wait: Duration,
}

impl Held {
    /// What a job that waits for it shows.
    fn failure(&self) -> Failure {
        // Rounded up: a second too early is too early.
        let seconds = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        Failure::new(FailureCode::RateLimited, format!("{} asked not to be asked for {seconds} s more", self.host))
    }
}

impl From<Held> for Stop {
    fn from(held: Held) -> Self {
        Self::Failed { failure: held.failure(), retry: Retry::After(held.wait), at: Some(held.host) }
    }
}

impl Hosts {
    /// Whether a new request may be sent to the server now.
    ///
    /// # Errors
    /// [`Held`] while what the server said last with `Retry-After`, to whomever, is not over.
    pub(crate) fn welcome(&self, key: &HostKey) -> Result<(), Held> {
        match self.with(key, |host, now| host.held_until(now).map(|until| until - now)) {
            None => Ok(()),
            Some(wait) => Err(Held { host: key.clone(), wait }),
        }
    }

    /// Takes note of a refusal that says when to come back.
    pub(crate) fn heed(&self, error: &DriverError) {
        if let (DriverError::Status { url, .. }, Retry::After(after)) = (error, error.retry()) {
            self.hold(&HostKey::of(url), after);
        }
    }

    pub(super) fn hold(&self, key: &HostKey, after: Duration) {
        self.with(key, |host, now| {
            let until: Instant = now + after.min(LONGEST_HOLD);
            host.not_before = host.not_before.max(Some(until));
        });
    }
}
