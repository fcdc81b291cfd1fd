//! HTTP's notations, one a file, as both ends have them. A client writes and a server reads them, and the other way
//! round; there is no I/O.
//!
//! Both ends of Ropeway stand on this, so that neither says what the other does not understand, and the only inclusive
//! ranges of the program are here. Values come from outside: what is malformed is an `Err` or says nothing.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod condition;
pub mod content_disposition;
pub mod content_length;
pub mod content_range;
pub mod digest_field;
mod number;
pub mod range;
pub mod retry_after;
pub mod transfer_coding;
pub mod tus;
pub mod validator;

/// Header values that say nothing usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No range, or one that no file has.
    #[error("its Content-Range '{0}' is malformed")]
    ContentRange(String),
    /// No number, or one that no file has.
    #[error("its Content-Length '{0}' is malformed")]
    ContentLength(String),
    /// Lengths that contradict each other.
    #[error("it announces two different lengths")]
    TwoLengths,
}

/// A foreign value for an error's text: printable, and not long.
fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).chars().filter(|character| !character.is_control()).take(60).collect()
}
