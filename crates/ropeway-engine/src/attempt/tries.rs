//! How many tries a job is given, and how long it waits between them.

use std::{sync::atomic::Ordering, time::Duration};

use ropeway_model::{Direction, Failure, FailureCode, Retry};

use super::Attempt;
use crate::{
    config::Scope,
    core::Core,
    hosts::{HostKey, Restart},
    progress::Progress,
    retry,
    table::Entry,
};

/// Number of tries in a row that a failure is given. A single `get` that never got an answer ends while its user still
/// looks; a queue has all night.
pub(crate) fn most_tries(core: &Core, is_first_contact: bool) -> u32 {
    match core.tries.load(Ordering::SeqCst) {
        0 if is_first_contact => retry::MOST_FIRST_ATTEMPTS,
        0 => retry::MOST_ATTEMPTS,
        chosen => chosen - 1,
    }
}

/// Whether somebody waits for a server that answers wrongly, and each time in the same way.
pub(crate) fn is_hopeless(core: &Core, progress: &Progress, failure: &Failure) -> bool {
    let is_wrong = matches!(failure.code, FailureCode::BadResponse | FailureCode::LengthMismatch);
    let times = if is_wrong { progress.ended_alike(&failure.message) } else { 0 };
    core.scope == Scope::Once && times >= retry::MOST_ALIKE
}

impl Attempt {
    /// Whether somebody at a terminal waits for the first answer of a server.
    fn is_first_contact(&self, entry: &Entry, failure: &Failure) -> bool {
        let is_unanswered = match self.spec.direction() {
            Direction::Download => entry.remote.is_none(),
            // An upload learns nothing of the server before its end.
            Direction::Upload => matches!(
                failure.code,
                FailureCode::NameNotResolved | FailureCode::ConnectionRefused | FailureCode::ConnectTimeout
            ),
        };
        // What this machine cannot open now is no word of the server's.
        is_unanswered && self.engine.scope == Scope::Once && failure.code != FailureCode::TooManyOpen
    }

    /// How many tries in a row a failure is given.
    fn patience(&self, is_first_contact: bool) -> u32 {
        // Others have tried it long enough: this one came to see whether it is back.
        let is_last_look = is_first_contact && self.host_session.is_probe() && self.chosen_tries() == 0;
        if is_last_look { 0 } else { most_tries(&self.engine, is_first_contact) }
    }

    /// What the user chose instead; zero where nothing was chosen.
    fn chosen_tries(&self) -> u32 {
        self.engine.tries.load(Ordering::SeqCst)
    }

    /// Counts the try, and returns the pause before the next one. `None` where there is to be none. A server that only
    /// restarts is probed at short intervals, which is no try; who chose a number of tries gets them behind the first
    /// minute of it.
    pub(super) fn pause(
        &self,
        entry: &mut Entry,
        failure: &Failure,
        retry: Retry,
        progressed: bool,
        at: &HostKey,
    ) -> Option<Duration> {
        let is_first_contact = self.is_first_contact(entry, failure);
        let is_refused = failure.code == FailureCode::ConnectionRefused && retry != Retry::Never;
        let has_chosen = self.chosen_tries() > 0;
        let is_free = |restart: &Restart| !has_chosen || (restart.is_recent() && !is_first_contact);
        if let Some(restart) = is_refused.then(|| self.engine.hosts.restart(at)).flatten().filter(is_free) {
            entry.state.attempts = entry.state.attempts.max(1);
            let is_over = is_first_contact && restart.down >= retry::LONGEST_FIRST_CONTACT;
            return (!is_over).then_some(restart.probed_in);
        }
        entry.state.attempts = if progressed { 1 } else { entry.state.attempts + 1 };
        let random = self.engine.rng.uniform();
        let retry = if is_hopeless(&self.engine, &self.progress, failure) { Retry::Never } else { retry };
        let pause = retry::delay(retry, entry.state.attempts, self.patience(is_first_contact), random);
        // What moved bytes is no repetition.
        let turn = pause.filter(|_| !progressed).map(|_| self.engine.hosts.retry_wait(self.host_session.key()));
        pause.map(|pause| pause.max(turn.unwrap_or_default()))
    }
}
