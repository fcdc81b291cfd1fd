//! Another link to the same file, and the user's answer where a job asks.

use std::sync::Arc;

use ropeway_model::{Blocker, JobId, OnConflict, Phase, SafeUrl, Step, Transfer, Wish};
use ropeway_store::{JobChange, Remote};

use super::{Engine, EngineError};
use crate::{
    core::Core,
    journal::Durable,
    table::{Entry, advance},
};

impl Engine {
    /// Gives a download another link and queues it. Its bytes stay; the next answer must be of the same file, else the
    /// job fails with [`ropeway_model::FailureCode::RenewedLinkDiffers`] and still has them. Headers of the user go
    /// along only where the new link has the origin of the old one.
    ///
    /// # Errors
    /// [`EngineError::NotADownload`]; [`EngineError::WrongPhase`] while it runs and once it is at its end.
    pub async fn renew(&self, id: JobId, link: SafeUrl) -> Result<(), EngineError> {
        let durable = self.core.renew(id, &link)?;
        self.settle(vec![durable]).await.map(drop)
    }

    /// Says what becomes of a complete download whose name is taken, and queues it: it only has to be proved and named.
    ///
    /// # Errors
    /// [`EngineError::WrongPhase`] unless the job asks.
    pub async fn answer(&self, id: JobId, choice: OnConflict) -> Result<(), EngineError> {
        let durable = self.core.answer(id, choice)?;
        self.settle(vec![durable]).await.map(drop)
    }
}

impl Core {
    fn renew(&self, id: JobId, link: &SafeUrl) -> Result<Durable, EngineError> {
        let mut table = self.table.lock();
        let entry = table.get(id).ok_or(EngineError::NoSuchJob(id))?;
        if entry.phase.is_active() || entry.active.is_some() || entry.phase.is_terminal() {
            return Err(EngineError::WrongPhase { id, phase: entry.phase.kind() });
        }
        let mut spec = entry.spec();
        let Transfer::Download { from, .. } = &mut spec.transfer else { return Err(EngineError::NotADownload(id)) };
        let mut news = format!("a new link: {link}");
        let renewed = spec.secrets.for_link(link);
        if spec.secrets.hold_any() && !renewed.hold_any() {
            news.push_str("; the headers belonged to another server and are left out");
        }
        spec.secrets = renewed;
        *from = link.clone();
        let remote = entry.remote.as_deref().map(|old| Remote { url: link.clone(), is_renewed: true, ..old.clone() });
        let change = table.update(id, |entry| {
            entry.set_spec(spec.clone());
            entry.remote = remote.clone().map(Arc::new);
            let mut change = JobChange::new(id);
            change.spec = Some(spec);
            change.remote = Some(remote);
            change.log.push((self.clock.now(), news));
            requeue(entry, &mut change);
            change
        });
        change.map(|change| self.journal.save(change)).ok_or(EngineError::NoSuchJob(id))
    }

    fn answer(&self, id: JobId, choice: OnConflict) -> Result<Durable, EngineError> {
        let mut table = self.table.lock();
        let entry = table.get(id).ok_or(EngineError::NoSuchJob(id))?;
        if !matches!(entry.phase, Phase::Blocked { by: Blocker::NameTaken, .. }) {
            return Err(EngineError::WrongPhase { id, phase: entry.phase.kind() });
        }
        let mut spec = entry.spec();
        spec.on_conflict = choice;
        let change = table.update(id, |entry| {
            entry.set_spec(spec.clone());
            let mut change = JobChange::new(id);
            change.spec = Some(spec);
            change.log.push((self.clock.now(), format!("the name is taken: {choice}")));
            requeue(entry, &mut change);
            change
        });
        change.map(|change| self.journal.save(change)).ok_or(EngineError::NoSuchJob(id))
    }
}

/// Lets a job at rest run again, at once and with all its tries.
fn requeue(entry: &mut Entry, change: &mut JobChange) {
    if entry.phase != Phase::Queued {
        advance(entry, Step::Requeue);
    }
    entry.wish = Wish::Run;
    entry.forget_tries();
    change.wish = Some(Wish::Run);
    change.phase = Some(entry.phase.clone());
}
