//! Lists of addresses as people and programs write them: one a line, a name behind a TAB, options in indented lines.

use std::path::{Component, Path, PathBuf};

use ropeway_model::{ConnectionChoice, Connections, Digest, proxy_address, size};

use crate::{error::ApiError, settings::OnConflictView};

/// An address of a list, with what is said about it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The address, then others of the same file.
    pub(super) addresses: Vec<String>,
    /// What to save it as, maybe in a folder below.
    pub(super) name: Option<String>,
    /// Where to, in the folder of all or below it.
    pub(super) folder: Option<String>,
    /// Each `Name: value`.
    pub(super) headers: Vec<String>,
    pub(super) login: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) checksum: Option<String>,
    pub(super) connections: Option<ConnectionChoice>,
    pub(super) rate_limit: Option<u64>,
    pub(super) on_conflict: Option<OnConflictView>,
    pub(super) netrc: bool,
    pub(super) cookie_file: Option<String>,
    pub(super) ca_file: Option<String>,
}

/// A line of a list that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// The address that it is about.
    pub(super) address: String,
    pub(super) reason: String,
}

/// Options of aria2's lists that change nothing about which bytes are saved where.
const IDLE: [&str; 24] = [
    "allow-piece-length-change",
    "always-resume",
    "auto-save-interval",
    "check-integrity",
    "conditional-get",
    "connect-timeout",
    "continue",
    "enable-http-keep-alive",
    "enable-http-pipelining",
    "file-allocation",
    "gid",
    "http-accept-gzip",
    "http-no-cache",
    "lowest-speed-limit",
    "max-file-not-found",
    "max-tries",
    "min-split-size",
    "piece-length",
    "remote-time",
    "retry-wait",
    "stream-piece-selector",
    "timeout",
    "uri-selector",
    "use-head",
];

/// Entries of a list. Empty lines and those that start with `#` are passed over.
///
/// Behind a TAB stands a name or another address of the same file. An indented line `key=value` is an option of the
/// address before it, by the names that aria2 has for them.
pub(super) fn entries(text: &str) -> impl Iterator<Item = Result<Entry, BadLine>> {
    let is_meant = |line: &&str| {
        let bare = line.trim_start_matches(is_edge);
        !bare.is_empty() && !bare.starts_with('#')
    };
    let mut lines = text.lines().filter(is_meant).peekable();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        let mut entry = match option(line) {
            None => of_line(line),
            Some((key, _)) => {
                let reason = format!("the option {key} stands before every address");
                Err(BadLine { address: cleaned(line), reason })
            }
        };
        while let Some((key, value)) = lines.peek().and_then(|line| option(line)) {
            lines.next();
            let refused = entry.as_mut().ok().and_then(|entry| entry.set(key, value).err());
            if let (Some(reason), Ok(had)) = (refused, &entry) {
                entry = Err(BadLine { address: had.addresses.first().cloned().unwrap_or_default(), reason });
            }
        }
        Some(entry)
    })
}

/// `text` without what cannot be seen and was not meant: blanks, marks of the byte order and of the direction around it,
/// spaces of no width within it, the angle brackets that people put around addresses.
pub(super) fn cleaned(text: &str) -> String {
    let bare = text.trim_matches(is_edge);
    let bare = bare.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(bare);
    bare.chars().filter(|character| !is_nothing(*character)).collect()
}

