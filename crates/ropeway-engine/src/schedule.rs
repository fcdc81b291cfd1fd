//! Limits in force at this moment. They are the usual ones, or those of the schedule.

use std::sync::Arc;

use parking_lot::Mutex;
use ropeway_model::{ByteRate, LocalTime, Schedule, ScheduleEffect, Timestamp};
use tokio::sync::{Notify, watch};

use crate::core::Core;

/// Milliseconds of a minute, the schedule's unit.
const MINUTE_MS: i64 = 60_000;

/// The limits the user set, and when others hold.
#[derive(Debug, Default)]
pub(crate) struct Timetable {
    usual: Mutex<Usual>,
    schedule: Mutex<Schedule>,
    /// Pause of everything, by the schedule.
    pub(crate) pauses: watch::Sender<bool>,
    changed: Notify,
}

/// The limits of all jobs together while no rule of the schedule is in force.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usual {
    pub(crate) download: Option<ByteRate>,
    pub(crate) upload: Option<ByteRate>,
}

impl Timetable {
    /// True where the schedule lets nothing move now.
    pub(crate) fn pauses(&self) -> bool {
        *self.pauses.borrow()
    }

    /// The wall clock may have jumped. What is in force is looked up anew.
    pub(crate) fn look_again(&self) {
        self.changed.notify_one();
    }
}

/// The limits in force at a moment, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsInForce {
    /// All downloads together.
    pub download: Option<ByteRate>,
    /// All uploads together.
    pub upload: Option<ByteRate>,
    /// True where the schedule lets nothing move.
    pub is_paused: bool,
    /// Whether a rule of the schedule holds in the place of the usual limits.
    pub is_scheduled: bool,
    /// When something else comes into force, by the wall clock. `None` if that never happens.
    pub until: Option<LocalTime>,
}

impl Core {
    /// Limits that hold at this moment.
    pub(crate) fn limits_in_force(&self) -> LimitsInForce {
        let usual = *self.timetable.usual.lock();
        let (effect, until) = {
            let schedule = self.timetable.schedule.lock();
            // The local time is not asked for by those who have no use for it.
            let now = (!schedule.is_empty()).then(|| self.clock.local());
            (now.and_then(|now| schedule.effect(now)), now.and_then(|now| schedule.next_change(now)))
        };
        let (download, upload) = match effect {
            Some(ScheduleEffect::Limit { download, upload }) => (download, upload),
            Some(ScheduleEffect::Pause) | None => (usual.download, usual.upload),
        };
        LimitsInForce {
            download,
            upload,
            is_paused: effect == Some(ScheduleEffect::Pause),
            is_scheduled: effect.is_some(),
            until,
        }
    }

    /// Changes the usual limits. In force at once, unless a rule of the schedule is.
    pub(crate) fn set_usual_limits(&self, usual: Usual) {
        *self.timetable.usual.lock() = usual;
        self.follow_schedule();
    }

    /// Replaces the schedule; in force at once.
    pub(crate) fn set_schedule(&self, schedule: Schedule) {
        *self.timetable.schedule.lock() = schedule;
        self.follow_schedule();
        self.timetable.look_again();
    }

    /// Puts in force what holds at this moment.
    pub(crate) fn follow_schedule(&self) {
        let LimitsInForce { download, upload, is_paused: pauses, .. } = self.limits_in_force();
        self.downloads.set_rate(download);
        self.uploads.set_rate(upload);
        if self.timetable.pauses.send_replace(pauses) == pauses {
            return;
        }
        tracing::info!(pauses, "the schedule's rule has changed");
        if pauses {
            self.interrupt_all();
        }
        self.wake.notify_one();
    }

    /// Ends every running attempt. Its job is queued again with what it has, no failure counted.
    pub(crate) fn interrupt_all(&self) {
        let table = self.table.lock();
        for entry in table.active().iter().filter_map(|id| table.get(*id)) {
            if let Some(active) = &entry.active {
                active.cancel.cancel();
            }
        }
    }
}

/// Follows the schedule from minute to minute until the engine stops.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        core.follow_schedule();
        let is_empty = core.timetable.schedule.lock().is_empty();
        tokio::select! {
            biased;
            () = tokio::time::sleep(until_next_minute(core.clock.now())), if !is_empty => {}
            () = core.timetable.changed.notified() => {}
            () = core.stopping.cancelled() => return,
        }
    }
}

fn until_next_minute(now: Timestamp) -> std::time::Duration {
    let left = MINUTE_MS - now.unix_ms().rem_euclid(MINUTE_MS);
    std::time::Duration::from_millis(u64::try_from(left).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_minute_is_never_now_and_never_more_than_one_away() {
        for (now, left) in [(0, 60_000), (59_999, 1), (60_000, 60_000), (-1, 1)] {
            assert_eq!(until_next_minute(Timestamp::from_unix_ms(now)).as_millis(), left);
        }
    }
}
