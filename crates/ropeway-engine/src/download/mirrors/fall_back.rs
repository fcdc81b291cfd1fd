//! From a server that fails to the next mirror, where nothing tells beforehand that both have the same bytes: the bytes
//! that are here are compared with the mirror's.

use ropeway_model::{Failure, FailureCode, SafeUrl, SegmentMap, Validator};
use ropeway_store::Remote;

use super::Mirrors;
use crate::{
    attempt::{Attempt, Stop},
    download::{
        overlap::{self, Overlap},
        source::Source,
    },
    hosts::HostKey,
};

/// Where a try goes on after its server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::download) enum Next {
    /// At byte 0: nothing is here that another mirror could go on with.
    Afresh,
    /// Where it is: a mirror has the same bytes.
    Resume,
    /// With a plain request; what is here is given up once that is answered with a file.
    Plain,
}

/// The failure that ended a try, if another mirror may do better.
pub(in crate::download) const fn failure_of_server(stop: &Stop) -> Option<&Failure> {
    match stop {
        Stop::NoFile { failure, .. } | Stop::RedirectedTo { failure, .. } => Some(failure),
        Stop::Failed { failure, .. } if is_the_servers(failure.code) => Some(failure),
        Stop::Failed { .. } | Stop::Blocked { .. } | Stop::Interrupted => None,
    }
}

const fn is_the_servers(code: FailureCode) -> bool {
    matches!(
        code,
        FailureCode::NameNotResolved
            | FailureCode::ConnectionRefused
            | FailureCode::ConnectTimeout
            | FailureCode::ConnectionLost
            | FailureCode::IdleTimeout
            | FailureCode::TlsFailed
            | FailureCode::TlsRefused
            | FailureCode::NotFound
            | FailureCode::Gone
            | FailureCode::Unauthorized
            | FailureCode::Forbidden
            | FailureCode::RateLimited
            | FailureCode::ServerUnavailable
            | FailureCode::RequestRefused
            | FailureCode::UnexpectedContent
            | FailureCode::ContentCoding
            | FailureCode::BadResponse
            | FailureCode::RedirectRefused
            | FailureCode::LengthMismatch
    )
}

/// Looks for a mirror that takes over from `source`, which ended the try with `stop`; `None` where there is none.
pub(in crate::download) async fn look(
    attempt: &Attempt,
    source: &Source,
    mirrors: &Mirrors,
    stop: &Stop,
) -> Result<Option<Next>, Stop> {
    let Some(failure) = failure_of_server(stop).filter(|_| mirrors.are_several()) else { return Ok(None) };
    attempt.log(format!("{}; looks for another mirror", failure.message));
    mirrors.leave(&source.url);
    let candidates = mirrors.candidates();
    let map = attempt.engine.store.segments(attempt.id).await.ok().flatten();
    let Some(map) = map.filter(|map| map.written() > 0 && map.length().is_some()) else {
        return Ok((!candidates.is_empty()).then_some(Next::Afresh));
    };
    for url in candidates {
        match has_the_same(attempt, source, &url, &map).await {
            Ok(Some(valid)) => {
                take_over(attempt, source, &url, &valid);
                mirrors.follow(&url, &url, &valid);
                return Ok(Some(Next::Resume));
            }
            Ok(None) => attempt.log(format!("{url} has other bytes")),
            Err(stop) => match failure_of_server(&stop) {
                Some(failure) => attempt.log(format!("{url} is of no use: {}", failure.message)),
                None => return Err(stop),
            },
        }
        mirrors.leave(&url);
    }
    Ok(None)
}

/// What `url` says of its version, if that begins with the bytes that are here and has the same length.
async fn has_the_same(
    attempt: &Attempt,
    source: &Source,
    url: &SafeUrl,
    map: &SegmentMap,
) -> Result<Option<Validator>, Stop> {
    let context = attempt.context();
    let driver = attempt.engine.drivers.for_download(url)?;
    attempt.connect_to(&HostKey::of(url)).await?;
    let place = attempt.range_source(&context, &*driver, url);
    Ok(match overlap::compare(&place, &*source.part, map).await? {
        Overlap::Same(now) if now.length.is_some() && now.length == source.validator.length => Some(now),
        Overlap::Same(_) | Overlap::Different { .. } | Overlap::Nothing => None,
    })
}

/// The job goes on at `url`, now and after a restart.
fn take_over(attempt: &Attempt, source: &Source, url: &SafeUrl, valid: &Validator) {
    attempt.update(|entry| {
        let Some(had) = &entry.remote else { return };
        let (name, digest) = (had.name.clone(), source.announced.clone());
        let remote = Remote { url: url.clone(), name, validator: valid.clone(), digest, is_renewed: false };
        let mut change = attempt.change(Some(format!("goes on at {url}, which has the same bytes")));
        change.remote = Some(Some(remote.clone()));
        attempt.engine.journal.note(change);
        entry.remote = Some(remote.into());
    });
}
