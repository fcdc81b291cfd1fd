//! From a request for the rest of a file that is refused, or answered wrongly, back to one that is served: without
//! conditions, at the address that the user gave, and in the end without a range.

use ropeway_drivers::{Context, DriverError};
use ropeway_model::{ByteRange, EntityTag, FailureCode, Retry, SafeUrl, SegmentMap, Transfer, Validation, Validator};
use ropeway_store::Remote;

use super::{
    overlap::{self, Overlap, RangeError},
    range_fetch,
    source::Source,
};
use crate::{
    attempt::{Attempt, Stop},
    hosts::HostKey,
    progress::Progress,
};

/// Wrong answers in a row to requests for the rest of the file before other ones are tried.
const MOST_WRONG: u32 = 2;
/// A server that has a problem of its own may only have no time: so many of its failures in a row before what is here is
/// asked for anew.
const MOST_FAILURES: u32 = 4;
/// Requests that find out whether a server is of one mind about its tag.
const MOST_OPINIONS: u32 = 2;

/// How the requests of one try are made, as its answers have taught.
#[derive(Debug)]
pub(super) struct Way {
    /// True where they carry conditions.
    pub(super) is_conditional: bool,
    /// Tags that a file of this length had.
    seen: Vec<EntityTag>,
}

/// Where a try goes on whose last request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Back {
    /// Where it is.
    Resume,
    /// With a plain request; what is here is given up once that is answered with a file.
    Plain,
}

/// Call of a failure for another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Another try, later.
    Nothing,
    /// The user's own address, where that leads to another server than the one that wants to be left alone.
    Elsewhere,
    /// The user's own address.
    Address,
    /// The same, and requests without conditions.
    Form,
    /// The same, and in the end a plain request.
    Plain,
}

impl Default for Way {
    fn default() -> Self {
        Self { is_conditional: true, seen: Vec::new() }
    }
}

impl Way {
    /// How a try goes on that ended with `stop`; `None` where only time can help.
    pub(super) async fn back(&mut self, attempt: &Attempt, source: &Source, stop: &Stop) -> Result<Option<Back>, Stop> {
        let has_moved = attempt.progress.moved() > source.map.written();
        let call = call(&attempt.progress, has_moved, stop);
        let (asks_here, tired) = match call {
            Call::Nothing => return Ok(None),
            Call::Elsewhere => (false, Some(HostKey::of(&source.url))),
            Call::Address => (false, None),
            Call::Form | Call::Plain => (true, None),
        };
        // What is made for whoever asks is asked for where the next try begins: at the user's own address, from byte 0.
        if attempt.look(|entry| entry.state.is_made_anew)? {
            return Ok(None);
        }
        let own = own_address(attempt, &source.url).filter(|own| tired.as_ref() != Some(&HostKey::of(own)));
        let map = attempt.engine.store.segments(attempt.id).await.ok().flatten();
        let Some(map) = map.filter(|map| map.written() > 0) else {
            // A plain request would be led to whoever wants to be left alone.
            return Ok(own.filter(|_| tired.is_none()).map(|_| Back::Plain));
        };
        if asks_here && self.is_served_unconditionally(attempt, source, &map).await? {
            return Ok(Some(Back::Resume));
        }
        if let Some(own) = own {
            attempt.log(format!("{} is of no use; asks {own} again", source.url));
            match has(attempt, source, &own, &map, tired).await? {
                Has::Same(now) => {
                    take_over(attempt, source, own, now).await?;
                    return Ok(Some(Back::Resume));
                }
                // A place that is only busy still has the bytes that are here.
                Has::Other if call == Call::Elsewhere => {}
                Has::Other => return Ok(Some(Back::Plain)),
                Has::Nothing => {}
            }
        }
        Ok((call == Call::Plain).then(|| {
            attempt.log("the rest cannot be asked for: asks for the whole file".to_owned());
            Back::Plain
        }))
    }

    /// Whether a try goes on without conditions whose server sent the whole file in the place of a part.
    pub(super) async fn is_served_without_condition(
        &mut self,
        attempt: &Attempt,
        source: &Source,
    ) -> Result<bool, Stop> {
        let map = attempt.engine.store.segments(attempt.id).await.ok().flatten();
        let Some(map) = map.filter(|map| map.written() > 0) else { return Ok(false) };
        self.is_served_unconditionally(attempt, source, &map).await
    }

