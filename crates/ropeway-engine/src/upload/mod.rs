//! One try at an upload. Open the source, send its parts, prove that it did not change meanwhile.

mod append;
mod body;
mod digests;
mod ending;
mod given_up;
mod last_bytes;
mod part_size;
mod proof;
mod session;
mod source;
mod whole;

use std::{io, ops::RangeInclusive, sync::Arc};

use ropeway_drivers::{Context, DriverError, Layout, Session, Upload};
use ropeway_model::{
    Algorithm, Digest, FailureCode, FileName, JobSpec, Retry, SafeUrl, Step, Transfer, UploadTarget, Validator, counted,
};
use ropeway_store::{Remote, Verification};

use self::{append::Appended, ending::Ending, last_bytes::LastBytes, proof::Proof, session::Opened, source::Source};
use crate::{
    attempt::{Attempt, Finished, Stop},
    config::{DigestPolicy, Scope},
    hosts::{HostKey, Outcome},
};

/// What all steps of one try at an upload work with.
struct Task<'a> {
    attempt: &'a Attempt,
    ending: &'a Ending,
    upload: &'a dyn Upload,
    context: &'a Context,
    to: &'a UploadTarget,
    source: &'a Source,
}

/// Runs one try.
pub(crate) async fn run(attempt: &Attempt) -> Result<Finished, Stop> {
    let ending = Ending::default();
    let outcome = ending.of(attempt, run_until(attempt, &ending)).await;
    if outcome.is_err() && ending::is_unwanted(attempt) {
        attempt.engine.end_upload(attempt.id, &attempt.spec).await;
    }
    outcome
}

async fn run_until(attempt: &Attempt, ending: &Ending) -> Result<Finished, Stop> {
    let Transfer::Upload { from, to } = &attempt.spec.transfer else {
        return Err(Stop::failed(FailureCode::Internal, "a download was run as an upload"));
    };
    let source = Source::open(attempt, from).await?;
    attempt.progress.set_length(Some(source.stamp.length));
    let mut proof = Proof::of(attempt, &source, &ending.cancel);
    let driver = attempt.engine.drivers.for_upload(to)?;
    let Some(upload) = driver.upload() else {
        return Err(Stop::failed(FailureCode::SchemeUnsupported, format!("{to} cannot be uploaded to")));
    };
    let context = Context { cancel: ending.cancel.clone(), ..attempt.context() };
    let task = Task { attempt, ending, upload, context: &context, to, source: &source };
    let opened = session::open(&task, &mut proof).await?;
    let url = opened.upload.session.url.clone();
    // Before the job is seen to run: what an earlier try sent is no speed of this one.
    attempt.progress.restart_at(opened.held());
    if opened.upload.session.is_created {
        task.lies_at(&url);
    }
    attempt.step(Step::Probed);
    attempt.log(format!("sending {} to {url}", counted(source.meta.length - opened.held(), "byte")));
    attempt.engine.hosts.check_retry_after(&url)?;
    let verification = match opened.upload.layout.clone() {
        Layout::Whole => task.whole(&opened.upload.session, &mut proof).await?,
        Layout::Append { part } => task.append(opened, &part, &mut proof).await?,
    };
    attempt.progress.set_durable(source.stamp.length);
    Ok(Finished { path: from.clone(), digest: proof.shown(), verification, stamp: None })
}

