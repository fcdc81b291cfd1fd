//! Other limits at certain hours of certain days.
//!
//! A schedule is a state, not a list of events: what is in force follows from the local time alone, so that a suspended
//! machine, a changed clock or the end of summer time need no special case.

use serde::{Deserialize, Serialize};

use crate::ByteRate;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A moment of a week, as the wall clock shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// 1 Monday to 7 Sunday.
    pub weekday: u8,
    /// Minutes after midnight, 0 to 1439.
    pub minute: u16,
}

/// Days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekdays(u8);

/// What a rule of the schedule does while it is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleEffect {
    /// Nothing moves; jobs go on when the rule ends.
    Pause,
    /// These limits instead of the usual ones.
    Limit {
        /// All downloads together; `None` is no limit.
        download: Option<ByteRate>,
        /// All uploads together; `None` is no limit.
        upload: Option<ByteRate>,
    },
}

/// One rule of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRule {
    days: Weekdays,
    from: u16,
    to: u16,
    effect: ScheduleEffect,
}

/// A rule that fits no moment, or no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A rule without a day.
    #[error("a rule of the schedule needs at least one day, from 1 for Monday to 7 for Sunday")]
    NoDay,
    /// A minute that no day has.
    #[error("a rule of the schedule begins and ends between 0 and 1439 minutes after midnight")]
    BadMinute,
}

/// Rules in the order of their precedence: the first that fits the moment is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedule(Vec<ScheduleRule>);

impl Weekdays {
    /// These days, 1 Monday to 7 Sunday; `None` if there is none or one of them is no day.
    pub fn new(days: &[u8]) -> Option<Self> {
        let all_known = !days.is_empty() && days.iter().all(|day| (1..=7).contains(day));
        all_known.then(|| Self(days.iter().fold(0, |set, day| set | 1 << (day - 1))))
    }

    /// Whether `weekday`, 1 Monday to 7 Sunday, is one of them.
    pub const fn contains(self, weekday: u8) -> bool {
        matches!(weekday, 1..=7) && self.0 & (1 << (weekday - 1)) != 0
    }
}

impl ScheduleRule {
    /// A rule that begins at `from` minutes after midnight on `days` and ends at `to`; at or before `from`, `to` is of
    /// the next day.
    ///
    /// # Errors
    /// [`ScheduleError`] for a rule without a day and for minutes that no day has.
    pub fn new(days: &[u8], from: u16, to: u16, effect: ScheduleEffect) -> Result<Self, ScheduleError> {
        let days = Weekdays::new(days).ok_or(ScheduleError::NoDay)?;
        if from >= DAY || to >= DAY {
            return Err(ScheduleError::BadMinute);
        }
        Ok(Self { days, from, to, effect })
    }

    fn fits(&self, now: LocalTime) -> bool {
        let yesterday = if now.weekday == 1 { 7 } else { now.weekday.saturating_sub(1) };
        if self.from < self.to {
            return self.days.contains(now.weekday) && (self.from..self.to).contains(&now.minute);
        }
        let began_today = self.days.contains(now.weekday) && now.minute >= self.from;
        let began_yesterday = self.days.contains(yesterday) && now.minute < self.to;
        began_today || began_yesterday
    }
}

impl Schedule {
    /// A schedule of these rules.
    pub const fn new(rules: Vec<ScheduleRule>) -> Self {
        Self(rules)
    }

    /// Whether it has no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is in force at `now`; `None` where the usual limits are.
    pub fn effect(&self, now: LocalTime) -> Option<ScheduleEffect> {
        self.0.iter().find(|rule| rule.fits(now)).map(|rule| rule.effect)
    }