    async fn is_served_unconditionally(
        &mut self,
        attempt: &Attempt,
        source: &Source,
        map: &SegmentMap,
    ) -> Result<bool, Stop> {
        if !self.is_conditional || source.validator.if_range().is_none() {
            return Ok(false);
        }
        let Has::Same(now) = has(attempt, source, &source.url, map, None).await? else { return Ok(false) };
        let is_same = source.validator.compare(&now) != Validation::Changed;
        if is_same {
            attempt.log("the rest comes where no condition is made".to_owned());
            self.is_conditional = false;
        }
        Ok(is_same)
    }

    /// Whether a try goes on although an answer has another tag, because the tags of this server tell nothing. Its bytes
    /// are compared then.
    pub(super) async fn tags_tell_nothing(
        &mut self,
        attempt: &Attempt,
        source: &Source,
        now: &Validator,
    ) -> Result<bool, Stop> {
        let had = &source.validator;
        let (Some(had_tag), Some(now_tag)) = (&had.entity_tag, &now.entity_tag) else { return Ok(false) };
        let is_other_file = had.length.is_none() || now.length.is_some_and(|length| had.length != Some(length));
        if is_other_file || had.last_modified != now.last_modified {
            return Ok(false);
        }
        let is_of_one_mind = had_tag != now_tag
            && !had_tag.is_weakly(now_tag)
            && had.last_modified.is_none()
            && !self.seen.contains(now_tag)
            && is_steady(attempt, source, had_tag, now_tag).await?;
        for tag in [had_tag, now_tag] {
            if !self.seen.contains(tag) {
                self.seen.push(tag.clone());
            }
        }
        if is_of_one_mind {
            return Ok(false);
        }
        attempt.log(format!("{} gives one file several tags: its bytes are compared", source.url));
        let validator = Validator { entity_tag: None, ..had.clone() };
        record(attempt, source, source.url.clone(), validator).await?;
        Ok(true)
    }
}

/// Call of a failure for another way. One before which bytes came is no wrong answer.
pub(super) fn call(progress: &Progress, has_moved: bool, stop: &Stop) -> Call {
    let (failure, retry) = match stop {
        Stop::NoFile { .. } => return Call::Plain,
        Stop::Failed { failure, retry, .. } => (failure, *retry),
        Stop::Interrupted | Stop::RedirectedTo { .. } | Stop::Blocked { .. } => return Call::Nothing,
    };
    // Who says when to come back is asked then.
    if matches!(retry, Retry::After(_)) {
        return Call::Elsewhere;
    }
    let wrong = || if has_moved { progress.served() } else { progress.unserved() };
    let after_several = |call| if wrong() >= MOST_WRONG { call } else { Call::Nothing };
    match failure.code {
        FailureCode::RequestRefused | FailureCode::UnexpectedContent => Call::Plain,
        FailureCode::ConnectionRefused
        | FailureCode::ConnectTimeout
        | FailureCode::NameNotResolved
        | FailureCode::TlsFailed
        | FailureCode::TlsRefused
        | FailureCode::RedirectRefused
        // Those that only an expired link gives come as `Stop::NoFile`.
        | FailureCode::NotFound
        | FailureCode::Gone
        | FailureCode::Unauthorized
        | FailureCode::Forbidden => Call::Address,
        FailureCode::RateLimited => Call::Elsewhere,
        FailureCode::BadResponse | FailureCode::LengthMismatch => after_several(Call::Plain),
        FailureCode::ConnectionLost | FailureCode::IdleTimeout => after_several(Call::Address),
        FailureCode::ServerUnavailable => match wrong() {
            0 => Call::Nothing,
            failures if failures % MOST_FAILURES == 0 => Call::Plain,
            failures if failures % MOST_WRONG == 0 => Call::Form,
            _ => Call::Nothing,
        },
        // What another request would end with as well.
        FailureCode::ProxyFailed
        | FailureCode::CredentialFile
        | FailureCode::ContentCoding
        | FailureCode::RemoteChanged
        | FailureCode::RenewedLinkDiffers
        | FailureCode::DigestMismatch
        | FailureCode::DiskFull
        | FailureCode::TooManyOpen
        | FailureCode::PartMissing
        | FailureCode::FileTooLarge
        | FailureCode::PermissionDenied
        | FailureCode::FolderMissing
        | FailureCode::DiskFailed
        | FailureCode::FileExists
        | FailureCode::PartInUse
        | FailureCode::UrlMalformed
        | FailureCode::SchemeUnsupported
        | FailureCode::StateFailed
        | FailureCode::Internal
        // Uploads.
        | FailureCode::RemoteConflict
        | FailureCode::TooLargeForServer
        | FailureCode::RemoteLocked
        | FailureCode::RemoteFull
        | FailureCode::Unconfirmed
        | FailureCode::StoredDiffers
        | FailureCode::SourceMissing
        | FailureCode::NotAFile
        | FailureCode::NamesCollide
        | FailureCode::SourceChanged => Call::Nothing,
    }
}

