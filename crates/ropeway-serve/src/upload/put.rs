//! `PUT /path/name`: one file, whole.

use std::{os::fd::OwnedFd, sync::Arc};

use axum::body::Body;
use http::{HeaderMap, Method, Response, header, request::Parts};
use ropeway_model::{Algorithm, Digest, FileName};
use ropeway_net::file::{Entity, wall_clock};
use ropeway_wire::{
    condition::{self, Current, Outcome},
    content_length,
};
use rustix::fs::{FileType, Stat};

use super::{
    UploadBody,
    draft::{Draft, Received},
    place::{Place, Published},
    promised::promised,
    receive,
    stored::{Stored, one_stored},
};
use crate::{answer::Service, path::ServedPath, refusal::Refusal};

/// Receives one file. Missing folders on the way are made once it has arrived, so that a tree can be put file by file.
///
/// Everything that can be refused from the head alone is, before a byte of the body is asked for. What is there already,
/// and is the same, is a success: an upload that was repeated, since its answer was lost, has arrived (RFC 9110 §13.1.1).
pub(crate) async fn receive(
    service: &Arc<Service>,
    head: &Parts,
    body: &mut UploadBody,
) -> Result<Response<Body>, Refusal> {
    let path = ServedPath::parse(head.uri.path(), service.hidden)?.composed();
    let name = path.name().ok_or(Refusal::NameMissing)?.to_owned();
    // The rule for names that servers give us holds for names that clients give this one.
    if FileName::is_treacherous(&name) {
        return Err(Refusal::BadName);
    }
    if head.headers.contains_key(header::CONTENT_RANGE) {
        return Err(Refusal::PartialUpload);
    }
    refuse_content_coding(&head.headers)?;
    let promised = promised(&head.headers)?;
    let length = content_length::announced(&head.headers).ok().flatten();
    if length.zip(service.max_upload).is_some_and(|(length, most)| length > most) {
        return Err(Refusal::TooLarge);
    }
    let sha256 = promised.iter().find(|digest| digest.algorithm() == Algorithm::Sha256).cloned();
    // What is promised in other algorithms only shows once the bytes are here.
    let is_told = sha256.is_some() && promised.len() == 1;
    let target = Target { service: Arc::clone(service), path, name, headers: head.headers.clone(), length };
    let (target, begun) = blocking(move || target.begin(is_told)).await?;
    let (place, mut draft) = match begun {
        Begun::Draft(place, draft) => (place, draft),
        Begun::Taken(taken) => return target.taken(taken, sha256.as_ref()).await,
    };
    draft.promise(promised);
    let draft = receive::write_all(draft, body, service.max_upload, &service.batches).await?;
    let (target, received, ended) = blocking(move || target.finish(&place, draft)).await?;
    match ended {
        Ok(Published { stat, has_replaced }) => {
            let entity = Entity::of(&stat);
            service.digests.remember(entity, &received.digest);
            Ok(one_stored(&target.stored(received, entity), has_replaced))
        }
        Err(taken) => target.taken(taken, Some(&received.digest)).await,
    }
}

/// Refuses content codings: the bytes that arrive are the bytes that are stored.
pub(super) fn refuse_content_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let plain = headers.get_all(header::CONTENT_ENCODING).iter().all(|value| value.as_bytes() == b"identity");
    if plain { Ok(()) } else { Err(Refusal::EncodedUpload) }
}

/// Runs what waits for the disk on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::DiskFailed)?
}

/// A file that has the name already, and why it may not be replaced.
struct Taken {
    file: OwnedFd,
    entity: Entity,
    refusal: Refusal,
}

/// What becomes of a request once its head is read.
enum Begun {
    Draft(Place, Draft),
    /// All depends on whether it is the same file.
    Taken(Taken),
}

/// The file that is to be.
struct Target {
    service: Arc<Service>,
    path: ServedPath,
    name: String,
    headers: HeaderMap,
    length: Option<u64>,
}

impl Target {
    /// Makes sure that the file may and can go there, and begins its draft, unless its digest `is_told`, which a file that
    /// has the name may have.
    fn begin(self, is_told: bool) -> Result<(Self, Begun), Refusal> {
        let place = Place::find(&self.service.root, self.path.folders())?;
        if let Err(refusal) = self.may_replace(place.look_at(&self.name)?.as_ref()) {
            let taken = self.compared(&place, refusal).filter(|taken| Some(taken.entity.length()) == self.length);
            let taken = taken.ok_or(refusal)?;
            if is_told {
                return Ok((self, Begun::Taken(taken)));
            }
            // As long as what comes: whether it is the same shows once it is here.
        }
        place.check_room(self.length)?;
        let draft = place.draft(&self.service.root, &self.name)?;
        Ok((self, Begun::Draft(place, draft)))
    }

    /// Gives the draft its name, unless something has it by now that stays.
    fn finish(self, place: &Place, mut draft: Draft) -> Result<(Self, Received, Result<Published, Taken>), Refusal> {
        let received = draft.finish(self.service.file_mode)?;
        let Service { root, names, .. } = &*self.service;
        let may_replace = |existing: Option<&Stat>| self.may_replace(existing);
        let ended = match place.publish(root, names, &mut draft, &self.name, may_replace) {
            Ok(published) => Ok(published),
            Err(refusal) => Err(self.compared(place, refusal).ok_or(refusal)?),
        };
        Ok((self, received, ended))
    }

    /// The file in the way, where it may be the same as the one that comes.
    fn compared(&self, place: &Place, refusal: Refusal) -> Option<Taken> {
        if !matches!(refusal, Refusal::NameTaken | Refusal::PreconditionFailed) {
            return None;
        }
        let (file, stat) = place.open_existing(&self.service.root, &self.name)?;
        Some(Taken { file, entity: Entity::of(&stat), refusal })
    }

    /// The answer where something has the name: a success if it is what the client sends.
    async fn taken(self, taken: Taken, wanted: Option<&Digest>) -> Result<Response<Body>, Refusal> {
        let Taken { file, entity, refusal } = taken;
        let had = self.service.digests.of(file, entity).await.ok_or(refusal)?;
        if wanted != Some(&had) {
            return Err(refusal);
        }
        let received = Received { length: entity.length(), digest: had };
        Ok(one_stored(&self.stored(received, entity), true))
    }

    fn stored(self, received: Received, entity: Entity) -> Stored {
        let url = self.path.url_of(&self.name);
        tracing::info!(url, bytes = received.length, "received");
        Stored { name: self.name, url, received, entity }
    }

    /// Whether the request may go on, with what has the name.
    fn may_replace(&self, existing: Option<&Stat>) -> Result<(), Refusal> {
        let now = wall_clock();
        let entity = existing.map(Entity::of);
        let tag = entity.map(|entity| entity.tag(now)).unwrap_or_default();
        let current = entity.map(|entity| Current { tag: &tag, modified: entity.last_modified(now), now });
        if condition::evaluate(&Method::PUT, &self.headers, current.as_ref()) != Outcome::Proceed {
            return Err(Refusal::PreconditionFailed);
        }
        match existing {
            None => Ok(()),
            Some(stat) if self.service.overwrite && FileType::from_raw_mode(stat.st_mode).is_file() => Ok(()),
            // A folder, a link, a device: not ours to replace.
            Some(_) => Err(Refusal::NameTaken),
        }
    }
}
