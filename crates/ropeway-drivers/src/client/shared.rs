//! Connections that many requests to a server share (HTTP/2). One request goes ahead and makes them.
//!
//! Whether a server speaks HTTP/2 shows only when a connection is made. Jobs that start together would each make one,
//! and throw all but one away again: so the first goes ahead and the others wait for what it finds.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use http::Version;
use parking_lot::Mutex;
use ropeway_model::{ByteRate, SafeUrl};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{ClientKey, IDLE_TIMEOUT};
use crate::send::fault::Fault;

/// Longest wait for what the first one finds. Where it takes longer the server is slow or does not answer at all, and
/// everybody goes ahead.
const FIRST_CONTACT: Duration = Duration::from_secs(2);
/// How long a server whose HTTP/2 went wrong is spoken to in HTTP/1.1 only.
const AVOIDED_FOR: Duration = Duration::from_secs(3600);
/// Servers that are remembered. Beyond that all are forgotten, and asked again.
const MOST_KNOWN: usize = 1024;

/// Whose connection a request travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// One of its own while the answer lasts, in HTTP/1.1. Several of them are faster than one, each with a congestion
    /// window of its own, and what is not read yet on one holds nothing up on another.
    Own,
    /// The same with a receive buffer that is right for this pace.
    Narrow(ByteRate),
    /// One that other requests to the server travel on too, where the server speaks HTTP/2.
    Shared,
}

/// Servers, each as reached in one way, with their state.
#[derive(Debug, Default)]
pub(super) struct Servers {
    known: Mutex<HashMap<(ClientKey, String), Arc<Server>>>,
}

impl Servers {
    /// The server that `url` names.
    pub(super) fn of(&self, key: &ClientKey, url: &SafeUrl) -> Arc<Server> {
        let origin = url.expose().origin().ascii_serialization();
        let mut known = self.known.lock();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        Arc::clone(known.entry((key.clone(), origin)).or_default())
    }

    pub(super) fn forget(&self) {
        self.known.lock().clear();
    }
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    speaks: Mutex<AlpnState>,
    /// Whether it ever answered over a client that speaks HTTP/1.1 alone.
    answered_in_http1: AtomicBool,
    /// Held by the one that goes ahead.
    lead: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AlpnState {
    /// Nobody has asked yet, or the shared connection is gone.
    Unknown,
    /// HTTP/1.1 and nothing else.
    One,
    /// HTTP/2, over a connection that was last used at this moment.
    Two { used: Instant },
    /// HTTP/2, and not well: nobody tries it before this moment. Whether it asked for the other in so many words.
    Avoided { until: Instant, wants_http1: bool },
    /// HTTP/2 and nothing else, until the other is tried again at this moment.
    OnlyTwo { until: Instant },
}

impl Default for Server {
    fn default() -> Self {
        let lead = Arc::new(Semaphore::new(1));
        Self { speaks: Mutex::new(AlpnState::Unknown), answered_in_http1: AtomicBool::new(false), lead }
    }
}

impl Server {
    /// The right to send a request over a client that offers HTTP/2. `None` where it is to be sent over one that does
    /// not. Waits at most [`FIRST_CONTACT`].
    pub(super) async fn approach(self: Arc<Self>, connection: Connection) -> Option<AlpnLead> {
        match (connection, self.speaks()) {
            (_, speaks @ AlpnState::OnlyTwo { .. }) => return Some(self.offer(speaks, None)),
            (_, AlpnState::Avoided { .. })
            | (Connection::Narrow(_), _)
            | (Connection::Own, AlpnState::Unknown | AlpnState::Two { .. }) => return None,
            // What was made to find that out is HTTP/1.1 as well, and used up before another one is made.
            (_, speaks @ AlpnState::One) | (Connection::Shared, speaks @ AlpnState::Two { .. }) => {
                return Some(self.offer(speaks, None));
            }
            (Connection::Shared, AlpnState::Unknown) => {}
        }
        let lead = tokio::time::timeout(FIRST_CONTACT, Arc::clone(&self.lead).acquire_owned()).await;
        // Only a closed semaphore refuses, and nobody closes it.
        let lead = lead.ok().and_then(Result::ok);
        match self.speaks() {
            speaks @ AlpnState::Unknown => Some(self.offer(speaks, lead)),
            speaks @ (AlpnState::One | AlpnState::Two { .. } | AlpnState::OnlyTwo { .. }) => {
                Some(self.offer(speaks, None))
            }
            AlpnState::Avoided { .. } => None,
        }
    }

