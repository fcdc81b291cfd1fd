//! The servers of a run, in the place of the network: the real HTTP driver sends its requests here.

mod answer;
mod body;
mod remote;
mod upload;
mod weather;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderMap, Method, Response};
use parking_lot::Mutex;
use ropeway_drivers::{DriverError, Transport, TransportBody};
use ropeway_model::SafeUrl;

use answer::Answer;
use body::{Body, Held, UnderWay};
pub(crate) use remote::{Ranges, Remote, Version, any_length};
use upload::Uploads;
pub(crate) use upload::{Protocol, Receiver};
use weather::{Ending, Fate, Weather};

use crate::{random::Random, world::World};

/// Longer than any client waits for an answer.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// What an address ends in that is good for a while.
const UNTIL: &str = "?until=";
/// So long, in milliseconds.
const GOOD_FOR: u64 = 5_000;

/// The servers of a run.
#[derive(Debug)]
pub(crate) struct SimServer {
    world: Arc<World>,
    files: Mutex<BTreeMap<String, Served>>,
    /// What was said last with `Retry-After` at each address: no new request to it before.
    not_before: Mutex<BTreeMap<String, u64>>,
    held: Arc<Held>,
    uploads: Uploads,
}

/// A file with what its server has seen.
#[derive(Debug)]
struct Served {
    remote: Remote,
    weather: Weather,
    random: Random,
    requests: u64,
    /// No request before, as the user wishes.
    starts: u64,
    under_way: Arc<AtomicU64>,
}

/// What a request comes to.
enum Reply {
    Never,
    Fails(DriverError),
    /// With the milliseconds of its `Retry-After`.
    Answer(Response<()>, Body, Option<u64>),
}

impl SimServer {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            files: Mutex::default(),
            not_before: Mutex::default(),
            held: Arc::default(),
            uploads: Uploads::default(),
        }
    }

    /// Serves a file at `url` from now on.
    pub(crate) fn serve(&self, url: &str, remote: Remote, mut random: Random) {
        self.world.note(format_args!(
            "{url}: {:?}, versions {:?}",
            remote.manner,
            remote.versions.iter().map(|version| (version.since, version.bytes.len())).collect::<Vec<_>>()
        ));
        let weather = Weather::any(&mut random);
        let served = Served { remote, weather, random, requests: 0, starts: 0, under_way: Arc::default() };
        self.files.lock().insert(url.to_owned(), served);
    }

    /// The user asked for another try: what the server said does not bind him.
    pub(crate) fn forgive(&self, url: &str) {
        self.not_before.lock().retain(|held, _| host_of(held) != host_of(url));
    }

    /// Every server forgets what it said: an earlier process may not have had the time to write it down.
    pub(crate) fn forgive_all(&self) {
        self.not_before.lock().clear();
    }

    /// The file at `url` is not asked for before `starts`.
    pub(crate) fn wait_until(&self, url: &str, starts: u64) {
        if let Some(served) = self.files.lock().get_mut(url) {
            served.starts = starts;
        }
    }

    /// Requests that the file at `url` was sent.
    pub(crate) fn requests(&self, url: &str) -> u64 {
        self.files.lock().get(url).map_or(0, |served| served.requests)
    }

    /// The most bytes that the client ever held at once.
    pub(crate) fn most_held(&self) -> u64 {
        self.held.most()
    }

    /// No new request to `url` for so many milliseconds. What is under way now was sent before anybody knew.
    fn hold(&self, url: &SafeUrl, milliseconds: u64) {
        self.not_before.lock().insert(url.expose().as_str().to_owned(), self.world.now() + milliseconds);
    }

    /// I7: a request is sent to `url` now.
    fn check_hold(&self, url: &SafeUrl) {
        let not_before = self.not_before.lock().get(url.expose().as_str()).copied().unwrap_or(0);
        if let Some(early) = not_before.checked_sub(self.world.now()).filter(|early| *early > 0) {
            self.world.violate(format!("I7: {url} is asked {early} ms before its Retry-After is over"));
        }
    }

    fn arrive(&self, url: &SafeUrl, fields: &HeaderMap) -> (Duration, Reply) {
        let now = self.world.now();
        let mut files = self.files.lock();
        let (address, until) = led(url);
        let Some(served) = files.get_mut(address) else {
            self.world.violate(format!("a request to {url}, which nobody asked for"));
            return (Duration::ZERO, Reply::Never);
        };
        served.requests += 1;
        if now < served.starts {
            self.world.violate(format!("{url} is asked {} ms before its job starts", served.starts - now));
        }
        // Where it was led to, a request was under way before anybody knew.
        if until.is_none() {
            self.check_hold(url);
        }
        let wait = Duration::from_millis(served.remote.manner.latency_ms);
        let reply = match until {
            None if served.leads(now) => {
                self.world.note(format_args!("{url} leads on"));
                let head = Answer::redirect(&format!("{address}{UNTIL}{}", now + GOOD_FOR), now).head;
                Reply::Answer(head, served.body(self, b"", Ending::Whole), None)
            }
            Some(until) if until < now => {
                self.world.note(format_args!("{url} is over"));
                let answer = Answer::error(403, None, now);
                Reply::Answer(answer.head, served.body(self, answer.body, Ending::Whole), None)
            }
            _ => served.reply(self, url, fields, now),
        };
        (wait, reply)
    }
}

