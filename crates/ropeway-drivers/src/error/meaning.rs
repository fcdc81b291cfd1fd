//! Meaning of an error for the transfer, whatever the protocol.

use ropeway_model::Retry;

use super::DriverError;

/// Meaning of an error, as far as a transfer acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The address leads to no file: no access, nothing there, or an answer without one.
    NoFile,
    /// The request has more bytes than the server takes in one.
    TooLarge,
    /// The server has another number of bytes than was told: it is to be asked again.
    OffsetMoved,
    /// The server has forgotten the upload: it begins anew.
    SessionLost,
    /// The bytes came damaged: they are sent again.
    Damaged,
    /// Nothing beside its failure.
    Other,
}

impl DriverError {
    /// Meaning for the transfer.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::Status { status: 401 | 403 | 404 | 410, .. } | Self::NoContent { .. }
                if self.retry() == Retry::Never =>
            {
                Meaning::NoFile
            }
            Self::Status { status: 413, .. } => Meaning::TooLarge,
            Self::OffsetMoved { .. } => Meaning::OffsetMoved,
            Self::SessionLost { .. } => Meaning::SessionLost,
            Self::DamagedOnTheWay { .. } => Meaning::Damaged,
            _ => Meaning::Other,
        }
    }
}
