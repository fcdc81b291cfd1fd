//! `Content-Disposition` (RFC 6266), the name of a file. It is read as browsers do, since servers write it for them.
//!
//! `filename*` (RFC 8187) goes before `filename`; a plain `filename` may be UTF-8 or ISO-8859-1, percent-encoded, or in
//! encoded words (RFC 2047), though no standard allows these. What cannot be decoded counts as absent.

use std::borrow::Cow;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use encoding_rs::Encoding;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ropeway_model::FileName;

/// Base64 as mail programs write it, with its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What stays as it is in an extended header parameter (RFC 8187 §3.2.1).
const EXTENDED_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longest value that is looked at, in octets; no file system takes a name near it.
const LONGEST_VALUE: usize = 8 * 1024;

/// Safe file name nearest to what the header's value gives. `None` if it gives none.
pub fn file_name(value: &[u8]) -> Option<FileName> {
    // Dots and spaces at the start only serve to hide a file.
    given_name(value).map(|name| FileName::sanitized(name.trim_start_matches(['.', ' '])))
}

/// Value that offers a file to be saved, with its name. It has one for old clients and, if that had to be changed, one
/// for new ones.
pub fn attachment(name: &str) -> String {
    // Readers undo percent-encoding and encoded words, which `=?` begins.
    let plain = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '%' | '?');
    let old: String = name.chars().map(|character| if plain(character) { character } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{old}\"");
    if old != name {
        value.push_str("; filename*=UTF-8''");
        value.extend(utf8_percent_encode(name, EXTENDED_VALUE));
    }
    value
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
    if let Some(decoded) = encoded_words(value) {
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

/// The text of a value with encoded words, `=?charset?B|Q?text?=` (RFC 2047 §2), among whatever else; `None` without
/// any. White space between two of them is none of the text (§6.2), and a character may begin in one and end in the
/// next, though that is not allowed (§5).
fn encoded_words(value: &str) -> Option<String> {
    let (mut text, mut rest) = (String::new(), value);
    let mut run: Option<(&str, Vec<u8>)> = None;
    let mut has_any = false;
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        let Some((word, behind)) = encoded_word(from) else {
            text.push_str(&ended(&mut run)?);
            text.push_str(before);
            text.push_str("=?");
            rest = from.get(2..).unwrap_or_default();
            continue;
        };
        has_any = true;
        let is_next = run.as_ref().is_some_and(|(charset, _)| charset.eq_ignore_ascii_case(word.0));
        let continues = before.chars().all(char::is_whitespace) && run.is_some();
        match &mut run {
            Some((_, bytes)) if continues && is_next => bytes.extend(word.1),
            _ => {
                text.push_str(&ended(&mut run)?);
                if !continues {
                    text.push_str(before);
                }
                run = Some(word);
            }
        }
        rest = behind;
    }
    text.push_str(&ended(&mut run)?);
    text.push_str(rest);
    has_any.then_some(text)
}

/// The text of the encoded words that belong together.
fn ended(run: &mut Option<(&str, Vec<u8>)>) -> Option<String> {
    run.take().map_or(Some(String::new()), |(charset, bytes)| decoded(charset, &bytes))
}

/// The encoded word that `text` begins with: its charset and octets, and what is behind it.
fn encoded_word(text: &str) -> Option<((&str, Vec<u8>), &str)> {
    let mut parts = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (coded, behind) = rest.split_once("?=")?;
    let bytes = match encoding {
        "B" | "b" => LENIENT.decode(coded.trim_end_matches('=')).ok()?,
        // The Q encoding is percent-encoding with other signs (RFC 2047 §4.2).
        "Q" | "q" => {
            let percent = coded.replace('%', "%25").replace('_', "%20").replace('=', "%");
            escapes_are_whole(&percent).then(|| percent_decode_str(&percent).collect())?
        }
        _ => return None,
    };
    // A language may stand behind the charset (RFC 2231 §5).
    let charset = charset.split('*').next().unwrap_or_default();
    Some(((charset, bytes), behind))
}

/// Octets as text, by the label of their charset as browsers know it; `None` where they do not fit it.
fn decoded(charset: &str, bytes: &[u8]) -> Option<String> {
    match charset.to_ascii_lowercase().as_str() {
        // Browsers read this as a wider one; names are full of what other programs take it for.
        "iso-8859-1" | "iso8859-1" | "iso88591" | "latin1" => Some(latin_1(bytes)),
        "us-ascii" | "ascii" => bytes.is_ascii().then(|| latin_1(bytes)),
        label => {
            let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
            let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
            Some(text.into_owned())
        }
    }
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests;