/// What takes no room and means nothing in an address, wherever it stands.
const fn is_nothing(character: char) -> bool {
    matches!(character, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// What may stand around an address.
fn is_edge(character: char) -> bool {
    character.is_whitespace()
        || is_nothing(character)
        || matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\0')
}

/// The key and the value of an indented option; an indented address is none.
fn option(line: &str) -> Option<(&str, &str)> {
    if !line.starts_with([' ', '\t']) {
        return None;
    }
    let (key, value) = line.trim().split_once('=')?;
    let is_key =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit());
    is_key.then_some((key, value))
}

fn of_line(line: &str) -> Result<Entry, BadLine> {
    let mut fields = line.split('\t').map(cleaned).filter(|field| !field.is_empty());
    let Some(first) = fields.next() else {
        return Err(BadLine { address: line.trim().to_owned(), reason: "no address stands in it".to_owned() });
    };
    let mut entry = Entry { addresses: vec![first], ..Entry::default() };
    for field in fields {
        if field.contains("://") {
            entry.addresses.push(field);
        } else if entry.name.is_none() {
            entry.name = Some(field);
        } else {
            let address = entry.addresses.swap_remove(0);
            return Err(BadLine { address, reason: "more than one name stands behind it".to_owned() });
        }
    }
    Ok(entry)
}

impl Entry {
    /// Takes an option in.
    ///
    /// # Errors
    /// Why it cannot be.
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let refused = || format!("the option {key} cannot be '{value}'");
        match key {
            "out" => self.name = Some(value.to_owned()),
            "dir" => self.folder = Some(value.to_owned()),
            "header" => self.headers.push(value.to_owned()),
            "referer" => self.headers.push(format!("Referer: {value}")),
            "user-agent" => self.headers.push(format!("User-Agent: {value}")),
            "checksum" => self.checksum = Some(checksum(value).ok_or_else(refused)?),
            "split" | "max-connection-per-server" if value == "auto" => {
                self.connections.get_or_insert_default();
            }
            "split" | "max-connection-per-server" => {
                let count: u8 = value.parse().ok().filter(|count| *count > 0).ok_or_else(refused)?;
                let given = Connections::new(count).unwrap_or(Connections::MOST);
                // With both, what aria2 does is what the smaller one allows.
                let had = self.connections.and_then(ConnectionChoice::given);
                self.connections = Some(ConnectionChoice::Number(had.map_or(given, |had| had.min(given))));
            }
            "max-download-limit" => {
                self.rate_limit = Some(size::parse(value).ok_or_else(refused)?).filter(|rate| *rate > 0);
            }
            "http-user" => self.login = Some(value.to_owned()),
            "http-passwd" => self.login = Some(format!("{}:{value}", self.login.as_deref().unwrap_or_default())),
            "all-proxy" | "http-proxy" | "https-proxy" => self.proxy = Some(proxy("http", value)?),
            "load-cookies" => self.cookie_file = Some(absolute(value).ok_or_else(refused)?),
            "ca-certificate" => self.ca_file = Some(absolute(value).ok_or_else(refused)?),
            "allow-overwrite" if value == "true" => self.on_conflict = Some(OnConflictView::Overwrite),
            "auto-file-renaming" if value == "false" => {
                self.on_conflict.get_or_insert(OnConflictView::Fail);
            }
            "allow-overwrite" | "auto-file-renaming" => {}
            idle if IDLE.contains(&idle) => {}
            _ => return Err(format!("the option {key} is not known here")),
        }
        Ok(())
    }

    /// The folder it goes into and its name there.
    ///
    /// # Errors
    /// A name or folder that leads out of the folder of all.
    pub(super) fn place(&self, folder: &Path) -> Result<(PathBuf, Option<&str>), ApiError> {
        let refused = |path: &str| ApiError::bad_params(format!("{path} leads out of the folder that was chosen"));
        let mut into = folder.to_owned();
        if let Some(own) = &self.folder {
            // Lists come from elsewhere, and so do commands that are pasted: a whole path is no leave to go anywhere.
            let below = Path::new(own).strip_prefix(folder).unwrap_or(Path::new(own));
            if !stays_below(below) {
                return Err(refused(own));
            }
            into.extend(below);
        }
        let Some(name) = self.name.as_deref() else { return Ok((into, None)) };
        let Some((below, name)) = name.rsplit_once('/') else { return Ok((into, Some(name))) };
        if !stays_below(Path::new(below)) {
            return Err(refused(below));
        }
        Ok((into.join(below), Some(name)))
    }
}

