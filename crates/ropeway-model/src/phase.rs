//! What a job is doing, which moves are legal, and what the user wants of it.
//!
//! The user's wish is kept apart from the fact: a job whose wish is `Pause` may still be `Running` for the moment its
//! checkpoint takes, and a job whose wish is `Run` may be `Waiting`. The engine moves the fact toward the wish.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Failure, Timestamp};

/// What the user wants of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Move it to its end.
    Run,
    /// Keep it as it is.
    Pause,
    /// Give it up.
    Cancel,
}

/// What a job is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Phase {
    /// Waits for a free place.
    Queued,
    /// The first request is under way.
    Probing,
    /// Bytes move.
    Running,
    /// A try failed; the next one comes at `until`.
    Waiting {
        /// When the next try may start.
        until: Timestamp,
        /// Tries that failed in a row without a byte of progress, at least one.
        attempt: u32,
        /// Why the last one failed.
        cause: Failure,
    },
    /// Waits for something that is not ours to mend; goes on by itself, or at once when the user says so.
    Blocked {
        /// What stands in the way.
        by: Blocker,
        /// The reason as it was met.
        failure: Failure,
    },
    /// The link does not lead to the file any more; a new one keeps the bytes.
    LinkExpired {
        /// What the server said instead.
        failure: Failure,
    },
    /// Stopped by the user; resumable.
    Paused,
    /// All bytes are here; length and digest are being proved.
    Verifying,
    /// Complete, verified and under its final name. Terminal.
    Completed,
    /// Given up by the user. Terminal.
    Canceled,
    /// Stopped for a reason that trying again does not mend by itself.
    Failed {
        /// The reason.
        failure: Failure,
    },
}

/// What stands in a job's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocker {
    /// There is no network; the job goes on when there is one.
    Network,
    /// There is no room on the volume; the job goes on when there is.
    Room,
    /// The final name is taken and the user wants to be asked.
    NameTaken,
}

/// A phase without its particulars, for counting and filtering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the phase of the same name")]
pub enum PhaseKind {
    Queued,
    Probing,
    Running,
    Waiting,
    Blocked,
    LinkExpired,
    Paused,
    Verifying,
    Completed,
    Canceled,
    Failed,
}

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The scheduler gave it a place.
    Start,
    /// The first response described the file.
    Probed,
    /// Every byte has been moved.
    Transferred,
    /// Length and digest hold and the file has its final name.
    Verified,
    /// The try failed and another one makes sense.
    Interrupt {
        /// When the next try may start.
        until: Timestamp,
        /// Failed tries in a row.
        attempt: u32,
        /// Why this one failed.
        cause: Failure,
    },
    /// Something stands in the way that trying again does not burn attempts on.
    Block {
        /// What it is.
        by: Blocker,
        /// The reason as it was met.
        failure: Failure,
    },
    /// The link does not lead to the file any more.
    Expire(Failure),
    /// The try failed for good.
    Fail(Failure),
    /// The engine stopped it because the user wished so.
    Pause,
    /// The engine gave it up because the user wished so.
    Cancel,
    /// The user wants it to run (again).
    Requeue,
    /// The engine started and found it as another run had left it.
    Recover,
}

impl fmt::Display for PhaseKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Queued => "queued",
            Self::Probing => "connecting",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::LinkExpired => "without a valid link",
            Self::Paused => "paused",
            Self::Verifying => "being verified",
            Self::Completed => "complete",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Start => "start",
            Self::Probed => "probed",
            Self::Transferred => "transferred",
            Self::Verified => "verified",
            Self::Interrupt { .. } => "interrupt",
            Self::Block { .. } => "block",
            Self::Expire(_) => "expire",
            Self::Fail(_) => "fail",
            Self::Pause => "pause",
            Self::Cancel => "cancel",
            Self::Requeue => "requeue",
            Self::Recover => "recover",
        })
    }
}

