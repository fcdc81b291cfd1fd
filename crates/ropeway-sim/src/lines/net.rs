//! A line and the server behind it, as a fluid: between two events each connection moves bytes at a constant rate.
//!
//! Modelled are the handshake, a round trip for a request, slow start, a cap for each connection, a line that all share
//! fairly, servers that bear so many connections, slow connections, stalls after loss, and connections that can only be
//! closed because the end of their answer was given to another. Not modelled: queues, unfair shares, servers that think.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Response, header::RANGE};
use parking_lot::Mutex;
use ropeway_drivers::{DriverError, Handshake, Transport, TransportBody};
use ropeway_model::SafeUrl;
use tokio::time::Instant;

/// Ten segments (RFC 6928), in bytes.
const FIRST_WINDOW: f64 = 14_600.0;
/// What answers are made of.
static ZEROS: [u8; 4 << 20] = [0; 4 << 20];
/// Every so many-th connection, where some are slow, is slower by this.
const SLOW_SHARE: f64 = 20.0;
/// How many times in a window at least a connection yields bytes.
const YIELDS: u32 = 8;

/// A line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Once there and back.
    pub round_trip: Duration,
    /// Bytes a second of one connection, and of all together.
    pub cap: f64,
    /// Bytes a second of all together.
    pub together: f64,
    /// Length of the file.
    pub size: u64,
    /// Connections the server bears.
    pub bears: usize,
    /// Whether it leaves the others unanswered instead of refusing them.
    pub is_silent: bool,
    /// Whether it speaks TLS, which costs another round trip.
    pub is_secure: bool,
    /// Every so many-th connection is slow; 0: none.
    pub slow: u64,
    /// After so many bytes a connection loses a window; infinite: never.
    pub stall: f64,
}

impl Line {
    fn opening(&self) -> Duration {
        self.round_trip * if self.is_secure { 3 } else { 2 }
    }

    /// How often a connection yields bytes.
    fn beat(&self) -> Duration {
        self.round_trip.max(Duration::from_millis(20)) / YIELDS
    }
}

/// What the server has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) opened: u64,
    /// Connections at once, at the most.
    pub(super) peak: usize,
    pub(super) refused: u64,
    /// Bytes that were sent in vain.
    pub(super) wasted: f64,
}

/// The line and its server.
#[derive(Debug)]
pub(super) struct Net {
    line: Line,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    line: Line,
    began: Instant,
    now: f64,
    flows: BTreeMap<u64, Flow>,
    /// Connections that are open and carry nothing.
    idle: Vec<Flow>,
    /// Connections that wait for their answer.
    waiting: usize,
    seen: Seen,
    requests: u64,
}

/// A connection that carries an answer.
#[derive(Clone, Copy, Debug)]
struct Flow {
    window: f64,
    cap: f64,
    /// What it could bring alone, and what it does bring.
    want: f64,
    rate: f64,
    grows_at: f64,
    /// Bytes of all its answers, and the count of them at which it stalls.
    carried: f64,
    stalls_at: f64,
    /// Bytes of this answer: all, come, handed over.
    length: f64,
    come: f64,
    taken: f64,
}

impl Net {
    pub(super) fn new(line: Line) -> Self {
        let state = State {
            line,
            began: Instant::now(),
            now: 0.0,
            flows: BTreeMap::new(),
            idle: Vec::new(),
            waiting: 0,
            seen: Seen::default(),
            requests: 0,
        };
        Self { line, state: Arc::new(Mutex::new(state)) }
    }

    /// Idle connections are closed, and the most at once is counted anew.
    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        state.idle.clear();
        state.seen.peak = 0;
    }

    pub(super) fn seen(&self) -> Seen {
        self.state.lock().seen
    }
}

impl State {
    /// Lets the line run until now.
    fn advance(&mut self) {
        let now = self.began.elapsed().as_secs_f64();
        while self.now < now {
            let next = self.flows.values().map(|flow| flow.grows_at).fold(now, f64::min).max(self.now);
            self.share();
            for flow in self.flows.values_mut() {
                let bytes = (flow.rate * (next - self.now)).min(flow.length - flow.come);
                flow.come += bytes;
                flow.carried += bytes;
            }
            self.now = next;
            let line = self.line;
            for flow in self.flows.values_mut() {
                if flow.grows_at <= next {
                    flow.grow(&line, next);
                }
                if flow.carried >= flow.stalls_at {
                    // A lost window: the timer runs out, and it begins anew.
                    flow.stalls_at += line.stall;
                    (flow.window, flow.want) = (FIRST_WINDOW / 2.0, 0.0);
                    flow.grows_at = next + (2.0 * line.round_trip.as_secs_f64()).max(0.2);
                }
            }
        }
    }

    /// Fair shares: whoever wants less than its share gets that.
    fn share(&mut self) {
        let mut wanting: Vec<&mut Flow> = self.flows.values_mut().collect();
        wanting.iter_mut().filter(|flow| flow.come >= flow.length).for_each(|flow| flow.rate = 0.0);
        wanting.retain(|flow| flow.come < flow.length);
        wanting.sort_by(|one, other| one.want.total_cmp(&other.want));
        let (mut rest, mut count) = (self.line.together, wanting.len());
        for flow in wanting {
            #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
            let fair = rest / count as f64;
            flow.rate = flow.want.min(fair);
            rest -= flow.rate;
            count -= 1;
        }
    }

    fn open(&self) -> usize {
        self.flows.len() + self.idle.len() + self.waiting
    }

