//! What a finished download is proved with: which digests are taken of it, and what they are held against.

use std::{fmt, path::Path};

use ropeway_model::{Algorithm, Digest, Failure, FailureCode, JobSpec, counted};
use ropeway_store::{BlockChange, JobChange, Verification};

use super::source::Source;
use crate::{
    attempt::{Attempt, Stop},
    config::{DigestPolicy, Scope},
    table::Entry,
};

/// Digests to take, the one to show first. They are what the user asked for, what there is to compare with, else what
/// the policy says. None for a file that nobody asked one of.
pub(super) fn algorithms(spec: &JobSpec, announced: Option<&Digest>, policy: DigestPolicy) -> Vec<Algorithm> {
    let mut wanted: Vec<Algorithm> = Vec::new();
    let expected = spec.checksums().chain(announced).map(Digest::algorithm);
    for algorithm in spec.digest.into_iter().chain(expected) {
        if !wanted.contains(&algorithm) {
            wanted.push(algorithm);
        }
    }
    if wanted.is_empty() && policy == DigestPolicy::EveryFile {
        wanted.push(Algorithm::Sha256);
    }
    wanted
}

/// Holds the file's length against what a Metalink says of it.
///
/// # Errors
/// [`FailureCode::LengthMismatch`] if it is another one.
pub(super) fn has_length(spec: &JobSpec, length: u64) -> Result<(), Stop> {
    match spec.length.filter(|expected| *expected != length) {
        None => Ok(()),
        Some(expected) => {
            let message = format!("the file has {}, the Metalink says {expected}", counted(length, "byte"));
            Err(Stop::failed(FailureCode::LengthMismatch, message))
        }
    }
}

/// Holds the digests of the finished file against what it must have.
///
/// # Errors
/// [`Mismatch`] where it does not.
pub(super) fn verify<'a>(
    attempt: &'a Attempt,
    source: &'a Source,
    digests: &'a [Digest],
) -> Result<Verification, Mismatch<'a>> {
    let unchecked = if source.validator.length.is_some() { Verification::Length } else { Verification::Unverified };
    Ok(hold(digests, source.announced.as_ref(), &attempt.spec)?.unwrap_or(unchecked))
}

/// A file that is not what it must be.
#[derive(Debug, thiserror::Error)]
#[error("the file's checksum is {digest}, {whose} {expected}")]
pub(super) struct Mismatch<'a> {
    pub(super) digest: &'a Digest,
    whose: &'static str,
    expected: &'a Digest,
}

/// Holds digests against the one that the server `announced` and those that the user has given with `spec`; `None` where
/// there is nothing to compare.
pub(super) fn hold<'a>(
    digests: &'a [Digest],
    announced: Option<&'a Digest>,
    spec: &'a JobSpec,
) -> Result<Option<Verification>, Mismatch<'a>> {
    let mut proof = None;
    // The user's word is the last, so it is the proof that is shown.
    let announced = announced.map(|digest| (digest, Verification::ChecksumOfServer, "the server announced"));
    let given = spec.checksums().map(|digest| (digest, Verification::ChecksumGiven, "you gave"));
    for (expected, verification, whose) in announced.into_iter().chain(given) {
        let Some(digest) = digests.iter().find(|digest| digest.algorithm() == expected.algorithm()) else { continue };
        if expected != digest {
            return Err(Mismatch { digest, whose, expected });
        }
        proof = Some(verification);
    }
    Ok(proof)
}

/// The change by which nothing of what is here counts for the file any more.
pub(super) fn forgotten(attempt: &Attempt) -> JobChange {
    let mut change = attempt.change(None);
    change.segments = Some(None);
    change.blocks = Some(BlockChange::Replace(Vec::new()));
    change.part_file = Some(None);
    change.durable = Some(0);
    attempt.progress.set_durable(0);
    change
}

