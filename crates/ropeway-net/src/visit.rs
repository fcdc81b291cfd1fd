//! One connection as whoever may have to end it sees it: idle or busy, and worth its place or not.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a peer has to move a second while we wait for it, to keep a place that others need; a modem does.
const LEAST_PACE: u64 = 4 * 1024;
/// How long a new peer may keep us waiting before that counts.
const FIRST_CREDIT: Duration = Duration::from_secs(5);
/// How long a peer that says nothing counts as one that is about to: its place is not taken away before its request can
/// come, nor between two requests of which one follows from the other.
const GRACE: Duration = Duration::from_secs(1);
/// How much of a good pace is remembered.
const MOST_CREDIT: Duration = Duration::from_secs(20);

/// The address that stands for a client: one host owns an IPv6 /64 and could change its address at will.
pub fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// A connection.
#[derive(Debug)]
pub struct Visit {
    peer: SocketAddr,
    standing: Mutex<Standing>,
    leaving: CancellationToken,
}

#[derive(Debug)]
struct Standing {
    /// Requests that are not answered to their end.
    requests: usize,
    /// Whether those may be finished though others wait.
    stays: bool,
    is_vouched_for: bool,
    /// When it came, or was busy last.
    since: Instant,
    /// How much longer the peer may keep us waiting.
    credit: Duration,
    waiting_since: Option<Instant>,
}

/// Who makes way first: strangers before those that somebody vouched for, idle ones before busy ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    is_vouched_for: bool,
    is_busy: bool,
}

impl Visit {
    pub fn new(peer: SocketAddr) -> Arc<Self> {
        let standing = Standing {
            requests: 0,
            stays: false,
            is_vouched_for: false,
            since: Instant::now(),
            credit: FIRST_CREDIT,
            waiting_since: None,
        };
        Arc::new(Self { peer, standing: Mutex::new(standing), leaving: CancellationToken::new() })
    }

    /// The other end.
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Who is at the other end, as far as that can be told.
    pub(crate) fn client(&self) -> IpAddr {
        one_client(self.peer.ip())
    }

    /// The request that is under way may be finished, unless the peer keeps us waiting for it.
    pub fn stay(&self) {
        self.standing.lock().stays = true;
    }

    /// The peer is known: what it asks for is finished, and it makes way after all strangers.
    pub fn vouch(&self) {
        let mut standing = self.standing.lock();
        standing.stays = true;
        standing.is_vouched_for = true;
    }

    /// A request has come. It is under way until what is returned is dropped.
    pub fn begin(self: &Arc<Self>) -> Busy {
        let mut standing = self.standing.lock();
        standing.requests += 1;
        drop(standing);
        Busy(Arc::clone(self))
    }

    /// Nothing can be done before the peer sends or takes bytes.
    pub fn waits(&self) {
        self.standing.lock().waiting_since.get_or_insert_with(Instant::now);
    }

    /// The peer sent or took bytes, or is not waited for any more.
    pub fn moved(&self, bytes: u64) {
        let mut standing = self.standing.lock();
        let waited = standing.waiting_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        let earned = Duration::from_millis(bytes.saturating_mul(1000) / LEAST_PACE);
        standing.credit = standing.credit.saturating_sub(waited).saturating_add(earned).min(MOST_CREDIT);
    }

    /// When it would have to make way for others. `None` while it need not.
    pub fn rank(&self) -> Option<(Rank, Instant)> {
        let standing = self.standing.lock();
        // What was answered may still be on its way out.
        let is_busy = standing.requests > 0 || standing.waiting_since.is_some();
        let waited = standing.waiting_since.map_or(Duration::ZERO, |since| since.elapsed());
        let has_credit = standing.credit > waited;
        let may_stay = is_busy && (standing.stays || standing.requests == 0) && has_credit;
        let is_busy = is_busy || standing.since.elapsed() < GRACE;
        (!may_stay).then_some((Rank { is_vouched_for: standing.is_vouched_for, is_busy }, standing.since))
    }

    /// Ends the connection.
    pub(crate) fn leave(&self) {
        self.leaving.cancel();
    }

    /// Returns once the connection has to end.
    pub(crate) async fn left(&self) {
        self.leaving.cancelled().await;
    }
}

/// A request under way.
#[derive(Debug)]
pub struct Busy(Arc<Visit>);

impl Busy {
    /// The same body, with which the request is under way.
    pub(crate) fn until_sent(self, body: Body) -> Body {
        Body::new(BusyBody { body, _busy: self })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut standing = self.0.standing.lock();
        standing.requests = standing.requests.saturating_sub(1);
        if standing.requests == 0 {
            standing.stays = false;
            // What is still to be sent waits for the peer anew.
            standing.waiting_since = None;
            standing.since = Instant::now();
        }
    }
}

struct BusyBody {
    body: Body,
    _busy: Busy,
}

impl HttpBody for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn visit() -> Arc<Visit> {
        Visit::new(([127, 0, 0, 1], 1).into())
    }

    #[test]
    fn a_client_is_a_host() {
        let client = |address: &str| one_client(address.parse().unwrap());
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_ne!(client("10.0.0.2"), client("10.0.0.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_makes_way_and_who_keeps_up_does_not() {
        for (bytes_a_second, stays) in [(0, false), (300, false), (3_000, false), (5_000, true), (1_000_000, true)] {
            let visit = visit();
            let _busy = visit.begin();
            visit.stay();
            assert!(visit.rank().is_none());
            for _ in 0..60 {
                visit.waits();
                advance(Duration::from_secs(1)).await;
                visit.moved(bytes_a_second);
            }
            visit.waits();
            advance(Duration::from_secs(1)).await;
            assert_eq!(visit.rank().is_none(), stays, "{bytes_a_second} B/s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_beginning_is_no_licence_to_stop() {
        let visit = visit();
        let _busy = visit.begin();
        visit.stay();
        visit.moved(1 << 40);
        visit.waits();
        advance(MOST_CREDIT.saturating_sub(Duration::from_secs(1))).await;
        assert!(visit.rank().is_none());
        advance(Duration::from_secs(1)).await;
        assert!(visit.rank().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_we_take_ourselves_does_not_count() {
        let visit = visit();
        let _busy = visit.begin();
        visit.stay();
        for _ in 0..10 {
            visit.moved(1);
            advance(Duration::from_secs(600)).await;
        }
        assert!(visit.rank().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answered_request_is_not_waited_for() {
        let visit = visit();
        let busy = visit.begin();
        visit.waits();
        drop(busy);
        assert!(visit.rank().unwrap().0.is_busy, "the next request may follow from what was answered");
        advance(GRACE).await;
        assert!(!visit.rank().unwrap().0.is_busy);
        advance(Duration::from_secs(600)).await;
        let _busy = visit.begin();
        visit.stay();
        assert!(visit.rank().is_none(), "it has been idle, not slow");
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_make_way_first_and_idle_ones_before_busy_ones() {
        let (idle, busy, known) = (visit(), visit(), visit());
        advance(GRACE).await;
        let _busy = busy.begin();
        drop(known.begin());
        let calls = known.begin();
        known.vouch();
        assert!(known.rank().is_none());
        drop(calls);
        let rank = |visit: &Visit| visit.rank().unwrap().0;
        assert!(rank(&idle) < rank(&busy) && rank(&busy) < rank(&known));
    }
}
