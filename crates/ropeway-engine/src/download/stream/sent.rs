//! What was handed on, and how an answer shows that it continues it.

use ropeway_drivers::Probe;
use ropeway_flow::digest::Hashers;
use ropeway_model::{Algorithm, Digest, FileName, SafeUrl, Validator};

use crate::download::{seam::LONGEST_LEAD, worker_error::is_made_anew};

/// Bytes that were handed on.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) offset: u64,
    /// Of all of it: what comes again is compared with it.
    prefix: blake3::Hasher,
    /// The last bytes: whatever the server says of its version, they must be the same.
    tail: Vec<u8>,
    pub(super) digests: Hashers,
    /// Length of the file, as every answer has told it that told one.
    pub(super) length: Option<u64>,
    /// Where it comes from; `None` before the first answer.
    pub(super) source: Option<Source>,
    /// True where a request for the rest was answered with it.
    pub(super) serves_ranges: bool,
    /// True where one was answered otherwise.
    pub(super) refuses_ranges: bool,
}

/// Where the bytes come from, and which version they are of.
#[derive(Clone)]
pub(super) struct Source {
    /// The address that was given.
    pub(super) given: SafeUrl,
    /// The one that it led to.
    pub(super) url: SafeUrl,
    /// The name that the server gives the file.
    pub(super) name: FileName,
    pub(super) validator: Validator,
    /// The digest the server announced.
    pub(super) announced: Option<Digest>,
    /// Whether its server makes it for whoever asks, and serves no rest of it.
    pub(super) is_made_anew: bool,
}

/// Bytes of an answer that were handed on before and are only compared.
pub(super) enum Again {
    Nothing,
    /// The last ones.
    Tail(Vec<u8>),
    /// All of them.
    Prefix {
        left: u64,
        hasher: Box<blake3::Hasher>,
    },
}

impl Source {
    pub(super) fn of(given: &SafeUrl, probe: &Probe) -> Self {
        Self {
            given: given.clone(),
            url: probe.url.clone(),
            name: probe.name.clone(),
            validator: probe.validator.clone(),
            announced: probe.digest.clone(),
            is_made_anew: is_made_anew(&probe.validator, probe.offers_ranges),
        }
    }
}

impl Sent {
    /// Nothing was handed on yet: an answer decides what is expected.
    pub(super) fn begin(&mut self, algorithms: &[Algorithm], length: Option<u64>) {
        (self.digests, self.length) = (Hashers::new(algorithms), length);
    }

    /// Takes `length` for the file's. `false` where another answer told another one, or more was handed on.
    pub(super) fn learn(&mut self, length: Option<u64>) -> bool {
        let Some(told) = length else { return true };
        told >= self.offset && *self.length.get_or_insert(told) == told
    }

    /// Where the last bytes begin, which are asked for once more.
    pub(super) fn tail_start(&self) -> u64 {
        self.offset - self.tail.len() as u64
    }

    pub(super) fn tail(&self) -> Again {
        Again::Tail(self.tail.clone())
    }

    pub(super) fn prefix(&self) -> Again {
        match self.offset {
            0 => Again::Nothing,
            left => Again::Prefix { left, hasher: Box::default() },
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.length.is_some_and(|length| self.offset >= length)
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.prefix.update(bytes);
        self.digests.update(bytes);
        self.tail.extend_from_slice(bytes);
        let kept = usize::try_from(LONGEST_LEAD).unwrap_or(usize::MAX);
        self.tail.drain(..self.tail.len().saturating_sub(kept));
    }
}

impl Again {
    /// True where all that was to come again has.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Tail(left) => left.is_empty(),
            Self::Prefix { .. } => false,
        }
    }

    /// What of `chunk` is new; `None` if what comes again is not what came before.
    pub(super) fn compare<'a>(&mut self, chunk: &'a [u8], sent: &Sent) -> Option<&'a [u8]> {
        match self {
            Self::Nothing => Some(chunk),
            Self::Tail(tail) => {
                let (head, fresh) = chunk.split_at(tail.len().min(chunk.len()));
                if !tail.starts_with(head) {
                    return None;
                }
                tail.drain(..head.len());
                Some(fresh)
            }
            Self::Prefix { left, hasher } => {
                let (head, fresh) = chunk.split_at(chunk.len().min(usize::try_from(*left).unwrap_or(usize::MAX)));
                hasher.update(head);
                *left -= head.len() as u64;
                if *left == 0 {
                    let is_same = hasher.finalize() == sent.prefix.finalize();
                    *self = Self::Nothing;
                    return is_same.then_some(fresh);
                }
                Some(fresh)
            }
        }
    }
}
