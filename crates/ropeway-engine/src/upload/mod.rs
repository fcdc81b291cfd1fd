//! One try at an upload: open the source, send its parts, prove that it did not change meanwhile.

mod body;
mod ending;
mod proof;

use std::{path::Path, sync::Arc};

use ropeway_drivers::{Close, Context, DriverError, Part, PartReceipt, Session, SourceMeta, Upload};
use ropeway_flow::{
    digest::Hashers,
    disk::{DiskError, FileStamp, SourceFile},
};
use ropeway_model::{Algorithm, Digest, FailureCode, JobSpec, Retry, Step, Transfer, counted};
use ropeway_store::Verification;

use self::{body::LastBytes, ending::Ending, proof::Proof};

use crate::{
    attempt::{Attempt, Finished, Stop},
    config::{DigestPolicy, Scope},
    hosts::{HostKey, Outcome},
};

/// A file of unknown fate: the source, with what it was when the upload began.
struct Source {
    file: Arc<dyn SourceFile>,
    stamp: FileStamp,
    meta: SourceMeta,
}

/// Runs one try.
pub(crate) async fn run(attempt: &Attempt) -> Result<Finished, Stop> {
    let ending = Ending::default();
    ending.of(attempt, run_until(attempt, &ending)).await
}

async fn run_until(attempt: &Attempt, ending: &Ending) -> Result<Finished, Stop> {
    let Transfer::Upload { from, to } = &attempt.spec.transfer else {
        return Err(Stop::failed(FailureCode::Internal, "a download was run as an upload"));
    };
    let source = open(attempt, from).await?;
    attempt.progress.set_length(Some(source.stamp.length));
    attempt.progress.restart_at(0);
    let mut proof = Proof::of(attempt, &source, &ending.cancel);
    proof.compare_with_given().await?;
    let driver = attempt.engine.drivers.for_upload(to);
    let Some(upload) = driver.upload() else {
        return Err(Stop::failed(FailureCode::SchemeUnsupported, format!("{to} cannot be uploaded to")));
    };
    let context = Context { cancel: ending.cancel.clone(), ..attempt.context() };
    let session = stoppable(ending, upload.open(&context, to, &source.meta, None)).await??;
    attempt.step(Step::Probed);
    attempt.log(format!("sending {} to {}", counted(source.meta.length, "byte"), session.url));
    // What runs for one command is taken up by nobody but its user.
    let is_for_user = !upload.is_repeatable() && attempt.engine.scope == Scope::Queue;
    let last = LastBytes::of(attempt, ending, is_for_user);
    attempt.engine.hosts.welcome(&session.url)?;
    let sent = stoppable(ending, send(attempt, upload, &context, &session, &source, last)).await;
    let sent = sent.map_err(|stop| if is_for_user && ending.are_last_out() { unrepeatable() } else { stop })?;
    report(attempt, &HostKey::of(&session.url), sent.as_ref().err());
    let file = Arc::clone(&source.file);
    if attempt.on_disk(move |_| file.stamp()).await? != source.stamp {
        let message = format!("{} changed while it was being sent", from.display());
        return Err(Stop::failed(FailureCode::SourceChanged, message));
    }
    let is_asked = !to.options().unasked;
    let verification = match sent {
        Ok((receipt, digests)) => {
            attempt.step(Step::Transferred);
            if let Some(location) = receipt.location.as_ref().filter(|location| **location != session.url) {
                attempt.log(format!("the server keeps it at {location}"));
            }
            proof.take(digests)?;
            let asked = proof::ask(attempt, upload, &context, &session, is_asked);
            match proof.of_stored(&receipt, &session.url, asked).await {
                // It is at the server: to prove that, it would be sent once more.
                Err(Stop::Wished) if !ending::is_unwanted(attempt) => Verification::Unverified,
                proved => proved?,
            }
        }
        Err(error) => {
            attempt.progress.restart_at(0);
            excuse(attempt, upload, &context, &session, &mut proof, error).await?;
            attempt.step(Step::Transferred);
            attempt.progress.restart_at(source.stamp.length);
            Verification::ChecksumOfServer
        }
    };
    attempt.progress.set_durable(source.stamp.length);
    Ok(Finished { path: from.clone(), digest: proof.shown(), verification, stamp: None })
}

