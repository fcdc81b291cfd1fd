//! An address that takes uploads, and its answer to each request.

use http::{HeaderMap, Method, header::CONTENT_LENGTH};
use ropeway_drivers::DriverError;
use ropeway_model::SafeUrl;

use super::{
    Reply, SimServer,
    answer::Answer,
    incoming::Incoming,
    lost,
    receiver::{Course, Fate, Hazards, Protocol, Receiver},
    session::Session,
};
use crate::{plan::PlannedUpload, random::Random};

/// An address that takes uploads, with what it has of them.
#[derive(Debug)]
pub(crate) struct Target {
    pub(super) receiver: Receiver,
    hazards: Hazards,
    random: Random,
    /// Every upload there was; by `PUT` each request is one.
    pub(super) sessions: Vec<Session>,
    /// By `PUT`: whose bytes lie at the address.
    stored: Option<usize>,
    requests: u64,
    /// Bytes that came.
    pub(super) received: u64,
    /// Setbacks: bytes that were not acknowledged, or taken away again.
    pub(super) setbacks: u64,
}

impl Target {
    pub(super) fn new(upload: &PlannedUpload) -> Self {
        let mut random = upload.random.clone();
        Self {
            receiver: upload.receiver.clone(),
            hazards: Hazards::any(&mut random),
            random,
            sessions: Vec::new(),
            stored: None,
            requests: 0,
            received: 0,
            setbacks: 0,
        }
    }

    /// Requests that came.
    pub(crate) fn requests(&self) -> u64 {
        self.requests
    }

    /// Bytes that came, and the number of setbacks.
    pub(crate) fn traffic(&self) -> (u64, u64) {
        (self.received, self.setbacks)
    }

    /// The whole file that is here, and since when it is.
    pub(crate) fn file(&self) -> Option<(&[u8], u64)> {
        let last = match self.receiver.protocol {
            Protocol::Put => self.sessions.get(self.stored?),
            Protocol::Tus => self.sessions.last(),
        };
        last.filter(|session| !session.is_gone()).and_then(|session| Some((session.bytes(), session.whole_at?)))
    }

    /// Bytes that were acknowledged of one session, or of any.
    pub(crate) fn acknowledged(&self, session: Option<usize>) -> u64 {
        let acknowledged = |session: &Session| session.acknowledged;
        match session {
            Some(session) => self.sessions.get(session).map_or(0, acknowledged),
            None => self.sessions.iter().map(acknowledged).max().unwrap_or(0),
        }
    }

    /// The client hears an answer.
    pub(super) fn tell(&mut self, answer: &Answer) {
        if let Some((session, offset)) = answer.tells {
            self.sessions[session].tell(offset);
        }
        self.setbacks -= u64::from(answer.is_receipt);
    }

    /// Notes that a body was taken as far as it came.
    pub(super) fn took(&mut self, session: usize, is_whole: bool) {
        let keeps = self.receiver.syncs || self.random.hits(500);
        let taken = &mut self.sessions[session];
        if keeps {
            taken.sync();
        }
        // What broke off lies there, too, on a server that writes in place.
        if self.receiver.protocol == Protocol::Put && (is_whole || taken.offset() > 0) {
            self.stored = Some(session);
        }
    }
}

impl SimServer {
    /// The outcome of a request before its body is taken.
    pub(super) fn arrive_at(
        &self,
        endpoint: &str,
        session: Option<usize>,
        method: &Method,
        url: &SafeUrl,
        fields: &HeaderMap,
    ) -> Reply {
        let (now, is_rough) = (self.world.now(), self.world.is_rough());
        let asked = Asked::read(method, session, fields);
        self.target(endpoint, |target| {
            target.requests += 1;
            target.check_offset(self, url, &asked);
            for session in &mut target.sessions {
                session.settle(now);
            }
            let fate = if is_rough { target.hazards.fate(&mut target.random) } else { Fate::Taken };
            self.world.note(format_args!("{method} {url} {asked:?}: {fate:?}"));
            target.setbacks += u64::from(asked.bytes > 0 || fate != Fate::Taken);
            match fate {
                Fate::Refused => Reply::Fails(DriverError::ConnectionRefused { host: url.host() }),
                Fate::Lost => Reply::Fails(lost(url)),
                Fate::Silent => Reply::Never,
                Fate::Error(status, after) => Reply::Answer(Answer::error(status, after)),
                Fate::Forgotten | Fate::Restarted | Fate::Taken => {
                    target.lose(fate, session);
                    target.reply(&asked, (now, is_rough))
                }
            }
        })
    }
}

/// What a request asks for.
#[derive(Debug)]
struct Asked {
    method: Method,
    session: Option<usize>,
    offset: Option<u64>,
    /// Of the file that is created.
    length: Option<u64>,
    /// In its body.
    bytes: u64,
}

