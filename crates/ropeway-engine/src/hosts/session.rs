//! One try's dealings with its server.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use parking_lot::Mutex;
use ropeway_drivers::DriverError;
use ropeway_model::JobId;

use super::{HostKey, Hosts, Outcome, Permit, Serving, Verdict, redirect_guard::RedirectGuard};

/// Session of one try with its server. It has the first connection, whether it is served, what it tells of the server.
#[derive(Debug)]
pub(crate) struct HostSession {
    hosts: Hosts,
    key: HostKey,
    job: JobId,
    /// Whether the try finds out whether the server is back.
    is_probe: bool,
    first: Mutex<Option<Permit>>,
    serving: Mutex<Option<Serving>>,
    has_ended: AtomicBool,
}

impl HostSession {
    pub(crate) fn new(hosts: Hosts, key: HostKey, job: JobId, is_probe: bool) -> Self {
        Self {
            hosts,
            key,
            job,
            is_probe,
            first: Mutex::default(),
            serving: Mutex::default(),
            has_ended: AtomicBool::new(false),
        }
    }

    /// Whose session it is.
    pub(crate) const fn key(&self) -> &HostKey {
        &self.key
    }

    /// True where the try finds out whether the server is back.
    pub(crate) const fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// Waits for the right to the try's first connection, unless it has it.
    pub(crate) async fn connect(&self) {
        if self.first.lock().is_none() {
            self.connect_to(&self.key).await;
        }
    }

    /// Waits for the right to a connection to `host`, unless the try has it. The right to another server's is given up
    /// first: whoever waits for one server must not keep others from another.
    pub(crate) async fn connect_to(&self, host: &HostKey) {
        let had = self.first.lock().take();
        let permit = match had.filter(|permit| permit.key() == host) {
            Some(permit) => permit,
            None => self.hosts.permit(host).await,
        };
        *self.first.lock() = Some(permit);
    }

    /// Hands the right to the first connection on, if `host` is whom it is for.
    pub(crate) fn first_permit(&self, host: &HostKey) -> Option<Permit> {
        let permit = self.first.lock().take()?;
        if permit.key() == host { Some(permit) } else { self.hosts.try_permit(host) }
    }

    /// Gives the right to the first connection back. There is none any more.
    pub(crate) fn leave(&self) {
        drop(self.first.lock().take());
    }

    /// Guard that decides where redirects may be followed to.
    pub(crate) fn redirect_guard(&self) -> RedirectGuard {
        self.hosts.redirect_guard(self.key.clone())
    }

    /// `host` was asked, and an error came. Where that is of another server, a redirect led there: `host` itself answered.
    pub(crate) fn refused(&self, host: &HostKey, error: &DriverError) {
        self.hosts.record_retry_after(error);
        if error.host().is_some_and(|failed| failed != host.as_str()) {
            self.hosts.report(host, Outcome::Answered { latency: None });
        }
    }

    /// A request was answered after this long with what it asked for.
    pub(crate) fn answered(&self, host: &HostKey, latency: Duration) {
        self.hosts.report(host, Outcome::Answered { latency: Some(latency) });
        self.serve(host);
    }

    /// The server serves this job.
    pub(crate) fn serve(&self, host: &HostKey) {
        let mut serving = self.serving.lock();
        if serving.is_none() {
            *serving = Some(self.hosts.serves(host));
        }
    }

    /// The try has ended, and tells this of its server, or of the one it failed `at`. Told once.
    pub(crate) fn end(&self, verdict: Verdict, at: Option<&HostKey>) {
        if self.has_ended.swap(true, SeqCst) {
            return;
        }
        self.leave();
        drop(self.serving.lock().take());
        match at.filter(|at| **at != self.key) {
            None => self.hosts.ended(&self.key, self.job, verdict, self.is_probe),
            Some(at) => {
                self.hosts.ended(at, self.job, verdict, false);
                self.hosts.ended(&self.key, self.job, Verdict::Nothing, self.is_probe);
            }
        }
    }
}
