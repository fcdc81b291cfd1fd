//! One request to one mirror.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use ropeway_drivers::{ByteStream, DriverError};
use ropeway_model::{ByteRange, EntityTag, SafeUrl, Validation, Validator};
use tokio_util::sync::CancellationToken;

use super::Mirrors;
use crate::download::worker_error::WorkerError;

/// A mirror that a request goes to. It is less busy once this is gone.
#[derive(Debug)]
pub(in crate::download) struct MirrorLease {
    pub(super) mirrors: Arc<Mirrors>,
    pub(super) at: usize,
    pub(super) is_lead: bool,
    pub(super) url: SafeUrl,
    pub(super) valid: Option<Validator>,
}

impl MirrorLease {
    /// Its address.
    pub(in crate::download) const fn url(&self) -> &SafeUrl {
        &self.url
    }

    /// Version to ask it for. It is its own name for `reference`, once that is known.
    pub(in crate::download) fn valid<'a>(&'a self, reference: &'a Validator) -> Option<&'a Validator> {
        if self.is_lead { Some(reference) } else { self.valid.as_ref() }
    }

    /// Evidence that an answer that says `now` is of the version `reference`.
    ///
    /// # Errors
    /// [`DriverError::RemoteChanged`] where it is of another one, or where nothing could ever tell.
    pub(in crate::download) fn accept(
        &self,
        now: &Validator,
        reference: &Validator,
    ) -> Result<Validation, DriverError> {
        let verdict = if self.is_lead {
            reference.compare(now)
        } else if let Some(own) = &self.valid {
            own.compare(now)
        } else {
            self.first_verdict(now, reference)
        };
        if verdict == Validation::Changed {
            let (url, had) = (self.url.clone(), Box::new(reference.clone()));
            return Err(DriverError::RemoteChanged { url, had, now: Box::new(now.clone()) });
        }
        if !self.is_lead && self.valid.is_none() {
            let mut state = self.mirrors.state.lock();
            if let Some(mirror) = state.all.get_mut(self.at) {
                mirror.valid = Some(now.clone());
            }
        }
        Ok(verdict)
    }

    /// The same for the first answer of a mirror beside the lead.
    fn first_verdict(&self, now: &Validator, reference: &Validator) -> Validation {
        if reference.length.is_none() || now.length != reference.length {
            return Validation::Changed;
        }
        let strong = |valid: &Validator| valid.entity_tag.clone().filter(EntityTag::is_strong);
        match (strong(reference), strong(now)) {
            (Some(had), Some(has)) if had == has => Validation::StrongTag,
            _ if self.mirrors.is_proved => Validation::Unverifiable,
            _ => Validation::Changed,
        }
    }

    /// Whether another mirror is asked in its place; it is not asked again then.
    pub(in crate::download) fn yields_to_another(&self, error: &WorkerError) -> bool {
        self.mirrors.leaves(self.at, error)
    }

    /// Its answer from byte `start` on, watched. What came is remembered, and that it broke or was sent away (`leave`
    /// fires, while the job goes on) counts against the mirror.
    pub(in crate::download) fn watch(
        self,
        body: ByteStream,
        start: u64,
        leave: CancellationToken,
        job: CancellationToken,
    ) -> ByteStream {
        Box::pin(Watched { body, lease: self, start, count: 0, leave, job })
    }
}

impl Drop for MirrorLease {
    fn drop(&mut self) {
        if let Some(mirror) = self.mirrors.state.lock().all.get_mut(self.at) {
            mirror.busy = mirror.busy.saturating_sub(1);
        }
    }
}

struct Watched {
    body: ByteStream,
    lease: MirrorLease,
    start: u64,
    count: u64,
    leave: CancellationToken,
    job: CancellationToken,
}

impl Stream for Watched {
    type Item = Result<Bytes, DriverError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = std::task::ready!(self.body.as_mut().poll_next(context));
        match &item {
            Some(Ok(chunk)) => self.count += chunk.len() as u64,
            Some(Err(DriverError::Canceled)) | None => {}
            Some(Err(_)) => self.lease.mirrors.lost(self.lease.at),
        }
        Poll::Ready(item)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.leave.is_cancelled() && !self.job.is_cancelled() {
            self.lease.mirrors.lose_race(self.lease.at);
        }
        if let Ok(range) = ByteRange::new(self.start, self.start.saturating_add(self.count)) {
            self.lease.mirrors.record(range, self.lease.at);
        }
    }
}
