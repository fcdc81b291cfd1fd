//! Flags that several commands share, and what the engine gets of them.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum, builder::TypedValueParser, error::ErrorKind};
use ropeway_api::{
    command::{JobOptions, ReuseView},
    settings::OnConflictView,
    view::PriorityView,
};
use ropeway_engine::Patience;
use ropeway_model::{Connections, HeaderField, SafeUrl};

use crate::{error::CommandError, terminal::to_stderr};

/// How jobs reach the network.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkFlags {
    /// Header for every request to the job's own server; may be given again
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<String>,

    /// Log in with this user name and password
    #[arg(long, value_name = "USER:PASSWORD", value_parser = login)]
    pub(crate) user: Option<String>,

    /// Send this token: Authorization: Bearer TOKEN
    #[arg(long, value_name = "TOKEN", conflicts_with = "user", value_parser = bearer)]
    pub(crate) bearer: Option<String>,

    /// Use the logins of $NETRC or ~/.netrc for servers that no other login is given for
    #[arg(long)]
    pub(crate) netrc: bool,

    /// Send the cookies of this file in Netscape's format where they belong
    #[arg(long, value_name = "FILE")]
    pub(crate) cookies: Option<PathBuf>,

    /// Follow redirects from https to http too, without any login
    #[arg(long)]
    pub(crate) allow_downgrade: bool,

    /// Use this proxy instead of the system's
    #[arg(long, value_name = "URL", value_parser = ProxyParser)]
    pub(crate) proxy: Option<String>,

    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
}

impl NetworkFlags {
    /// The options for the engine, still without what is said about the job itself.
    ///
    /// # Errors
    /// [`CommandError::NoCurrentFolder`] if a relative path means nothing here.
    pub(crate) fn options(self) -> Result<JobOptions, CommandError> {
        if self.netrc
            && let Some(path) = ropeway_engine::exposed_netrc()
        {
            to_stderr(&format!("other users can read the passwords in {0}: chmod 600 {0}", path.display()));
        }
        let file = |file: Option<PathBuf>| file.map(|file| into_text(absolute(&file)?)).transpose();
        Ok(JobOptions {
            headers: self.headers.into_iter().chain(self.bearer).collect(),
            login: self.user,
            proxy: self.proxy,
            ca_file: file(self.ca_cert)?,
            cookie_file: file(self.cookies)?,
            netrc: self.netrc,
            allow_downgrade: self.allow_downgrade,
            ..JobOptions::default()
        })
    }
}

/// How long a run of its own waits, and how often it tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct PatienceFlags {
    /// Tries in a row without progress before a file fails, whatever the reason [default: 12; 4 before the first answer]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    tries: Option<u32>,

    /// Give a connection up that brings nothing for so many seconds [default: 60; 900 for the answer to an upload]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: Option<u32>,

    /// Give up to connect after so many seconds [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    connect_timeout: Option<u32>,

    /// Do not wait for the schedule of the settings
    #[arg(long)]
    pub(crate) now: bool,
}

impl PatienceFlags {
    /// What to wait for a connection and for the next byte, and the number of tries.
    pub(crate) fn chosen(self) -> (Patience, Option<u32>) {
        let seconds = |count: Option<u32>| count.map(u64::from).map(Duration::from_secs);
        let patience = Patience { connect: seconds(self.connect_timeout), silence: seconds(self.timeout) };
        (patience, self.tries)
    }
}

/// What becomes of files that are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct SavingFlags {
    /// Where another file of the same name exists [default: rename, unless the settings say otherwise]
    #[arg(long, value_name = "WHAT")]
    on_conflict: Option<OnConflict>,

    /// Fetch again what stands in the queue, or what a list has saved already
    #[arg(long)]
    again: bool,

    /// Keep every file that has the name already, whatever it is
    #[arg(long, conflicts_with_all = ["again", "on_conflict"])]
    skip_existing: bool,

    /// Replace a file that has the name if the server has another version, by time, length and tag
    #[arg(short = 'N', long, conflicts_with_all = ["again", "skip_existing"])]
    newer: bool,

    /// Give files the time of their arrival instead of the one that the server names
    #[arg(long)]
    no_times: bool,
}

impl SavingFlags {
    /// Whether what is in the list already is passed over.
    pub(crate) const fn skips_known(self) -> bool {
        !self.again
    }

