//! The lines of an answer's head that tell where its body ends. The HTTP library passes over lines that it cannot read,
//! as other clients do; over these it must not: a body would be cut, or saved with its framing.

use std::io;

use crate::send::LARGEST_HEAD;

/// What a request's first octets are.
const METHODS: [&[u8]; 4] = [b"GET ", b"HEAD ", b"PUT ", b"POST "];
/// Fields that tell the end of a body.
const FRAMING: [&[u8]; 2] = [b"content-length", b"transfer-encoding"];

/// Looks at the head of each answer on one connection.
#[derive(Debug, Default)]
pub(super) struct HeadGuard {
    /// The line that is being received; `None` outside of a head.
    line: Option<Vec<u8>>,
    /// Whether the head is of an interim answer (1xx), which another one follows.
    is_interim: bool,
    /// Whether the line is the first one of the head.
    is_first: bool,
    octets: usize,
}

/// A framing field that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a line of its head that tells the length of the body is malformed")]
pub(crate) struct FramingError;

impl HeadGuard {
    /// Notes bytes to the server. Behind a request comes a head.
    pub(super) fn sent(&mut self, octets: &[u8]) {
        if METHODS.iter().any(|method| octets.starts_with(method)) {
            *self = Self { line: Some(Vec::new()), is_first: true, ..Self::default() };
        }
    }

    /// Checks bytes from the server.
    ///
    /// # Errors
    /// One that wraps [`FramingError`].
    pub(super) fn received(&mut self, octets: &[u8]) -> io::Result<()> {
        let mut rest = octets;
        while let (Some(line), false) = (&mut self.line, rest.is_empty()) {
            let end = rest.iter().position(|octet| *octet == b'\n');
            let (part, behind) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            rest = behind;
            self.octets += part.len();
            if self.octets > LARGEST_HEAD {
                // The library has a limit of its own.
                self.line = None;
                return Ok(());
            }
            let Some(end) = part.strip_suffix(b"\n") else {
                line.extend_from_slice(part);
                return Ok(());
            };
            let begun = std::mem::take(line);
            // Most lines come whole.
            if begun.is_empty() { self.ended(end)? } else { self.ended(&[&begun, end].concat())? }
        }
        Ok(())
    }

    fn ended(&mut self, line: &[u8]) -> io::Result<()> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.is_first {
            // Blank lines before a head are passed over.
            self.is_first = line.is_empty();
            let status = line.split(|octet| *octet == b' ').nth(1).unwrap_or_default();
            self.is_interim = status.starts_with(b"1") && status != b"101";
        } else if line.is_empty() {
            self.line = self.is_interim.then(Vec::new);
            self.is_first = true;
        } else if is_broken_framing(line) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, FramingError));
        }
        Ok(())
    }
}

/// Whether a line is meant to tell the end of a body, and does not as it stands.
fn is_broken_framing(line: &[u8]) -> bool {
    let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
    let has_colon = name.len() < line.len();
    let plain = name.trim_ascii_end();
    let is_whole = has_colon && FRAMING.iter().any(|field| plain.eq_ignore_ascii_case(field));
    let is_meant = |field: &&[u8]| {
        let (mut spelled, mut wanted) = (letters(name), letters(field));
        wanted.all(|letter| spelled.next() == Some(letter)) && (!has_colon || spelled.next().is_none())
    };
    !is_whole && FRAMING.iter().any(is_meant)
}

/// The letters of a text in lower case, and nothing between them.
fn letters(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().filter(|octet| octet.is_ascii_alphabetic()).map(u8::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(answer: &str, size: usize) -> bool {
        let mut guard = HeadGuard::default();
        guard.sent(b"GET / HTTP/1.1\r\n");
        answer.as_bytes().chunks(size).all(|chunk| guard.received(chunk).is_ok())
    }

    #[test]
    fn a_line_that_tells_the_end_of_the_body_must_be_whole() {
        for (line, taken) in [
            ("Content-Length: 5", true),
            ("content-length : 5", true),
            ("Transfer-Encoding: chunked", true),
            ("X-Content-Length 5", true),
            ("X Content-Length: 5", true),
            ("Content-Lengthy: 5", true),
            ("a line without a colon", true),
            ("Content-Length 5", false),
            ("Content Length: 5", false),
            ("Content-Length\u{0}: 5", false),
            (" Content-Length: 5", false),
            ("Transfer_Encoding: chunked", false),
            ("Transfer-Encoding chunked", false),
            ("Transfer-Encoding\u{b}: chunked", false),
        ] {
            for size in [1, 3, 1000] {
                let head = format!("HTTP/1.1 200 OK\r\nServer: x\r\n{line}\r\n\r\nContent-Length 5\r\n");
                assert_eq!(is_taken(&head, size), taken, "{line:?} {size}");
                let interim = format!("HTTP/1.1 103 Early Hints\r\n\r\n{head}");
                assert_eq!(is_taken(&interim, size), taken, "{line:?} {size}");
            }
        }
    }

    #[test]
    fn each_answer_of_a_connection_is_looked_at_and_no_body_is() {
        let mut guard = HeadGuard::default();
        for _ in 0..2 {
            guard.sent(b"GET / HTTP/1.1\r\n");
            guard.received(b"HTTP/1.1 200 OK\nContent-Length: 18\n\nContent-Length 5\r\n").unwrap();
        }
        guard.sent(b"PUT / HTTP/1.1\r\n");
        assert!(guard.received(b"HTTP/1.1 200 OK\nContent-Length 18\n\n").is_err());
    }
}
