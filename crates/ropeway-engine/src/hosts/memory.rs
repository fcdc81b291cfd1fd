//! What is learned of servers outlives the process by a day, and is written seldom: losing some of it costs nothing but
//! learning it again.

use std::{sync::Arc, time::Duration};

use ropeway_model::Timestamp;
use ropeway_store::{HostProfile, HostRow};

use super::{Profile, Worth};
use crate::{config::Scope, core::Core};

/// What was learned is remembered for this long.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How often what has changed is written.
const WRITTEN_EVERY: Duration = Duration::from_secs(5 * 60);

impl Core {
    /// Takes up what earlier processes learned.
    pub(crate) async fn recall_hosts(&self) {
        match self.store.hosts(self.clock.now().minus(REMEMBERED)).await {
            Ok(rows) => rows.into_iter().for_each(|row| self.hosts.recall(&row.host, row.seen, profile(&row.profile))),
            Err(error) => tracing::warn!(%error, "what was learned of servers cannot be read"),
        }
    }

    /// Writes what has changed.
    pub(crate) async fn remember_hosts(&self) {
        let mut rows: Vec<HostRow> =
            self.hosts.take_changed().into_iter().map(|(host, seen, known)| row(host, seen, &known)).collect();
        if self.scope == Scope::Once {
            // A single `get` writes only what the next one is better for.
            rows.retain(|row| row.profile.connection_cap.is_some() || row.profile.worth.is_some());
        }
        if rows.is_empty() {
            return;
        }
        if let Err(error) = self.store.save_hosts(rows, self.clock.now().minus(REMEMBERED)).await {
            tracing::warn!(%error, "what was learned of servers cannot be saved");
        }
    }
}

/// Writes now and then until the engine stops. The last time is the shutdown's.
pub(crate) async fn run(engine: Arc<Core>) {
    loop {
        tokio::select! {
            biased;
            () = tokio::time::sleep(WRITTEN_EVERY) => engine.remember_hosts().await,
            () = engine.stopping.cancelled() => return,
        }
    }
}

fn row(host: String, seen: Timestamp, known: &Profile) -> HostRow {
    let latency_ms = known.latency.map(|latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
    let Profile { throughput, reliability, connection_cap, .. } = *known;
    let (worth, is_full) = (known.worth.map(|worth| worth.connections), known.worth.is_some_and(|worth| worth.is_full));
    HostRow { host, seen, profile: HostProfile { connection_cap, worth, is_full, throughput, latency_ms, reliability } }
}

fn profile(stored: &HostProfile) -> Profile {
    Profile {
        throughput: stored.throughput,
        latency: stored.latency_ms.map(Duration::from_millis),
        reliability: stored.reliability.filter(|share| (0.0..=1.0).contains(share)),
        connection_cap: stored.connection_cap.filter(|cap| *cap > 0),
        worth: stored.worth.map(|connections| Worth { connections, is_full: stored.is_full }),
    }
}