    /// The connection for another request, and whether it is a new one.
    fn connect(&mut self) -> (Flow, bool) {
        self.waiting += 1;
        if let Some(flow) = self.idle.pop() {
            return (flow, false);
        }
        let number = self.seen.opened;
        self.seen.opened += 1;
        self.seen.peak = self.seen.peak.max(self.open());
        let line = self.line;
        let is_slow = line.slow > 0 && number % line.slow == line.slow / 2;
        let cap = if is_slow { line.cap.min(line.together) / SLOW_SHARE } else { line.cap };
        #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
        let stalls_at = line.stall * (0.3 + (number as f64 * 0.37).fract());
        let (window, length) = (FIRST_WINDOW / 2.0, 0.0);
        let (want, rate, grows_at, carried) = (0.0, 0.0, 0.0, 0.0);
        (Flow { window, cap, want, rate, grows_at, carried, stalls_at, length, come: 0.0, taken: 0.0 }, true)
    }
}

impl Flow {
    fn grow(&mut self, line: &Line, now: f64) {
        let round_trip = line.round_trip.as_secs_f64();
        self.window *= 2.0;
        self.want = self.cap.min(self.window / round_trip);
        let is_growing = self.want < self.cap.min(line.together);
        self.grows_at = if is_growing { now + round_trip } else { f64::INFINITY };
    }
}

/// A connection that waits for its answer, until it is dropped.
struct Waiting(Arc<Mutex<State>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

#[async_trait]
impl Transport for Net {
    async fn get(&self, _: &SafeUrl, fields: HeaderMap) -> Result<Response<TransportBody>, DriverError> {
        let (mut flow, is_new) = self.state.lock().connect();
        let waiting = Waiting(Arc::clone(&self.state));
        tokio::time::sleep(if is_new { self.line.opening() } else { self.line.round_trip }).await;
        while self.state.lock().flows.len() >= self.line.bears {
            if !self.line.is_silent {
                self.state.lock().seen.refused += 1;
                return Ok(answer(503, 0).body(empty()).expect("a head that is whole"));
            }
            // It is looked after when another one has ended.
            tokio::time::sleep(self.line.round_trip.max(Duration::from_millis(5))).await;
        }
        drop(waiting);
        let asked = fields.get(RANGE).and_then(|range| range.to_str().ok()).and_then(range);
        let (start, end) = asked.unwrap_or((0, self.line.size));
        let mut state = self.state.lock();
        state.advance();
        #[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
        let length = (end - start) as f64;
        (flow.length, flow.come, flow.taken) = (length, 0.0, 0.0);
        // What it had stays; a new one begins with the first window.
        if !is_new {
            flow.window /= 2.0;
        }
        flow.grow(&self.line, state.now);
        state.requests += 1;
        let number = state.requests;
        state.flows.insert(number, flow);
        let trip = self.line.round_trip;
        let handshake = Handshake { round_trip: trip, took: self.line.opening().saturating_sub(trip) };
        let mut head = answer(if asked.is_some() { 206 } else { 200 }, end - start)
            .header("Accept-Ranges", "bytes")
            .header("ETag", "\"one\"")
            .extension(handshake);
        if asked.is_some() {
            head = head.header("Content-Range", format!("bytes {start}-{}/{}", end - 1, self.line.size));
        }
        let body = Body { state: Arc::clone(&self.state), number, beat: self.line.beat() };
        Ok(head.body(body.stream()).expect("a head that is whole"))
    }
}

fn answer(status: u16, length: u64) -> http::response::Builder {
    Response::builder().status(status).header("Content-Length", length)
}

fn empty() -> TransportBody {
    Box::pin(stream::empty())
}

/// `bytes=START-LAST` as a half-open range.
fn range(field: &str) -> Option<(u64, u64)> {
    let (start, last) = field.strip_prefix("bytes=")?.split_once('-')?;
    Some((start.parse().ok()?, last.parse::<u64>().ok()? + 1))
}

/// An answer that is being read; dropped before its end it costs the connection.
struct Body {
    state: Arc<Mutex<State>>,
    number: u64,
    beat: Duration,
}

impl Drop for Body {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        state.advance();
        let Some(flow) = state.flows.remove(&self.number) else { return };
        let trip = state.line.round_trip.as_secs_f64();
        if flow.taken >= flow.length {
            state.idle.push(flow);
        } else {
            state.seen.wasted += (flow.length - flow.come).min(flow.rate * trip) + (flow.come - flow.taken);
        }
    }
}

impl Body {
    fn stream(self) -> TransportBody {
        Box::pin(stream::unfold(self, |body| async move { Some((body.next().await?, body)) }))
    }

    async fn next(&self) -> Option<io::Result<Bytes>> {
        loop {
            match self.take()? {
                Taken::Bytes(bytes) => return Some(Ok(bytes)),
                Taken::Later(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// What has come since; `None` at the end.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a chunk's length")]
    fn take(&self) -> Option<Taken> {
        let mut state = self.state.lock();
        state.advance();
        state.share();
        let flow = state.flows.get_mut(&self.number)?;
        if flow.taken >= flow.length {
            return None;
        }
        // The last fraction of a byte is one.
        let come = if flow.come + 0.5 >= flow.length { flow.length } else { flow.come.floor() };
        #[expect(clippy::cast_precision_loss, reason = "a few hundred thousand zeros")]
        let count = (come - flow.taken).min(ZEROS.len() as f64);
        let beat = self.beat.as_secs_f64();
        if come < flow.length && count < flow.rate * beat * 0.9 || count < 1.0 {
            let left = if flow.rate > 0.0 { (flow.length - flow.come) / flow.rate } else { beat };
            return Some(Taken::Later(Duration::from_secs_f64(left.min(beat).max(0.001))));
        }
        flow.taken += count;
        Some(Taken::Bytes(Bytes::from_static(&ZEROS[..count as usize])))
    }
}

enum Taken {
    Bytes(Bytes),
    Later(Duration),
}
