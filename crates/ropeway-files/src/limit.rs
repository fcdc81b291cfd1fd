//! How many files a process may have open; connections are some of them.

use std::io;

#[cfg(unix)]
use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// Raises the limit of open files to the most that the system allows this process. The usual one is old, and made for
/// programs that this one is not.
#[cfg(unix)]
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // A system that refuses leaves it as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// There is no such limit.
#[cfg(not(unix))]
pub const fn raise_limit() {}

/// Files that this process may have open at once.
#[cfg(unix)]
pub fn most_open() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// As many as anybody wants.
#[cfg(not(unix))]
pub const fn most_open() -> u64 {
    u64::MAX
}

/// Whether a file or connection could not be opened since too many are.
#[cfg(unix)]
pub fn are_too_many_open(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| exhausted.contains(&code))
}

/// Never so.
#[cfg(not(unix))]
pub const fn are_too_many_open(_: &io::Error) -> bool {
    false
}
