//! What all jobs together know of each server, and how gently they treat it: connections are counted over all jobs, a
//! server that refuses some gets fewer, one that fails is left alone, and repetitions are rationed.
//!
//! ```text
//! scheduler: turn, start ───────▶ ┌──────────┐ ◀── permit, try_permit: one a connection, held while it is open
//! attempt:   ended, retry_wait ─▶ │  Hosts   │ ──▶ snapshots: what the user is shown
//! worker:    report ────────────▶ └──────────┘ ──▶ store: the table `host`, for a day
//! ```

mod breaker;
mod budget;
mod cap;
mod host;
mod key;
pub(crate) mod memory;
mod outcome;
mod permit;
mod policy;
mod profile;
mod redirect_guard;
mod retry_after;
mod session;

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use ropeway_flow::{clock::Clock, rng::Rng};
use ropeway_model::{ByteRate, JobId, Timestamp};
use tokio::{sync::Notify, time::Instant};

pub(crate) use breaker::{Restart, Turn};
pub(crate) use key::HostKey;
pub(crate) use outcome::{Fault, Outcome, Verdict};
pub(crate) use permit::{Permit, Serving};
pub use policy::ServerPolicy;
pub use profile::{Profile, Worth};
pub(crate) use retry_after::RetryAfter;
pub(crate) use session::HostSession;

use host::Host;
use permit::Waiting;

/// Servers that are remembered at once; of more, the ones that were not used for longest are forgotten.
const MOST_HOSTS: usize = 4096;

/// All servers; cheap to clone, all clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    /// Wakes the scheduler when a server has room again.
    wake: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    policy: Arc<ServerPolicy>,
    hosts: HashMap<HostKey, Host>,
}

/// A server as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSnapshot {
    /// Host and, where it is not the scheme's own, port.
    pub host: String,
    /// Connections now.
    pub connections: usize,
    /// Profile of the server.
    pub profile: Profile,
    /// When it may be asked again, while it is left alone.
    pub rests_until: Option<Timestamp>,
    /// When it was last spoken to.
    pub used: Timestamp,
}

impl Hosts {
    pub(crate) fn new(policy: ServerPolicy, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>, wake: Arc<Notify>) -> Self {
        let state = Mutex::new(State { policy: Arc::new(policy), hosts: HashMap::new() });
        Self { shared: Arc::new(Shared { clock, rng, wake, state }) }
    }

    /// Follows what the user decided anew. Connections that are open stay open.
    pub(crate) fn set_policy(&self, policy: ServerPolicy) {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        for (key, host) in &mut state.hosts {
            host.set_wanted(policy.connections(key.as_str()), now);
        }
        state.policy = Arc::new(policy);
    }

    /// The user's limit for all bytes to and from `host` together.
    pub(crate) fn limit(&self, host: &str) -> Option<ByteRate> {
        self.shared.state.lock().policy.limit(host)
    }

    /// Waits, first come first served, until one more connection may be opened, and holds its place.
    pub(crate) async fn permit(&self, key: &HostKey) -> Permit {
        let slots = self.with(key, |host, now| {
            host.fit(now);
            Arc::clone(&host.slots)
        });
        let _waiting = Waiting::new(self.clone(), key.clone());
        // Only a closed semaphore refuses, and nobody closes it.
        let Ok(slot) = slots.acquire_owned().await else { return std::future::pending().await };
        self.with(key, Host::connected);
        Permit::new(self.clone(), key.clone(), slot)
    }

    /// A place for one more connection, if one is free and nobody waits for it.
    pub(crate) fn try_permit(&self, key: &HostKey) -> Option<Permit> {
        let slot = self.with(key, |host, now| {
            host.fit(now);
            let slot = Arc::clone(&host.slots).try_acquire_owned().ok()?;
            host.connected(now);
            Some(slot)
        })?;
        Some(Permit::new(self.clone(), key.clone(), slot))
    }

    /// Whether a job waits for its first connection: one with several gives one of them up.
    pub(crate) fn is_awaited(&self, key: &HostKey) -> bool {
        self.with(key, |host, _| host.waiting > 0)
    }

    /// Profile of the server.
    pub(crate) fn profile(&self, key: &HostKey) -> Profile {
        self.with(key, Host::known)
    }

    /// Takes note of what happened to a request that has no permit of its own.
    pub(crate) fn report(&self, key: &HostKey, outcome: Outcome) {
        let used = self.shared.clock.now();
        self.with(key, |host, now| {
            host.used = used;
            host.note(outcome, now);
        });
    }

    /// A download has found out how many connections it is worth to have.
    pub(crate) fn learn(&self, key: &HostKey, worth: Worth) {
        self.with(key, |host, _| {
            host.is_dirty |= host.profile.worth != Some(worth);
            host.profile.worth = Some(worth);
        });
    }

    /// The server leaves so many of the open connections unanswered.
    pub(crate) fn leaves_waiting(&self, key: &HostKey, count: usize) {
        self.with(key, |host, now| host.leaves_waiting(count, now));
    }

    /// The last connection of a download broke. Where the others did in the same moment the line is to blame, and what the
    /// server bears is what it was before.
    pub(crate) fn lost_all(&self, key: &HostKey) {
        self.with(key, Host::lost_all);
    }

    /// How long a repetition waits beside its own backoff, because the server has had many.
    pub(crate) fn retry_wait(&self, key: &HostKey) -> Duration {
        self.with(key, |host, now| host.budget.spend(now))
    }

    /// Whether what the server was asked for may be asked for once more now, which counts as a repetition then.
    pub(crate) fn may_repeat(&self, key: &HostKey) -> bool {
        self.with(key, |host, now| host.budget.spend_saved(now))
    }

