//! From an answer that does not go on to the next request.

use ropeway_model::SafeUrl;

use super::{Broken, Sent, Streamed};
use crate::download::{
    mirrors::{Mirrors, fall_back::failure_of_server},
    way_back::{self, Call},
    worker_error::WorkerError,
};

/// A request for what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// The address that was given.
    pub(super) given: SafeUrl,
    /// Where the request goes: that one, or where it led.
    pub(super) url: SafeUrl,
    pub(super) how: How,
}

/// Extent of what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The rest, on the condition that it is of the version that the last answer was of.
    Rest,
    /// The rest, without a condition.
    Unconditional,
    /// The whole file: what was handed on comes again.
    Whole,
}

impl Ask {
    /// The first request of a try.
    pub(super) fn next(from: &SafeUrl, sent: &Sent) -> Self {
        match &sent.source {
            Some(source) if sent.offset > 0 && !source.is_made_anew => {
                Self { given: source.given.clone(), url: source.url.clone(), how: How::Rest }
            }
            Some(source) if sent.offset > 0 => Self::whole(&source.given),
            _ => Self::whole(from),
        }
    }

    fn whole(given: &SafeUrl) -> Self {
        Self { given: given.clone(), url: given.clone(), how: How::Whole }
    }
}

impl Streamed<'_> {
    /// The request that may do better than `ask`, at once. Ends the try where only time can help. Each goes a step
    /// further: to another mirror, to the address that was given, to the whole file.
    pub(super) fn instead(
        &self,
        mirrors: &Mirrors,
        ask: &Ask,
        sent: &Sent,
        broken: Broken,
        has_moved: bool,
    ) -> Result<Ask, Broken> {
        let stop = match broken {
            Broken::Unranged | Broken::Differs if ask.how != How::Whole => return Ok(Ask::whole(&ask.given)),
            Broken::Unranged | Broken::Differs => return another(mirrors, ask, sent).ok_or(broken),
            Broken::Stilled | Broken::Gone(_) => return Err(broken),
            Broken::Short => WorkerError::Short.into_stop(&ask.url),
            Broken::Stop(stop) => stop,
        };
        let call = way_back::call(&self.progress, has_moved, &stop);
        if has_moved {
            return Err(stop.into());
        }
        let next = failure_of_server(&stop).and_then(|_| another(mirrors, ask, sent));
        next.or_else(|| ask.way_back(call, sent)).ok_or_else(|| stop.into())
    }
}

impl Ask {
    /// What `call` asks for behind a request that failed; `None` where nothing is left of it.
    fn way_back(&self, call: Call, sent: &Sent) -> Option<Self> {
        let is_conditional =
            self.how == How::Rest && sent.source.as_ref().is_some_and(|source| source.validator.if_range().is_some());
        match call {
            // Who says when to come back is asked then.
            Call::Nothing | Call::Elsewhere => None,
            Call::Form | Call::Plain if is_conditional => Some(Self { how: How::Unconditional, ..self.clone() }),
            _ if self.url != self.given => {
                let how = if sent.offset > 0 { How::Unconditional } else { How::Whole };
                Some(Self { url: self.given.clone(), how, ..self.clone() })
            }
            Call::Plain if self.how != How::Whole => Some(Self::whole(&self.given)),
            Call::Address | Call::Form | Call::Plain => None,
        }
    }
}

/// The next mirror, in the place of the one that was asked. Only where a strong tag tells that both have one version it
/// is asked for the rest.
fn another(mirrors: &Mirrors, ask: &Ask, sent: &Sent) -> Option<Ask> {
    if !mirrors.are_several() {
        return None;
    }
    mirrors.leave(&ask.given);
    let next = mirrors.candidates().into_iter().next()?;
    let tag = sent.source.as_ref().and_then(|source| source.validator.entity_tag.as_ref());
    let is_told = sent.offset > 0 && tag.is_some_and(ropeway_model::EntityTag::is_strong);
    Some(Ask { how: if is_told { How::Rest } else { How::Whole }, ..Ask::whole(&next) })
}

#[cfg(test)]
mod tests {
    use ropeway_model::{EntityTag, Validator};

    use super::{super::sent::Source, *};

    #[test]
    fn a_request_that_is_of_no_use_is_followed_by_one_that_asks_for_less() {
        let (given, led): (SafeUrl, SafeUrl) =
            ("https://example.org/a".parse().unwrap(), "https://cdn.example.org/a".parse().unwrap());
        let validator = Validator { entity_tag: EntityTag::parse("\"1\""), ..Validator::default() };
        let name = ropeway_model::FileName::sanitized("a");
        let source =
            Source { given: given.clone(), url: led.clone(), name, validator, announced: None, is_made_anew: false };
        let mut sent = Sent::default();
        sent.take(b"some");
        sent.source = Some(source);
        for (call, expected) in [
            (Call::Nothing, vec![]),
            (Call::Address, vec![(&given, How::Unconditional)]),
            (Call::Form, vec![(&led, How::Unconditional), (&given, How::Unconditional)]),
            (Call::Plain, vec![(&led, How::Unconditional), (&given, How::Unconditional), (&given, How::Whole)]),
        ] {
            let first = Ask::next(&given, &sent);
            let asks = std::iter::successors(first.way_back(call, &sent), |ask| ask.way_back(call, &sent));
            let asks: Vec<_> = asks.map(|ask| (ask.url, ask.how)).collect();
            let expected: Vec<_> = expected.into_iter().map(|(url, how)| (url.clone(), how)).collect();
            assert_eq!(asks, expected, "{call:?}");
        }
    }

    #[test]
    fn another_mirror_is_asked_for_the_rest_only_where_a_strong_tag_tells_the_version() {
        let url = |number: usize| format!("https://mirror-{number}.example/a").parse::<SafeUrl>().unwrap();
        let transfer = ropeway_model::Transfer::Download { from: url(0), into: "/".into(), name: None };
        let spec = ropeway_model::JobSpec { mirrors: vec![url(0), url(1)], ..ropeway_model::JobSpec::new(transfer) };
        for (tag, taken, how) in [
            ("\"1\"", &b"some"[..], How::Rest),
            ("\"1\"", b"", How::Whole),
            ("W/\"1\"", b"some", How::Whole),
            ("none", b"some", How::Whole),
        ] {
            let validator = Validator { entity_tag: EntityTag::parse(tag), ..Validator::default() };
            let name = ropeway_model::FileName::sanitized("a");
            let mut sent = Sent::default();
            sent.take(taken);
            sent.source =
                Some(Source { given: url(0), url: url(0), name, validator, announced: None, is_made_anew: false });
            let next = another(&Mirrors::of(&spec), &Ask::whole(&url(0)), &sent).unwrap();
            assert_eq!((next.url, next.how), (url(1), how), "{tag} behind {} bytes", taken.len());
        }
    }
}
