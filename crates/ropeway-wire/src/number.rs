//! Numbers of bytes in decimal digits.

/// Files end before this offset on every system.
pub(crate) const LONGEST_FILE: u64 = i64::MAX as u64;

/// Digits only. A number too large to write down is larger than every file.
pub(crate) fn digits(text: &str) -> Option<u64> {
    let decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    decimal.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Digits only, within what a file can hold.
pub(crate) fn of_a_file(text: &str) -> Option<u64> {
    digits(text).filter(|number| *number <= LONGEST_FILE)
}
