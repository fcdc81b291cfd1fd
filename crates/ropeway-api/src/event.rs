//! What a shell is told without asking: numbered batches of changes.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    settings::Settings,
    view::{JobProgress, JobView, NoticeView, TargetView, Totals},
};

/// Changes since the batch before. Numbers grow by one; a gap means that batches were dropped because this
/// subscriber was slow, and that it must start again from a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Batch {
    /// The batch's number.
    pub seq: u64,
    /// The changes, to be applied in order.
    pub events: Vec<Event>,
}

/// One change.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[ts(export)]
pub enum Event {
    /// Rows that are new or changed, whole.
    Jobs {
        /// The rows.
        jobs: Vec<JobView>,
    },
    /// How far running jobs are; sampled, several times a second.
    Progress {
        /// Only jobs whose progress changed.
        jobs: Vec<JobProgress>,
        /// Sums over all jobs.
        totals: Totals,
    },
    /// Rows that are gone.
    Removed {
        /// Their numbers.
        ids: Vec<i64>,
    },
    /// The settings changed.
    Settings {
        /// The settings in force.
        settings: Settings,
    },
    /// What the user should know changed.
    Notices {
        /// All of it.
        notices: Vec<NoticeView>,
    },
    /// The saved upload targets changed.
    Targets {
        /// All of them.
        targets: Vec<TargetView>,
    },
    /// Another program handed something over that the user should decide on, such as URLs given to a second start.
    Offer {
        /// URLs or text to put into the add dialog.
        text: String,
        /// Files to upload, absolute paths.
        paths: Vec<String>,
    },
}