async fn open(attempt: &Attempt, from: &Path) -> Result<Source, Stop> {
    let path = from.to_owned();
    let opened = attempt.on_disk(move |disk| {
        let opened = disk.open_source(&path).and_then(|file| Ok((file.stamp()?, file)));
        let (stamp, file) = opened.map_err(|error| match error {
            DiskError::Missing { .. } => Stop::failed(FailureCode::SourceMissing, error.to_string()),
            DiskError::NotAFile { .. } => Stop::failed(FailureCode::NotAFile, error.to_string()),
            other => other.into(),
        })?;
        let is_made_up = stamp.length == 0 && file.read_at(&mut [0], 0)? > 0;
        Ok::<_, Stop>((stamp, file, is_made_up))
    });
    let (stamp, file, is_made_up) = opened.await?;
    // What the system makes up as it is read, such as the files below /proc, says that it is empty.
    if is_made_up {
        let message = format!("the length of {} is not known before it is read", from.display());
        return Err(Stop::failed(FailureCode::NotAFile, message));
    }
    let meta = SourceMeta { name: Transfer::upload_name(from), length: stamp.length };
    Ok(Source { file, stamp, meta })
}

/// The end of a try that nobody but the user may repeat.
fn unrepeatable() -> Stop {
    let failure = body::unconfirmed();
    Stop::Failed { failure, retry: Retry::Never, at: None }
}

/// The failure of a source that ends before its length although nobody changed it.
fn cut_short() -> Stop {
    Stop::failed(FailureCode::NotAFile, "it has fewer bytes than its length says")
}

/// Sends the source as one part and makes it final.
async fn send(
    attempt: &Attempt,
    upload: &dyn Upload,
    context: &Context,
    session: &Session,
    source: &Source,
    last: LastBytes,
) -> Result<(PartReceipt, Vec<Digest>), DriverError> {
    let _connected = attempt.progress.connected();
    let part = Part { number: 0, offset: 0, length: source.stamp.length };
    let hashers = Hashers::new(&algorithms(&attempt.spec, attempt.engine.digests));
    let (body, digests) = body::stream(attempt, &source.file, part, hashers, last);
    let receipt = upload.send(context, session, part, body).await?;
    upload.close(context, session.clone(), Close::Commit(vec![receipt.clone()])).await?;
    let digests = std::mem::take(&mut *digests.lock());
    Ok((receipt, digests))
}

/// What the answer tells of the server: to those who come next, and of how many it bears.
fn report(attempt: &Attempt, server: &HostKey, error: Option<&DriverError>) {
    let outcome = match error {
        None => Some(Outcome::Answered { latency: None }),
        Some(error) => {
            attempt.visit.refused(server, error);
            // What broke or was refused is not among those that the server bears.
            drop(attempt.visit.first_permit(server));
            Outcome::of(error)
        }
    };
    if let Some(outcome) = outcome {
        attempt.engine.hosts.report(server, outcome);
    }
}

/// Passes over a refusal where the file is at the server already, whole and the same: an earlier upload, of which nobody
/// could tell any more, brought it there.
async fn excuse(
    attempt: &Attempt,
    upload: &dyn Upload,
    context: &Context,
    session: &Session,
    proof: &mut Proof<'_>,
    error: DriverError,
) -> Result<(), Stop> {
    match &error {
        DriverError::Body(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => Err(cut_short()),
        _ if error.code() != FailureCode::RemoteConflict => Err(error.into()),
        _ => {
            let asked = proof::ask(attempt, upload, context, session, true);
            let stored = context.cancel.run_until_cancelled(asked).await.ok_or(Stop::Wished)?;
            if proof.is_there(stored.as_ref()).await? {
                attempt.log("the server has the file already".to_owned());
                return Ok(());
            }
            Err(error.into())
        }
    }
}

/// The digests to take, the one to show first. Servers answer with a SHA-256 where they answer with one at all, so it is
/// among them wherever a digest is taken.
fn algorithms(spec: &JobSpec, policy: DigestPolicy) -> Vec<Algorithm> {
    let mut wanted: Vec<_> = spec.digest.into_iter().chain(spec.checksums().map(Digest::algorithm)).collect();
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

/// Ends a request at once when the try ends.
async fn stoppable<T>(ending: &Ending, request: impl Future<Output = T>) -> Result<T, Stop> {
    tokio::select! {
        biased;
        () = ending.cancel.cancelled() => Err(Stop::Wished),
        result = request => Ok(result),
    }
}
