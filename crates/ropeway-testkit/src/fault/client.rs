//! The clients, each told what to do as its users would tell it.

use std::{ffi::OsString, path::Path, process::Command};

use super::wish::Wish;

/// A program that downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Ours.
    Ropeway,
    /// `curl`, with the flags of a careful script.
    Curl,
    /// GNU `wget`.
    Wget,
    /// GNU `wget2`.
    Wget2,
    /// `aria2c`, with several connections.
    Aria2,
}

impl Client {
    /// Every client, in the order of the table's columns.
    pub const ALL: [Self; 5] = [Self::Ropeway, Self::Curl, Self::Wget, Self::Wget2, Self::Aria2];

    /// The name of its program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Ropeway => "ropeway",
            Self::Curl => "curl",
            Self::Wget => "wget",
            Self::Wget2 => "wget2",
            Self::Aria2 => "aria2c",
        }
    }

    /// What the program says of its version; `None` where it is not installed.
    pub fn version(self, program: &Path) -> Option<String> {
        let output = Command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned)
    }

    /// The words behind the program's name; `None` where it cannot do what is wished.
    ///
    /// `again` is whether this run goes on with what an earlier one left.
    pub(super) fn arguments(self, wish: &Wish, url: &str, again: bool) -> Option<Vec<OsString>> {
        if !wish.uploads.is_empty() {
            return self.arguments_to_send(wish, url);
        }
        let is_able = matches!(self, Self::Ropeway | Self::Aria2);
        if (wish.sha256.is_some() || wish.mirror.is_some()) && !is_able {
            return None;
        }
        let mut words: Vec<OsString> = Vec::new();
        let mut say = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        if wish.is_marked {
            match self {
                Self::Ropeway => {}
                Self::Curl | Self::Wget | Self::Wget2 => say(&["--xattr"]),
                Self::Aria2 => return None,
            }
        }
        let (number, sha256) = (wish.connections.to_string(), wish.sha256.as_deref().unwrap_or_default());
        match self {
            Self::Ropeway => {
                say(&["get", "--json", "-n", &number]);
                if wish.sha256.is_some() {
                    say(&["--checksum", &format!("sha256:{sha256}")]);
                }
            }
            Self::Curl => {
                say(if wish.output.is_some() { &["-sSfL"] } else { &["-sSfLO"] });
                if again {
                    say(&["-C", "-"]);
                }
                if wish.is_named_by_server {
                    say(&["-J"]);
                }
            }
            Self::Wget | Self::Wget2 => {
                say(if again { &["-nv", "-c"] } else { &["-nv"] });
                if wish.is_named_by_server {
                    say(&["--content-disposition"]);
                }
                if self == Self::Wget2 && wish.connections > 1 {
                    say(&["--chunk-size=1M", &format!("--max-threads={number}")]);
                }
            }
            Self::Aria2 => {
                say(&["-q", "--no-conf", "-x8", "-s8", "-k1M"]);
                if again {
                    say(&["-c"]);
                }
                if wish.sha256.is_some() {
                    say(&[&format!("--checksum=sha-256={sha256}")]);
                }
            }
        }
        if let Some(name) = wish.output {
            say(&[if matches!(self, Self::Wget | Self::Wget2) { "-O" } else { "-o" }, name]);
        }
        self.say_how(wish, &mut say);
        match &wish.mirror {
            Some(mirror) if self == Self::Ropeway => say(&["--mirror", mirror, url]),
            Some(mirror) => say(&[url, mirror]),
            None => say(&[url]),
        }
        Some(words)
    }

    /// The same where files are to be sent.
    fn arguments_to_send(self, wish: &Wish, url: &str) -> Option<Vec<OsString>> {
        let mut words: Vec<OsString> = Vec::new();
        let mut say = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        match (self, wish.uploads) {
            (Self::Ropeway, files) => {
                say(&["put", "--json"]);
                say(files);
                let of_form = |field: &str| format!("form+{url}#field={field}");
                let target = wish.form.map_or_else(|| url.to_owned(), of_form);
                say(&["--to", &target]);
            }
            (Self::Curl, files) => {
                say(&["-sSf"]);
                for file in files {
                    match wish.form {
                        Some(field) => say(&["-F", &format!("{field}=@{file}"), url]),
                        None => say(&["-T", file, url]),
                    }
                }
            }
            (Self::Wget | Self::Wget2, [file]) if wish.form.is_none() => {
                say(&["-nv", "-O", "-", "--method=PUT", &format!("--body-file={file}"), url]);
            }
            (Self::Wget | Self::Wget2 | Self::Aria2, _) => return None,
        }
        Some(words)
    }

    /// Header fields, login, authority and proxy.
    fn say_how(self, wish: &Wish, say: &mut impl FnMut(&[&str])) {
        for (name, value) in &wish.headers {
            match self {
                Self::Ropeway | Self::Curl => say(&["-H", &format!("{name}: {value}")]),
                Self::Wget | Self::Wget2 | Self::Aria2 => say(&[&format!("--header={name}: {value}")]),
            }
        }
        if let Some((user, password)) = wish.login {
            match self {
                Self::Ropeway | Self::Curl => say(&["--user", &format!("{user}:{password}")]),
                Self::Wget | Self::Wget2 => say(&[
                    &format!("--http-user={user}"),
                    &format!("--http-password={password}"),
                    // Without this they ask once without the login.
                    "--auth-no-challenge",
                ]),
                Self::Aria2 => say(&[&format!("--http-user={user}"), &format!("--http-passwd={password}")]),
            }
        }
        if let Some(authority) = wish.authority.as_ref().and_then(|file| file.to_str()) {
            match self {
                Self::Ropeway => say(&["--ca-cert", authority]),
                Self::Curl => say(&["--cacert", authority]),
                Self::Wget | Self::Wget2 | Self::Aria2 => say(&[&format!("--ca-certificate={authority}")]),
            }
        }
        if let Some(proxy) = &wish.proxy {
            match self {
                Self::Ropeway => say(&["--proxy", proxy]),
                Self::Curl => say(&["-x", proxy]),
                Self::Wget => say(&["-e", "use_proxy=yes", "-e", &format!("http_proxy={proxy}")]),
                Self::Wget2 => say(&[&format!("--http-proxy={proxy}")]),
                Self::Aria2 => say(&[&format!("--all-proxy={proxy}")]),
            }
        }
    }

    /// Whether the file under its final name is told to be unfinished by a file beside it.
    pub(super) fn marks_unfinished(self, folder: &Path, name: &str) -> bool {
        self == Self::Aria2 && folder.join(format!("{name}.aria2")).exists()
    }
}