    const fn offer(self: Arc<Self>, speaks: AlpnState, lead: Option<OwnedSemaphorePermit>) -> AlpnLead {
        AlpnLead { server: self, is_shared: matches!(speaks, AlpnState::Two { .. } | AlpnState::OnlyTwo { .. }), lead }
    }

    /// What is known now.
    fn speaks(&self) -> AlpnState {
        let (now, mut speaks) = (Instant::now(), self.speaks.lock());
        match *speaks {
            // By now one of the two sides has closed it.
            AlpnState::Two { used } if now.duration_since(used) >= IDLE_TIMEOUT => *speaks = AlpnState::Unknown,
            AlpnState::Avoided { until, .. } | AlpnState::OnlyTwo { until } if until <= now => {
                *speaks = AlpnState::Unknown;
            }
            _ => {}
        }
        *speaks
    }

    fn learn(&self, news: AlpnState) {
        let mut speaks = self.speaks.lock();
        match (*speaks, news) {
            // A straggler of before says nothing against it.
            (AlpnState::Avoided { .. }, _) => {}
            // Nor does one that goes well, or a connection that is gone.
            (AlpnState::OnlyTwo { .. }, AlpnState::Unknown | AlpnState::Two { .. }) => {}
            _ => *speaks = news,
        }
    }

    /// Notes an answer over a client that speaks HTTP/1.1 alone.
    pub(crate) fn answered_in_http1(&self) {
        self.answered_in_http1.store(true, Relaxed);
    }

    /// True where it is known to answer in HTTP/2 alone.
    pub(crate) fn answers_in_http2_only(&self) -> bool {
        matches!(self.speaks(), AlpnState::Two { .. }) && !self.answered_in_http1.load(Relaxed)
    }

    /// Notes that it does not take HTTP/1.1. Tells whether HTTP/2 is tried in its place: also where that went wrong,
    /// since nothing else is left, but not where it was refused as well.
    pub(crate) fn refused_http1(&self) -> bool {
        let is_tried = !matches!(self.speaks(), AlpnState::Avoided { wants_http1: true, .. });
        if is_tried {
            *self.speaks.lock() = AlpnState::OnlyTwo { until: Instant::now() + AVOIDED_FOR };
        }
        is_tried
    }
}

/// Request that offers HTTP/2, and later its answer. What becomes of them is learned from.
#[derive(Debug)]
pub(crate) struct AlpnLead {
    server: Arc<Server>,
    /// Whether it travels on a shared connection; unknown, and taken for no, before the first answer.
    is_shared: bool,
    /// Held until the first answer is there.
    lead: Option<OwnedSemaphorePermit>,
}

impl AlpnLead {
    /// The head of the answer came, in this version.
    pub(crate) fn answered(&mut self, version: Version) {
        self.is_shared = version == Version::HTTP_2;
        self.server.learn(if self.is_shared { AlpnState::Two { used: Instant::now() } } else { AlpnState::One });
        self.lead = None;
    }

