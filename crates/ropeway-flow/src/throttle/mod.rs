//! Rate limits that hold over time.
//!
//! A byte passes a token bucket of its job, one of its server, and one of its direction for the whole process.

mod bucket;
mod buckets;
mod felt;
mod limits;

pub use bucket::{Bucket, Turn};
pub use buckets::{Buckets, ServerLimits};
pub use felt::{Limit, Watch};
pub use limits::Throttle;
