//! Who may stay connected: no more than there are files for, and no client more than its share. Who holds a place and
//! makes no use of it gives it to the next one.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::visit::Visit;

/// How often those who wait look whether somebody has become too slow to stay.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The places of one server.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    /// What one client has at most; the rest is for others.
    share: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    seated: BTreeMap<u64, Arc<Visit>>,
    waiting: BTreeMap<u64, Arc<Visit>>,
}

/// A place that is taken; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    places: Places,
}

/// A wait for a place; counted until dropped.
struct Waiting<'a> {
    number: u64,
    shared: &'a Shared,
}

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        let share = (most / 2).max(1);
        Self(Arc::new(Shared { most, share, state: Mutex::default(), freed: Notify::new() }))
    }

    /// A place for `visit`, once there is one. `None` if others wait that came later, and too many.
    pub(crate) async fn take(&self, visit: &Arc<Visit>) -> Option<Place> {
        let mut waiting = None;
        loop {
            let freed = self.0.freed.notified();
            {
                let mut state = self.0.state.lock();
                let own = waiting.as_ref().map(|waiting: &Waiting<'_>| waiting.number);
                if state.is_first(visit, own)
                    && let Some(number) = self.0.seat(&mut state, visit)
                {
                    return Some(Place { number, places: self.clone() });
                }
                waiting.get_or_insert_with(|| Waiting { number: self.0.wait(&mut state, visit), shared: &self.0 });
            }
            tokio::select! {
                () = visit.left() => return None,
                () = freed => {}
                () = sleep(LOOK_AGAIN) => {}
            }
        }
    }
}

impl Shared {
    /// Seats `visit`, in the place of another one if need be. Whoever loses its place is told to leave.
    fn seat(&self, state: &mut State, visit: &Arc<Visit>) -> Option<u64> {
        let client = visit.client();
        let held = state.seated.values().filter(|other| other.client() == client).count();
        let victim = if held >= self.share {
            Some(victim(&state.seated, |other| other == client)?)
        } else if state.seated.len() >= self.most {
            Some(victim(&state.seated, |_| true)?)
        } else {
            None
        };
        if let Some(left) = victim.and_then(|number| state.seated.remove(&number)) {
            tracing::debug!(peer = %left.peer(), "makes way for another connection");
            left.leave();
        }
        let number = state.number();
        state.seated.insert(number, Arc::clone(visit));
        Some(number)
    }