    /// The options with what these flags say. A list that `is_run_again` finds its files where it saved them.
    pub(crate) fn apply(self, options: JobOptions, is_run_again: bool) -> JobOptions {
        let is_about_others = self.on_conflict.is_some() && !self.newer;
        let on_conflict = self.on_conflict.or(self.newer.then_some(OnConflict::Overwrite));
        let reuse = match self {
            Self { skip_existing: true, .. } => ReuseView::Any,
            // Who says what becomes of a file that is there means every one.
            Self { again: true, .. } => ReuseView::Never,
            _ if is_about_others => ReuseView::Never,
            Self { newer: true, .. } => ReuseView::Same,
            _ if is_run_again => ReuseView::Same,
            _ => ReuseView::Never,
        };
        JobOptions { on_conflict: on_conflict.map(Into::into), reuse, no_times: self.no_times, ..options }
    }
}

/// What happens where a file of the wanted name exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// Save as `name (1)`
    Rename,
    /// Replace the file once the new one is complete and verified
    Overwrite,
    /// Give the job up
    Fail,
    /// Keep the complete file aside and ask in the window
    Ask,
}

impl From<OnConflict> for OnConflictView {
    fn from(choice: OnConflict) -> Self {
        match choice {
            OnConflict::Rename => Self::Rename,
            OnConflict::Overwrite => Self::Overwrite,
            OnConflict::Fail => Self::Fail,
            OnConflict::Ask => Self::Ask,
        }
    }
}

/// Urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Priority {
    /// After all others
    Low,
    /// In the order of the list
    Normal,
    /// Before all others
    High,
}

impl From<Priority> for PriorityView {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
        }
    }
}

/// A number of connections, 1 to 64.
pub(crate) fn connections(text: &str) -> Result<u8, String> {
    let count = text.parse().ok().and_then(|count| Connections::new(count).ok());
    count.map(u8::from).ok_or_else(|| format!("'{text}' is no number from 1 to {}", Connections::MAX))
}

/// `path` as the engine wants it.
///
/// # Errors
/// [`CommandError::NoCurrentFolder`] if a relative path means nothing here.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, CommandError> {
    std::path::absolute(path).map_err(|cause| CommandError::NoCurrentFolder { cause })
}

/// `path` as text: the contract with the engine is JSON.
///
/// # Errors
/// [`CommandError::Usage`] for a path that is not Unicode.
pub(crate) fn into_text(path: PathBuf) -> Result<String, CommandError> {
    let refused = |path: std::ffi::OsString| {
        let message = format!("the path {} is not Unicode", path.display());
        CommandError::usage(message, "Rename it, or use a folder whose name is Unicode.")
    };
    path.into_os_string().into_string().map_err(refused)
}

fn header(text: &str) -> Result<String, String> {
    let (name, value) = text.split_once(':').ok_or("a header is written 'Name: value'")?;
    HeaderField::new(name.trim(), value.trim()).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// A bearer token (RFC 6750 §2.1) as the header that carries it.
fn bearer(token: &str) -> Result<String, String> {
    let refused = || "a token has no spaces and no control characters".to_owned();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(refused());
    }
    let field = HeaderField::new("Authorization", &format!("Bearer {token}")).map_err(|_| refused())?;
    Ok(format!("{}: {}", field.name(), field.expose_value()))
}

fn login(text: &str) -> Result<String, String> {
    if text.contains(':') { Ok(text.to_owned()) } else { Err("a login is written USER:PASSWORD".to_owned()) }
}

/// Parses the address of a proxy. The usual error would show the whole value, and with it a password.
#[derive(Clone, Debug)]
struct ProxyParser;

impl TypedValueParser for ProxyParser {
    type Value = String;

    fn parse_ref(&self, command: &clap::Command, _: Option<&clap::Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let refused = |reason: String| {
            command.clone().error(ErrorKind::ValueValidation, format!("the address of a proxy was expected: {reason}"))
        };
        let text = value.to_str().ok_or_else(|| refused("it is no UTF-8".to_owned()))?;
        text.parse::<SafeUrl>().map(String::from).map_err(|error| refused(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_would_change_the_request_is_refused() {
        for (text, fine) in [("X-Key: 1", true), ("X-Key:1", true), ("X Key: 1", false), ("X-Key: 1\r\nHost: x", false)]
        {
            assert_eq!(header(text).is_ok(), fine, "{text:?}");
        }
    }

    #[test]
    fn a_token_that_is_none_is_not_echoed() {
        assert_eq!(bearer("abc.def").unwrap(), "Authorization: Bearer abc.def");
        assert!(!bearer("sec ret").unwrap_err().contains("ret"));
        assert!(bearer("").is_err());
    }

    #[test]
    fn a_login_without_a_colon_is_not_echoed() {
        assert!(!login("secret").unwrap_err().contains("secret"));
    }
}
