//! Changes that may be made to a job that exists.

use ropeway_model::{ByteRate, ConnectionChoice, Digest, Priority, Timestamp};

/// What to change about a job; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Its own limit; `Some(None)` takes it away.
    pub rate_limit: Option<Option<ByteRate>>,
    /// Its connections; `Some(None)` is automatic. Takes effect at the next attempt.
    pub connections: Option<Option<ConnectionChoice>>,
    /// Its urgency.
    pub priority: Option<Priority>,
    /// The moment before which it is not started; `Some(None)` lets it start.
    pub start_at: Option<Option<Timestamp>>,
    /// Checksum that the finished file must have. Nothing takes none for given. A job that failed for another checksum
    /// is tried again.
    pub checksums: Option<Vec<Digest>>,
}