    /// The next moment at which something else is in force; `None` if that never happens.
    pub fn next_change(&self, now: LocalTime) -> Option<LocalTime> {
        /// From any moment on, every rule begins and ends within a week and a day.
        const DAYS_AHEAD: u8 = 8;
        let mut minutes: Vec<u16> = self.0.iter().flat_map(|rule| [rule.from, rule.to]).collect();
        minutes.sort_unstable();
        minutes.dedup();
        let effect = self.effect(now);
        let later = (0..=DAYS_AHEAD).flat_map(|day| minutes.iter().map(move |minute| (day, *minute)));
        later
            .filter(|(day, minute)| *day > 0 || *minute > now.minute)
            .map(|(day, minute)| LocalTime { weekday: (now.weekday.saturating_sub(1) + day) % 7 + 1, minute })
            .find(|at| self.effect(*at) != effect)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FREE: ScheduleEffect = ScheduleEffect::Limit { download: None, upload: None };

    fn at(weekday: u8, hour: u16, minute: u16) -> LocalTime {
        LocalTime { weekday, minute: hour * 60 + minute }
    }

    fn rule(days: &[u8], from: u16, to: u16) -> ScheduleRule {
        ScheduleRule::new(days, from * 60, to * 60, ScheduleEffect::Pause).unwrap()
    }

    #[test]
    fn what_is_in_force_ends_when_something_else_is() {
        let office = Schedule::new(vec![rule(&[1, 2, 3, 4, 5], 9, 17)]);
        let night = Schedule::new(vec![rule(&[7], 22, 6)]);
        let halves = Schedule::new(vec![rule(&[1], 8, 12), rule(&[1], 12, 16)]);
        let always = Schedule::new(vec![rule(&[1, 2, 3, 4, 5, 6, 7], 0, 0)]);
        for (schedule, now, until) in [
            (&office, at(1, 9, 0), Some(at(1, 17, 0))),
            (&office, at(1, 8, 59), Some(at(1, 9, 0))),
            (&office, at(5, 17, 0), Some(at(1, 9, 0))),
            (&night, at(7, 23, 0), Some(at(1, 6, 0))),
            (&night, at(1, 6, 0), Some(at(7, 22, 0))),
            (&night, at(7, 22, 0), Some(at(1, 6, 0))),
            (&halves, at(1, 9, 0), Some(at(1, 16, 0))),
            (&always, at(3, 3, 3), None),
            (&Schedule::default(), at(1, 0, 0), None),
        ] {
            assert_eq!(schedule.next_change(now), until, "{now:?}");
        }
    }

    #[test]
    fn office_hours_end_with_the_minute_before_their_end() {
        let schedule = Schedule::new(vec![rule(&[1, 2, 3, 4, 5], 9, 17)]);
        for (now, in_force) in [
            (at(1, 8, 59), false),
            (at(1, 9, 0), true),
            (at(5, 16, 59), true),
            (at(5, 17, 0), false),
            (at(6, 12, 0), false),
        ] {
            assert_eq!(schedule.effect(now).is_some(), in_force, "{now:?}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let schedule = Schedule::new(vec![rule(&[7], 22, 6)]);
        for (now, in_force) in [
            (at(7, 23, 0), true),
            (at(1, 5, 59), true),
            (at(1, 6, 0), false),
            (at(7, 5, 0), false),
            (at(1, 22, 0), false),
        ] {
            assert_eq!(schedule.effect(now).is_some(), in_force, "{now:?}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_is_in_force() {
        let free = ScheduleRule::new(&[3], 12 * 60, 13 * 60, FREE).unwrap();
        let schedule = Schedule::new(vec![free, rule(&[3], 0, 0)]);
        assert_eq!(schedule.effect(at(3, 12, 30)), Some(FREE));
        assert_eq!(schedule.effect(at(3, 13, 0)), Some(ScheduleEffect::Pause));
    }

    #[test]
    fn rules_that_fit_no_moment_are_refused() {
        for (days, from, to) in [(&[][..], 0, 1), (&[0], 0, 1), (&[8], 0, 1), (&[1], 1440, 1), (&[1], 0, 1440)] {
            assert!(ScheduleRule::new(days, from, to, FREE).is_err(), "{days:?} {from} {to}");
        }
    }

    proptest! {
        /// However it lies, a rule of one day is in force for exactly the minutes between its two ends.
        #[test]
        fn a_rule_is_in_force_for_as_long_as_it_says(day in 1..=7_u8, from in 0..DAY, to in 0..DAY) {
            let schedule = Schedule::new(vec![ScheduleRule::new(&[day], from, to, FREE).unwrap()]);
            let week = (1..=7_u8).flat_map(|weekday| (0..DAY).map(move |minute| LocalTime { weekday, minute }));
            let minutes = week.filter(|now| schedule.effect(*now).is_some()).count();
            let expected = if from < to { to - from } else { DAY - from + to };
            prop_assert_eq!(minutes, usize::from(expected));
        }
    }

    #[test]
    fn a_schedule_is_empty_without_a_rule_only() {
        assert!(Schedule::default().is_empty());
        assert!(!Schedule::new(vec![rule(&[1], 9, 17)]).is_empty());
    }
}
