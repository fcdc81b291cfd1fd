//! Waiting for what another process does.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Longest wait for anything; generous, since it only decides how late a broken test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Returns what `look` finds, as soon as it does; fails the test after a minute without.
pub(crate) fn wait_until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_at_most(PATIENCE, what, look)
}

/// The same with another patience.
pub(crate) fn wait_at_most<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up, "not within {} s: {what}", patience.as_secs());
        thread::sleep(PAUSE);
    }
}
