//! The machine slept: what was connected is dead, and is not waited for.

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
        while !engine.table.lock().active().is_empty() {
            tokio::select! {
                biased;
                () = tokio::time::sleep(LOOKED_EVERY) => {}
                () = engine.stopping.cancelled() => return,
            }
            let now = engine.clock.slept();
            if now.saturating_sub(before) >= SHORTEST_SLEEP {
                engine.wake_up(now.saturating_sub(before));
            }
            before = now;
        }
    }
}

impl Core {
    /// Begins every running attempt anew on fresh connections; none of their tries is counted.
    fn wake_up(&self, slept: Duration) {
        tracing::info!(seconds = slept.as_secs(), "the machine slept; transfers begin on new connections");
        self.clients.reconnect();
        self.interrupt_all();
        self.timetable.look_again();
        self.wake.notify_one();
    }
}