impl Asked {
    fn read(method: &Method, session: Option<usize>, fields: &HeaderMap) -> Self {
        let number = |name: &str| fields.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
        Self {
            method: method.clone(),
            session,
            offset: number("upload-offset"),
            length: number("upload-length"),
            bytes: number(CONTENT_LENGTH.as_str()).unwrap_or(0),
        }
    }
}

impl Target {
    /// U3: a part begins where the server last said that it stands.
    fn check_offset(&self, server: &SimServer, url: &SafeUrl, asked: &Asked) {
        let told = asked.session.and_then(|session| self.sessions.get(session)).and_then(|session| session.told);
        if asked.method == Method::PATCH && asked.offset != told {
            let Asked { offset, .. } = asked;
            server.world.violate(format!("U3: {url} is sent bytes at {offset:?}, {told:?} was told last"));
        }
    }

    fn lose(&mut self, fate: Fate, session: Option<usize>) {
        match (fate, session.and_then(|session| self.sessions.get_mut(session))) {
            (Fate::Restarted, _) => self.sessions.iter_mut().for_each(Session::restart),
            (Fate::Forgotten, Some(session)) => session.forget(),
            _ => {}
        }
    }

    fn reply(&mut self, asked: &Asked, (now, is_rough): (u64, bool)) -> Reply {
        let largest = self.receiver.largest_body;
        if largest > 0 && asked.bytes > largest {
            return Reply::Answer(Answer::error(413, None));
        }
        let (is_put, session) = (self.receiver.protocol == Protocol::Put, asked.session);
        let known = session.filter(|session| self.sessions.get(*session).is_some_and(|known| !known.is_gone()));
        let answer = match (&asked.method, session, known) {
            (&Method::OPTIONS, None, _) => self.offers(),
            (&Method::PUT, None, _) if is_put => {
                self.sessions.push(Session::new(asked.bytes, now));
                return self.body(asked, self.sessions.len() - 1, is_rough);
            }
            (&Method::HEAD, None, _) if is_put => match self.stored {
                _ if !self.receiver.tells_stored => Answer::error(403, None),
                Some(stored) => Answer::length(self.sessions[stored].bytes().len()),
                None => Answer::error(404, None),
            },
            (&Method::POST, None, _) if !is_put => {
                self.sessions.push(Session::new(asked.length.unwrap_or(0), now));
                let session = self.sessions.len() - 1;
                if asked.bytes > 0 {
                    return self.body(asked, session, is_rough);
                }
                Answer::created(session, 0)
            }
            (&Method::HEAD, _, Some(session)) => self.offset(asked, session),
            (&Method::DELETE, _, Some(session)) => {
                self.sessions[session].terminate();
                Answer::error(204, None)
            }
            (&Method::PATCH, _, Some(session)) => match self.refusal(asked, session) {
                Some(status) => Answer::error(status, None),
                None => return self.body(asked, session, is_rough),
            },
            (_, Some(_), None) => Answer::error(self.random.pick(&[404, 410]), None),
            _ => Answer::error(405, None),
        };
        Reply::Answer(answer)
    }

    fn offers(&self) -> Answer {
        let (with_bytes, compares) = (self.receiver.creates_with_bytes, self.receiver.compares);
        let offered = [("creation,termination", true), ("creation-with-upload", with_bytes), ("checksum", compares)];
        let offered: Vec<_> = offered.into_iter().filter(|(_, is_offered)| *is_offered).map(|(name, _)| name).collect();
        Answer::offers(&offered.join(","))
    }

    fn offset(&self, asked: &Asked, session: usize) -> Answer {
        let known = &self.sessions[session];
        Answer::offset(&asked.method, session, known.offset(), known.length())
    }

    /// The status with which bytes at another place than the server's are refused, or those of a second request.
    fn refusal(&self, asked: &Asked, session: usize) -> Option<u16> {
        let known = &self.sessions[session];
        if known.is_busy() && self.receiver.locks {
            return Some(423);
        }
        (asked.offset != Some(known.offset())).then_some(409)
    }

    fn body(&mut self, asked: &Asked, session: usize, is_rough: bool) -> Reply {
        let mut course = if is_rough { self.hazards.course(&mut self.random, asked.bytes) } else { Course::calm() };
        if self.receiver.protocol == Protocol::Put {
            course.most = u64::MAX;
        }
        self.sessions[session].open(self.requests);
        Reply::Body(Incoming {
            method: asked.method.clone(),
            session,
            number: self.requests,
            length: asked.bytes,
            course,
        })
    }

    /// The answer to a request whose body was taken.
    pub(super) fn answer(&self, incoming: &Incoming) -> Answer {
        let (session, known) = (incoming.session, &self.sessions[incoming.session]);
        let mut answer = match incoming.method {
            Method::PUT => Answer::stored(session, known.length()),
            Method::POST => Answer::created(session, known.offset()),
            _ => Answer::offset(&incoming.method, session, known.offset(), known.length()),
        };
        answer.is_receipt = incoming.is_taken_whole();
        answer
    }
}
