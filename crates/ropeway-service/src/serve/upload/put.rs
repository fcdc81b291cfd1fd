//! `PUT /path/name`: one file, whole.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Response, header, request::Parts};
use rustix::{
    fs::{FileType, Stat},
    io::Errno,
};

use super::{
    UploadBody, digest,
    draft::Draft,
    receive,
    stored::{Stored, one_stored},
};
use crate::serve::{
    answer::Service,
    condition,
    entity::{Entity, wall_clock},
    path::ServedPath,
    refusal::Refusal,
};

/// Receives one file. Missing folders on the way are made, so that a tree can be put file by file; they are removed
/// again if the file does not arrive.
///
/// Everything that can be refused from the head alone is, before a byte of the body is asked for.
pub(in crate::serve) async fn receive(
    service: &Arc<Service>,
    head: &Parts,
    body: &mut UploadBody,
) -> Result<Response<Body>, Refusal> {
    let path = ServedPath::parse(head.uri.path()).ok_or(Refusal::NotFound)?;
    let name = path.name().ok_or(Refusal::NameMissing)?.to_owned();
    if head.headers.contains_key(header::CONTENT_RANGE) {
        return Err(Refusal::PartialUpload);
    }
    refuse_content_coding(&head.headers)?;
    let promised = digest::promised(&head.headers)?;
    let length = announced_length(&head.headers);
    if length.zip(service.max_upload).is_some_and(|(length, most)| length > most) {
        return Err(Refusal::TooLarge);
    }
    let place = Place { service: Arc::clone(service), path, name, headers: head.headers.clone(), length };
    let (place, draft, replace) = blocking(move || place.open()).await?;
    let mut draft = receive::write_all(draft, body, service.max_upload).await?;
    let file_mode = service.file_mode;
    blocking(move || {
        let received = draft.finish(file_mode)?;
        if promised.is_some_and(|promised| promised != received.digest) {
            return Err(Refusal::DigestMismatch);
        }
        let stat = draft.publish(&place.name, replace != Replace::Never).map_err(Refusal::of_writing)?;
        let url = place.path.url_of(&place.name);
        let stored = Stored { name: place.name, url, received, entity: Entity::of(&stat) };
        tracing::info!(url = stored.url, bytes = stored.received.length, "received");
        Ok(one_stored(&stored, replace == Replace::Existing))
    })
    .await
}

/// Refuses content codings: the bytes that arrive are the bytes that are stored.
pub(super) fn refuse_content_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let plain = headers.get_all(header::CONTENT_ENCODING).iter().all(|value| value.as_bytes() == b"identity");
    if plain { Ok(()) } else { Err(Refusal::EncodedUpload) }
}

/// The length the client announces; a chunked body announces none.
pub(super) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Runs what waits for the disk on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::DiskFailed)?
}

/// What publishing does to a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replace {
    Never,
    /// There is none yet; one that appears meanwhile is replaced.
    Free,
    Existing,
}

/// Where the file is to go.
struct Place {
    service: Arc<Service>,
    path: ServedPath,
    name: String,
    headers: HeaderMap,
    length: Option<u64>,
}

impl Place {
    /// Makes sure that the file may and can go there, and begins its draft.
    fn open(self) -> Result<(Self, Draft, Replace), Refusal> {
        let (folder, made) = self.service.root.descend_or_make(self.path.folders()).map_err(Refusal::of_writing)?;
        let existing = folder.look_at(&self.name).map_err(Refusal::of_writing)?;
        let replace = self.may_replace(existing.as_ref())?;
        let free = folder.free_space().map_err(Refusal::of_writing)?;
        if self.length.is_some_and(|length| length > free) {
            return Err(Refusal::DiskFull);
        }
        let draft = Draft::create(folder, made, &self.name).map_err(|errno| match errno {
            Errno::EXIST => Refusal::DiskFailed,
            errno => Refusal::of_writing(errno),
        })?;
        Ok((self, draft, replace))
    }

    /// Whether the request may go on, with what is there already.
    fn may_replace(&self, existing: Option<&Stat>) -> Result<Replace, Refusal> {
        let file = existing.filter(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
        let tag = file.map(|stat| Entity::of(stat).tag(wall_clock()));
        let matches = |listed: &str| tag.as_deref().is_some_and(|tag| condition::strongly_equal(listed, tag));
        let names_it = |name| condition::lists(&self.headers, name, matches);
        let wants_it = self.headers.contains_key(header::IF_MATCH);
        if (wants_it && (existing.is_none() || !names_it(&header::IF_MATCH)))
            || (existing.is_some() && names_it(&header::IF_NONE_MATCH))
        {
            return Err(Refusal::PreconditionFailed);
        }
        match (existing, file) {
            _ if !self.service.overwrite => existing.map_or(Ok(Replace::Never), |_| Err(Refusal::NameTaken)),
            (None, _) if self.headers.contains_key(header::IF_NONE_MATCH) => Ok(Replace::Never),
            (None, _) => Ok(Replace::Free),
            (Some(_), Some(_)) => Ok(Replace::Existing),
            // A folder, a link, a device: not ours to replace.
            (Some(_), None) => Err(Refusal::NameTaken),
        }
    }
}
