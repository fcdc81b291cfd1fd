//! Resumption after a sleep of the machine, or of its network. What was connected is dead, and is not waited for.

use std::{sync::Arc, time::Duration};

use crate::core::Core;

/// How often is looked, while jobs run: dead connections are found this soon after waking.
const LOOKED_EVERY: Duration = Duration::from_secs(2);
/// A shorter sleep does not end a connection.
const SHORTEST_SLEEP: Duration = Duration::from_secs(10);

/// Watches, while any job runs, until the engine stops.
pub(crate) async fn run(engine: Arc<Core>) {
    loop {
        tokio::select! {
            biased;
            () = engine.started.notified() => {}
            () = engine.stopping.cancelled() => return,
        }
        let mut before = engine.clock.slept();
        let mut was_connected = true;
        while !engine.table.lock().active().is_empty() {
            tokio::select! {
                biased;
                () = tokio::time::sleep(LOOKED_EVERY) => {}
                () = engine.stopping.cancelled() => return,
            }
            let now = engine.clock.slept();
            let is_connected = engine.routes.lead_out();
            if now.saturating_sub(before) >= SHORTEST_SLEEP {
                tracing::info!(seconds = now.saturating_sub(before).as_secs(), "the machine slept");
                engine.begin_anew();
            } else if is_connected && !was_connected {
                tracing::info!("the network is back");
                engine.begin_anew();
            }
            (before, was_connected) = (now, is_connected);
        }
    }
}

impl Core {
    /// Begins every running attempt anew on fresh connections; none of their tries is counted.
    fn begin_anew(&self) {
        self.clients.reconnect();
        self.interrupt_all();
        self.timetable.look_again();
        self.wake.notify_one();
    }
}
