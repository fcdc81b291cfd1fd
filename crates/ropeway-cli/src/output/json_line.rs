//! Values as lines of JSON.

use std::fmt::Write as _;

use ropeway_model::hides;
use serde::Serialize;

use crate::{error::CommandError, terminal::to_stdout};

/// Writes `value` to stdout as one line of JSON.
///
/// # Errors
/// [`CommandError::Answer`] for what JSON cannot say, such as a map with keys that are no strings.
pub(crate) fn to_stdout_as_json(value: &impl Serialize) -> Result<(), CommandError> {
    let line = as_json(value).map_err(|error| CommandError::Answer { reason: error.to_string() })?;
    to_stdout(&line);
    Ok(())
}

/// `value` as one line of JSON that a terminal may show: what JSON lets stand as it is, and terminals or eyes take for
/// something else, is escaped.
///
/// # Errors
/// Whatever JSON cannot say.
pub(crate) fn as_json(value: &impl Serialize) -> serde_json::Result<String> {
    let line = serde_json::to_string(value)?;
    if !line.contains(hides) {
        return Ok(line);
    }
    let mut escaped = String::with_capacity(line.len() + 64);
    for character in line.chars() {
        if hides(character) {
            // Only strings hold such characters.
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Ok(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_character_that_a_terminal_acts_on_and_says_the_same() {
        let text = "a\u{9b}31mb\u{7f}\u{202e}c\u{2028}\u{e0041}\u{1b}ä\u{1f600}\"\\";
        let line = as_json(&[text]).unwrap();
        assert!(!line.chars().any(|character| character.is_control() || character == '\u{202e}'), "{line}");
        assert!(line.contains('ä') && line.contains('\u{1f600}'));
        assert_eq!(serde_json::from_str::<[String; 1]>(&line).unwrap(), [text]);
    }
}