    /// Lets `visit` wait, in the place of another one if too many do.
    fn wait(&self, state: &mut State, visit: &Arc<Visit>) -> u64 {
        if state.waiting.len() >= self.most
            && let Some(left) = victim(&state.waiting, |_| true).and_then(|number| state.waiting.remove(&number))
        {
            left.leave();
        }
        let number = state.number();
        state.waiting.insert(number, Arc::clone(visit));
        number
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Whether nobody of the same client has waited longer than `visit`, which waits as `own` if it does. Without an
    /// order, those who come in a flood could be luckier again and again.
    fn is_first(&self, visit: &Visit, own: Option<u64>) -> bool {
        let first = self.waiting.iter().find(|(_, other)| other.client() == visit.client());
        first.is_none_or(|(number, _)| Some(*number) == own)
    }
}

/// Who of `visits` makes way: by rank, then of the client that has most, then who has been so longest.
fn victim(visits: &BTreeMap<u64, Arc<Visit>>, may_be: impl Fn(IpAddr) -> bool) -> Option<u64> {
    let mut held: HashMap<IpAddr, usize> = HashMap::new();
    for visit in visits.values() {
        *held.entry(visit.client()).or_default() += 1;
    }
    let candidates = visits.iter().filter(|(_, visit)| may_be(visit.client()));
    let ranked = candidates.filter_map(|(number, visit)| {
        let (rank, since): (_, Instant) = visit.rank()?;
        Some((rank, Reverse(held.get(&visit.client()).copied()), since, *number))
    });
    ranked.min().map(|(.., number)| number)
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.0.state.lock().seated.remove(&self.number);
        self.places.0.freed.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.state.lock().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::{advance, timeout};

    use super::*;

    const ATTACKER: u8 = 66;
    const HONEST: u8 = 1;

    fn visit(host: u8) -> Arc<Visit> {
        Visit::new(([10, 0, 0, host], 1).into())
    }

    fn seated(places: &Places, host: u8) -> (Arc<Visit>, Place) {
        let visit = visit(host);
        let place = places.take(&visit).now_or_never().flatten().expect("there is a place");
        (visit, place)
    }

    fn has_left(visit: &Visit) -> bool {
        visit.left().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_idle_connections_keep_nobody_out() {
        let places = Places::new(10);
        let mut idle = Vec::new();
        for _ in 0..1_000 {
            idle.push(seated(&places, ATTACKER));
            advance(Duration::from_millis(1)).await;
        }
        assert_eq!(idle.iter().filter(|(visit, _)| !has_left(visit)).count(), 5, "one client has its share");
        assert!(idle.iter().rev().take(5).all(|(visit, _)| !has_left(visit)), "the oldest ones make way");
        let (other, _place) = seated(&places, HONEST);
        let (neighbour, _also) = seated(&places, ATTACKER);
        assert!(!has_left(&other) && !has_left(&neighbour));
    }

    #[tokio::test(start_paused = true)]
    async fn many_clients_are_served_and_the_one_with_most_makes_way() {
        let places = Places::new(10);
        let mut held = Vec::new();
        let hosts = [2, 3, 4, 5, 6, 7].into_iter().chain(std::iter::repeat_n(ATTACKER, 4));
        for host in hosts {
            held.push(seated(&places, host));
        }
        let (_, _place) = seated(&places, HONEST);
        let left: Vec<bool> = held.iter().map(|(visit, _)| has_left(visit)).collect();
        assert_eq!(left, [false, false, false, false, false, false, true, false, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_served_well_is_waited_for_and_who_is_slow_makes_way() {
        let places = Places::new(4);
        let mut busy = Vec::new();
        for _ in 0..2 {
            let (visit, place) = seated(&places, ATTACKER);
            visit.stay();
            busy.push((visit.begin(), visit, place));
        }
        assert!(timeout(Duration::from_secs(60), places.take(&visit(ATTACKER))).await.is_err(), "both are served");
        let (_other, place) = seated(&places, HONEST);
        drop(place);

        busy[1].1.waits();
        let newcomer = visit(ATTACKER);
        let place = timeout(Duration::from_secs(10), places.take(&newcomer)).await.expect("a place in ten seconds");
        assert!(place.is_some() && has_left(&busy[1].1) && !has_left(&busy[0].1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_has_time_for_its_request_while_strangers_are_busy() {
        let places = Places::new(4);
        let strangers: Vec<_> = (0..2).map(|_| seated(&places, ATTACKER)).collect();
        let _requests: Vec<_> = strangers.iter().map(|(visit, _)| visit.begin()).collect();
        advance(Duration::from_secs(2)).await;
        let (user, _place) = seated(&places, ATTACKER);
        let _next = seated(&places, ATTACKER);
        assert!(!has_left(&user), "it has said nothing yet");
        advance(Duration::from_secs(2)).await;
        let _another = seated(&places, ATTACKER);
        assert!(has_left(&user), "and says nothing still");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_longest_of_a_client_is_next() {
        let places = Places::new(8);
        let mut busy: Vec<_> = (0..4).map(|_| seated(&places, ATTACKER)).collect();
        let _requests: Vec<_> = busy.iter().map(|(visit, _)| visit.begin()).collect();
        for (visit, _) in &busy {
            visit.stay();
        }
        let visits = [visit(ATTACKER), visit(ATTACKER), visit(ATTACKER)];
        let mut waiting: Vec<_> = visits.iter().map(|visit| Box::pin(places.take(visit))).collect();
        assert!(waiting.iter_mut().all(|waiting| waiting.as_mut().now_or_never().is_none()));
        drop(busy.pop());
        // Whoever looks first.
        for late in [2, 1] {
            assert!(waiting[late].as_mut().now_or_never().is_none(), "{late}");
        }
        let _place = waiting[0].as_mut().now_or_never().flatten().expect("its turn");
        let (other, _also) = seated(&places, HONEST);
        assert!(!has_left(&other), "no other client waits for them");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_becomes_free_goes_to_who_waits_and_of_too_many_the_oldest_goes() {
        let places = Places::new(1);
        let (first, place) = seated(&places, HONEST);
        let busy = first.begin();
        first.stay();
        let second = visit(HONEST);
        let mut waiting = Box::pin(places.take(&second));
        assert!(waiting.as_mut().now_or_never().is_none());
        let third = visit(HONEST);
        let mut also_waiting = Box::pin(places.take(&third));
        assert!(also_waiting.as_mut().now_or_never().is_none());
        assert!(waiting.await.is_none(), "one waits at most");
        drop((busy, place));
        assert!(also_waiting.await.is_some());
        assert!(places.0.state.lock().waiting.is_empty());
    }
}
