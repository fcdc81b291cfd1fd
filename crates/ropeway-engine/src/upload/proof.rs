//! Proof of the file at the server. What the server says of it stands against what was read here.

use std::io;

use ropeway_drivers::{DriverError, Evidence, Receipt, Session, Stored};
use ropeway_flow::{digest::Hasher, disk::DiskError};
use ropeway_model::{Algorithm, Digest, FailureCode, SafeUrl, counted};
use ropeway_store::Verification;
use tokio_util::sync::CancellationToken;

use super::source::{self, Source};
use crate::attempt::{Attempt, Stop};

/// Read at a time.
const BLOCK: usize = 1 << 20;

/// The digests of a source. Those that were taken while it was sent, and those that somebody asked for later.
pub(super) struct Proof<'a> {
    attempt: &'a Attempt,
    cancel: &'a CancellationToken,
    source: &'a Source,
    digests: Vec<Digest>,
}

/// What came of a comparison.
enum Compared {
    /// One digest is equal, and none differs.
    Same,
    /// They are of other bytes.
    Differs { theirs: Digest, ours: Digest },
    /// There is nothing to compare with.
    Unknown,
}

impl<'a> Proof<'a> {
    pub(super) const fn of(attempt: &'a Attempt, source: &'a Source, cancel: &'a CancellationToken) -> Self {
        Self { attempt, cancel, source, digests: Vec::new() }
    }

    /// Takes in what was taken while the file was sent.
    ///
    /// # Errors
    /// [`FailureCode::SourceChanged`] if it is another one than before.
    pub(super) fn take(&mut self, digests: Vec<Digest>) -> Result<(), Stop> {
        for digest in digests {
            match self.known(digest.algorithm()) {
                Some(before) if *before != digest => {
                    let message = format!("the file had the checksum {before} and was sent with {digest}");
                    return Err(Stop::failed(FailureCode::SourceChanged, message));
                }
                Some(_) => {}
                None => self.digests.push(digest),
            }
        }
        Ok(())
    }

    /// Compares the source with the user's checksums, before anything is sent.
    pub(super) async fn compare_with_given(&mut self) -> Result<(), Stop> {
        for given in self.attempt.spec.checksums() {
            let ours = self.digest(given.algorithm()).await?;
            if ours != *given {
                let message = format!("the file's checksum is {ours}, you gave {given}; nothing was sent");
                return Err(Stop::failed(FailureCode::DigestMismatch, message));
            }
        }
        Ok(())
    }

    /// Takes the digests that are missing since an earlier try.
    pub(super) async fn complete(&mut self, algorithms: &[Algorithm]) -> Result<(), Stop> {
        for algorithm in algorithms {
            self.digest(*algorithm).await?;
        }
        Ok(())
    }

    /// Proves that the server has the file. Its own word on the answer counts, else what it says it has when it is
    /// asked.
    ///
    /// # Errors
    /// [`FailureCode::StoredDiffers`] if it says that it has something else.
    pub(super) async fn of_stored(
        &mut self,
        receipt: &Receipt,
        sent_to: &SafeUrl,
        asked: impl Future<Output = Option<Stored>>,
    ) -> Result<Verification, Stop> {
        let place = receipt.location.as_ref().map(ToString::to_string).unwrap_or_default();
        let differs = |what: String| {
            let message = format!("{what}: what lies at {place} now is not the file");
            Stop::failed(FailureCode::StoredDiffers, message)
        };
        match self.compare(&receipt.evidence, receipt.answer.as_deref()).await? {
            Compared::Same => return Ok(Verification::ChecksumOfServer),
            Compared::Differs { theirs, ours } => {
                return Err(differs(format!("the server stored {theirs}, the file is {ours}")));
            }
            Compared::Unknown => {}
        }
        let asked = self.cancel.run_until_cancelled(asked).await.ok_or(Stop::Interrupted)?;
        let (length, evidence) = match asked {
            None => return Ok(Verification::Unverified),
            // What takes files at one address and keeps them at another one has nothing there.
            Some(Stored::Nothing) if names_a_place_beside(receipt, sent_to) => return Ok(Verification::Unverified),
            Some(Stored::Nothing) => {
                let message = format!("the server took the file, and says now that nothing is at {sent_to}");
                return Err(Stop::failed(FailureCode::Unconfirmed, message));
            }
            Some(Stored::File { length, evidence }) => (length, evidence),
        };
        let sent = self.source.stamp.length;
        if let Some(length) = length.filter(|length| *length != sent) {
            return Err(differs(format!("the server has {} of {sent}", counted(length, "byte"))));
        }
        match self.compare(&evidence, None).await? {
            Compared::Same => Ok(Verification::ChecksumOfServer),
            Compared::Differs { theirs, ours } => Err(differs(format!("the server has {theirs}, the file is {ours}"))),
            Compared::Unknown if length.is_some() => Ok(Verification::Length),
            Compared::Unknown => Ok(Verification::Unverified),
        }
    }

