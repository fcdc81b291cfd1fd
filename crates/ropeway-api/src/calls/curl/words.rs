//! A command line in words, as the shell that it was copied for splits it, without expanding anything.

use crate::error::ApiError;

/// Dialect of a shell that browsers copy commands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// Bash and other POSIX shells, with `$'…'`.
    Posix,
    /// The command prompt of Windows: `^` escapes, programs read their quotations themselves.
    Cmd,
    /// `PowerShell`: a backtick escapes.
    PowerShell,
}

/// Commands of a text: each its words. A line break, `;` and `&&` end one.
///
/// # Errors
/// [`crate::error::ApiCode::BadParams`] if it ends inside a quotation.
pub(super) fn commands(text: &str) -> Result<Vec<Vec<String>>, ApiError> {
    let text = text.trim().replace("\r\n", "\n");
    let mut reader = Reader { characters: text.chars().peekable(), words: Vec::new(), word: None, done: Vec::new() };
    match Dialect::of(&text) {
        Dialect::Posix => reader.posix()?,
        Dialect::Cmd => return cmd(&text),
        Dialect::PowerShell => reader.powershell()?,
    }
    reader.end_command();
    Ok(reader.done)
}

impl Dialect {
    fn of(text: &str) -> Self {
        if text.contains("^\"") || text.contains("^\n") {
            Self::Cmd
        } else if text.contains("`\n") || text.contains("`\"") || text.contains("`$") {
            Self::PowerShell
        } else {
            Self::Posix
        }
    }
}

fn unended() -> ApiError {
    ApiError::bad_params("the curl command ends inside a quotation")
}

/// What is left of the text, and what was read of it.
struct Reader<'a> {
    characters: std::iter::Peekable<std::str::Chars<'a>>,
    words: Vec<String>,
    word: Option<String>,
    done: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn push(&mut self, character: char) {
        self.word.get_or_insert_default().push(character);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.done.push(std::mem::take(&mut self.words));
        }
    }

    /// Ends a word or a command where an unquoted character does.
    fn other(&mut self, character: char) {
        match character {
            '\n' | ';' => self.end_command(),
            // Between commands; one within an address that nobody quoted belongs to it, as its user meant.
            '&' if self.word.is_none() => self.end_command(),
            blank if blank.is_whitespace() => self.end_word(),
            other => self.push(other),
        }
    }

    fn posix(&mut self) -> Result<(), ApiError> {
        while let Some(character) = self.characters.next() {
            match character {
                '\\' => match self.characters.next() {
                    // A backslash before a line break joins the lines.
                    Some('\n') | None => {}
                    Some(escaped) => self.push(escaped),
                },
                '\'' => self.quoted('\'', |_| None)?,
                '"' => self.quoted('"', |reader| match reader.characters.next() {
                    Some('\n') | None => Some(String::new()),
                    Some(escaped @ ('"' | '\\' | '$' | '`')) => Some(escaped.to_string()),
                    Some(other) => Some(format!("\\{other}")),
                })?,
                '$' if self.characters.peek() == Some(&'\'') => {
                    self.characters.next();
                    self.quoted('\'', |reader| Some(reader.ansi_c()))?;
                }
                other => self.other(other),
            }
        }
        Ok(())
    }

    /// Reads up to the closing `quote`; `escape` reads what follows a backslash, or leaves it one with `None`.
    fn quoted(&mut self, quote: char, escape: impl Fn(&mut Self) -> Option<String>) -> Result<(), ApiError> {
        self.word.get_or_insert_default();
        loop {
            match self.characters.next().ok_or_else(unended)? {
                end if end == quote => return Ok(()),
                '\\' => match escape(self) {
                    Some(read) => self.word.get_or_insert_default().push_str(&read),
                    None => self.push('\\'),
                },
                other => self.push(other),
            }
        }
    }

    /// What a backslash begins within `$'…'` (bash manual, ANSI-C quoting).
    fn ansi_c(&mut self) -> String {
        let Some(character) = self.characters.next() else { return String::new() };
        let of = |code: Option<u32>| code.and_then(char::from_u32).map(String::from).unwrap_or_default();
        match character {
            'a' => "\u{7}".to_owned(),
            'b' => "\u{8}".to_owned(),
            'e' | 'E' => "\u{1b}".to_owned(),
            'f' => "\u{c}".to_owned(),
            'n' => "\n".to_owned(),
            'r' => "\r".to_owned(),
            't' => "\t".to_owned(),
            'v' => "\u{b}".to_owned(),
            'x' => of(self.number(16, 2, None)),
            'u' => self.utf16(),
            'U' => of(self.number(16, 8, None)),
            digit @ '0'..='7' => of(self.number(8, 2, digit.to_digit(8))),
            'c' => of(self.characters.next().map(|control| u32::from(control) & 0x1f)),
            other @ ('\\' | '\'' | '"' | '?') => other.to_string(),
            other => format!("\\{other}"),
        }
    }

    /// A `\u` with its four digits, joined with a second one where the two are halves of one character.
    fn utf16(&mut self) -> String {
        let mut units: Vec<u16> = Vec::new();
        loop {
            units.extend(self.number(16, 4, None).and_then(|unit| u16::try_from(unit).ok()));
            let mut ahead = self.characters.clone();
            let is_half = units.len() == 1 && matches!(units[..], [0xd800..=0xdbff]);
            if !is_half || (ahead.next(), ahead.next()) != (Some('\\'), Some('u')) {
                return String::from_utf16_lossy(&units);
            }
            self.characters = ahead;
        }
    }

    /// Up to `most` digits behind the `first` ones.
    fn number(&mut self, base: u32, most: usize, first: Option<u32>) -> Option<u32> {
        let mut value = first;
        for _ in 0..most {
            let Some(digit) = self.characters.peek().and_then(|next| next.to_digit(base)) else { break };
            self.characters.next();
            value = Some(value.unwrap_or(0).wrapping_mul(base).wrapping_add(digit));
        }
        value
    }

    fn powershell(&mut self) -> Result<(), ApiError> {
        while let Some(character) = self.characters.next() {
            match character {
                '`' => match self.characters.next() {
                    Some('\n') | None => {}
                    Some(escaped) => self.push(escaped),
                },
                quote @ ('\'' | '"') => self.doubled(quote)?,
                other => self.other(other),
            }
        }
        Ok(())
    }

    /// Reads up to the closing `quote`, which stands for itself where there are two.
    fn doubled(&mut self, quote: char) -> Result<(), ApiError> {
        self.word.get_or_insert_default();
        loop {
            match self.characters.next().ok_or_else(unended)? {
                end if end == quote => {
                    if self.characters.next_if_eq(&quote).is_none() {
                        return Ok(());
                    }
                    self.push(quote);
                }
                '`' if quote == '"' => match self.characters.next().ok_or_else(unended)? {
                    'n' => self.push('\n'),
                    'r' => self.push('\r'),
                    't' => self.push('\t'),
                    escaped => self.push(escaped),
                },
                other => self.push(other),
            }
        }
    }
}

