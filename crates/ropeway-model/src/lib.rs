//! The vocabulary of Ropeway: what a job is, which bytes it still needs, and what may happen to it next.
//!
//! Pure values and rules; no I/O, no clock, no tokio. Range arithmetic and the state machine are where corruption is
//! born, so they live here, where a property test runs them thousands of times in milliseconds.

mod chunks;
mod count;
mod digest;
mod failure;
mod file_name;
mod hashed_prefix;
mod header;
mod id;
mod phase;
mod pieces;
mod proxy;
mod range;
mod rate;
mod redact;
mod schedule;
mod secrets;
mod segment;
mod server_rule;
pub mod size;
mod spec;
mod target;
mod time;
mod upload_name;
mod validator;

pub use chunks::Chunks;
pub use count::counted;
pub use digest::{Algorithm, Digest, DigestParseError};
pub use failure::{Failure, FailureCode, Hint, Retry};
pub use file_name::{FileName, FileNameError, hides};
pub use hashed_prefix::HashedPrefix;
pub use header::{HeaderField, HeaderParseError};
pub use id::{JobId, SavedTargetId};
pub use phase::{Blocker, IllegalStep, Phase, PhaseKind, Step, Wish};
pub use pieces::Pieces;
pub use proxy::{PROXY_SCHEMES, ProxyParseError, proxy_address};
pub use range::{ByteRange, EmptyRange};
pub use rate::{ByteRate, RateParseError};
pub use redact::{SafeUrl, UrlParseError};
pub use schedule::{LocalTime, Schedule, ScheduleEffect, ScheduleError, ScheduleRule, Weekdays};
pub use secrets::Secrets;
pub use segment::{Segment, SegmentError, SegmentMap};
pub use server_rule::{HostPattern, HostPatternError, ServerRule};
pub use spec::{
    ConnectionChoice, Connections, ConnectionsError, Direction, JobSpec, Network, OnConflict, Priority, Reuse, Transfer,
};
pub use target::{TargetOptions, TargetParseError, UploadProtocol, UploadTarget};
pub use time::Timestamp;
pub use upload_name::UploadName;
pub use validator::{EntityTag, Validation, Validator};
