//! From the engine's own values to what a shell shows.

use ropeway_engine::{self as engine, Verification};
use ropeway_model::{Blocker, ByteRate, Direction, Failure, PhaseKind, Priority, Validation, Wish};

use super::{
    BlockerView, DamageView, DirectionView, FailureView, LimitsView, PhaseView, PriorityView, ProofProgress,
    ProofStage, ValidationView, VerificationView, WeekMoment, WishView,
};

impl From<Direction> for DirectionView {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Download => Self::Download,
            Direction::Upload => Self::Upload,
        }
    }
}

impl From<Blocker> for BlockerView {
    fn from(blocker: Blocker) -> Self {
        match blocker {
            Blocker::Network => Self::Network,
            Blocker::Room => Self::Room,
            Blocker::NameTaken => Self::NameTaken,
        }
    }
}

impl From<Wish> for WishView {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Run => Self::Run,
            Wish::Pause => Self::Pause,
            Wish::Cancel => Self::Cancel,
        }
    }
}

impl From<Priority> for PriorityView {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
        }
    }
}

impl From<PriorityView> for Priority {
    fn from(priority: PriorityView) -> Self {
        match priority {
            PriorityView::Low => Self::Low,
            PriorityView::Normal => Self::Normal,
            PriorityView::High => Self::High,
        }
    }
}

impl From<Validation> for ValidationView {
    fn from(validation: Validation) -> Self {
        match validation {
            Validation::StrongTag => Self::StrongTag,
            Validation::LengthAndDate => Self::LengthAndDate,
            Validation::Overlap => Self::Overlap,
            Validation::Unverifiable => Self::Unverifiable,
            Validation::Changed => Self::Changed,
        }
    }
}

impl From<Verification> for VerificationView {
    fn from(verification: Verification) -> Self {
        match verification {
            Verification::ChecksumGiven => Self::ChecksumGiven,
            Verification::ChecksumOfServer => Self::ChecksumOfServer,
            Verification::Length => Self::Length,
            Verification::Unverified => Self::Unverified,
        }
    }
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code.code().to_owned(),
            message: failure.message.clone(),
            hint: failure.code.hint().text().to_owned(),
            status: failure.status,
            can_resume: failure.code.can_resume(),
        }
    }
}

impl From<engine::Damage> for DamageView {
    fn from(damage: engine::Damage) -> Self {
        Self { blocks: damage.blocks, bytes: damage.bytes }
    }
}

impl From<engine::LimitsInForce> for LimitsView {
    fn from(limits: engine::LimitsInForce) -> Self {
        Self {
            download: limits.download.map(ByteRate::bytes_per_second),
            upload: limits.upload.map(ByteRate::bytes_per_second),
            is_scheduled: limits.is_scheduled,
            until: limits.until.map(|at| WeekMoment { weekday: at.weekday, minute: at.minute }),
        }
    }
}

impl PhaseView {
    /// The phase without its particulars.
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
}

impl From<engine::ProofProgress> for ProofProgress {
    fn from(progress: engine::ProofProgress) -> Self {
        let stage = match progress.stage {
            engine::ProofStage::Comparing => ProofStage::Comparing,
            engine::ProofStage::Fetching => ProofStage::Fetching,
        };
        Self { stage, done: progress.done, total: progress.total }
    }
}