/// A move the state machine does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot take the step {step}")]
pub struct IllegalStep {
    /// Where the job was.
    pub from: PhaseKind,
    /// What was asked.
    pub step: Box<Step>,
}

impl Phase {
    /// The phase after `step`.
    ///
    /// # Errors
    /// [`IllegalStep`] for a move the machine does not have; nothing leaves `Completed` or `Canceled`.
    pub fn apply(self, step: Step) -> Result<Self, IllegalStep> {
        let from = self.kind();
        Ok(match (self, step) {
            (Self::Queued | Self::Waiting { .. }, Step::Start) => Self::Probing,
            (Self::Probing, Step::Probed) => Self::Running,
            (Self::Running, Step::Transferred) => Self::Verifying,
            (Self::Verifying, Step::Verified) => Self::Completed,
            (Self::Probing | Self::Running | Self::Verifying, Step::Interrupt { until, attempt, cause }) => {
                Self::Waiting { until, attempt, cause }
            }
            (Self::Probing | Self::Running | Self::Verifying, Step::Block { by, failure }) => {
                Self::Blocked { by, failure }
            }
            (Self::Probing | Self::Running, Step::Expire(failure)) => Self::LinkExpired { failure },
            (
                Self::Queued
                | Self::Probing
                | Self::Running
                | Self::Verifying
                | Self::Waiting { .. }
                | Self::Blocked { .. },
                Step::Fail(failure),
            ) => Self::Failed { failure },
            (
                Self::Queued
                | Self::Probing
                | Self::Running
                | Self::Verifying
                | Self::Waiting { .. }
                | Self::Blocked { .. },
                Step::Pause,
            ) => Self::Paused,
            (from, Step::Cancel) if !from.is_terminal() => Self::Canceled,
            (
                Self::Paused
                | Self::Failed { .. }
                | Self::Waiting { .. }
                | Self::Blocked { .. }
                | Self::LinkExpired { .. },
                Step::Requeue,
            )
            | (Self::Probing | Self::Running | Self::Verifying, Step::Recover) => Self::Queued,
            (settled, Step::Recover) => settled,
            (_, step) => return Err(IllegalStep { from, step: Box::new(step) }),
        })
    }

    /// This phase without its particulars.
    pub const fn kind(&self) -> PhaseKind {
        match self {
            Self::Queued => PhaseKind::Queued,
            Self::Probing => PhaseKind::Probing,
            Self::Running => PhaseKind::Running,
            Self::Waiting { .. } => PhaseKind::Waiting,
            Self::Blocked { .. } => PhaseKind::Blocked,
            Self::LinkExpired { .. } => PhaseKind::LinkExpired,
            Self::Paused => PhaseKind::Paused,
            Self::Verifying => PhaseKind::Verifying,
            Self::Completed => PhaseKind::Completed,
            Self::Canceled => PhaseKind::Canceled,
            Self::Failed { .. } => PhaseKind::Failed,
        }
    }