impl Served {
    fn fate(&mut self, now: u64, is_rough: bool, is_first: bool) -> Fate {
        if let Some((_, status)) = self.remote.manner.expires.filter(|(from, _)| now >= *from) {
            return Fate::Error(status, None);
        }
        if self.remote.manner.is_once && self.requests > 1 {
            return Fate::Error(403, None);
        }
        if self.under_way.load(Relaxed) >= self.remote.manner.most_at_once {
            return Fate::Error(self.random.pick(&[429, 503]), None);
        }
        if is_rough { self.weather.fate(&mut self.random, is_first) } else { Fate::Answered }
    }

    fn reply(&mut self, server: &SimServer, url: &SafeUrl, fields: &HeaderMap, now: u64) -> Reply {
        let (world, is_rough) = (&server.world, server.world.is_rough());
        let asked = answer::Asked::read(fields);
        let fate = self.fate(now, is_rough, asked.range.is_none());
        let number = self.requests;
        let host = url.host();
        let mut hold = None;
        let answer = match fate {
            Fate::Answered => {
                let may_hide = self.remote.versions.len() == 1;
                let is_part = asked.range.is_some() && is_rough;
                let lie = if is_part { self.weather.lie(&mut self.random, may_hide) } else { None };
                let lie = if self.remote.manner.mixes { lie.map(|lie| lie.hidden(&asked, number)) } else { lie };
                Answer::of(&self.remote, &asked, now, number % 2, lie)
            }
            Fate::Refused => return fails(world, url, &asked, DriverError::ConnectionRefused { host }),
            Fate::Lost => {
                let reason = "connection reset".to_owned();
                return fails(world, url, &asked, DriverError::ConnectionLost { host, reason });
            }
            Fate::Silent => {
                world.note(format_args!("{url} {asked:?}: silence"));
                return Reply::Never;
            }
            Fate::Error(status, after) => {
                hold = after.map(|seconds| seconds * 1000);
                Answer::error(status, after, now)
            }
            Fate::Page => Answer::page(now),
        };
        let is_rough = is_rough && answer.is_success();
        let ending = if is_rough {
            self.weather.ending(&mut self.random, answer.body.len() as u64, answer.has_announced_end())
        } else {
            Ending::Whole
        };
        world.note(format_args!("{url} {asked:?}: {answer:?} {ending:?}"));
        Reply::Answer(answer.head, self.body(server, answer.body, ending), hold)
    }

    /// Whether the address leads to another one now.
    fn leads(&self, now: u64) -> bool {
        let is_over = self.remote.manner.expires.is_some_and(|(from, _)| now >= from);
        self.remote.manner.leads && !self.remote.manner.is_once && !is_over
    }

    fn body(&self, server: &SimServer, bytes: &'static [u8], ending: Ending) -> Body {
        Body {
            world: Arc::clone(&server.world),
            held: Arc::clone(&server.held),
            _under_way: UnderWay::one(&self.under_way),
            bytes,
            ending,
            chunk: self.remote.manner.chunk,
            speed: self.remote.manner.speed,
        }
    }
}

/// The address that led to this one, and until when this one is good.
fn led(url: &SafeUrl) -> (&str, Option<u64>) {
    let url = url.expose().as_str();
    match url.split_once(UNTIL) {
        Some((address, until)) => (address, until.parse().ok()),
        None => (url, None),
    }
}

/// The server of an address.
fn host_of(url: &str) -> &str {
    url.split('/').nth(2).unwrap_or(url)
}

fn fails(world: &World, url: &SafeUrl, asked: &answer::Asked, error: DriverError) -> Reply {
    world.note(format_args!("{url} {asked:?}: {error}"));
    Reply::Fails(error)
}

#[async_trait]
impl Transport for SimServer {
    async fn get(&self, url: &SafeUrl, fields: HeaderMap) -> Result<Response<TransportBody>, DriverError> {
        self.world.stay_on().await;
        if !self.world.is_online() {
            return Err(DriverError::NameNotResolved { host: url.host() });
        }
        let (wait, reply) = self.arrive(url, &fields);
        tokio::time::sleep(wait).await;
        self.world.stay_on().await;
        match reply {
            Reply::Never => {
                tokio::time::sleep(FOR_EVER).await;
                Err(DriverError::ConnectionLost { host: url.host(), reason: "connection reset".to_owned() })
            }
            Reply::Fails(error) => Err(error),
            Reply::Answer(head, body, hold) => {
                if let Some(hold) = hold {
                    self.hold(url, hold);
                }
                Ok(head.map(|()| body.stream()))
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        url: &SafeUrl,
        fields: HeaderMap,
        body: TransportBody,
    ) -> Result<Response<TransportBody>, DriverError> {
        self.take((method, url), fields, body).await
    }
}
