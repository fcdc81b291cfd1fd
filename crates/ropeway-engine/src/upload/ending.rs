//! When a try at an upload ends that is asked to. Once its last bytes are out, not before they are answered, since
//! whoever goes on with it sends the whole file again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use ropeway_model::Wish;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::attempt::Attempt;

/// Longest wait for the answer to the last bytes of an upload that is paused. A server that stores what came answers
/// within it, and who paused is not kept waiting.
const LAST_ANSWER: Duration = Duration::from_secs(10);
/// A job is looked at this often meanwhile: it may be given up, which no token tells a second time.
const LOOK: Duration = Duration::from_millis(50);

/// The end of a try.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    /// Ends requests and readings of the try.
    pub(super) cancel: CancellationToken,
    /// Whether the last bytes are about to be sent, or have been.
    are_last_out: Arc<AtomicBool>,
}

impl Ending {
    /// Notes that the last bytes are about to be sent.
    pub(super) fn last_bytes(&self) {
        self.are_last_out.store(true, SeqCst);
    }

    pub(super) fn are_last_out(&self) -> bool {
        self.are_last_out.load(SeqCst)
    }

    /// Runs `work` to its end. Once the try is asked to end, it is told so at the right moment.
    pub(super) async fn of<T>(&self, attempt: &Attempt, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        tokio::select! {
            biased;
            outcome = &mut work => return outcome,
            () = self.is_due(attempt) => self.cancel.cancel(),
        }
        work.await
    }

    async fn is_due(&self, attempt: &Attempt) {
        attempt.cancel.cancelled().await;
        let latest = Instant::now() + LAST_ANSWER;
        let is_stopping = || attempt.engine.stopping.is_cancelled();
        while self.are_last_out() && !is_stopping() && !is_unwanted(attempt) && Instant::now() < latest {
            sleep(LOOK).await;
        }
    }
}

/// True where the user does not want the upload any more.
pub(super) fn is_unwanted(attempt: &Attempt) -> bool {
    attempt.look(|entry| entry.wish == Wish::Cancel).unwrap_or(true)
}
