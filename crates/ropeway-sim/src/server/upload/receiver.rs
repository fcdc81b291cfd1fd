//! The manner in which a server takes uploads, and its faults.

use crate::random::Random;

/// Protocol that a server of uploads speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Put,
    Tus,
}

/// Manner in which a server takes uploads when nothing goes wrong.
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own; any mixture exists")]
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    pub(crate) protocol: Protocol,
    /// The first bytes may come with the creation.
    pub(super) creates_with_bytes: bool,
    /// Parts come with their checksum.
    pub(super) compares: bool,
    /// Largest body of a request; zero where any will do.
    pub(super) largest_body: u64,
    /// A request that is still worked on keeps later ones off.
    pub(super) locks: bool,
    /// The length of a whole file can be asked for.
    pub(super) tells_stored: bool,
    /// Each answer waits until the bytes are synced.
    pub(super) syncs: bool,
    /// Bytes a second.
    pub(super) speed: u64,
    pub(super) latency_ms: u64,
}

/// Faults of one server in a thousand requests.
#[derive(Clone, Debug)]
pub(super) struct Hazards {
    breaks: u64,
    cuts: u64,
    losses: u64,
    short: u64,
    forgets: u64,
    restarts: u64,
    keeping: Keeping,
}

/// Fate of the bytes of a request that breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// All that came is kept, as it comes.
    AsItComes,
    /// Nothing is, since it is taken over when all of it is there.
    Gathered,
    /// It is taken over bit by bit, within so many milliseconds from then on.
    Late(u64),
}

/// Fate of a request before its body is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    Refused,
    /// The connection breaks.
    Lost,
    Silent,
    /// An error status, with the seconds of `Retry-After` if it has one.
    Error(u16, Option<u64>),
    /// The server forgets the upload.
    Forgotten,
    /// It comes back from a restart, without what it had not synced.
    Restarted,
}

/// Fate of the answer to a body that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answering {
    Comes,
    Lost,
    Silent,
}

/// Course of one body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// The connection breaks behind this many bytes.
    pub(super) cut: u64,
    /// Of more bytes than these the rest is not taken.
    pub(super) most: u64,
    pub(super) keeping: Keeping,
    pub(super) answering: Answering,
}

impl Receiver {
    /// A server of any manner for files up to `longest` bytes.
    pub(crate) fn any(random: &mut Random, longest: u64) -> Self {
        let protocol = random.pick(&[Protocol::Put, Protocol::Tus, Protocol::Tus, Protocol::Tus]);
        let may_limit = protocol == Protocol::Tus && random.hits(250);
        Self {
            protocol,
            creates_with_bytes: random.hits(500),
            compares: random.hits(120),
            largest_body: if may_limit { random.pick(&[64 << 10, 300_000, 1 << 20, 4 << 20]) } else { 0 },
            locks: random.hits(500),
            tells_stored: random.hits(600),
            syncs: random.hits(500),
            speed: (longest / random.pick(&[1, 2, 5, 10, 25])).max(20_000),
            latency_ms: random.pick(&[1, 10, 50, 200]),
        }
    }
}

impl Hazards {
    /// Any of them, mostly few.
    pub(super) fn any(random: &mut Random) -> Self {
        Self {
            breaks: random.pick(&[0, 0, 30, 100, 250]),
            cuts: random.pick(&[0, 100, 300, 600]),
            losses: random.pick(&[0, 0, 100, 300]),
            short: random.pick(&[0, 0, 200, 600]),
            forgets: random.pick(&[0, 0, 0, 50]),
            restarts: random.pick(&[0, 0, 50, 200]),
            keeping: match random.within(0..3) {
                0 => Keeping::Gathered,
                1 => Keeping::Late(random.within(100..60_000)),
                _ => Keeping::AsItComes,
            },
        }
    }

    pub(super) fn fate(&self, random: &mut Random) -> Fate {
        if random.hits(self.restarts) {
            return Fate::Restarted;
        }
        if random.hits(self.forgets) {
            return Fate::Forgotten;
        }
        if !random.hits(self.breaks) {
            return Fate::Taken;
        }
        let after = random.hits(500).then(|| random.pick(&[1, 2, 7, 30, 90]));
        match random.within(0..12) {
            0 => Fate::Refused,
            1 | 2 => Fate::Lost,
            3 => Fate::Silent,
            4 | 5 => Fate::Error(429, after),
            6 | 7 => Fate::Error(503, after),
            8 => Fate::Error(random.pick(&[500, 502, 504, 408]), None),
            9 => Fate::Error(random.pick(&[403, 404, 413, 460]), None),
            10 => Fate::Error(409, None),
            _ => Fate::Error(423, None),
        }
    }

    /// The course of a body of `length` bytes.
    pub(super) fn course(&self, random: &mut Random, length: u64) -> Course {
        let (at, most) = (random.within(0..length + 1), random.within(0..length + 1));
        let answering = random.pick(&[Answering::Lost, Answering::Lost, Answering::Silent]);
        Course {
            cut: if random.hits(self.cuts) { at } else { u64::MAX },
            most: if random.hits(self.short) { most } else { u64::MAX },
            keeping: self.keeping,
            answering: if random.hits(self.losses) { answering } else { Answering::Comes },
        }
    }
}

impl Course {
    /// The course of every body when nothing breaks any more.
    pub(super) const fn calm() -> Self {
        Self { cut: u64::MAX, most: u64::MAX, keeping: Keeping::AsItComes, answering: Answering::Comes }
    }
}
