//! The note that an upload's last bytes are about to be sent.

use std::io;

use ropeway_model::{Failure, FailureCode, Phase};
use ropeway_store::JobChange;

use super::ending::Ending;
use crate::{attempt::Attempt, journal::Journal};

/// A note that the last bytes are about to be sent. For an upload that must not be sent twice it is durable before they
/// are: whatever ends the process or the try from then on, the job is not taken up again by itself.
#[derive(Clone, Debug)]
pub(super) struct LastBytes {
    journal: Journal,
    record: Option<JobChange>,
    ending: Ending,
}

impl LastBytes {
    /// Note of a try, recorded where only the user may repeat it.
    pub(super) fn of(attempt: &Attempt, ending: &Ending, is_recorded: bool) -> Self {
        let record = is_recorded.then(|| {
            let mut record = attempt.change(None);
            record.phase = Some(Phase::Failed { failure: unconfirmed() });
            record
        });
        Self { journal: attempt.engine.journal.clone(), record, ending: ending.clone() }
    }

    /// Takes the note.
    pub(super) async fn tell(self) -> io::Result<()> {
        if let Some(record) = self.record {
            self.journal.save(record).wait().await.map_err(io::Error::other)?;
        }
        self.ending.last_bytes();
        Ok(())
    }
}

/// Why a job stops that may have been carried out.
pub(super) fn unconfirmed() -> Failure {
    Failure::new(FailureCode::Unconfirmed, "the file was sent whole, and the try ended before the server had answered")
}
