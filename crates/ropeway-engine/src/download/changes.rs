//! File that is another one again and again. It is chased for so long and no longer, over all tries.

use ropeway_model::{Failure, FailureCode, Retry};

use crate::attempt::{Attempt, Stop};

/// A file that is another one so often before it is whole is given up. Two versions by turns are told from a file that was
/// replaced once or twice; more tries would only take longer to end in the same way.
const MOST_CHANGES: u32 = 6;

/// Takes note that the file begins again at byte 0, since what comes does not continue what is here.
///
/// # Errors
/// [`FailureCode::BadResponse`], for good, where that was so too often. The user may have it tried again.
pub(super) fn note(attempt: &Attempt) -> Result<(), Stop> {
    let mut times = 0;
    attempt.update(|entry| {
        entry.state.restarts += 1;
        times = entry.state.restarts;
    });
    if times <= MOST_CHANGES { Ok(()) } else { Err(too_often(attempt)) }
}

/// Whether the file has changed more than once, in this try or those before. It is more often one whose servers do not
/// agree on it: a single answer is of one version, whatever that is called.
pub(super) fn is_unsteady(attempt: &Attempt) -> Result<bool, Stop> {
    attempt.look(|entry| entry.state.restarts > 1)
}

/// What a file fails with that is never the same for long enough.
pub(super) fn too_often(attempt: &Attempt) -> Stop {
    let message = format!("{} gives another version again and again before one is whole", attempt.spec.host());
    Stop::Failed { failure: Failure::new(FailureCode::BadResponse, message), retry: Retry::Never, at: None }
}