    /// True where others are known to use the connection as well.
    pub(crate) const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// No answer came, or it broke off.
    pub(crate) fn failed(&self, fault: Fault) {
        match fault {
            Fault::WantsHttp1 | Fault::Protocol | Fault::Silent => {
                let until = Instant::now() + AVOIDED_FOR;
                tracing::debug!(?fault, "HTTP/2 is not tried again for a while");
                self.server.learn(AlpnState::Avoided { until, wants_http1: fault == Fault::WantsHttp1 });
            }
            Fault::Unprocessed { is_closing: true } | Fault::ConnectionLost => self.server.learn(AlpnState::Unknown),
            Fault::Unprocessed { is_closing: false } | Fault::Overloaded | Fault::StreamEnded => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Arc<Server> {
        Arc::default()
    }

    async fn answered(server: &Arc<Server>, version: Version) {
        Arc::clone(server).approach(Connection::Shared).await.unwrap().answered(version);
    }

    #[tokio::test(start_paused = true)]
    async fn the_others_wait_for_what_the_first_one_finds() {
        for version in [Version::HTTP_2, Version::HTTP_11] {
            let server = server();
            let mut first = Arc::clone(&server).approach(Connection::Shared).await.unwrap();
            let start = Instant::now();
            let second = tokio::spawn(Arc::clone(&server).approach(Connection::Shared));
            tokio::time::sleep(FIRST_CONTACT / 2).await;
            assert!(!second.is_finished());
            first.answered(version);
            assert!(second.await.unwrap().unwrap().lead.is_none());
            assert!(start.elapsed() < FIRST_CONTACT, "{version:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gets_no_answer_leaves_the_lead_to_the_next_one_and_holds_nobody_up_for_long() {
        let server = server();
        let first = Arc::clone(&server).approach(Connection::Shared).await.unwrap();
        let start = Instant::now();
        assert!(Arc::clone(&server).approach(Connection::Shared).await.unwrap().lead.is_none());
        assert_eq!(start.elapsed(), FIRST_CONTACT);
        drop(first);
        assert!(server.approach(Connection::Shared).await.unwrap().lead.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_of_its_own_is_never_one_that_may_turn_out_to_be_shared() {
        let server = server();
        assert!(Arc::clone(&server).approach(Connection::Own).await.is_none());
        answered(&server, Version::HTTP_2).await;
        assert!(Arc::clone(&server).approach(Connection::Own).await.is_none());
        answered(&server, Version::HTTP_11).await;
        assert!(server.approach(Connection::Own).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn where_http1_is_refused_everything_goes_over_http2_until_it_does_not_work() {
        let server = server();
        answered(&server, Version::HTTP_2).await;
        assert!(server.answers_in_http2_only() && server.refused_http1());
        for connection in [Connection::Own, Connection::Shared] {
            let mut offer = Arc::clone(&server).approach(connection).await.unwrap();
            assert!(offer.is_shared());
            offer.answered(Version::HTTP_2);
            offer.failed(Fault::ConnectionLost);
        }
        assert!(Arc::clone(&server).approach(Connection::Own).await.is_some(), "a lost connection changes nothing");
        Arc::clone(&server).approach(Connection::Own).await.unwrap().failed(Fault::WantsHttp1);
        assert!(Arc::clone(&server).approach(Connection::Own).await.is_none());
        assert!(!server.refused_http1(), "neither of the two is taken: nothing else is left to try");
    }

    #[tokio::test(start_paused = true)]
    async fn where_http2_went_wrong_and_http1_is_refused_it_is_tried_again() {
        for fault in [Fault::Protocol, Fault::Silent] {
            let server = server();
            answered(&server, Version::HTTP_2).await;
            Arc::clone(&server).approach(Connection::Shared).await.unwrap().failed(fault);
            assert!(Arc::clone(&server).approach(Connection::Own).await.is_none(), "{fault:?}");
            assert!(server.refused_http1(), "{fault:?}");
            assert!(Arc::clone(&server).approach(Connection::Own).await.is_some(), "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_loss_or_a_long_rest_one_goes_ahead_again() {
        let server = server();
        answered(&server, Version::HTTP_2).await;
        let next = Arc::clone(&server).approach(Connection::Shared).await.unwrap();
        assert!(next.lead.is_none());
        next.failed(Fault::ConnectionLost);
        assert!(Arc::clone(&server).approach(Connection::Shared).await.unwrap().lead.is_some());
        answered(&server, Version::HTTP_2).await;
        tokio::time::advance(IDLE_TIMEOUT).await;
        assert!(server.approach(Connection::Shared).await.unwrap().lead.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn where_http2_goes_wrong_it_is_left_alone_for_an_hour() {
        for fault in [Fault::WantsHttp1, Fault::Protocol, Fault::Silent] {
            let server = server();
            let mut late = Arc::clone(&server).approach(Connection::Shared).await.unwrap();
            late.failed(fault);
            late.answered(Version::HTTP_2);
            assert!(Arc::clone(&server).approach(Connection::Shared).await.is_none(), "{fault:?}");
            tokio::time::advance(AVOIDED_FOR).await;
            assert!(server.approach(Connection::Shared).await.is_some(), "{fault:?}");
        }
    }
}
