//! A remote file: its versions, and how its server behaves when nothing goes wrong.

use std::time::{Duration, UNIX_EPOCH};

use crate::{content, random::Random, world::EPOCH_MS};

/// What a server says that tells one version from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    StrongTag,
    WeakTag,
    Date,
    TagAndDate,
    Nothing,
}

/// What a server makes of requests for ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ranges {
    Serves,
    Ignores,
}

/// One version of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    /// From this moment on it is served.
    pub(crate) since: u64,
    pub(crate) bytes: &'static [u8],
}

/// How a server behaves.
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own; any mixture exists")]
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) marks: Marks,
    pub(crate) ranges: Ranges,
    /// Whether a whole file comes with its length.
    pub(crate) tells_length: bool,
    pub(crate) obeys_if_range: bool,
    /// Whether the machines behind the name give the same version different tags.
    pub(crate) has_edges: bool,
    /// Whether the link works once.
    pub(crate) is_once: bool,
    /// Whether it sends the bytes of other places and of other files under heads that say nothing of it.
    pub(crate) mixes: bool,
    /// Whether the address leads to others, each of which is good for a while.
    pub(crate) leads: bool,
    /// From this moment on the link is answered with this status.
    pub(crate) expires: Option<(u64, u16)>,
    /// Bytes a second on one connection.
    pub(crate) speed: u64,
    pub(crate) latency_ms: u64,
    /// Bytes that come at once.
    pub(crate) chunk: u64,
    /// Answers under way at once; more requests are refused with 429 or 503.
    pub(crate) most_at_once: u64,
}

/// A remote file.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) versions: Vec<Version>,
    pub(crate) manner: Manner,
}

impl Remote {
    /// A file of any size on a server of any manner; its content changes, if it does, within the first `rough`
    /// milliseconds.
    pub(crate) fn any(random: &mut Random, file: u64, rough: u64) -> Self {
        let length = any_length(random);
        let mut versions = vec![Version { number: 0, since: 0, bytes: content::bytes(file, 0, length) }];
        if random.hits(250) {
            let length = if random.hits(700) { length } else { any_length(random) };
            let bytes = content::bytes(file, 1, length);
            versions.push(Version { number: 1, since: random.within(500..rough), bytes });
        }
        let longest = versions.iter().map(|version| version.bytes.len() as u64).max().unwrap_or(0);
        Self { versions, manner: Manner::any(random, longest) }
    }

    /// The same file on another server.
    pub(crate) fn mirrored(&self, random: &mut Random) -> Self {
        let longest = self.versions.iter().map(|version| version.bytes.len() as u64).max().unwrap_or(0);
        let manner = Manner { is_once: false, ..Manner::any(random, longest) };
        let marks = if random.hits(600) { self.manner.marks } else { manner.marks };
        Self { versions: self.versions.clone(), manner: Manner { marks, ..manner } }
    }

    /// Another file of the same length on a server that takes it for this one; `as_same` gives it the same tag and date.
    pub(crate) fn mistaken(&self, random: &mut Random, file: u64, as_same: bool) -> Self {
        let length = self.versions[0].bytes.len() as u64;
        let number = if as_same { 0 } else { 5 };
        let versions = vec![Version { number, since: 0, bytes: content::bytes(file, 3, length) }];
        let mirrored = self.mirrored(random);
        let marks = if as_same { self.manner.marks } else { mirrored.manner.marks };
        Self { versions, manner: Manner { marks, ..mirrored.manner } }
    }

    /// What is served at `now`.
    pub(crate) fn current(&self, now: u64) -> Version {
        let served = self.versions.iter().rev().find(|version| version.since <= now);
        *served.unwrap_or(&self.versions[0])
    }

    /// Whether a client can tell the versions from each other by what the server says.
    pub(crate) fn is_told_apart(&self) -> bool {
        self.versions.len() == 1 || self.manner.marks != Marks::Nothing
    }

    /// The entity tag that edge `edge` gives a version.
    pub(crate) fn tag(&self, version: u64, edge: u64) -> Option<String> {
        let edge = if self.manner.has_edges { edge } else { 0 };
        match self.manner.marks {
            Marks::StrongTag | Marks::TagAndDate => Some(format!("\"v{version}-{edge}\"")),
            Marks::WeakTag => Some(format!("W/\"v{version}\"")),
            Marks::Date | Marks::Nothing => None,
        }
    }

    /// `Last-Modified` of a version.
    pub(crate) fn date(&self, version: u64) -> Option<String> {
        let is_told = matches!(self.manner.marks, Marks::Date | Marks::TagAndDate);
        // Days before the run, so that the date is a strong validator.
        is_told.then(|| date(EPOCH_MS - (7 - version) * 86_400_000))
    }
}

/// A moment, in milliseconds since the Unix epoch, as HTTP writes it.
pub(crate) fn date(ms: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms))
}

/// Length of a file of a run.
pub(crate) fn any_length(random: &mut Random) -> u64 {
    match random.within(0..20) {
        0 => 0,
        1 => 1,
        2..=5 => random.within(2..100_000),
        6..=9 => random.within(100_000..1 << 20),
        10..=17 => random.within(1 << 20..4 << 20),
        _ => random.within(4 << 20..content::LARGEST),
    }
}

impl Manner {
    fn any(random: &mut Random, length: u64) -> Self {
        use Marks::{Date, Nothing, StrongTag, TagAndDate, WeakTag};
        let marks =
            random.pick(&[StrongTag, StrongTag, StrongTag, TagAndDate, TagAndDate, Date, Date, WeakTag, Nothing]);
        let speed = (length / random.pick(&[1, 2, 5, 10, 25])).max(2_000);
        Self {
            marks,
            ranges: if random.hits(120) { Ranges::Ignores } else { Ranges::Serves },
            tells_length: !random.hits(120),
            obeys_if_range: random.hits(700),
            has_edges: random.hits(80) && matches!(marks, StrongTag | TagAndDate),
            is_once: random.hits(50),
            // What was drawn already says it, so that seeds keep their runs.
            mixes: speed.is_multiple_of(5),
            leads: speed.is_multiple_of(6),
            expires: None,
            speed,
            latency_ms: random.pick(&[1, 10, 50, 200]),
            // Slow is not silent: no chunk takes longer than two seconds.
            chunk: random.pick(&[16 << 10, 32 << 10, 64 << 10, 64 << 10, 200_000]).min(speed * 2),
            most_at_once: random.pick(&[2, 4, 100, 100, 100, 100]),
        }
    }
}