fn stays_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// `sha-256=HEX` as aria2 writes it, or `sha256:HEX`.
fn checksum(value: &str) -> Option<String> {
    let (algorithm, digits) = value.split_once(['=', ':'])?;
    let text = format!("{}:{digits}", algorithm.replacen('-', "", 1));
    text.parse::<Digest>().ok().map(String::from)
}

fn absolute(path: &str) -> Option<String> {
    Path::new(path).is_absolute().then(|| path.to_owned())
}

/// A proxy's address in full, where curl and aria2 take one without its scheme; empty where none is to be used.
///
/// # Errors
/// Why it names no proxy.
pub(super) fn proxy(scheme: &str, text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let full = if text.contains("://") { text.to_owned() } else { format!("{scheme}://{text}") };
    proxy_address(&full).map(|_| full).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> Vec<Entry> {
        entries(text).map(|entry| entry.unwrap_or_else(|bad| panic!("{bad:?}"))).collect()
    }

    #[test]
    fn a_line_is_an_address_with_a_name_or_mirrors_behind_tabs() {
        let had = good(
            "# a list\n\nhttps://h/1\nhttps://h/2\tb.bin\n  https://h/3?a=b\nhttps://h/4\thttps://m/4\td e.bin\r\n",
        );
        let shown: Vec<_> = had.iter().map(|entry| (entry.addresses.join(" "), entry.name.clone())).collect();
        let expected = [
            ("https://h/1", None),
            ("https://h/2", Some("b.bin")),
            ("https://h/3?a=b", None),
            ("https://h/4 https://m/4", Some("d e.bin")),
        ];
        assert_eq!(shown, expected.map(|(addresses, name)| (addresses.to_owned(), name.map(str::to_owned))));
        assert!(!had[1].has_options() && had[3].has_options());
        for refused in ["https://h/1\ta\tb", "<>", "<\u{200b}>\n  out=a"] {
            assert!(entries(refused).all(|entry| entry.is_err()), "{refused:?}");
        }
    }

    #[test]
    fn options_that_change_nothing_here_are_taken_and_wrong_values_are_refused() {
        for (option, is_taken) in [
            ("allow-overwrite=false", true),
            ("auto-file-renaming=true", true),
            ("split=1", true),
            ("split=0", false),
            ("split=200", true),
            ("max-download-limit=0", true),
            ("max-download-limit=x", false),
            ("load-cookies=/home/me/cookies.txt", true),
            ("load-cookies=cookies.txt", false),
            ("ca-certificate=ca.pem", false),
            ("unknown=1", false),
        ] {
            let entry = entries(&format!("https://h/1\n  {option}\n")).next().unwrap();
            assert_eq!(entry.is_ok(), is_taken, "{option}");
        }
        let had = good(
            "https://h/1\n  max-download-limit=0\n  auto-file-renaming=false\n  load-cookies=/c.txt\n  split=200\n",
        );
        assert_eq!((had[0].rate_limit, had[0].on_conflict), (None, Some(OnConflictView::Fail)));
        assert_eq!(
            (had[0].cookie_file.as_deref(), had[0].connections),
            (Some("/c.txt"), ConnectionChoice::number(64).ok())
        );
    }

    #[test]
    fn what_cannot_be_seen_is_no_part_of_an_address() {
        for line in [
            "\u{feff}https://h/a",
            "https://h/a\u{200b}",
            "\u{202a}https://h/a\u{202c}",
            "\u{a0}https://h/a\u{a0}",
            "https://h/\u{200b}a",
            "<https://h/a>",
            "https://h/a\r",
        ] {
            assert_eq!(good(line)[0].addresses, ["https://h/a"], "{line:?}");
        }
        assert_eq!(entries("\u{feff}\n\u{200b}\n").count(), 0);
        assert_eq!(good("https://h/می\u{200c}خواهم")[0].addresses, ["https://h/می\u{200c}خواهم"]);
    }

    #[test]
    fn indented_options_are_of_the_address_before_them() {
        let had = good(
            "https://h/1\n  out=a b.bin\n\tdir=sub\n  header=X-Key: 1\n  header=X-Other: 2\n  checksum=sha-1=\
             da39a3ee5e6b4b0d3255bfef95601890afd80709\n  split=16\n  max-connection-per-server=4\n  max-download-limit=2M\n  \
             http-user=me\n  http-passwd=pw\n  gid=1\n  allow-overwrite=true\nhttps://h/2\n",
        );
        let first = &had[0];
        assert_eq!((first.name.as_deref(), first.folder.as_deref()), (Some("a b.bin"), Some("sub")));
        assert_eq!(first.headers, ["X-Key: 1", "X-Other: 2"]);
        assert!(first.checksum.as_deref().is_some_and(|digest| digest.starts_with("sha1:da39")));
        assert_eq!(
            (first.connections, first.rate_limit, first.login.as_deref()),
            (ConnectionChoice::number(4).ok(), Some(2 << 20), Some("me:pw"))
        );
        assert_eq!(first.on_conflict, Some(OnConflictView::Overwrite));
        assert_eq!(had[1], Entry { addresses: vec!["https://h/2".to_owned()], ..Entry::default() });
        let automatic = Some(ConnectionChoice::Automatic);
        assert_eq!(good("https://h/1\n split=auto\n")[0].connections, automatic);
    }

    #[test]
    fn a_proxy_needs_no_scheme_and_no_other_one_than_those_that_are_spoken() {
        for (value, proxy) in [
            ("proxy:3128", Some("http://proxy:3128")),
            ("socks5h://tor:9050", Some("socks5h://tor:9050")),
            ("", Some("")),
            ("ftp://user:secret@proxy", None),
        ] {
            let mut had = entries(&format!("https://h/1\n  all-proxy={value}\n")).collect::<Vec<_>>();
            match (had.remove(0), proxy) {
                (Ok(entry), Some(proxy)) => assert_eq!(entry.proxy.as_deref(), Some(proxy)),
                (Err(bad), None) => assert!(!bad.reason.contains("secret"), "{}", bad.reason),
                (had, _) => panic!("{value}: {had:?}"),
            }
        }
    }

    #[test]
    fn an_option_that_cannot_be_used_costs_its_own_entry_alone() {
        let had: Vec<_> =
            entries(" out=x\nhttps://h/1\n  select-file=1\n  out=a\nhttps://h/2\n  checksum=sha-256=zz\nhttps://h/3\n")
                .collect();
        let reasons: Vec<_> = had.iter().map(|entry| entry.as_ref().err().map(|bad| bad.reason.as_str())).collect();
        assert_eq!(
            reasons,
            [
                Some("the option out stands before every address"),
                Some("the option select-file is not known here"),
                Some("the option checksum cannot be 'sha-256=zz'"),
                None
            ]
        );
    }

    #[test]
    fn a_place_lies_below_the_folder_however_it_is_written() {
        let at = |folder: Option<&str>, name: Option<&str>| {
            let entry = Entry { folder: folder.map(str::to_owned), name: name.map(str::to_owned), ..Entry::default() };
            entry.place(Path::new("/d")).ok().map(|(into, name)| (into.display().to_string(), name.map(str::to_owned)))
        };
        let some = |into: &str, name: Option<&str>| Some((into.to_owned(), name.map(str::to_owned)));
        assert_eq!(at(None, None), some("/d", None));
        assert_eq!(at(Some("s"), Some("a")), some("/d/s", Some("a")));
        assert_eq!(at(Some("/d"), Some("a")), some("/d", Some("a")));
        assert_eq!(at(Some("/d/e"), Some("s/t/a")), some("/d/e/s/t", Some("a")));
        for (folder, name) in [
            (Some("../e"), None),
            (Some("/e"), None),
            (Some("/dd"), None),
            (Some("/d/../e"), None),
            (None, Some("../a")),
            (None, Some("/e/a")),
        ] {
            assert_eq!(at(folder, name), None, "{folder:?} {name:?}");
        }
    }
}
