//! The file name in `Content-Disposition` (RFC 6266), read as browsers do, since servers write it for them.
//!
//! `filename*` (RFC 8187) goes before `filename`; a plain `filename` may be UTF-8 or ISO-8859-1, percent-encoded, or an
//! encoded word (RFC 2047), though no standard allows these. What cannot be decoded counts as absent.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use ropeway_model::FileName;

/// Longest value that is looked at, in octets; no file system takes a name near it.
const LONGEST_VALUE: usize = 8 * 1024;

/// The safe file name nearest to what the header's value gives; `None` if it gives none.
pub(super) fn file_name(value: &[u8]) -> Option<FileName> {
    // Dots and spaces at the start only serve to hide a file.
    given_name(value).map(|name| FileName::sanitized(name.trim_start_matches(['.', ' '])))
}

/// The file name as the header's value gives it.
fn given_name(value: &[u8]) -> Option<String> {
    let value = value.get(..LONGEST_VALUE).unwrap_or(value);
    let text = std::str::from_utf8(value).map_or_else(|_| latin_1(value), str::to_owned);
    let parameters = parameters(&text);
    let first = |name: &str| parameters.iter().find(|(had, _)| had.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let extended = first("filename*").and_then(|value| extended(&unquoted(value)));
    let name = extended.or_else(|| first("filename").map(|value| plain(&unquoted(value))))?;
    let name = name.trim();
    // A NUL ends the name for some programs and not for others.
    (!name.is_empty() && !name.contains('\0')).then(|| name.to_owned())
}

/// The `name=value` pairs between semicolons outside of quotes. The disposition type is skipped for having no `=`:
/// some servers leave it out.
fn parameters(text: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    let sections = text.split(|character| {
        let ends = character == ';' && !quoted;
        (quoted, escaped) = match character {
            _ if escaped => (quoted, false),
            '\\' => (quoted, quoted),
            '"' => (!quoted, false),
            _ => (quoted, false),
        };
        ends
    });
    for section in sections {
        if let Some((name, value)) = section.split_once('=') {
            pairs.push((name.trim(), value.trim()));
        }
    }
    pairs
}

/// The content of a quoted string (RFC 9110 §5.6.4), up to the closing quote if there is one; else the value itself.
fn unquoted(value: &str) -> String {
    let Some(rest) = value.strip_prefix('"') else { return value.to_owned() };
    let mut content = String::with_capacity(rest.len());
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => content.extend(characters.next()),
            other => content.push(other),
        }
    }
    content
}

/// `charset'language'value` with a percent-encoded value (RFC 8187 §3.2). The charset's label is believed: bytes that
/// do not fit it make the whole parameter unusable.
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _language, coded) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = coded.is_ascii() && escapes_are_whole(coded);
    decoded(charset, &percent_decode_str(coded).collect::<Vec<u8>>()).filter(|_| whole)
}

/// A plain `filename`, with what some servers do to it undone: an encoded word, or percent-encoding if it is UTF-8.
fn plain(value: &str) -> String {
    if let Some(decoded) = encoded_word(value) {
        return decoded;
    }
    let decoded = percent_decode_str(value).decode_utf8().ok().filter(|_| escapes_are_whole(value));
    decoded.map_or_else(|| value.to_owned(), Cow::into_owned)
}

/// Whether every `%` is followed by two hexadecimal digits.
fn escapes_are_whole(text: &str) -> bool {
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    text.split('%').skip(1).all(is_escape)
}

/// The text of a value that is one encoded word, `=?charset?B|Q?text?=` (RFC 2047 §2).
fn encoded_word(value: &str) -> Option<String> {
    let mut parts = value.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(text).ok()?,
        // The Q encoding is percent-encoding with other signs (RFC 2047 §4.2).
        "Q" | "q" => {
            let percent = text.replace('%', "%25").replace('_', "%20").replace('=', "%");
            escapes_are_whole(&percent).then(|| percent_decode_str(&percent).collect())?
        }
        _ => return None,
    };
    decoded(charset, &bytes)
}

fn decoded(charset: &str, bytes: &[u8]) -> Option<String> {
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => String::from_utf8(bytes.to_vec()).ok(),
        "iso-8859-1" | "iso8859-1" | "iso88591" | "latin1" => Some(latin_1(bytes)),
        "us-ascii" | "ascii" if bytes.is_ascii() => Some(latin_1(bytes)),
        _ => None,
    }
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests;
