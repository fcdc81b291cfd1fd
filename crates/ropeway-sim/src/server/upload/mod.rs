//! Servers that take uploads by `PUT` or tus, in the network's place.
//!
//! The real drivers send their requests here.

mod answer;
mod incoming;
mod receiver;
mod session;
mod target;

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, Method, Response};
use parking_lot::Mutex;
use ropeway_drivers::{DriverError, TransportBody};
use ropeway_engine::Engine;
use ropeway_model::{SafeUrl, Transfer};
use ropeway_store::UploadState;

pub(crate) use receiver::{Protocol, Receiver};

use self::{answer::Answer, incoming::Incoming, target::Target};
use super::{FOR_EVER, SimServer};
use crate::plan::PlannedUpload;

/// Uploads that servers have.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    /// By the address that the user gave.
    targets: Mutex<BTreeMap<String, Target>>,
    /// The engine that runs, to see what it shows.
    shown: Mutex<Option<Engine>>,
}

/// Outcome of a request before its body is taken.
enum Reply {
    Never,
    Fails(DriverError),
    Answer(Answer),
    /// The body is taken, for the session with this index.
    Body(Incoming),
}

impl SimServer {
    /// Takes an upload from now on.
    pub(crate) fn receive(&self, upload: &PlannedUpload) {
        let target = Target::new(upload);
        self.world.note(format_args!("{}: {target:?}", upload.url));
        self.uploads.targets.lock().insert(upload.url.clone(), target);
    }

    /// From now on `engine` must show nothing that no server acknowledged.
    pub(crate) fn watch(&self, engine: Option<Engine>) {
        *self.uploads.shown.lock() = engine;
    }

    /// Looks at what is at the address that an upload was given.
    pub(crate) fn look<R>(&self, url: &str, look: impl FnOnce(&Target) -> R) -> R {
        look(self.uploads.targets.lock().get(url).expect("it was received from the start"))
    }

    /// Bytes that were acknowledged at `url`. They are those of the upload that was saved, or else of any.
    pub(crate) fn acknowledged(&self, url: &str, saved: Option<&UploadState>) -> u64 {
        let session = saved.and_then(|saved| numbered(saved.session.url.expose().as_str()).1);
        self.look(url, |target| target.acknowledged(session))
    }

    /// U1: what is shown as acknowledged was.
    fn check_shown(&self) {
        let Some(engine) = self.uploads.shown.lock().clone() else { return };
        for job in engine.jobs() {
            let Transfer::Upload { to, .. } = &job.spec.transfer else { continue };
            let (shown, had) = (job.progress.durable, self.acknowledged(to.url().expose().as_str(), None));
            if shown > had && !self.world.is_violated() {
                self.world.violate(format!("U1: {to} shows {shown} bytes, {had} were acknowledged"));
            }
        }
    }

    /// Does something with what is at an address.
    fn target<R>(&self, url: &str, change: impl FnOnce(&mut Target) -> R) -> R {
        change(self.uploads.targets.lock().get_mut(url).expect("it was received from the start"))
    }

    /// A request of an upload, from its first byte to its answer.
    pub(super) async fn take(
        &self,
        (method, url): (Method, &SafeUrl),
        fields: HeaderMap,
        body: TransportBody,
    ) -> Result<Response<TransportBody>, DriverError> {
        self.world.stay_on().await;
        if !self.world.is_online() {
            return Err(DriverError::NameNotResolved { host: url.host() });
        }
        let (endpoint, session) = numbered(url.expose().as_str());
        if !self.uploads.targets.lock().contains_key(endpoint) {
            self.world.violate(format!("{method} {url}, which nobody asked for"));
            return Err(lost(url));
        }
        self.check_shown();
        // What is given up is ended at once.
        if method != Method::DELETE {
            self.check_hold(url);
        }
        let trip = self.target(endpoint, |target| Duration::from_millis(target.receiver.latency_ms) / 2);
        tokio::time::sleep(trip).await;
        self.world.stay_on().await;
        let reply = self.arrive_at(endpoint, session, &method, url, &fields);
        tokio::time::sleep(trip).await;
        self.world.stay_on().await;
        match reply {
            Reply::Never => {
                tokio::time::sleep(FOR_EVER).await;
                Err(lost(url))
            }
            Reply::Fails(error) => Err(error),
            Reply::Answer(answer) => Ok(self.deliver(url, answer)),
            Reply::Body(incoming) => {
                let answer = self.take_body(endpoint, incoming, body).await.ok_or_else(|| lost(url))?;
                Ok(self.deliver(url, answer))
            }
        }
    }

    /// Gives an answer to the client.
    fn deliver(&self, url: &SafeUrl, answer: Answer) -> Response<TransportBody> {
        let (endpoint, _) = numbered(url.expose().as_str());
        self.world.note(format_args!("{url}: {answer:?}"));
        if let Some(after) = answer.after {
            self.hold(url, after * 1000);
        }
        self.target(endpoint, |target| target.tell(&answer));
        answer.response()
    }
}

fn lost(url: &SafeUrl) -> DriverError {
    DriverError::ConnectionLost { host: url.host(), reason: "connection reset".to_owned() }
}

/// The address that the user gave and the number behind it, if there is one.
fn numbered(url: &str) -> (&str, Option<usize>) {
    let number = url.rsplit_once('/').and_then(|(endpoint, number)| Some((endpoint.len() + 1, number.parse().ok()?)));
    number.map_or((url, None), |(length, number)| (&url[..length], Some(number)))
}
