//! What the user asked for.

use std::{
    fmt::{self, Display, Formatter},
    num::NonZeroU8,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{Algorithm, ByteRate, Digest, FileName, Pieces, SafeUrl, Secrets, Timestamp, UploadName, UploadTarget};

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a server to this machine.
    Download,
    /// From this machine to a server.
    Upload,
}

/// From where to where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "direction")]
pub enum Transfer {
    /// Bring `from` into the folder `into`.
    Download {
        /// The remote file.
        from: SafeUrl,
        /// An absolute folder.
        into: PathBuf,
        /// The name to save as; `None` takes the server's.
        name: Option<FileName>,
    },
    /// Send the file `from` to `to`.
    Upload {
        /// An absolute path of a regular file.
        from: PathBuf,
        /// The server's address.
        to: UploadTarget,
    },
}

/// How urgent a job is; the scheduler starts higher ones first and keeps the list's order within one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// After all others.
    Low,
    /// In the order of the list.
    #[default]
    Normal,
    /// Before all others.
    High,
}

/// What happens where a file of the wanted name exists. Nothing is ever overwritten unless the user said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Save as `name (1).ext`.
    #[default]
    Rename,
    /// Replace the file, atomically, once the new one is complete and verified.
    Overwrite,
    /// Stop with [`crate::FailureCode::FileExists`].
    Fail,
    /// Keep the complete file aside and ask the user: [`crate::Blocker::NameTaken`].
    Ask,
}

impl Display for OnConflict {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rename => "the file gets a number",
            Self::Overwrite => "the file that has it is replaced",
            Self::Fail => "the job fails",
            Self::Ask => "the user is asked",
        })
    }
}

/// Worth of a file that has the wanted name already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// None: [`OnConflict`] says what becomes of it.
    #[default]
    Never,
    /// It is taken for the download if it is the version that the server has.
    Same,
    /// It is taken for the download whatever it is.
    Any,
}

/// How many connections one download may use at once: 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Connections(NonZeroU8);

/// No number of connections that a download may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionsError {
    /// Outside 1 to 64.
    #[error("{0} connections: choose 1 to 64")]
    Range(u64),
    /// No number at all.
    #[error("'{0}' is neither auto nor a number from 1 to 64")]
    Word(String),
}

impl Connections {
    /// More than this earns bans from servers and no speed.
    pub const MAX: u8 = 64;
    /// [`Self::MAX`] connections.
    pub const MOST: Self = match NonZeroU8::new(Self::MAX) {
        Some(count) => Self(count),
        None => Self(NonZeroU8::MIN),
    };

    /// A number of connections.
    pub fn new(count: u8) -> Result<Self, ConnectionsError> {
        NonZeroU8::new(count)
            .filter(|count| count.get() <= Self::MAX)
            .map(Self)
            .ok_or(ConnectionsError::Range(count.into()))
    }

    /// The number.
    pub const fn get(self) -> usize {
        self.0.get() as usize
    }
}

impl TryFrom<u8> for Connections {
    type Error = ConnectionsError;

    fn try_from(count: u8) -> Result<Self, ConnectionsError> {
        Self::new(count)
    }
}

impl From<Connections> for u8 {
    fn from(connections: Connections) -> Self {
        connections.0.get()
    }
}

/// Connections of one download: a number, or as many as its line is worth. Written as the number or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum ConnectionChoice {
    /// As many as the line is worth.
    #[default]
    Automatic,
    /// As many as the user gave.
    Number(Connections),
}

/// A [`ConnectionChoice`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Word(String),
}

impl ConnectionChoice {
    const AUTO: &str = "auto";

    /// A number that the user gave.
    pub fn number(count: u8) -> Result<Self, ConnectionsError> {
        Connections::new(count).map(Self::Number)
    }

    /// The number; `None` where the line decides.
    pub const fn given(self) -> Option<Connections> {
        match self {
            Self::Automatic => None,
            Self::Number(connections) => Some(connections),
        }
    }
}

impl Display for ConnectionChoice {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Automatic => out.write_str(Self::AUTO),
            Self::Number(connections) => connections.0.fmt(out),
        }
    }
}

