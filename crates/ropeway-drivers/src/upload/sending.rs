//! Turns while a body is sent. One is the source's, the network's, or the server's to answer.

use std::{io, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::{DriverError, Patience};

/// Longest wait for the network to take the next chunk. A rate limit of our own does not count: the source waits then.
const STALL_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest wait for the answer once the last byte was handed over. What the system still has in its buffers goes out
/// within it even on a slow line, and the server may have to check or copy the file first.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15 * 60);

fn stall_timeout() -> Duration {
    Patience::chosen().silence.unwrap_or(STALL_TIMEOUT)
}

fn answer_timeout() -> Duration {
    Patience::chosen().silence.unwrap_or(ANSWER_TIMEOUT)
}

/// State of a body that was handed over for sending. The body shares it with whoever waits for the answer.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    turn: Mutex<Turn>,
    failure: Mutex<Option<io::Error>>,
}

#[derive(Clone, Copy, Debug)]
enum Turn {
    Source,
    Network { since: Instant },
    Server { since: Instant },
}

impl Default for Sending {
    fn default() -> Self {
        let turn = Mutex::new(Turn::Network { since: Instant::now() });
        Self { shared: Arc::new(Shared { turn, failure: Mutex::default() }) }
    }
}

impl Sending {
    pub(super) fn waits_for_source(&self) {
        *self.shared.turn.lock() = Turn::Source;
    }

    pub(super) fn handed_over(&self, was_the_last: bool) {
        let since = Instant::now();
        *self.shared.turn.lock() = if was_the_last { Turn::Server { since } } else { Turn::Network { since } };
    }

    pub(super) fn failed(&self, error: io::Error) {
        *self.shared.failure.lock() = Some(error);
    }

    /// True where the last byte was handed over.
    pub(crate) fn has_finished(&self) -> bool {
        matches!(*self.shared.turn.lock(), Turn::Server { .. })
    }

    /// Error of the source. It goes before whatever the network made of it.
    pub(super) fn failure(&self) -> Option<DriverError> {
        self.shared.failure.lock().take().map(DriverError::Body)
    }

    /// Ends once the network or the server takes too long. Tells which one and how long that was.
    pub(super) async fn overdue(&self) -> (crate::Turn, Duration) {
        loop {
            let turn = *self.shared.turn.lock();
            let (since, patience, whose) = match turn {
                Turn::Source => (Instant::now(), stall_timeout(), None),
                Turn::Network { since } => (since, stall_timeout(), Some(crate::Turn::Take)),
                Turn::Server { since } => (since, answer_timeout(), Some(crate::Turn::Answer)),
            };
            if let Some(whose) = whose.filter(|_| since.elapsed() >= patience) {
                return (whose, patience);
            }
            sleep_until(since + patience).await;
        }
    }
}
