//! What a client made of a case.

use std::fmt;

/// How a case ended for the user, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The rule holds.
    Right,
    /// It failed and said so; no wrong file, though the right one was to be had.
    GaveUp,
    /// It neither ended nor got on while honest bytes, or an honest error, were to be had.
    Hangs,
    /// It failed and said so, but left wrong bytes under the file's name, which its next try builds upon.
    Spoilt,
    /// It told a secret, went where it must not, or pressed a server that asked for patience.
    Unsafe,
    /// It said it had the file, and has not.
    WrongClaim,
    /// It said it had the file, and the file has wrong bytes.
    Corrupt,
    /// The client cannot be asked for this, or the machine cannot provoke it.
    NotApplicable,
}

impl Verdict {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Right => "ok",
            Self::GaveUp => "safe, gave up",
            Self::Hangs => "hangs",
            Self::Spoilt => "spoils the part",
            Self::Unsafe => "unsafe",
            Self::WrongClaim => "wrong claim",
            Self::Corrupt => "corrupt",
            Self::NotApplicable => "n.a.",
        }
    }

    /// Every verdict, in the order of the summary.
    pub const ALL: [Self; 8] = [
        Self::Right,
        Self::GaveUp,
        Self::Hangs,
        Self::Spoilt,
        Self::Unsafe,
        Self::WrongClaim,
        Self::Corrupt,
        Self::NotApplicable,
    ];
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// A verdict, with what led to it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence for people; empty where there is nothing to add.
    pub note: String,
    /// Exit code, streams, files and requests, for a failed test.
    pub trace: String,
}
