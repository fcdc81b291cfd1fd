//! One try at an upload: open the source, send its parts, prove that it did not change meanwhile.

mod body;

use std::{path::Path, sync::Arc};

use ropeway_drivers::{Close, Driver, DriverError, Part, PartReceipt, Session, SourceMeta};
use ropeway_model::{Algorithm, Digest, FailureCode, JobSpec, Step, Transfer, UploadTarget};
use ropeway_store::Verification;

use crate::{
    attempt::{Attempt, Finished, Stop},
    checksum::Hashers,
    config::DigestPolicy,
    disk::{DiskError, FileStamp, SourceFile},
};

/// A file of unknown fate: the source, with what it was when the upload began.
struct Source {
    file: Arc<dyn SourceFile>,
    stamp: FileStamp,
    meta: SourceMeta,
}

/// Runs one try.
pub(crate) async fn run(attempt: &Attempt) -> Result<Finished, Stop> {
    let Transfer::Upload { from, to } = &attempt.spec.transfer else {
        return Err(Stop::failed(FailureCode::Internal, "a download was run as an upload"));
    };
    let source = open(attempt, from)?;
    attempt.progress.set_length(Some(source.stamp.length));
    attempt.progress.restart_at(0);
    let driver = attempt.engine.drivers.for_upload(to);
    let sent = send(attempt, &*driver, to, &source).await;
    if source.file.stamp()? != source.stamp {
        return Err(Stop::failed(
            FailureCode::SourceChanged,
            format!("{} changed while it was being sent", from.display()),
        ));
    }
    let (receipts, digests) = sent?;
    attempt.step(Step::Transferred);
    let verification = verify(attempt, &receipts, &digests)?;
    attempt.progress.set_durable(source.stamp.length);
    Ok(Finished { path: from.clone(), digest: digests.into_iter().next(), verification })
}

fn open(attempt: &Attempt, from: &Path) -> Result<Source, Stop> {
    let opened = attempt.engine.disk.open_source(from).and_then(|file| Ok((file.stamp()?, file)));
    let (stamp, file) = opened.map_err(|error| match error {
        DiskError::Missing { .. } => Stop::failed(FailureCode::SourceMissing, error.to_string()),
        other => other.into(),
    })?;
    let meta = SourceMeta { name: Transfer::upload_name(from), length: stamp.length };
    Ok(Source { file, stamp, meta })
}

async fn send(
    attempt: &Attempt,
    driver: &dyn Driver,
    to: &UploadTarget,
    source: &Source,
) -> Result<(Vec<PartReceipt>, Vec<Digest>), Stop> {
    let Some(upload) = driver.upload() else {
        return Err(Stop::failed(FailureCode::SchemeUnsupported, format!("{to} cannot be uploaded to")));
    };
    let context = attempt.context();
    let session = stoppable(attempt, upload.open(&context, to, &source.meta, None)).await?;
    attempt.step(Step::Probed);
    attempt.log(format!("sending {} bytes to {}", source.meta.length, session.url));
    let receipt = stoppable(attempt, send_whole(attempt, upload, &context, &session, source)).await;
    match receipt {
        Ok((receipt, digests)) => {
            let receipts = vec![receipt];
            stoppable(attempt, upload.close(&context, session, Close::Commit(receipts.clone()))).await?;
            Ok((receipts, digests))
        }
        Err(stop) => {
            attempt.progress.restart_at(0);
            Err(stop)
        }
    }
}

/// Sends the source as one part.
async fn send_whole(
    attempt: &Attempt,
    upload: &dyn ropeway_drivers::Upload,
    context: &ropeway_drivers::Context,
    session: &Session,
    source: &Source,
) -> Result<(PartReceipt, Vec<Digest>), DriverError> {
    let _connected = attempt.progress.connected();
    let part = Part { number: 0, offset: 0, length: source.stamp.length };
    let hashers = Hashers::new(&algorithms(&attempt.spec, attempt.engine.digests));
    let (body, digests) = body::stream(attempt, &source.file, part, hashers);
    let receipt = upload.send(context, session, part, body).await?;
    let digests = std::mem::take(&mut *digests.lock());
    Ok((receipt, digests))
}

/// The digests to take, the one to show first. Servers answer with a SHA-256 where they answer with one at all, so it is
/// among them wherever a digest is taken.
fn algorithms(spec: &JobSpec, policy: DigestPolicy) -> Vec<Algorithm> {
    let mut wanted: Vec<_> =
        [spec.digest, spec.checksum.as_ref().map(Digest::algorithm)].into_iter().flatten().collect();
    if !wanted.is_empty() || policy == DigestPolicy::EveryFile {
        wanted.push(Algorithm::Sha256);
    }
    let mut seen = Vec::with_capacity(wanted.len());
    wanted.retain(|algorithm| {
        !seen.contains(algorithm) && {
            seen.push(*algorithm);
            true
        }
    });
    wanted
}

/// Ends a request at once when the job is stopped.
async fn stoppable<T>(attempt: &Attempt, request: impl Future<Output = Result<T, DriverError>>) -> Result<T, Stop> {
    tokio::select! {
        biased;
        () = attempt.cancel.cancelled() => Err(Stop::Wished),
        result = request => result.map_err(Stop::from),
    }
}

fn verify(attempt: &Attempt, receipts: &[PartReceipt], digests: &[Digest]) -> Result<Verification, Stop> {
    let like = |theirs: &Digest| digests.iter().find(|ours| ours.algorithm() == theirs.algorithm());
    if let Some(given) = &attempt.spec.checksum
        && let Some(ours) = like(given)
        && given != ours
    {
        return Err(mismatch(format!("the file's checksum is {ours}, you gave {given}")));
    }
    let of_server = receipts.iter().find_map(|receipt| receipt.digest.as_ref());
    match of_server.and_then(|theirs| Some((theirs, like(theirs)?))) {
        Some((theirs, ours)) if theirs != ours => {
            Err(mismatch(format!("the server stored {theirs}, the file is {ours}")))
        }
        Some(_) => Ok(Verification::ChecksumOfServer),
        None => Ok(Verification::Length),
    }
}

fn mismatch(message: String) -> Stop {
    Stop::failed(FailureCode::DigestMismatch, message)
}