    /// True where the stored file is this one, sent earlier.
    pub(super) async fn is_there(&mut self, stored: Option<&Stored>) -> Result<bool, Stop> {
        let Some(Stored::File { length, evidence }) = stored else { return Ok(false) };
        let has_length = length.is_none_or(|length| length == self.source.stamp.length);
        Ok(has_length && matches!(self.compare(evidence, None).await?, Compared::Same))
    }

    /// The digest to show, if one was taken.
    pub(super) fn shown(self) -> Option<Digest> {
        self.digests.into_iter().next()
    }

    /// Compares the source with what a server says; `answer` is the body that came with it, which a digest may be of
    /// instead.
    async fn compare(&mut self, evidence: &[Evidence], answer: Option<&[u8]>) -> Result<Compared, Stop> {
        let mut outcome = Compared::Unknown;
        for said in evidence {
            let theirs = said.digest();
            let is_same = matches!(outcome, Compared::Same);
            match said {
                Evidence::Digest(theirs) if answer.is_some_and(|answer| is_of(theirs, answer)) => {}
                Evidence::PerhapsMd5(_) if is_same => {}
                Evidence::Digest(_) | Evidence::PerhapsMd5(_) => {
                    let ours = self.digest(theirs.algorithm()).await?;
                    match said {
                        _ if ours == *theirs => outcome = Compared::Same,
                        Evidence::Digest(theirs) => return Ok(Compared::Differs { theirs: theirs.clone(), ours }),
                        Evidence::PerhapsMd5(_) => {}
                    }
                }
            }
        }
        Ok(outcome)
    }

    fn known(&self, algorithm: Algorithm) -> Option<&Digest> {
        self.digests.iter().find(|digest| digest.algorithm() == algorithm)
    }

    /// The source's digest, for which it is read once more unless it was taken already: which one a server tells is
    /// known only once it has the file.
    async fn digest(&mut self, algorithm: Algorithm) -> Result<Digest, Stop> {
        if let Some(known) = self.known(algorithm) {
            return Ok(known.clone());
        }
        let (file, length, cancel) = (self.source.file.clone(), self.source.stamp.length, self.cancel.clone());
        let reading = self.attempt.engine.blocking.start(move || {
            let (mut hasher, mut block, mut offset) = (Hasher::new(algorithm), vec![0; BLOCK], 0);
            while offset < length {
                let count = if cancel.is_cancelled() { 0 } else { file.read_at(&mut block, offset)? };
                let Some(read) = block.get(..count).filter(|read| !read.is_empty()) else { return Ok(None) };
                hasher.update(read);
                offset += count as u64;
            }
            Ok(Some(hasher.finish()))
        });
        let read = reading.await.map_err(|panic| Stop::from(DriverError::Body(io::Error::other(panic))))?;
        let digest = match read.map_err(|error: DiskError| Stop::from(error))? {
            Some(digest) => digest,
            None if self.cancel.is_cancelled() => return Err(Stop::Interrupted),
            None => return Err(source::cut_short()),
        };
        self.digests.push(digest.clone());
        Ok(digest)
    }
}

/// Whether the answer to an upload names another address than the one it was sent to.
fn names_a_place_beside(receipt: &Receipt, sent_to: &SafeUrl) -> bool {
    let in_words = receipt.answer.as_ref().is_some_and(|answer| answer.windows(3).any(|octets| octets == b"://"));
    in_words || receipt.location.as_ref().is_some_and(|location| location != sent_to)
}

/// Whether the digest is that of these octets.
fn is_of(digest: &Digest, octets: &[u8]) -> bool {
    let mut hasher = Hasher::new(digest.algorithm());
    hasher.update(octets);
    hasher.finish() == *digest
}

/// Asks the server for the stored file, where that `is_wanted`.
pub(super) async fn ask(
    attempt: &Attempt,
    upload: &dyn ropeway_drivers::Upload,
    context: &ropeway_drivers::Context,
    session: &Session,
    is_wanted: bool,
) -> Option<Stored> {
    if !is_wanted {
        return None;
    }
    let stored = upload.stored(context, session).await;
    attempt.log(match &stored {
        Some(Stored::Nothing) => "the server says that nothing is there".to_owned(),
        Some(Stored::File { length: Some(length), .. }) => {
            format!("the server says that it has {}", counted(*length, "byte"))
        }
        _ => "the server does not say what it has".to_owned(),
    });
    stored
}
