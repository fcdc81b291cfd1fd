//! One case: what goes wrong, what must be true all the same, and how it is shown.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    ground::Ground,
    outcome::Outcome,
    stage::{Script, Shield, Turn},
    wish::Wish,
};
use crate::peer::{Answer, Request, ServedFile};

/// Bytes of a case's file where nothing else is said.
pub(super) const LENGTH: u64 = 1 << 20;
/// Where the first of two runs is stopped.
pub(super) const HALF: u64 = LENGTH / 2;
/// The name the file is saved under where the server names none.
pub(super) const NAME: &str = "file.bin";
/// How long a client is watched; honest ends take a second or two, and backoffs some more.
const WATCH: Duration = Duration::from_secs(25);

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, as `S2`, with a word where a fault has several forms.
    pub id: &'static str,
    /// What goes wrong.
    pub title: &'static str,
    /// What a first-class client makes of it.
    pub must: &'static str,
    /// How it is shown.
    pub proof: Proof,
}

/// How a case is shown.
#[derive(Clone, Debug)]
pub enum Proof {
    /// It is played against any client.
    Play(Box<Play>),
    /// It cannot be provoked from outside, or not in the time of a test: a test of ours shows it, named as
    /// `file::test`.
    Test(&'static str),
    /// Nothing shows it yet, for this reason.
    Nothing(&'static str),
}

/// The right end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The whole file under its name, and success said.
    Whole,
    /// Failure said, and no file under the name.
    Refused,
    /// Either of them, and nothing between; trying on is as good as failing.
    Either,
    /// Failure said or still trying when the time is over, and no file under the name.
    NeverDone,
}

/// How often the program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// Once.
    Once,
    /// Stopped with Ctrl+C when the server has sent that many octets, then started again.
    Stopped(u64),
    /// The same with `kill -9`.
    Killed(u64),
    /// Killed at a system call that names this file, in the words of `strace --inject`, then started again. A client
    /// that never makes the call has no such moment.
    Struck(&'static str, &'static str),
}

/// The bytes that are right under the final name.
#[derive(Clone, Debug)]
pub(super) enum Version {
    Served(ServedFile),
    Bytes(Bytes),
    /// Made when it is needed.
    Made(fn() -> Bytes),
}

impl Version {
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::Served(file) => file.pattern().bytes(0, file.length()),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Made(make) => make(),
        }
    }
}

/// A look at the end; says what is wrong with it.
pub(super) type Look = fn(&Outcome) -> Option<String>;

/// How a case is played.
#[derive(Clone)]
pub struct Play {
    pub(super) end: End,
    pub(super) runs: Runs,
    pub(super) first: Script,
    pub(super) script: Script,
    pub(super) other: Option<Script>,
    pub(super) shield: Shield,
    pub(super) right: Vec<Version>,
    pub(super) wish: Wish,
    pub(super) path: &'static str,
    pub(super) ground: Ground,
    pub(super) before: fn(&Path),
    pub(super) between: fn(&Path),
    pub(super) watch: Duration,
    pub(super) is_slow: bool,
    pub(super) everybody: Option<Look>,
    pub(super) ours: Option<Look>,
    pub(super) codes: &'static [&'static str],
    pub(super) is_ours_alone: bool,
}

impl std::fmt::Debug for Play {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Play").field("end", &self.end).field("runs", &self.runs).finish_non_exhaustive()
    }
}

impl Play {
    /// Whether it takes more time than a suite has.
    pub const fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// One run against `script`; the whole file is the right end.
    pub(super) fn once(script: impl Fn(&Request, &Turn) -> Answer + Send + Sync + 'static) -> Self {
        let script: Script = Arc::new(script);
        Self {
            end: End::Whole,
            runs: Runs::Once,
            first: Arc::clone(&script),
            script,
            other: None,
            shield: Shield::None,
            right: vec![Version::Served(file(1))],
            wish: Wish::default(),
            path: NAME,
            ground: Ground::Plain,
            before: |_| {},
            between: |_| {},
            watch: WATCH,
            is_slow: false,
            everybody: None,
            ours: None,
            codes: &[],
            is_ours_alone: false,
        }
    }