impl FromStr for ConnectionChoice {
    type Err = ConnectionsError;

    fn from_str(text: &str) -> Result<Self, ConnectionsError> {
        match text.parse() {
            Ok(count) => Self::try_from(Written::Number(count)),
            Err(_) => Self::try_from(Written::Word(text.to_owned())),
        }
    }
}

impl TryFrom<Written> for ConnectionChoice {
    type Error = ConnectionsError;

    fn try_from(written: Written) -> Result<Self, ConnectionsError> {
        match written {
            Written::Number(count) => {
                let number = u8::try_from(count).ok().and_then(|count| Self::number(count).ok());
                number.ok_or(ConnectionsError::Range(count))
            }
            Written::Word(word) if word == Self::AUTO => Ok(Self::Automatic),
            Written::Word(word) => Err(ConnectionsError::Word(word)),
        }
    }
}

impl From<ConnectionChoice> for Written {
    fn from(choice: ConnectionChoice) -> Self {
        match choice {
            ConnectionChoice::Automatic => Self::Word(ConnectionChoice::AUTO.to_owned()),
            ConnectionChoice::Number(connections) => Self::Number(u8::from(connections).into()),
        }
    }
}

/// How a job reaches the network where the defaults do not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Network {
    /// A PEM file with certificate authorities to trust beside the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// A proxy for this job; `None` follows the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<SafeUrl>,
    /// A file of cookies in Netscape's format; each cookie goes only where its domain, path and security allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie_file: Option<PathBuf>,
    /// Whether logins of the user's `.netrc` are used for hosts that no other login is given for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub netrc: bool,
    /// Whether a redirect may lead from https to http.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_downgrade: bool,
}

/// A job as the user asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// From where to where.
    pub transfer: Transfer,
    /// The most this job may move; `None` is no limit of its own.
    pub rate_limit: Option<ByteRate>,
    /// Connections of a download; `None` follows the settings.
    pub connections: Option<ConnectionChoice>,
    /// What the finished file must hash to.
    pub checksum: Option<Digest>,
    /// What it must hash to besides.
    pub further_checksums: Vec<Digest>,
    /// What the finished file's digest is taken with, where nothing is given to compare it with.
    pub digest: Option<Algorithm>,
    /// Headers added to requests to the origin that the user typed.
    pub secrets: Secrets,
    /// Urgency.
    pub priority: Priority,
    /// What to do where the name is taken.
    pub on_conflict: OnConflict,
    /// What a file that is there already is worth.
    pub reuse: Reuse,
    /// Whether the saved file keeps the time of its arrival instead of getting the one that the server names.
    pub no_times: bool,
    /// How to reach the network.
    pub network: Network,
    /// Further addresses of the same file, best first; only a download has any.
    pub mirrors: Vec<SafeUrl>,
    /// Digests of the file's pieces, where a Metalink gave them.
    pub pieces: Option<Pieces>,
    /// Bytes the file must have, where a Metalink says so.
    pub length: Option<u64>,
    /// Not to be started before this moment.
    pub start_at: Option<Timestamp>,
    /// How many of the last folders of a download's place were named by a document instead of the user.
    pub named_folders: u8,
}

impl JobSpec {
    /// A job with nothing but from and to.
    pub const fn new(transfer: Transfer) -> Self {
        Self {
            transfer,
            rate_limit: None,
            connections: None,
            checksum: None,
            further_checksums: Vec::new(),
            digest: None,
            secrets: Secrets::of_nobody(Vec::new()),
            named_folders: 0,
            priority: Priority::Normal,
            on_conflict: OnConflict::Rename,
            reuse: Reuse::Never,
            no_times: false,
            network: Network { ca_file: None, proxy: None, cookie_file: None, netrc: false, allow_downgrade: false },
            mirrors: Vec::new(),
            pieces: None,
            length: None,
            start_at: None,
        }
    }

    /// Which way the bytes go.
    pub const fn direction(&self) -> Direction {
        match self.transfer {
            Transfer::Download { .. } => Direction::Download,
            Transfer::Upload { .. } => Direction::Upload,
        }
    }

    /// All that the finished file must hash to.
    pub fn checksums(&self) -> impl Iterator<Item = &Digest> {
        self.checksum.iter().chain(&self.further_checksums)
    }

