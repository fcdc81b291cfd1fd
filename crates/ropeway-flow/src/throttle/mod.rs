//! Rate limits that hold over time: a token bucket per job, one per server, and one per direction for the whole process.

mod bucket;
mod felt;
mod limits;
mod servers;

pub use bucket::Bucket;
pub use felt::{Limit, Watch};
pub use limits::Throttle;
pub use servers::ServerLimits;