    /// Whether nothing can happen to the job any more.
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed | Self::Canceled)
    }

    /// Whether the job holds one of the places for running jobs.
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Probing | Self::Running | Self::Verifying)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::FailureCode;

    fn failure() -> Failure {
        Failure::new(FailureCode::ConnectionLost, "the connection to example.org broke")
    }

    fn waiting() -> Phase {
        Phase::Waiting { until: Timestamp::from_unix_ms(5), attempt: 1, cause: failure() }
    }

    fn phases() -> Vec<Phase> {
        use Phase::{Canceled, Completed, Paused, Probing, Queued, Running, Verifying};
        vec![
            Queued,
            Probing,
            Running,
            waiting(),
            Phase::Blocked { by: Blocker::Room, failure: failure() },
            Phase::LinkExpired { failure: failure() },
            Paused,
            Verifying,
            Completed,
            Canceled,
            Phase::Failed { failure: failure() },
        ]
    }

    fn steps() -> Vec<Step> {
        use Step::{Cancel, Pause, Probed, Recover, Requeue, Start, Transferred, Verified};
        let interrupt = Step::Interrupt { until: Timestamp::from_unix_ms(5), attempt: 1, cause: failure() };
        let block = Step::Block { by: Blocker::Room, failure: failure() };
        let (expire, fail) = (Step::Expire(failure()), Step::Fail(failure()));
        vec![Start, Probed, Transferred, Verified, interrupt, block, expire, fail, Pause, Cancel, Requeue, Recover]
    }

    /// The whole machine at one glance: a row a phase, a column a step, `.` where the move is illegal.
    /// S Start, P Probed, T Transferred, V Verified, I Interrupt, B Block, E Expire, F Fail, p Pause, c Cancel,
    /// r Requeue, R Recover.
    const TABLE: [&str; 11] = [
        //S       P       T         V         I       B       E           F      p      c        r      R
        "Probing  .       .         .         .       .       .           Failed Paused Canceled .      Queued",
        ".        Running .         .         Waiting Blocked LinkExpired Failed Paused Canceled .      Queued",
        ".        .       Verifying .         Waiting Blocked LinkExpired Failed Paused Canceled .      Queued",
        "Probing  .       .         .         .       .       .           Failed Paused Canceled Queued Waiting",
        ".        .       .         .         .       .       .           Failed Paused Canceled Queued Blocked",
        ".        .       .         .         .       .       .           .      .      Canceled Queued LinkExpired",
        ".        .       .         .         .       .       .           .      .      Canceled Queued Paused",
        ".        .       .         Completed Waiting Blocked .           Failed Paused Canceled .      Queued",
        ".        .       .         .         .       .       .           .      .      .        .      Completed",
        ".        .       .         .         .       .       .           .      .      .        .      Canceled",
        ".        .       .         .         .       .       .           .      .      Canceled Queued Failed",
    ];

    #[test]
    fn every_phase_takes_exactly_the_steps_of_the_table() {
        for (phase, row) in phases().into_iter().zip(TABLE) {
            let columns: Vec<_> = row.split_whitespace().collect();
            assert_eq!(columns.len(), steps().len());
            for (step, expected) in steps().into_iter().zip(columns) {
                let label = format!("{phase:?} + {step:?}");
                match phase.clone().apply(step) {
                    Ok(next) => assert_eq!(format!("{:?}", next.kind()), expected, "{label}"),
                    Err(_) => assert_eq!(expected, ".", "{label}"),
                }
            }
        }
    }

    #[test]
    fn an_illegal_step_names_the_phase_and_the_step() {
        let said = |phase: Phase, step| phase.apply(step).unwrap_err().to_string();
        assert_eq!(said(Phase::Completed, Step::Start), "a job that is complete cannot take the step start");
        assert_eq!(
            said(Phase::LinkExpired { failure: failure() }, Step::Pause),
            "a job that is without a valid link cannot take the step pause"
        );
    }

    proptest! {
        #[test]
        fn a_terminal_phase_is_reached_once_and_never_left(walk in prop::collection::vec(0..steps().len(), 0..60)) {
            let mut phase = Phase::Queued;
            let mut ends = 0;
            for choice in walk {
                let was_terminal = phase.is_terminal();
                let next = phase.clone().apply(steps()[choice].clone()).unwrap_or_else(|_| phase.clone());
                prop_assert!(!was_terminal || next == phase);
                ends += u32::from(!was_terminal && next.is_terminal());
                phase = next;
            }
            prop_assert!(ends <= 1);
        }
    }

    #[test]
    fn a_place_is_held_while_bytes_move_or_are_compared() {
        let active: Vec<_> = phases().iter().filter(|phase| phase.is_active()).map(Phase::kind).collect();
        assert_eq!(active, [PhaseKind::Probing, PhaseKind::Running, PhaseKind::Verifying]);
    }
}
