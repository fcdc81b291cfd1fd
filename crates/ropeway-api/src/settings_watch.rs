//! Settings in force: put there by a call, or by whoever edits the file while the queue runs.

use std::{sync::Weak, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{core::Core, event::Event, settings::Settings, settings_check::Checked};

/// The file is looked at this often: it is in force before its editor is closed, and a look costs one question to the
/// kernel.
const LOOK: Duration = Duration::from_secs(1);

/// Lets the engine follow the settings of the file as it was read, and tells everybody.
pub(crate) fn put_in_force(core: &Core) -> Settings {
    // A call and the file's watcher may come at once: what is read last is in force last.
    let _turn = core.in_force.lock();
    let Checked { limits, schedule, servers } = core.settings.checked();
    core.engine.set_limits(limits);
    core.engine.set_servers(servers);
    core.engine.set_schedule(schedule);
    core.engine.hold(core.settings.blocking().is_some());
    let settings = core.settings.current().shown();
    let notices = Event::Notices { notices: core.notices() };
    core.publisher.publish(vec![Event::Settings { settings: settings.clone() }, notices]);
    core.told.notify_one();
    settings
}

/// Follows the file until the engine stops.
pub(crate) async fn run(core: Weak<Core>, stopping: CancellationToken) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = looks.tick() => {}
        }
        let Some(core) = core.upgrade() else { return };
        // The folder may be on a mount that does not answer.
        let looked = tokio::task::spawn_blocking(move || {
            if core.settings.look_again() {
                tracing::info!("settings were edited in their file");
                put_in_force(&core);
            }
        });
        drop(looked.await);
    }
}
