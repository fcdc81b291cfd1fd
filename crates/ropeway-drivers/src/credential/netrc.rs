//! `.netrc`: logins by host, as curl and ftp read them.
//!
//! Words are separated by white space; a word in double quotes may hold some, with `\"`, `\\`, `\n`, `\r` and `\t`. A
//! line that begins with `#` is a comment, `macdef` runs to the next empty line, and unknown words are passed over.

/// The logins of one file, in its order.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Netrc(Vec<Entry>);

#[derive(Clone, Default, PartialEq, Eq)]
struct Entry {
    /// The host; `None` is `default`.
    machine: Option<String>,
    login: Option<String>,
    password: Option<String>,
}

/// A file that is no `.netrc`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(crate) struct NetrcError {
    /// Counted from one.
    line: usize,
    reason: &'static str,
}

/// A user's name and password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// The name.
    pub(crate) user: String,
    /// The password.
    pub(crate) password: String,
}

impl Netrc {
    /// Reads a file's text.
    ///
    /// # Errors
    /// [`NetrcError`] names the line of a quotation without its end, or of a word that lacks its value; never a word
    /// of the file, which may be a password.
    pub(crate) fn parse(text: &str) -> Result<Self, NetrcError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut words = Words { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, at_line_start: true };
        while let Some(word) = words.next()? {
            match word.as_str() {
                "machine" => entries.push(Entry { machine: Some(words.value()?), ..Entry::default() }),
                "default" => entries.push(Entry::default()),
                "login" | "user" => words.value_for(entries.last_mut(), |entry| &mut entry.login)?,
                "password" | "passwd" => words.value_for(entries.last_mut(), |entry| &mut entry.password)?,
                "account" => drop(words.value()?),
                "macdef" => words.skip_macro(),
                _ => {}
            }
        }
        Ok(Self(entries))
    }

    /// Login for `host`. The first entry that names it counts, or a `default` before such an entry. With `user` only an
    /// entry of that user counts.
    pub(crate) fn login(&self, host: &str, user: Option<&str>) -> Option<Login> {
        let names_host = |machine: &String| machine.eq_ignore_ascii_case(host);
        let fits = |entry: &&Entry| {
            entry.machine.as_ref().is_none_or(names_host)
                && user.is_none_or(|user| entry.login.as_ref().is_none_or(|login| login == user))
        };
        let entry = self.0.iter().find(fits)?;
        let user = user.map(str::to_owned).or_else(|| entry.login.clone())?;
        Some(Login { user, password: entry.password.clone().unwrap_or_default() })
    }
}

struct Words<'a> {
    rest: &'a str,
    line: usize,
    at_line_start: bool,
}

impl Words<'_> {
    fn next(&mut self) -> Result<Option<String>, NetrcError> {
        loop {
            let start = self.rest.find(|character: char| !character.is_whitespace()).unwrap_or(self.rest.len());
            self.pass(start);
            match self.rest.chars().next() {
                None => return Ok(None),
                Some('#') if self.at_line_start => self.pass(self.rest.find('\n').unwrap_or(self.rest.len())),
                Some('"') => return self.quoted().map(Some),
                Some(_) => {
                    let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
                    let word = self.rest.get(..end).unwrap_or_default().to_owned();
                    self.pass(end);
                    self.at_line_start = false;
                    return Ok(Some(word));
                }
            }
        }
    }

    fn quoted(&mut self) -> Result<String, NetrcError> {
        let refused = NetrcError { line: self.line, reason: "a quotation has no end" };
        let mut word = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.pass(at + 1);
                    self.at_line_start = false;
                    return Ok(word);
                }
                '\n' => return Err(refused),
                '\\' => match characters.next() {
                    Some((_, 'n')) => word.push('\n'),
                    Some((_, 'r')) => word.push('\r'),
                    Some((_, 't')) => word.push('\t'),
                    Some((_, other)) => word.push(other),
                    None => return Err(refused),
                },
                other => word.push(other),
            }
        }
        Err(refused)
    }

    fn value(&mut self) -> Result<String, NetrcError> {
        let line = self.line;
        self.next()?.ok_or(NetrcError { line, reason: "a word at the end of the file lacks its value" })
    }

    fn value_for(
        &mut self,
        entry: Option<&mut Entry>,
        field: impl FnOnce(&mut Entry) -> &mut Option<String>,
    ) -> Result<(), NetrcError> {
        let refused = NetrcError { line: self.line, reason: "a login stands before any machine" };
        *field(entry.ok_or(refused)?) = Some(self.value()?);
        Ok(())
    }

    /// Passes over a macro: to the first empty line behind its name.
    fn skip_macro(&mut self) {
        let plain = self.rest.find("\n\n").map(|at| at + 2);
        let windows = self.rest.find("\n\r\n").map(|at| at + 3);
        let end = plain.into_iter().chain(windows).min().unwrap_or(self.rest.len());
        self.pass(end);
    }

    /// Passes over `count` bytes.
    fn pass(&mut self, count: usize) {
        let (passed, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, ""));
        let lines = passed.matches('\n').count();
        self.line += lines;
        self.at_line_start |= lines > 0;
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str, host: &str, user: Option<&str>) -> Option<(String, String)> {
        Netrc::parse(text).unwrap().login(host, user).map(|login| (login.user, login.password))
    }

    #[test]
    fn the_first_entry_that_names_the_host_counts() {
        let text = "# logins\nmachine a.example login ann password 1\nmachine b.example\n\tlogin bob\n\tpassword 2\n\
                    machine A.Example login zoe password 3\ndefault login any password 4\nmachine c.example login c\n";
        let found = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        for (host, user, expected) in [
            ("a.example", None, found("ann", "1")),
            ("A.EXAMPLE", None, found("ann", "1")),
            ("a.example", Some("zoe"), found("zoe", "3")),
            ("b.example", None, found("bob", "2")),
            ("sub.a.example", None, found("any", "4")),
            ("c.example", None, found("any", "4")),
        ] {
            assert_eq!(login(text, host, user), expected, "{host} {user:?}");
        }
        assert_eq!(login("machine a.example login ann password 1", "b.example", None), None);
    }

    #[test]
    fn quotes_macros_comments_and_unknown_words_are_read_as_curl_does() {
        let quoted = r#"machine "a.example" login "an n" password "a \"b\" \\ #c""#;
        assert_eq!(login(quoted, "a.example", None), Some(("an n".to_owned(), "a \"b\" \\ #c".to_owned())));
        let with_macro =
            "macdef init\nmachine a.example login no password no\n\nmachine a.example login ann password #1";
        assert_eq!(login(with_macro, "a.example", None), Some(("ann".to_owned(), "#1".to_owned())));
        let windows = "\u{feff}machine a.example\r\n# machine\r\nport 21 account x login ann password 1\r\n";
        assert_eq!(login(windows, "a.example", None), Some(("ann".to_owned(), "1".to_owned())));
        assert_eq!(login("machine a.example login ann", "a.example", None), Some(("ann".to_owned(), String::new())));
    }

    #[test]
    fn a_broken_file_is_refused_by_line_and_without_its_words() {
        for (text, line) in [
            ("machine a.example\nlogin ann password \"secret", 2),
            ("machine a.example\n\nlogin", 3),
            ("login ann", 1),
            ("machine a login b password \"secret\n\"", 1),
        ] {
            let error = Netrc::parse(text).err().unwrap();
            assert_eq!(error.line, line, "{text}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
