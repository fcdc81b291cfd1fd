//! What may be changed about a job that exists.

use ropeway_model::{ByteRate, Connections, Priority};

/// What to change about a job; `None` leaves a thing as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Its own limit; `Some(None)` takes it away.
    pub rate_limit: Option<Option<ByteRate>>,
    /// Its connections; `Some(None)` is automatic. Takes effect at the next attempt.
    pub connections: Option<Option<Connections>>,
    /// Its urgency.
    pub priority: Option<Priority>,
}
