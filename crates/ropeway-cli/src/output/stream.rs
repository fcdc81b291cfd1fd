//! Writing lines to the two streams, whatever becomes of their readers.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::CommandError;

/// Writes a line to stdout. A reader that has gone away ends the output, not the transfers.
pub(crate) fn to_stdout(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Writes a line to stderr, likewise.
pub(crate) fn to_stderr(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes `value` to stdout as one line of JSON.
///
/// # Errors
/// [`CommandError::Answer`] for what JSON cannot say, such as a map with keys that are no strings.
pub(crate) fn to_stdout_as_json(value: &impl Serialize) -> Result<(), CommandError> {
    let line = serde_json::to_string(value).map_err(|error| CommandError::Answer { reason: error.to_string() })?;
    to_stdout(&line);
    Ok(())
}