/// The failure of a file that is not what it must be. The wrong bytes stay under the part file's name, and no retry builds
/// on them, unless what the user gave is another one then: for that, `whole` is kept with the job.
pub(super) async fn give_up(
    attempt: &Attempt,
    source: &Source,
    mismatch: &Mismatch<'_>,
    whole: JobChange,
) -> Result<Stop, Stop> {
    if attempt.spec.checksum.is_none() {
        attempt.engine.journal.note(forgotten(attempt));
        // A single command leaves nothing behind that no later one would go on with.
        let is_kept = attempt.engine.scope == Scope::Queue;
        let what = if is_kept { told(mismatch, &source.part_path.display()) } else { mismatch.to_string() };
        return Ok(Stop::failed(FailureCode::DigestMismatch, what));
    }
    let stop = Stop::failed(FailureCode::DigestMismatch, told(mismatch, &source.part_path.display()));
    // Whoever follows the job is to know that it has something.
    whole.durable.into_iter().for_each(|durable| attempt.progress.set_durable(durable));
    let digest = Some(mismatch.digest.clone());
    attempt.save(JobChange { digest: Some(digest.clone()), ..whole }).await?;
    attempt.update(|entry| entry.state.digest = digest);
    Ok(stop)
}

/// The failure of a job whose whole file is here and, as was found, has none of the checksums of `spec` either; `None` where
/// that is yet to be compared.
pub(crate) fn contradicted(entry: &Entry, spec: &JobSpec) -> Option<Failure> {
    let digests = [entry.state.digest.clone()?];
    let announced = entry.remote.as_ref().and_then(|remote| remote.digest.as_ref());
    let mismatch = hold(&digests, announced, spec).err()?;
    let part = entry.state.part_path.as_deref().unwrap_or(Path::new("")).display();
    Some(Failure::new(FailureCode::DigestMismatch, told(&mismatch, &part)))
}

fn told(mismatch: &Mismatch<'_>, kept: &dyn fmt::Display) -> String {
    format!("{mismatch}; what came is kept as {kept}")
}

/// Whether the whole file that is here was found not to be what it must be, and nothing else is given since.
pub(super) fn is_disproved(attempt: &Attempt, announced: Option<&Digest>) -> Result<bool, Stop> {
    let digest = attempt.look(|entry| entry.state.digest.clone())?;
    Ok(digest.is_some_and(|digest| hold(&[digest], announced, &attempt.spec).is_err()))
}

#[cfg(test)]
mod tests {
    use ropeway_model::Transfer;

    use super::*;

    #[test]
    fn the_digests_that_are_asked_for_are_taken_once_each_and_sha_256_only_by_policy() {
        use Algorithm::{Blake3, Md5, Sha256, Sha512};
        let digest = |algorithm: Algorithm| Digest::from_bytes(algorithm, &vec![0; algorithm.digest_len()]);
        let from = "https://example.org/a".parse().unwrap();
        let plain = JobSpec::new(Transfer::Download { from, into: "/d".into(), name: None });
        for (asked, given, announced, every, once) in [
            (None, None, None, vec![Sha256], vec![]),
            (None, Some(Md5), None, vec![Md5], vec![Md5]),
            (Some(Blake3), None, None, vec![Blake3], vec![Blake3]),
            (None, None, Some(Sha512), vec![Sha512], vec![Sha512]),
            (Some(Sha256), Some(Md5), Some(Md5), vec![Sha256, Md5], vec![Sha256, Md5]),
            (Some(Sha256), Some(Sha512), Some(Md5), vec![Sha256, Sha512, Md5], vec![Sha256, Sha512, Md5]),
        ] {
            let spec = JobSpec { digest: asked, checksum: given.and_then(digest), ..plain.clone() };
            let announced = announced.and_then(digest);
            assert_eq!(algorithms(&spec, announced.as_ref(), DigestPolicy::EveryFile), every);
            assert_eq!(algorithms(&spec, announced.as_ref(), DigestPolicy::WhereGiven), once);
        }
    }
}