/// Two readings, as on Windows: the prompt takes its `^` away, then the program splits what is left.
fn cmd(text: &str) -> Result<Vec<Vec<String>>, ApiError> {
    let mut lines = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = text.chars();
    let mut line = String::new();
    while let Some(character) = characters.next() {
        match character {
            '^' if !is_quoted => match characters.next() {
                // A `^` before a line break joins the lines; one that follows is meant.
                Some('\n') => line.extend(characters.next()),
                Some(escaped) => line.push(escaped),
                None => {}
            },
            '\n' | '&' if !is_quoted => lines.push(std::mem::take(&mut line)),
            '"' => {
                is_quoted = !is_quoted;
                line.push('"');
            }
            other => line.push(other),
        }
    }
    lines.push(line);
    let words: Result<Vec<_>, _> = lines.iter().map(|line| arguments(line)).collect();
    Ok(words?.into_iter().filter(|words| !words.is_empty()).collect())
}

/// A command line as C programs on Windows split it: a backslash counts only before a quotation mark.
fn arguments(line: &str) -> Result<Vec<String>, ApiError> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let mut count = 1;
                while characters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let is_before_quote = characters.peek() == Some(&'"');
                let kept = if is_before_quote { count / 2 } else { count };
                word.get_or_insert_default().extend(std::iter::repeat_n('\\', kept));
                if is_before_quote && count % 2 == 1 {
                    word.get_or_insert_default().extend(characters.next());
                }
            }
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => word.get_or_insert_default().push('"'),
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            blank if blank.is_whitespace() && !is_quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if is_quoted { Err(unended()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut commands = commands(text).unwrap();
        assert_eq!(commands.len(), 1, "{commands:?}");
        commands.remove(0)
    }

    #[test]
    fn what_bash_is_given_is_read_as_bash_reads_it() {
        for (text, expected) in [
            (r"a 'b c' d\ e", vec!["a", "b c", "d e"]),
            ("a \\\n  b \\\r\n c", vec!["a", "b", "c"]),
            (r#"a "b\"c\$d\e""#, vec!["a", r#"b"c$d\e"#]),
            (r"a 'it'\''s' ''", vec!["a", "it's", ""]),
            (r"a $'x\u0021y\x41\101\n\'\\'", vec!["a", "x!yAA\n'\\"]),
            (r"a $'\u00e9\ud83d\ude00\U0001F600'", vec!["a", "é😀😀"]),
            (r"a $'\ud83d' $'\q'", vec!["a", "\u{fffd}", r"\q"]),
            ("a https://h/?x=1&y=2", vec!["a", "https://h/?x=1&y=2"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        for unended in ["a 'b", "a \"b", "a $'b\\'", "a \"b\\"] {
            assert!(commands(unended).is_err(), "{unended}");
        }
    }

    #[test]
    fn what_the_windows_prompt_is_given_is_read_as_windows_does() {
        for (text, expected) in [
            (
                "curl ^\"https://h/a?x=1^&y=^%^20z^\" ^\r\n  -H ^\"k: it^'s ^\\^\"q^\\^\"^\"",
                vec!["curl", "https://h/a?x=1&y=%20z", "-H", "k: it's \"q\""],
            ),
            (
                "curl \"https://h/a?x=1&y=2\" ^\n -b \"a=\"\"1\"\"; b=2\"",
                vec!["curl", "https://h/a?x=1&y=2", "-b", "a=\"1\"; b=2"],
            ),
            ("curl ^\"C:\\dir\\\\^\"", vec!["curl", "C:\\dir\\"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert!(commands("curl ^\"https://h/").is_err());
    }

    #[test]
    fn what_powershell_is_given_is_read_as_it_does() {
        let text = "curl.exe \"https://h/a?t=`$1`\"\" `\n  -H 'k: it''s' -H \"l: a`tb\"";
        assert_eq!(words(text), ["curl.exe", "https://h/a?t=$1\"", "-H", "k: it's", "-H", "l: a\tb"]);
    }

    #[test]
    fn several_commands_are_several() {
        let two = commands("curl 'https://h/a;b' -H 'x: 1' ;\ncurl https://h/b && curl https://h/c\n").unwrap();
        assert_eq!(
            two,
            [vec!["curl", "https://h/a;b", "-H", "x: 1"], vec!["curl", "https://h/b"], vec!["curl", "https://h/c"]]
        );
    }
}