    /// Has the finished file hash to all of these, or to nothing that is known.
    pub fn set_checksums(&mut self, checksums: impl IntoIterator<Item = Digest>) {
        let mut checksums = checksums.into_iter();
        (self.checksum, self.further_checksums) = (checksums.next(), checksums.collect());
    }

    /// The name to show before anything better is known.
    pub fn display_name(&self) -> String {
        match &self.transfer {
            Transfer::Download { name: Some(name), .. } => name.to_string(),
            Transfer::Download { from, .. } => FileName::from_url(from.expose()).to_string(),
            Transfer::Upload { from, .. } => Transfer::upload_name(from).to_string(),
        }
    }

    /// The remote address.
    pub const fn address(&self) -> &SafeUrl {
        self.transfer.address()
    }

    /// The server's host and port.
    pub fn host(&self) -> String {
        self.address().host()
    }
}

impl Transfer {
    /// The remote address.
    pub const fn address(&self) -> &SafeUrl {
        match self {
            Self::Download { from, .. } => from,
            Self::Upload { to, .. } => to.url(),
        }
    }

    /// The same transfer without a login in its address: what tells it from others.
    #[must_use]
    pub fn without_login(&self) -> Self {
        match self {
            Self::Download { from, into, name } => {
                let from = SafeUrl::without_login(from.expose().clone());
                Self::Download { from, into: into.clone(), name: name.clone() }
            }
            Self::Upload { from, to } => Self::Upload { from: from.clone(), to: to.without_login() },
        }
    }

    /// The name a local file is uploaded under.
    pub fn upload_name(from: &Path) -> UploadName {
        UploadName::of(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_survives_the_store() {
        let mut spec = JobSpec::new(Transfer::Upload {
            from: "/data/a.bin".into(),
            to: "form+https://nas.example/up#field=file".parse().unwrap(),
        });
        spec.rate_limit = ByteRate::new(1024);
        spec.connections = Some(ConnectionChoice::number(8).unwrap());
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<JobSpec>(&text).unwrap(), spec);
    }

    #[test]
    fn a_number_of_connections_is_given_unless_the_line_decides() {
        assert_eq!(ConnectionChoice::Automatic.given(), None);
        assert_eq!(ConnectionChoice::number(8).unwrap().given(), Connections::new(8).ok());
    }

    #[test]
    fn the_checksums_that_are_set_replace_those_before() {
        let mut spec = JobSpec::new(Transfer::Upload {
            from: "/data/a.bin".into(),
            to: "https://nas.example/up".parse().unwrap(),
        });
        let digests: Vec<Digest> =
            ["crc32c:00000000", "md5:d41d8cd98f00b204e9800998ecf8427e"].map(|text| text.parse().unwrap()).into();
        for expected in [&digests[..], &digests[1..], &[]] {
            spec.set_checksums(expected.iter().cloned());
            assert_eq!(spec.checksums().cloned().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_becomes_of_a_taken_name_is_told_in_words() {
        assert_eq!(
            [OnConflict::Rename, OnConflict::Overwrite, OnConflict::Fail, OnConflict::Ask]
                .map(|choice| choice.to_string()),
            ["the file gets a number", "the file that has it is replaced", "the job fails", "the user is asked"]
        );
    }

    #[test]
    fn connections_stay_between_1_and_64() {
        assert!(Connections::new(0).is_err() && Connections::new(65).is_err());
        assert!(serde_json::from_str::<Connections>("200").is_err());
        for (text, written, expected) in [
            ("auto", "\"auto\"", Some(ConnectionChoice::Automatic)),
            ("64", "64", ConnectionChoice::number(64).ok()),
            ("0", "0", None),
            ("65", "65", None),
            ("999", "999", None),
            ("none", "\"none\"", None),
            ("Auto", "\"Auto\"", None),
            ("", "null", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
            assert_eq!(serde_json::from_str(written).ok(), expected, "{text}");
            if let Some(choice) = expected {
                assert_eq!(
                    (choice.to_string(), serde_json::to_string(&choice).unwrap()),
                    (text.into(), written.into())
                );
            }
        }
    }
}
