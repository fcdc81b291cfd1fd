//! A curl command as browsers' developer tools copy it, read for what a download needs.

use crate::error::ApiError;

/// What a curl command asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) urls: Vec<String>,
    /// Each `Name: value`.
    pub(super) headers: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) login: Option<String>,
    pub(super) proxy: Option<String>,
}

/// Whether a text is meant as a curl command.
pub(super) fn is_command(text: &str) -> bool {
    text.trim_start().strip_prefix("curl").is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

/// Reads a curl command.
///
/// # Errors
/// Options that would make it something else than a download, such as a body to send.
pub(super) fn parse(text: &str) -> Result<Command, ApiError> {
    let mut command = Command::default();
    let mut words = words(text)?.into_iter().skip(1);
    while let Some(word) = words.next() {
        let (option, attached) = split_option(&word);
        let mut value = || {
            attached
                .clone()
                .or_else(|| words.next())
                .ok_or_else(|| ApiError::bad_params(format!("the curl option {option} lacks its value")))
        };
        match option.as_str() {
            "-H" | "--header" => command.headers.push(value()?),
            "-A" | "--user-agent" => command.headers.push(format!("User-Agent: {}", value()?)),
            "-e" | "--referer" => command.headers.push(format!("Referer: {}", value()?)),
            "-b" | "--cookie" => command.headers.push(format!("Cookie: {}", value()?)),
            "-o" | "--output" => command.name = value()?.rsplit('/').next().map(str::to_owned),
            "-u" | "--user" => command.login = Some(value()?),
            "-x" | "--proxy" => command.proxy = Some(value()?),
            "--url" => command.urls.push(value()?),
            "-X" | "--request" if value()?.eq_ignore_ascii_case("GET") => {}
            // What changes nothing about which bytes come.
            "-m" | "--max-time" | "--connect-timeout" | "--retry" | "-C" | "--continue-at" | "--limit-rate" => {
                value()?;
            }
            "-L"
            | "--location"
            | "-O"
            | "--remote-name"
            | "-s"
            | "--silent"
            | "-S"
            | "--show-error"
            | "-f"
            | "--fail"
            | "--compressed"
            | "-J"
            | "--remote-header-name"
            | "-g"
            | "--globoff"
            | "-#"
            | "--progress-bar"
            | "-v"
            | "--verbose"
            | "--http1.1"
            | "--http2"
            | "-OJ"
            | "-LO"
            | "-LOJ"
            | "-sS"
            | "-fsSL"
            | "-fL"
            | "-sL"
            | "-OL" => {}
            other if other.starts_with('-') && other.len() > 1 => {
                return Err(ApiError::bad_params(format!("the curl option {other} makes no download of a file")));
            }
            _ => command.urls.push(word),
        }
    }
    // Browsers list the content codings they take; a download must take none (the bytes are saved as they come).
    command.headers.retain(|header| !header.to_ascii_lowercase().starts_with("accept-encoding:"));
    Ok(command)
}

/// `--name=value` and `-Hvalue` in two.
fn split_option(word: &str) -> (String, Option<String>) {
    if let Some((name, value)) = word.split_once('=').filter(|(name, _)| name.starts_with("--")) {
        return (name.to_owned(), Some(value.to_owned()));
    }
    let takes_value = ["-H", "-A", "-e", "-b", "-o", "-u", "-x", "-X"];
    match word.split_at_checked(2) {
        Some((short, value)) if !value.is_empty() && takes_value.contains(&short) => {
            (short.to_owned(), Some(value.to_owned()))
        }
        _ => (word.to_owned(), None),
    }
}

/// Splits a command as a POSIX shell does, without expanding anything.
fn words(text: &str) -> Result<Vec<String>, ApiError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                // A backslash before a line break joins the lines.
                Some('\n') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            '\'' => {
                let quoted = word.get_or_insert_default();
                read_quoted(&mut characters, '\'', quoted)?;
            }
            '"' => {
                let quoted = word.get_or_insert_default();
                read_quoted(&mut characters, '"', quoted)?;
            }
            '$' if characters.peek() == Some(&'\'') => {
                characters.next();
                read_quoted(&mut characters, '\'', word.get_or_insert_default())?;
            }
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn read_quoted(characters: &mut impl Iterator<Item = char>, quote: char, into: &mut String) -> Result<(), ApiError> {
    while let Some(character) = characters.next() {
        match character {
            end if end == quote => return Ok(()),
            '\\' if quote == '"' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped @ ('"' | '\\' | '$' | '`')) => into.push(escaped),
                Some(other) => into.extend(['\\', other]),
            },
            other => into.push(other),
        }
    }
    Err(ApiError::bad_params("the curl command ends inside a quotation"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_copied_from_a_browser_becomes_a_download() {
        let text = "curl 'https://example.org/a.iso?x=1' \\\n  -H 'Accept-Encoding: gzip' \\\n  -H 'X-Key: it'\\''s' \\\n  \
                    -b 'a=b' --compressed -o /tmp/b.iso -u me:secret";
        let command = parse(text).unwrap();
        assert_eq!(command.urls, ["https://example.org/a.iso?x=1"]);
        assert_eq!(command.headers, ["X-Key: it's", "Cookie: a=b"]);
        assert_eq!((command.name.as_deref(), command.login.as_deref()), (Some("b.iso"), Some("me:secret")));
    }

    #[test]
    fn a_command_that_sends_something_is_refused() {
        for text in ["curl -d x=1 https://a.example/", "curl -X POST https://a.example/", "curl 'https://a", "curl -H"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_curl_command_is_read_as_one() {
        assert!(is_command("  curl https://a.example/") && !is_command("https://curl.se/") && !is_command("curly x"));
    }
}
