//! The session at the server. Taken up where an earlier try left it, else created, and recorded before a byte of it is
//! sent.

use std::time::{Duration, SystemTime};

use ropeway_drivers::{DriverError, Held, Meaning, OpenUpload, Session};
use ropeway_model::{Failure, FailureCode, Retry, SafeUrl, Timestamp, counted};
use ropeway_store::{JobChange, UploadSession, UploadState};

use super::{Task, given_up, proof::Proof};
use crate::attempt::{Attempt, Stop};

/// A server that forgets an upload so often keeps none.
const MOST_LOST: u32 = 6;

/// An upload that the server takes bytes of.
pub(super) struct Opened {
    pub(super) upload: OpenUpload,
    /// Bytes from the file's start that were acknowledged with their checksum. That was sent ahead of them.
    pub(super) compared: u64,
    /// Bytes from the start that were sent or were about to be.
    pub(super) sent_to: u64,
}

impl Opened {
    /// Bytes from the file's start that the server has.
    pub(super) const fn held(&self) -> u64 {
        match self.upload.held {
            Held::Nothing => 0,
            Held::Prefix(bytes) => bytes,
        }
    }
}

/// Takes the session of an earlier try up, or creates one.
pub(super) async fn open(task: &Task<'_>, proof: &mut Proof<'_>) -> Result<Opened, Stop> {
    match task.attempt.engine.store.upload(task.attempt.id).await {
        Ok(Some(saved)) => match take_up(task, saved).await? {
            Some(opened) => Ok(opened),
            None => create(task, proof).await,
        },
        Ok(None) => create(task, proof).await,
        Err(error) => Err(Stop::failed(FailureCode::StateFailed, error.to_string())),
    }
}

/// Creates a session for a source with the given checksums.
pub(super) async fn create(task: &Task<'_>, proof: &mut Proof<'_>) -> Result<Opened, Stop> {
    proof.compare_with_given().await?;
    let upload = task.stoppable(task.upload.open(task.context, task.to, &task.source.meta, None)).await??;
    if let Some(end) = upload.session.expires {
        task.attempt.log(kept_until(end));
    }
    if task.attempt.progress.durable() > 0 {
        // One that came whole with its creation was never recorded, and its file may have become another one since.
        forget(task.attempt).await?;
    }
    // It is recorded with the first part of it.
    Ok(Opened { upload, compared: 0, sent_to: 0 })
}

/// Goes on with the session that was saved; `None` where it is of no use any more.
async fn take_up(task: &Task<'_>, saved: UploadState) -> Result<Option<Opened>, Stop> {
    let attempt = task.attempt;
    let session = of_saved(&saved.session);
    if saved.session.scheme != task.to.scheme() || !task.source.is_of(&saved) {
        attempt.log(format!(
            "{} is another file than the one begun: it is sent from its start",
            task.source.path.display()
        ));
        given_up::end(task.upload, task.context, &session).await;
        forget(attempt).await?;
        return Ok(None);
    }
    let asked = task.upload.open(task.context, task.to, &task.source.meta, Some(&session));
    match task.stoppable(asked).await? {
        Ok(upload) => {
            let UploadSession { compared, sent_to, .. } = saved.session;
            let mut opened = Opened { upload, compared, sent_to };
            let held = opened.held();
            attempt.log(format!("the server has {} of it already", counted(held, "byte")));
            if held > sent_to {
                lost(attempt, &foreign(&session)).await?;
                return Ok(None);
            }
            opened.compared = compared.min(held);
            Ok(Some(opened))
        }
        Err(error) if error.meaning() == Meaning::SessionLost => {
            lost(attempt, &error).await?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes note that the server has forgotten the upload, which begins anew.
///
/// # Errors
/// [`FailureCode::BadResponse`], for good, where that was so too often.
pub(super) async fn lost(attempt: &Attempt, error: &DriverError) -> Result<(), Stop> {
    let mut times = 0;
    attempt.update(|entry| {
        entry.state.restarts += 1;
        times = entry.state.restarts;
    });
    if times > MOST_LOST {
        let message = format!("{} forgets uploads before they are whole", attempt.spec.host());
        let failure = Failure::new(FailureCode::BadResponse, message);
        return Err(Stop::Failed { failure, retry: Retry::Never, at: None });
    }
    attempt.log(format!("{error}: the file is sent from its start"));
    forget(attempt).await
}

/// Error of a session whose server has more than was sent.
pub(super) fn foreign(session: &Session) -> DriverError {
    DriverError::SessionLost { url: session.url.clone() }
}

/// Takes the session off the job's record.
pub(super) async fn forget(attempt: &Attempt) -> Result<(), Stop> {
    attempt.progress.restart_at(0);
    let mut change = attempt.change(None);
    change.upload = Some(None);
    change.durable = Some(0);
    attempt.save(change).await
}

/// Until when the server keeps an upload that is not whole, for the job's log.
fn kept_until(end: Timestamp) -> String {
    let since = Duration::from_millis(u64::try_from(end.unix_ms()).unwrap_or(0));
    format!("the server keeps what it has until {}", httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since))
}

/// The change that records the session.
pub(super) fn record(task: &Task<'_>, opened: &Opened) -> JobChange {
    let Opened { upload: OpenUpload { session, .. }, compared, sent_to } = opened;
    let (compared, sent_to) = (*compared, *sent_to);
    let (url, stamp) = (SafeUrl::without_login(session.url.expose().clone()), &task.source.stamp);
    let (state, expires) = (session.state.clone(), session.expires);
    let session = UploadSession { scheme: task.to.scheme(), url, state, expires, compared, sent_to };
    let modified_ns = i64::try_from(stamp.modified_ns).unwrap_or(i64::MAX);
    let mut change = task.attempt.change(None);
    change.upload = Some(Some(UploadState { session, length: stamp.length, modified_ns, inode: stamp.inode }));
    change
}

/// The session as its driver reads it.
pub(super) fn of_saved(saved: &UploadSession) -> Session {
    Session { url: saved.url.clone(), state: saved.state.clone(), expires: saved.expires, is_created: true }
}