/// Whether the whole file is asked for behind a failure to bring some of what is here again.
pub(super) fn is_asked_plainly(attempt: &Attempt, stop: &Stop) -> bool {
    call(&attempt.progress, false, stop) == Call::Plain
}

/// The address that the user gave, where requests go to another one.
pub(super) fn own_address(attempt: &Attempt, url: &SafeUrl) -> Option<SafeUrl> {
    match &attempt.spec.transfer {
        Transfer::Download { from, .. } => Some(from.clone()).filter(|from| from != url),
        Transfer::Upload { .. } => None,
    }
}

/// What an address has of a file whose first bytes are here.
enum Has {
    /// Those bytes, in a file of the same length.
    Same(Validator),
    /// Others, or another file.
    Other,
    /// It does not serve them.
    Nothing,
}

/// What `url` has of the bytes that are here. No redirect is followed to whoever is `tired`.
async fn has(
    attempt: &Attempt,
    source: &Source,
    url: &SafeUrl,
    map: &SegmentMap,
    tired: Option<HostKey>,
) -> Result<Has, Stop> {
    attempt.repeat().await?;
    attempt.connect_to(&HostKey::of(url)).await?;
    let driver = attempt.engine.drivers.for_download(url)?;
    let context = match tired {
        Some(tired) => attempt.context_without(tired),
        None => attempt.context(),
    };
    let place = attempt.range_source(&context, &*driver, url);
    match overlap::compare(&place, &*source.part, map).await {
        Ok(Overlap::Same(now)) => {
            let lengths = (source.validator.length, now.length);
            let is_other = matches!(lengths, (Some(had), Some(now)) if had != now);
            Ok(if is_other { Has::Other } else { Has::Same(now) })
        }
        Ok(Overlap::Different { at }) => {
            attempt.log(format!("{url} sends other bytes at {at}"));
            Ok(Has::Other)
        }
        Ok(Overlap::Nothing) => Ok(Has::Nothing),
        Err(RangeError::Driver(DriverError::Canceled)) => Err(Stop::Interrupted),
        Err(RangeError::Disk(error)) => Err(error.into()),
        Err(error @ (RangeError::Driver(_) | RangeError::RetryAfter(_))) => {
            tracing::debug!(%url, ?error, "the rest is not served there");
            Ok(Has::Nothing)
        }
    }
}

/// Whether the server keeps to the tag `now`, asked once more or twice.
async fn is_steady(attempt: &Attempt, source: &Source, had: &EntityTag, now: &EntityTag) -> Result<bool, Stop> {
    let context = Context { is_conditional: false, ..attempt.context() };
    let place = attempt.range_source(&context, &*source.driver, &source.url);
    let Ok(first) = ByteRange::new(0, 1) else { return Ok(true) };
    for _ in 0..MOST_OPINIONS {
        attempt.repeat().await?;
        let told = match range_fetch::fetch_range(&place, first, None, |_, _| Ok(true)).await {
            Ok(told) => told.and_then(|told| told.entity_tag),
            Err(RangeError::Driver(DriverError::Canceled)) => return Err(Stop::Interrupted),
            Err(_) => return Ok(true),
        };
        if told.is_some_and(|told| told == *had || told != *now) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The job goes on at `url`, now and after a restart.
async fn take_over(attempt: &Attempt, source: &Source, url: SafeUrl, now: Validator) -> Result<(), Stop> {
    attempt.log(format!("goes on at {url}, which has the same bytes"));
    let validator = Validator { length: now.length.or(source.validator.length), ..now };
    record(attempt, source, url, validator).await
}

async fn record(attempt: &Attempt, source: &Source, url: SafeUrl, validator: Validator) -> Result<(), Stop> {
    let Some(had) = attempt.look(|entry| entry.remote.clone())? else { return Ok(()) };
    let (name, digest) = (had.name.clone(), source.announced.clone());
    let remote = Remote { url, name, validator, digest, is_renewed: false };
    let mut change = attempt.change(None);
    change.remote = Some(Some(remote.clone()));
    change.validation = Some(Validation::Overlap);
    attempt.save(change).await?;
    attempt.update(|entry| {
        entry.remote = Some(remote.into());
        entry.state.validation = Some(Validation::Overlap);
    });
    Ok(())
}