impl Task<'_> {
    /// Sends the file in one request, and asks what became of it.
    async fn whole(&self, session: &Session, proof: &mut Proof<'_>) -> Result<Verification, Stop> {
        let Self { attempt, source, .. } = *self;
        // What runs for one command is taken up by nobody but its user.
        let is_for_user = !self.upload.is_repeatable() && attempt.engine.scope == Scope::Queue;
        let last = LastBytes::of(attempt, self.ending, is_for_user);
        let sent = self.stoppable(whole::send(self, session, last)).await;
        let sent =
            sent.map_err(|stop| if is_for_user && self.ending.are_last_out() { unrepeatable() } else { stop })?;
        self.report(&session.url, sent.as_ref().err());
        source.guard(attempt).await?;
        let is_asked = !self.to.options().unasked;
        match sent {
            Ok((receipt, digests)) => {
                attempt.step(Step::Transferred);
                if let Some(location) = receipt.location.as_ref().filter(|location| **location != session.url) {
                    attempt.log(format!("the server keeps it at {location}"));
                    self.lies_at(location);
                }
                proof.take(digests)?;
                let asked = proof::ask(attempt, self.upload, self.context, session, is_asked);
                match proof.of_stored(&receipt, &session.url, asked).await {
                    // It is at the server: to prove that, it would be sent once more.
                    Err(Stop::Interrupted) if !ending::is_unwanted(attempt) => Ok(Verification::Unverified),
                    proved => proved,
                }
            }
            Err(error) => {
                attempt.progress.restart_at(0);
                self.excuse(session, proof, error).await?;
                attempt.step(Step::Transferred);
                attempt.progress.restart_at(source.stamp.length);
                Ok(Verification::ChecksumOfServer)
            }
        }
    }

    /// Sends what the server does not have yet.
    async fn append(
        &self,
        opened: Opened,
        part: &RangeInclusive<u64>,
        proof: &mut Proof<'_>,
    ) -> Result<Verification, Stop> {
        let Appended { digests, verification } = append::send(self, opened, part, proof).await?;
        self.source.guard(self.attempt).await?;
        self.attempt.step(Step::Transferred);
        proof.take(digests)?;
        proof.complete(&self.algorithms()).await?;
        proof.compare_with_given().await?;
        Ok(verification)
    }

    /// Passes over a refusal where the file is at the server already, whole and the same: an earlier upload, of which
    /// nobody could tell any more, brought it there.
    async fn excuse(&self, session: &Session, proof: &mut Proof<'_>, error: DriverError) -> Result<(), Stop> {
        if error.code() != FailureCode::RemoteConflict {
            return Err(ended_by(error));
        }
        let asked = proof::ask(self.attempt, self.upload, self.context, session, true);
        let stored = self.context.cancel.run_until_cancelled(asked).await.ok_or(Stop::Interrupted)?;
        if proof.is_there(stored.as_ref()).await? {
            self.attempt.log("the server has the file already".to_owned());
            return Ok(());
        }
        Err(error.into())
    }

    /// Takes note of where the server keeps the file.
    fn lies_at(&self, url: &SafeUrl) {
        let remote = Remote {
            url: SafeUrl::without_login(url.expose().clone()),
            name: FileName::sanitized(&self.source.meta.name.text()),
            validator: Validator { length: Some(self.source.stamp.length), ..Validator::default() },
            digest: None,
            is_renewed: false,
        };
        self.attempt.update(|entry| entry.remote = Some(Arc::new(remote.clone())));
        let mut change = self.attempt.change(None);
        change.remote = Some(Some(remote));
        self.attempt.engine.journal.note(change);
    }

    /// Tells what an answer says of the server: to those who come next, and of how many it bears.
    fn report(&self, url: &SafeUrl, error: Option<&DriverError>) {
        let (attempt, server) = (self.attempt, HostKey::of(url));
        let outcome = match error {
            None => Some(Outcome::Answered { latency: None }),
            Some(error) => {
                attempt.host_session.refused(&server, error);
                // What broke or was refused is not among those that the server bears.
                drop(attempt.host_session.first_permit(&server));
                Outcome::of(error)
            }
        };
        if let Some(outcome) = outcome {
            attempt.engine.hosts.report(&server, outcome);
        }
    }

    /// The digests to take of the file.
    fn algorithms(&self) -> Vec<Algorithm> {
        algorithms(&self.attempt.spec, self.attempt.engine.digests)
    }

    /// Ends a request at once when the try ends.
    async fn stoppable<T>(&self, request: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.ending.cancel.cancelled() => Err(Stop::Interrupted),
            result = request => Ok(result),
        }
    }
}

/// The end of a try by `error`.
fn ended_by(error: DriverError) -> Stop {
    match &error {
        DriverError::Body(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => source::cut_short(),
        _ => error.into(),
    }
}

/// The end of a try that nobody but the user may repeat.
fn unrepeatable() -> Stop {
    let failure = last_bytes::unconfirmed();
    Stop::Failed { failure, retry: Retry::Never, at: None }
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
