//! `POST` of a form to a folder: any number of files, each as its own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::body::Body;
use futures_util::StreamExt;
use http::{Response, header, request::Parts};
use multer::{Field, Multipart};
use ropeway_model::FileName;
use ropeway_net::file::Entity;
use ropeway_wire::content_length;
use rustix::fs::Stat;

use super::{
    UploadBody,
    draft::{Draft, Received},
    place::{Place, Published},
    promised::promised,
    put::{blocking, refuse_content_coding},
    receive,
    stored::{Stored, all_stored},
};
use crate::{answer::Service, path::ServedPath, refusal::Refusal};

/// Files in a form; each stays open until the form is whole.
const MOST_FILES: usize = 100;
/// Fields in a form, files included.
const MOST_FIELDS: usize = 500;
/// What is not a file is read past, up to this size.
const MOST_FIELD_BYTES: usize = 64 * 1024;
/// Bytes that may arrive without any of them being part of a file or field: the parser keeps them all.
const MOST_SYNTAX_BYTES: usize = 512 * 1024;
/// Numbers tried to find a free name.
const MOST_NUMBERS_TRIED: u32 = 1_000;

/// Receives the files of a form. They get their names when the form has ended well; until then they are drafts, so a
/// form that is cut leaves nothing.
pub(crate) async fn receive(
    service: &Arc<Service>,
    head: &Parts,
    body: &mut UploadBody,
) -> Result<Response<Body>, Refusal> {
    let path = ServedPath::parse(head.uri.path(), service.hidden)?.composed().into_folder();
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(content_type.unwrap_or_default()).map_err(|_| Refusal::NoForm)?;
    refuse_content_coding(&head.headers)?;
    let length = content_length::announced(&head.headers).ok().flatten();
    let form = Form::open(Arc::clone(service), path, length).await?;
    let unread = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&unread);
    let bounded = body.map(move |chunk| {
        let chunk = chunk?;
        let unread = counted.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
        if unread > MOST_SYNTAX_BYTES { Err(Refusal::BadForm) } else { Ok(chunk) }
    });
    form.read(Multipart::new(bounded, boundary), &unread).await
}

/// A form that is arriving.
struct Form {
    service: Arc<Service>,
    path: ServedPath,
    arrived: Vec<Arrived>,
    place: Arc<Place>,
}

/// A file that has arrived but has no name yet.
struct Arrived {
    draft: Draft,
    received: Received,
    wanted: FileName,
}

impl Form {
    async fn open(service: Arc<Service>, path: ServedPath, length: Option<u64>) -> Result<Self, Refusal> {
        blocking(move || {
            let place = Place::find(&service.root, path.folders())?;
            place.check_room(length)?;
            Ok(Self { service, path, arrived: Vec::new(), place: Arc::new(place) })
        })
        .await
    }

    /// Reads all fields, then names all files.
    async fn read(mut self, mut fields: Multipart<'_>, unread: &AtomicUsize) -> Result<Response<Body>, Refusal> {
        for _ in 0..MOST_FIELDS {
            let Some(field) = fields.next_field().await.map_err(of_form)? else { return self.publish().await };
            unread.store(0, Ordering::Relaxed);
            match field.file_name().map(FileName::sanitized) {
                Some(_) if self.arrived.len() == MOST_FILES => return Err(Refusal::BadForm),
                Some(name) => self.read_file(field, name, unread).await?,
                None => read_past(field, unread).await?,
            }
        }
        Err(Refusal::BadForm)
    }

    async fn read_file(&mut self, field: Field<'_>, name: FileName, unread: &AtomicUsize) -> Result<(), Refusal> {
        let promised = promised(field.headers())?;
        let nameless = field.file_name().is_some_and(str::is_empty);
        let (service, place, wanted) = (Arc::clone(&self.service), Arc::clone(&self.place), name.clone());
        let mut draft = blocking(move || place.draft(&service.root, name.as_str())).await?;
        draft.promise(promised);
        let mut chunks = field.map(|chunk| {
            unread.store(0, Ordering::Relaxed);
            chunk.map_err(of_form)
        });
        let mut draft = receive::write_all(draft, &mut chunks, self.service.max_upload, &self.service.batches).await?;
        let file_mode = self.service.file_mode;
        let (draft, received) = blocking(move || {
            let received = draft.finish(file_mode)?;
            Ok((draft, received))
        })
        .await?;
        // What a browser sends for a file input that was left empty.
        if !(nameless && received.length == 0) {
            self.arrived.push(Arrived { draft, received, wanted });
        }
        Ok(())
    }

    async fn publish(self) -> Result<Response<Body>, Refusal> {
        if self.arrived.is_empty() {
            return Err(Refusal::EmptyForm);
        }
        blocking(move || {
            let mut named: Vec<(FileName, Published)> = Vec::new();
            let Self { service, path, mut arrived, place } = self;
            for Arrived { draft, wanted, .. } in &mut arrived {
                match publish_under_free_name(&service, &place, draft, wanted) {
                    Ok(published) => named.push(published),
                    Err(refusal) => {
                        take_back(&service, &place, &named);
                        return Err(refusal);
                    }
                }
            }
            let stored = arrived.into_iter().zip(named).map(|(Arrived { received, .. }, (name, published))| {
                let url = path.url_of(name.as_str());
                tracing::info!(url, bytes = received.length, "received");
                let entity = Entity::of(&published.stat);
                service.digests.remember(entity, &received.digest);
                Stored { name: name.into(), url, received, entity }
            });
            Ok(all_stored(&stored.collect::<Vec<_>>()))
        })
        .await
    }
}

/// Takes the files of a form away again, one of which got no name: the client is told that none is here, and sends all of
/// them once more.
fn take_back(service: &Service, place: &Place, named: &[(FileName, Published)]) {
    for (name, published) in named {
        if let Err(errno) = place.take_back(&service.root, &service.names, name.as_str(), published) {
            let error = std::io::Error::from(errno);
            tracing::error!(name = name.as_str(), %error, "file of a refused form not removed");
        }
    }
}

/// Names a draft as wanted, or with the first number that is free.
fn publish_under_free_name(
    service: &Service,
    place: &Place,
    draft: &mut Draft,
    wanted: &FileName,
) -> Result<(FileName, Published), Refusal> {
    for number in 0..MOST_NUMBERS_TRIED {
        let name = if number == 0 { wanted.clone() } else { wanted.numbered(number) };
        let is_free = |existing: Option<&Stat>| existing.map_or(Ok(()), |_| Err(Refusal::NameTaken));
        match place.publish(&service.root, &service.names, draft, name.as_str(), is_free) {
            Err(Refusal::NameTaken) => {}
            outcome => return Ok((name, outcome?)),
        }
    }
    Err(Refusal::NameTaken)
}

/// Reads past a field that is no file.
async fn read_past(mut field: Field<'_>, unread: &AtomicUsize) -> Result<(), Refusal> {
    let mut length = 0;
    while let Some(chunk) = field.chunk().await.map_err(of_form)? {
        unread.store(0, Ordering::Relaxed);
        length += chunk.len();
        if length > MOST_FIELD_BYTES {
            return Err(Refusal::BadForm);
        }
    }
    Ok(())
}

/// The refusal behind a parser's error.
fn of_form(error: multer::Error) -> Refusal {
    match error {
        multer::Error::StreamReadFailed(source) => {
            source.downcast_ref::<Refusal>().copied().unwrap_or(Refusal::BodyCut)
        }
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => Refusal::BodyCut,
        error => {
            tracing::debug!(%error, "malformed form");
            Refusal::BadForm
        }
    }
}
