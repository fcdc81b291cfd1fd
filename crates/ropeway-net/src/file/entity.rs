//! Which version of a file is being sent: its validators.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

/// File systems that keep times to the nanosecond stamp them with the kernel's tick, at most 10 ms coarse.
const TICK: Duration = Duration::from_millis(20);
/// A time without a fraction comes from a file system that keeps seconds, or pairs of them like FAT.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// One version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entity {
    /// Not part of the tag: it may be another one after a restart of the machine.
    device: u64,
    inode: u64,
    length: u64,
    modified: Duration,
    /// When its contents or anything else of it changed last, which nobody can set back as the modification time can be:
    /// a digest is of one such version. Not part of the tag: a new name or another mode makes no other bytes.
    changed: Duration,
}

impl Entity {
    /// What the file system says of an open file.
    pub fn of(stat: &Stat) -> Self {
        let time = |seconds: i64, nanoseconds: u64| {
            Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanoseconds).unwrap_or(0))
        };
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            length: u64::try_from(stat.st_size).unwrap_or(0),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Length in bytes.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The entity tag (RFC 9110 §8.8.3), of inode, length and modification time.
    ///
    /// It is weak while the modification lies within one tick of the file system's clock: a second write in the same
    /// tick would leave length and time as they are, and a strong tag promises that not one octet differs. Clients
    /// would splice two versions together on the strength of it.
    pub fn tag(&self, now: SystemTime) -> String {
        let weak = if self.is_settled(now) { "" } else { "W/" };
        format!("{weak}\"{:x}-{:x}-{:x}\"", self.inode, self.length, self.modified.as_nanos())
    }

    /// True where any further write would show.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let tick = if self.modified.subsec_nanos() == 0 { COARSE_TICK } else { TICK };
        self.last_modified_exactly() + tick <= now
    }

    /// The value of `Last-Modified`: whole seconds, and never later than the response itself (RFC 9110 §8.8.2.1).
    pub fn last_modified(&self, now: SystemTime) -> SystemTime {
        let seconds = UNIX_EPOCH + Duration::from_secs(self.modified.as_secs());
        seconds.min(now)
    }

    fn last_modified_exactly(&self) -> SystemTime {
        UNIX_EPOCH + self.modified
    }

    /// Whether the bytes of this version can still be what `now` holds. A file that only grew kept its beginning; one
    /// that was written in place, or cut, did not.
    pub fn is_still_in(&self, now: &Self) -> bool {
        Self { changed: now.changed, ..*self } == *now || (self.inode == now.inode && now.length > self.length)
    }
}

/// The wall clock, which file times are compared with.
pub fn wall_clock() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "validators are about the real clock that stamps files")]
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: Duration = Duration::new(1_700_000_000, 5_000_000);

    fn entity() -> Entity {
        Entity { device: 1, inode: 7, length: 10, modified: MODIFIED, changed: MODIFIED }
    }

    #[test]
    fn a_tag_is_weak_until_the_file_system_could_tell_another_write() {
        for (nanoseconds, age_ms, weak) in
            [(5, 0, true), (5, 19, true), (5, 20, false), (0, 20, true), (0, 1_999, true), (0, 2_000, false)]
        {
            let entity = Entity { modified: Duration::new(1_700_000_000, nanoseconds), ..entity() };
            let now = entity.last_modified_exactly() + Duration::from_millis(age_ms);
            assert_eq!(entity.tag(now).starts_with("W/"), weak, "{nanoseconds} ns, {age_ms} ms old");
        }
        let before_it_was_written = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        assert!(entity().tag(before_it_was_written).starts_with("W/"));
    }

    #[test]
    fn every_part_of_a_version_shows_in_its_tag() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let tag = entity().tag(now);
        for other in [
            Entity { inode: 8, ..entity() },
            Entity { length: 11, ..entity() },
            Entity { modified: MODIFIED + Duration::from_nanos(1), ..entity() },
        ] {
            assert_ne!(other.tag(now), tag);
        }
    }

    #[test]
    fn a_file_that_only_grew_still_holds_what_was_promised() {
        let later = MODIFIED + Duration::from_secs(1);
        assert!(entity().is_still_in(&Entity { length: 12, modified: later, ..entity() }));
        assert!(!entity().is_still_in(&Entity { modified: later, ..entity() }));
        assert!(!entity().is_still_in(&Entity { length: 9, modified: later, ..entity() }));
    }

    #[test]
    fn a_modification_in_the_future_is_not_announced() {
        let now = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        assert_eq!(entity().last_modified(now), now);
    }
}
