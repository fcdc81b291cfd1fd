//! Words of a server that refuses. They are its own code, message and hint, from the forms they come in.

use std::fmt;

use serde_json::Value;

/// Characters of each that are kept: enough for a sentence, too few to fill a screen.
const LONGEST: usize = 200;

/// Refusal in a server's words, cut short and without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerWords {
    /// A word for programs.
    pub code: Option<String>,
    /// A sentence.
    pub message: Option<String>,
    /// Advice of the server.
    pub hint: Option<String>,
}

impl ServerWords {
    /// Reads them from the body of an answer. It may be problem details (RFC 9457), other JSON, the XML of S3, or plain
    /// text. A web page says nothing.
    pub(super) fn read(media_type: &str, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        match serde_json::from_str::<Value>(text) {
            Ok(value @ Value::Object(_)) => Self::of_json(&value),
            _ if text.starts_with('<') => Self::of_xml(text),
            _ if media_type.eq_ignore_ascii_case("text/plain") => {
                Self { message: text.lines().next().and_then(shown), ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    /// True where the code speaks of a quota or of room.
    pub(crate) fn tell_of_room(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default().to_ascii_lowercase();
        ["quota", "insufficientstorage", "insufficient_storage", "disk_full", "storage_full"]
            .iter()
            .any(|word| code.contains(word))
    }

    fn of_json(value: &Value) -> Self {
        // Many wrap what they say once more.
        let inner = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
        let field = |names: &[&str]| names.iter().find_map(|name| shown_value(inner.get(*name)?));
        let is_problem_type = |text: &String| text != "about:blank";
        Self {
            code: field(&["code", "errorCode", "type"]).filter(is_problem_type),
            message: field(&["message", "detail", "error_description", "title", "error", "msg", "reason"]),
            hint: field(&["hint", "suggestion"]),
        }
    }

    fn of_xml(text: &str) -> Self {
        Self { code: element(text, "Code"), message: element(text, "Message"), hint: None }
    }
}

impl fmt::Display for ServerWords {
    /// The words as they follow a status: `: CODE: message (hint)`, or nothing.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.code, &self.message].into_iter().flatten() {
            write!(formatter, ": {part}")?;
        }
        self.hint.as_ref().map_or(Ok(()), |hint| write!(formatter, " ({hint})"))
    }
}

/// The text between the first tags of that name; nothing with markup in it.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    let plain = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    shown(&plain.replace("&amp;", "&")).filter(|_| !inner.contains('<'))
}

fn shown_value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => shown(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A foreign text in one line that nothing in it can break out of.
fn shown(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| !character.is_control() && !is_directing(*character))
        .take(LONGEST)
        .collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

/// Characters that turn the direction of a line or show nothing.
const fn is_directing(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_refusal_are_found_in_the_forms_they_come_in() {
        for (media_type, body, expected) in [
            (
                "application/json",
                r#"{"code":"NAME_TAKEN","message":"a file of this name exists","hint":"Choose another."}"#,
                ": NAME_TAKEN: a file of this name exists (Choose another.)",
            ),
            (
                "application/problem+json",
                r#"{"type":"about:blank","title":"Full","status":507,"detail":"Your quota is used up."}"#,
                ": Your quota is used up.",
            ),
            (
                "application/json",
                r#"{"error":{"code":403,"message":"The user has exceeded their quota."}}"#,
                ": 403: The user has exceeded their quota.",
            ),
            ("application/json", r#"{"error":"no space left"}"#, ": no space left"),
            (
                "application/xml",
                "<?xml version=\"1.0\"?><Error><Code>QuotaExceeded</Code><Message>A &amp; B</Message></Error>",
                ": QuotaExceeded: A & B",
            ),
            ("text/plain", "disk full\r\nmore", ": disk full"),
            ("text/plain", "\u{1b}[31mred\u{202e}\u{9b}1m", ": [31mred1m"),
            ("text/html", "<html><title>413</title></html>", ""),
            ("application/json", "[1]", ""),
            ("application/octet-stream", "\0\u{1}", ""),
            ("", "", ""),
        ] {
            assert_eq!(ServerWords::read(media_type, body.as_bytes()).to_string(), expected, "{body}");
        }
    }

    #[test]
    fn words_without_an_end_are_cut() {
        let long = format!("{{\"code\":\"{0}\",\"message\":\"{0}\"}}", "x".repeat(5_000));
        assert_eq!(ServerWords::read("application/json", long.as_bytes()).to_string().len(), 2 * (LONGEST + 2));
    }

    #[test]
    fn a_code_may_speak_of_room() {
        for (code, expected) in [("QuotaExceeded", true), ("storageQuotaExceeded", true), ("NAME_TAKEN", false)] {
            let words = ServerWords { code: Some(code.to_owned()), ..ServerWords::default() };
            assert_eq!(words.tell_of_room(), expected, "{code}");
        }
        assert!(!ServerWords { message: Some("quota".to_owned()), ..ServerWords::default() }.tell_of_room());
    }
}
