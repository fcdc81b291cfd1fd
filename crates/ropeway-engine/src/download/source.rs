//! Where a try begins and how it ends without the whole file.

use std::{path::PathBuf, sync::Arc};

use ropeway_drivers::{ByteStream, Driver};
use ropeway_flow::disk::PartFile;
use ropeway_model::{ByteRange, Digest, HashedPrefix, SafeUrl, SegmentMap, Validation, Validator};

use super::{range_support::FirstAnswer, seam::Promises};
use crate::{
    attempt::{Finished, Stop},
    blocks::Ledger,
};

/// A remote file with the part file it goes into.
pub(super) struct Source {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) url: SafeUrl,
    pub(super) validator: Validator,
    /// The digest the server announced.
    pub(super) announced: Option<Digest>,
    pub(super) part: Arc<dyn PartFile>,
    pub(super) part_path: PathBuf,
    /// Map of what is in place.
    pub(super) map: SegmentMap,
    /// Bytes of it that are to come again, behind what fills the hole before them.
    pub(super) reopened: Vec<ByteRange>,
    /// What showed that the bytes on disk belong to this version, where its answers do not say so themselves.
    pub(super) proved: Option<Validation>,
    /// Which blocks have a recorded digest; `None` where none is kept.
    pub(super) ledger: Option<Ledger>,
    /// Bytes that have to be written at some places.
    pub(super) promises: Promises,
    /// First answer of this try, with what it told of the way.
    pub(super) first: Option<FirstAnswer>,
    /// Prefix whose digests an earlier try computed.
    pub(super) hashed: Option<HashedPrefix>,
    /// Bytes of `map` that no checkpoint in the store has.
    pub(super) unsynced: u64,
    /// `true` if an earlier try had begun a part file.
    pub(super) had_begun: bool,
}

/// Where a try begins.
pub(super) enum Begin {
    /// With bytes to fetch; a first try has the body of its request, from byte 0.
    Source(Box<Source>, Option<ByteStream>),
    /// At its end: an earlier process published the file and could not say so.
    Published(Finished),
    /// At its end, and the job's phase says so: the file was saved in one piece.
    Saved(Finished),
}

/// End of fetching without the whole file.
pub(super) enum FetchExit {
    /// The try is over.
    Stop(Stop),
    /// What is on disk is of no use: begin again at byte 0.
    Restart { reason: String, because: RestartReason },
    /// Some bytes are wrong, which `map` has as missing and `ledger` has forgotten.
    Damaged { map: SegmentMap, ledger: Option<Ledger> },
}

/// Why a file begins again at byte 0.
#[derive(Debug)]
pub(super) enum RestartReason {
    /// The server sends the whole file whatever part of it is asked for.
    Unranged,
    /// An answer is of another version, as this says.
    Changed(Box<Validator>),
    /// What came shows it.
    Other,
}

impl<T: Into<Stop>> From<T> for FetchExit {
    fn from(stop: T) -> Self {
        Self::Stop(stop.into())
    }
}
