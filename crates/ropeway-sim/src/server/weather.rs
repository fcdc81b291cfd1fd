//! What goes wrong between a request and the end of its answer, while things break.

use super::answer::Asked;
use crate::random::Random;

/// How often each thing goes wrong on one server, in a thousand requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    breaks: u64,
    lies: u64,
    cuts: u64,
    stalls: u64,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered as the server answers.
    Answered,
    /// Nobody listens.
    Refused,
    /// The connection breaks before the answer.
    Lost,
    /// No answer comes.
    Silent,
    /// An error status, with the seconds of `Retry-After` if it has one.
    Error(u16, Option<u64>),
    /// A page that stands between us and the file.
    Page,
}

/// How an answer to a request for a range is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Another range than the one asked for, truly named.
    OtherRange,
    /// Only the beginning of the range, truly named.
    ShortRange,
    /// More than was asked for, truly named.
    LongRange,
    /// The whole file.
    Whole,
    /// A part that does not say which.
    NoContentRange,
    /// A part of a file of another length.
    WrongTotal,
    /// Several parts in one body.
    Multipart,
    /// The right part without what tells its version.
    NoMarks,
    /// More bytes than the head says.
    Overlong,
    /// Bytes of another place under the head of the right one.
    Shifted,
    /// Bytes of another file under the head of this one.
    Mixed,
}

/// How the body of an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With its last byte.
    Whole,
    /// The connection breaks behind this many bytes.
    Cut(u64),
    /// As if it were over, behind this many bytes.
    Early(u64),
    /// Nothing more comes behind this many bytes, for longer than anybody waits.
    Stall(u64),
}

impl Lie {
    /// The same lie told by the bytes instead of the head. What is asked for from the start has nothing to be compared
    /// with.
    pub(crate) fn hidden(self, asked: &Asked, number: u64) -> Self {
        match self {
            Self::OtherRange if asked.range.is_some_and(|(start, _)| start > 0) => {
                if number.is_multiple_of(2) {
                    Self::Shifted
                } else {
                    Self::Mixed
                }
            }
            lie => lie,
        }
    }
}

impl Weather {
    /// Any weather, mostly fair.
    pub(crate) fn any(random: &mut Random) -> Self {
        Self {
            breaks: random.pick(&[0, 0, 30, 100, 300]),
            lies: random.pick(&[0, 0, 50, 250]),
            cuts: random.pick(&[0, 50, 200, 500]),
            stalls: random.pick(&[0, 0, 30, 100]),
        }
    }

    /// What becomes of a request.
    pub(crate) fn fate(&self, random: &mut Random, is_first: bool) -> Fate {
        if !random.hits(self.breaks) {
            return Fate::Answered;
        }
        let after = random.hits(500).then(|| random.pick(&[1, 2, 7, 30, 90]));
        match random.within(0..12) {
            0 => Fate::Refused,
            1 | 2 => Fate::Lost,
            3 => Fate::Silent,
            4 | 5 => Fate::Error(429, after),
            6 | 7 => Fate::Error(503, after),
            8 => Fate::Error(500, None),
            9 => Fate::Error(random.pick(&[502, 504, 408]), None),
            10 => Fate::Error(random.pick(&[403, 404]), None),
            // As an answer to the first request a page is a file like any other.
            _ if is_first => Fate::Lost,
            _ => Fate::Page,
        }
    }

    /// How an answer to a request for a range is wrong, if it is.
    pub(crate) fn lie(&self, random: &mut Random, may_hide_marks: bool) -> Option<Lie> {
        use Lie::{LongRange, Multipart, NoContentRange, NoMarks, OtherRange, Overlong, ShortRange, Whole, WrongTotal};
        const LIES: [Lie; 11] = [
            OtherRange,
            OtherRange,
            OtherRange,
            ShortRange,
            LongRange,
            Whole,
            NoContentRange,
            WrongTotal,
            Multipart,
            Overlong,
            NoMarks,
        ];
        random.hits(self.lies).then(|| random.pick(&LIES)).filter(|lie| *lie != NoMarks || may_hide_marks)
    }

    /// How a body of `length` bytes ends. Without an announced end, a break looks like one.
    pub(crate) fn ending(&self, random: &mut Random, length: u64, has_announced_end: bool) -> Ending {
        let at = random.within(0..length + 1);
        if random.hits(self.cuts) {
            return if has_announced_end && random.hits(250) { Ending::Early(at) } else { Ending::Cut(at) };
        }
        if random.hits(self.stalls) { Ending::Stall(at) } else { Ending::Whole }
    }
}
