//! Rate limits that hold over time: a token bucket per job, one per server, and one per direction for the whole process.

mod bucket;
mod buckets;
mod felt;
mod limits;

pub use bucket::{Bucket, Turn};
pub use buckets::{Buckets, ServerLimits};
pub use felt::{Limit, Watch};
pub use limits::Throttle;
