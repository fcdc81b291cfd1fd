//! A file of pattern bytes, served as a well-behaved server does.

use super::{Answer, Request};
use crate::Pattern;

/// A remote file: its bytes are a pattern's.
#[derive(Clone, Debug)]
pub struct ServedFile {
    pattern: Pattern,
    length: u64,
    headers: Vec<(String, String)>,
}

impl ServedFile {
    /// A file of `length` bytes with a strong entity tag of its seed and length.
    pub fn new(seed: u64, length: u64) -> Self {
        let headers = vec![("ETag".to_owned(), format!("\"{seed}-{length}\""))];
        Self { pattern: Pattern::new(seed), length, headers }
    }

    /// The same file without any validator.
    #[must_use]
    pub fn without_validators(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "ETag" && name != "Last-Modified");
        self
    }

    /// The same file with this header field on every answer that carries bytes.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(had, _)| !had.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its bytes.
    pub const fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// Its length in bytes.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The right answer to `request`: 206 for a range whose `If-Range` holds, 416 behind the end, else 200.
    pub fn answer(&self, request: &Request) -> Answer {
        let Some((start, end)) = request.range().filter(|_| self.is_current(request)) else { return self.whole() };
        if start >= self.length {
            return Answer::status(416).header("Content-Range", &format!("bytes */{}", self.length));
        }
        self.part(start, end.unwrap_or(self.length).min(self.length))
    }

    /// The whole file with status 200, whatever was asked.
    pub fn whole(&self) -> Answer {
        self.dressed(Answer::status(200)).header("Accept-Ranges", "bytes").pattern(self.pattern, 0, self.length)
    }

    /// The bytes `[start, end)` with status 206 and the `Content-Range` that fits.
    pub fn part(&self, start: u64, end: u64) -> Answer {
        self.dressed(Answer::status(206))
            .header("Content-Range", &format!("bytes {start}-{}/{}", end - 1, self.length))
            .pattern(self.pattern, start, end)
    }

    fn dressed(&self, answer: Answer) -> Answer {
        self.headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value))
    }

    /// Whether the condition of `If-Range` holds: only a strong comparison counts (RFC 9110 §13.1.5).
    fn is_current(&self, request: &Request) -> bool {
        let Some(condition) = request.header("If-Range") else { return true };
        let holds = |name: &str| self.headers.iter().any(|(had, value)| had == name && value == condition);
        !condition.starts_with("W/") && (holds("ETag") || holds("Last-Modified"))
    }
}