    /// One run in which these files are sent; that all of them arrive is the right end.
    pub(super) fn sent(
        files: &'static [&'static str],
        script: impl Fn(&Request, &Turn) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::once(script).path("in/").wish(|wish| wish.uploads = files)
    }

    /// A run that is stopped at the half, then one against `script`.
    pub(super) fn resumed(script: impl Fn(&Request, &Turn) -> Answer + Send + Sync + 'static) -> Self {
        let mut play = Self::once(script);
        play.runs = Runs::Stopped(HALF);
        play.from(file(1))
    }

    /// What the first of two runs gets the half of.
    pub(super) fn from(self, served: ServedFile) -> Self {
        self.first(move |request, _| served.answer(request).stall_after(HALF))
    }

    /// How the first of two runs is answered.
    pub(super) fn first(mut self, script: impl Fn(&Request, &Turn) -> Answer + Send + Sync + 'static) -> Self {
        self.first = Arc::new(script);
        self
    }

    pub(super) const fn runs(mut self, runs: Runs) -> Self {
        self.runs = runs;
        self
    }

    pub(super) const fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// Refused, and ours says one of these codes.
    pub(super) const fn refused(self, codes: &'static [&'static str]) -> Self {
        self.end(End::Refused).codes(codes)
    }

    /// Ours says one of these codes.
    pub(super) const fn codes(mut self, codes: &'static [&'static str]) -> Self {
        self.codes = codes;
        self
    }

    /// The right bytes, where they are not those of the first version.
    pub(super) fn right(mut self, versions: impl IntoIterator<Item = Version>) -> Self {
        self.right = versions.into_iter().collect();
        self
    }

    /// The right bytes are this file's.
    pub(super) fn becomes(self, served: ServedFile) -> Self {
        self.right([Version::Served(served)])
    }

    pub(super) fn other(mut self, script: impl Fn(&Request, &Turn) -> Answer + Send + Sync + 'static) -> Self {
        self.other = Some(Arc::new(script));
        self
    }

    pub(super) const fn shield(mut self, shield: Shield) -> Self {
        self.shield = shield;
        self
    }

    pub(super) const fn connections(mut self, connections: u8) -> Self {
        self.wish.connections = connections;
        self
    }

    pub(super) fn wish(mut self, change: impl FnOnce(&mut Wish)) -> Self {
        change(&mut self.wish);
        self
    }

    pub(super) const fn path(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    pub(super) const fn on(mut self, ground: Ground) -> Self {
        self.ground = ground;
        self
    }

    /// What is done to the folder before the first run.
    pub(super) const fn before(mut self, change: fn(&Path)) -> Self {
        self.before = change;
        self
    }

    /// What is done to the folder between two runs.
    pub(super) const fn between(mut self, change: fn(&Path)) -> Self {
        self.between = change;
        self
    }

    pub(super) const fn watch(mut self, seconds: u64) -> Self {
        self.watch = Duration::from_secs(seconds);
        self
    }

    /// Left out of the suite, which has no such time; a test in the clock's own time is a row beside it.
    pub(super) const fn slow(mut self, seconds: u64) -> Self {
        self.is_slow = true;
        self.watch(seconds)
    }

    /// What every client must keep to beside the end.
    pub(super) const fn everybody(mut self, look: Look) -> Self {
        self.everybody = Some(look);
        self
    }

    /// What only ours promises beside the end.
    pub(super) const fn ours(mut self, look: Look) -> Self {
        self.ours = Some(look);
        self
    }

    /// The same, where the promise is all that the case is about: no other client has it.
    pub(super) const fn promised_by_ours(mut self, look: Look) -> Self {
        self.is_ours_alone = true;
        self.ours(look)
    }
}

/// Version `seed` of the file, with a strong entity tag.
pub(super) fn file(seed: u64) -> ServedFile {
    ServedFile::new(seed, LENGTH)
}

/// A row that is played.
pub(super) fn case(id: &'static str, title: &'static str, must: &'static str, play: Play) -> Case {
    Case { id, title, must, proof: Proof::Play(Box::new(play)) }
}

/// A row that a test of ours shows.
pub(super) const fn tested(id: &'static str, title: &'static str, must: &'static str, test: &'static str) -> Case {
    Case { id, title, must, proof: Proof::Test(test) }
}

/// A row that nothing shows yet.
pub(super) const fn open(id: &'static str, title: &'static str, must: &'static str, why: &'static str) -> Case {
    Case { id, title, must, proof: Proof::Nothing(why) }
}