    /// Whose turn it is to start beside the `running` jobs of this server. Where all connections are taken, a job that has
    /// several makes room.
    pub(crate) fn turn(&self, host: &str, running: usize) -> Turn {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        if running >= state.policy.running_jobs(host) {
            return Turn::Nobodys;
        }
        let wanted = state.policy.connections(host);
        match state.hosts.get_mut(&HostKey::new(host)) {
            Some(known) => known.turn(running, now),
            None if running < wanted => Turn::Firsts,
            None => Turn::Nobodys,
        }
    }

    /// A job starts. `true` if it is the one that probes whether the server is back.
    pub(crate) fn start(&self, key: &HostKey) -> bool {
        self.with(key, |host, now| host.breaker.start(now))
    }

    /// A try of `job` has ended.
    pub(crate) fn ended(&self, key: &HostKey, job: JobId, verdict: Verdict, was_probe: bool) {
        self.with(key, |host, now| match verdict {
            Verdict::Well => host.succeed(),
            Verdict::Ill(fault) => host.fail(job, fault, was_probe, now, self.shared.rng.uniform()),
            Verdict::Nothing if was_probe => host.breaker.withdraw(),
            Verdict::Nothing => {}
        });
    }

    /// What is known of a server that refused a connection just now, while it may only be restarting.
    pub(crate) fn restart(&self, key: &HostKey) -> Option<Restart> {
        self.with(key, |host, now| host.breaker.restarts(now))
    }

    /// The user wants to know now.
    pub(crate) fn forgive(&self, key: &HostKey) {
        self.with(key, |host, _| {
            host.retry_afters.forgive();
            host.breaker.forgive();
        });
    }

    /// Takes up what an earlier process learned. What is known already is newer.
    pub(crate) fn recall(&self, host: &str, seen: Timestamp, known: Profile) {
        self.with(&HostKey::new(host), |host, now| {
            if !host.is_dirty {
                host.recall(seen, known, now);
            }
        });
    }

    /// What has changed since the last time: host, when it was last spoken to, what is known of it.
    pub(crate) fn take_changed(&self) -> Vec<(String, Timestamp, Profile)> {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        let taken = |(key, host): (&HostKey, &mut Host)| {
            let known = host.known(now);
            std::mem::take(&mut host.is_dirty).then(|| (key.to_string(), host.used, known))
        };
        let mut changed: Vec<_> = state.hosts.iter_mut().filter_map(taken).collect();
        changed.sort_by(|one, other| one.0.cmp(&other.0));
        changed
    }

    /// The soonest end of a rest.
    pub(crate) fn next_rest_end(&self) -> Option<Instant> {
        let now = Instant::now();
        self.shared.state.lock().hosts.values().filter_map(|host| host.rests_until(now)).min()
    }

    /// All of them, the most recently used first.
    pub(crate) fn snapshots(&self) -> Vec<ServerSnapshot> {
        let (now, today) = (Instant::now(), self.shared.clock.now());
        let show = |(key, host): (&HostKey, &mut Host)| ServerSnapshot {
            host: key.to_string(),
            connections: host.open,
            profile: host.known(now),
            rests_until: host.rests_until(now).map(|until| today.plus(until.duration_since(now))),
            used: host.used,
        };
        let mut servers: Vec<_> = self.shared.state.lock().hosts.iter_mut().map(show).collect();
        servers.sort_by(|one, other| other.used.cmp(&one.used).then_with(|| one.host.cmp(&other.host)));
        servers
    }

    /// The server has begun to serve a job.
    pub(crate) fn serves(&self, key: &HostKey) -> Serving {
        self.with(key, |host, _| host.serving += 1);
        Serving::new(self.clone(), key.clone())
    }

    fn awaited(&self, key: &HostKey) {
        self.with(key, |host, _| host.waiting += 1);
    }

    fn awaited_no_more(&self, key: &HostKey) {
        self.with(key, |host, _| host.waiting = host.waiting.saturating_sub(1));
    }

    fn served(&self, key: &HostKey) {
        self.with(key, |host, _| host.serving = host.serving.saturating_sub(1));
    }

    /// A connection was closed; `false` if its permit must not come back.
    fn closed(&self, key: &HostKey) -> bool {
        self.with(key, Host::close)
    }

    /// A permit has come back: a queued job may have a place now.
    fn freed(&self) {
        self.shared.wake.notify_one();
    }

    fn with<R>(&self, key: &HostKey, look: impl FnOnce(&mut Host, Instant) -> R) -> R {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        let State { policy, hosts } = &mut *state;
        if let Some(host) = hosts.get_mut(key) {
            return look(host, now);
        }
        if hosts.len() >= MOST_HOSTS {
            forget_the_oldest(hosts);
        }
        let host = Host::new(policy.connections(key.as_str()), self.shared.clock.now());
        look(hosts.entry(key.clone()).or_insert(host), now)
    }
}

/// Makes room for new ones: a quarter of the servers that nobody uses goes.
fn forget_the_oldest(hosts: &mut HashMap<HostKey, Host>) {
    let mut idle: Vec<_> =
        hosts.iter().filter(|(_, host)| host.is_idle()).map(|(key, host)| (host.used, key)).collect();
    idle.sort_unstable();
    let oldest: Vec<_> = idle.iter().take(MOST_HOSTS / 4).map(|(_, key)| (*key).clone()).collect();
    for key in oldest {
        hosts.remove(&key);
    }
}

#[cfg(test)]
mod tests;
