//! One try at an upload: open the source, send its parts, prove that it did not change meanwhile.

mod body;

use std::{path::Path, sync::Arc};

use ropeway_drivers::{Close, Driver, DriverError, Part, PartReceipt, Session, SourceMeta};
use ropeway_model::{Algorithm, Digest, Failure, FailureCode, Step, Transfer, UploadTarget};
use ropeway_store::Verification;

use crate::{
    attempt::{Attempt, Finished, Stop},
    checksum::Hasher,
    config::DigestPolicy,
    disk::{DiskError, SourceFile, SourceStamp},
};

/// A file of unknown fate: the source, with what it was when the upload began.
struct Source {
    file: Arc<dyn SourceFile>,
    stamp: SourceStamp,
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
    let (receipts, digest) = sent?;
    attempt.step(Step::Transferred);
    let verification = verify(attempt, &receipts, digest.as_ref())?;
    attempt.progress.set_durable(source.stamp.length);
    Ok(Finished { path: from.clone(), digest, verification })
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
) -> Result<(Vec<PartReceipt>, Option<Digest>), Stop> {
    let Some(upload) = driver.upload() else {
        return Err(Stop::failed(FailureCode::SchemeUnsupported, format!("{to} cannot be uploaded to")));
    };
    let context = attempt.context();
    let session = stoppable(attempt, upload.open(&context, to, &source.meta, None)).await?;
    attempt.step(Step::Probed);
    attempt.log(format!("sending {} bytes to {}", source.meta.length, session.url));
    let receipt = stoppable(attempt, send_whole(attempt, upload, &context, &session, source)).await;
    match receipt {
        Ok((receipt, digest)) => {
            let receipts = vec![receipt];
            stoppable(attempt, upload.close(&context, session, Close::Commit(receipts.clone()))).await?;
            Ok((receipts, digest))
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
) -> Result<(PartReceipt, Option<Digest>), DriverError> {
    let _connected = attempt.progress.connected();
    let part = Part { number: 0, offset: 0, length: source.stamp.length };
    let is_hashed = attempt.engine.digests == DigestPolicy::EveryFile || attempt.spec.checksum.is_some();
    let (body, digest) = body::stream(attempt, &source.file, part, is_hashed.then(|| Hasher::new(Algorithm::Sha256)));
    let receipt = upload.send(context, session, part, body).await?;
    Ok((receipt, digest.lock().take()))
}

/// Ends a request at once when the job is stopped.
async fn stoppable<T>(attempt: &Attempt, request: impl Future<Output = Result<T, DriverError>>) -> Result<T, Stop> {
    tokio::select! {
        result = request => result.map_err(Stop::from),
        () = attempt.cancel.cancelled() => Err(Stop::Wished),
    }
}

fn verify(attempt: &Attempt, receipts: &[PartReceipt], digest: Option<&Digest>) -> Result<Verification, Stop> {
    let of_server = receipts.iter().find_map(|receipt| receipt.digest.as_ref());
    if let (Some(given), Some(digest)) = (&attempt.spec.checksum, digest)
        && given != digest
    {
        return Err(mismatch(format!("the file's checksum is {digest}, you gave {given}")));
    }
    match (of_server, digest) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            Err(mismatch(format!("the server stored {theirs}, the file is {ours}")))
        }
        (Some(_), Some(_)) => Ok(Verification::ChecksumOfServer),
        _ => Ok(Verification::Length),
    }
}

fn mismatch(message: String) -> Stop {
    let code = FailureCode::DigestMismatch;
    Stop::Failed { failure: Failure::new(code, message), retry: code.retry() }
}
