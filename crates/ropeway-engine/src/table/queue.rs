//! The jobs that may start as far as they are concerned, by server: the first whose server has room is found without
//! looking at the ones behind it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use ropeway_model::{JobId, Priority};

use crate::hosts::Turn;

/// The scheduler's order: higher priority first, then the order of the list. Within a priority, what a server never gave
/// anything for waits behind what it was not asked for yet: a few files that cannot be had must not keep others waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) priority: Reverse<Priority>,
    pub(super) has_failed: bool,
    pub(super) position: i64,
    pub(super) id: JobId,
}

impl Place {
    const FIRST: Self = Self {
        priority: Reverse(Priority::High),
        has_failed: false,
        position: i64::MIN,
        id: JobId::from_row(i64::MIN),
    };
}

/// A server's number in this table. Each job has one, so it is kept small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server(u32);

/// A place in the order of a server; flat, because in a tuple of tuples each job's would be a third larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    server: Server,
    priority: Reverse<Priority>,
    has_failed: bool,
    position: i64,
    id: JobId,
}

/// Queued jobs in the order of their servers, and what runs at each server.
#[derive(Debug, Default)]
pub(super) struct Queue {
    numbers: HashMap<Arc<str>, Server>,
    names: Vec<Arc<str>>,
    /// Jobs that have each server's number.
    jobs: Vec<u32>,
    /// Numbers that no job has any more.
    free: Vec<Server>,
    /// Running jobs of each server.
    running: Vec<usize>,
    places: BTreeSet<Spot>,
    /// The first job of each server that has any.
    heads: BTreeMap<Place, Server>,
}

impl Queue {
    /// The number of the server of this name, for one more job.
    pub(super) fn enter(&mut self, name: &str) -> Server {
        let server = self.numbers.get(name).copied().unwrap_or_else(|| self.number(name));
        if let Some(jobs) = self.jobs.get_mut(server.0 as usize) {
            *jobs += 1;
        }
        server
    }

    fn number(&mut self, name: &str) -> Server {
        let name: Arc<str> = name.into();
        let server = self.free.pop().unwrap_or_else(|| {
            self.names.push(Arc::clone(&name));
            self.jobs.push(0);
            self.running.push(0);
            Server(u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX))
        });
        if let Some(place) = self.names.get_mut(server.0 as usize) {
            *place = Arc::clone(&name);
        }
        self.numbers.insert(name, server);
        server
    }

    /// A job has it no more. A number that nobody has is given to the next server: redirects lead to ever new ones.
    pub(super) fn leave(&mut self, server: Server) {
        let Some(jobs) = self.jobs.get_mut(server.0 as usize) else { return };
        *jobs = jobs.saturating_sub(1);
        if *jobs == 0
            && let Some(name) = self.names.get(server.0 as usize)
            && self.numbers.remove(name).is_some()
        {
            self.free.push(server);
        }
    }

    pub(super) fn name(&self, server: Server) -> &str {
        self.names.get(server.0 as usize).map_or("", |name| name)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// See [`super::Table::compact`].
    pub(super) fn compact(&mut self) {
        self.places = std::mem::take(&mut self.places).into_iter().collect();
    }

    pub(super) fn insert(&mut self, server: Server, place: Place) {
        let before = self.head(server);
        self.places.insert(Spot::of(server, place));
        self.lead(server, before);
    }

    pub(super) fn remove(&mut self, server: Server, place: Place) {
        let before = self.head(server);
        if self.places.remove(&Spot::of(server, place)) {
            self.lead(server, before);
        }
    }

    pub(super) fn run(&mut self, server: Server) {
        if let Some(running) = self.running.get_mut(server.0 as usize) {
            *running += 1;
        }
    }

    pub(super) fn stop(&mut self, server: Server) {
        if let Some(running) = self.running.get_mut(server.0 as usize) {
            *running = running.saturating_sub(1);
        }
    }

    /// The first job that it is the `turn` of at its server, beside what runs there already. Servers that it is nobody's
    /// turn at are passed over, and there are few of them: those that jobs run at, and those that rest.
    pub(super) fn first(&self, mut turn: impl FnMut(&str, usize) -> Turn) -> Option<JobId> {
        self.heads.iter().find_map(|(head, server)| {
            let running = self.running.get(server.0 as usize).copied().unwrap_or(0);
            match turn(self.name(*server), running) {
                Turn::Nobodys => None,
                Turn::Firsts => Some(head.id),
                Turn::Lasts => Some(self.last_like(*server, *head)),
            }
        })
    }

    /// The last job of the server that is as urgent, and as little tried, as its head.
    fn last_like(&self, server: Server, head: Place) -> JobId {
        let end = Place { position: i64::MAX, id: JobId::from_row(i64::MAX), ..head };
        let alike = self.places.range(Spot::of(server, head)..=Spot::of(server, end));
        alike.last().map_or(head.id, |spot| spot.id)
    }

    fn head(&self, server: Server) -> Option<Place> {
        let first = self.places.range(Spot::of(server, Place::FIRST)..).next();
        first.filter(|spot| spot.server == server).map(|spot| spot.place())
    }

    /// Puts the server's present head in the place of the one before.
    fn lead(&mut self, server: Server, before: Option<Place>) {
        let now = self.head(server);
        if before == now {
            return;
        }
        if let Some(before) = before {
            self.heads.remove(&before);
        }
        if let Some(now) = now {
            self.heads.insert(now, server);
        }
    }
}

impl Spot {
    const fn of(server: Server, Place { priority, has_failed, position, id }: Place) -> Self {
        Self { server, priority, has_failed, position, id }
    }

    const fn place(self) -> Place {
        let Self { priority, has_failed, position, id, .. } = self;
        Place { priority, has_failed, position, id }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(priority: Priority, position: i64) -> Place {
        Place { priority: Reverse(priority), has_failed: false, position, id: JobId::from_row(position) }
    }

    fn turn(has_room: bool) -> Turn {
        if has_room { Turn::Firsts } else { Turn::Nobodys }
    }

    fn first(queue: &Queue, full: &[&str]) -> Option<i64> {
        queue.first(|name, _| turn(!full.contains(&name))).map(JobId::row)
    }

    #[test]
    fn what_failed_waits_behind_what_was_not_tried_and_a_probe_may_be_taken_from_the_end_of_that() {
        let mut queue = Queue::default();
        let a = queue.enter("a");
        for position in 1..=4 {
            queue.insert(a, Place { has_failed: position == 1, ..place(Priority::Normal, position) });
        }
        queue.insert(a, place(Priority::Low, 5));
        let asked = |queue: &Queue, turn| queue.first(|_, _| turn).map(JobId::row);
        assert_eq!((asked(&queue, Turn::Firsts), asked(&queue, Turn::Lasts)), (Some(2), Some(4)));
        for position in 2..=4 {
            queue.remove(a, place(Priority::Normal, position));
        }
        assert_eq!((asked(&queue, Turn::Firsts), asked(&queue, Turn::Lasts)), (Some(1), Some(1)));
    }

    #[test]
    fn numbers_of_servers_that_no_job_has_are_given_again() {
        let mut queue = Queue::default();
        let kept = queue.enter("kept");
        for number in 0..1000 {
            let (server, again) = (queue.enter(&number.to_string()), queue.enter(&number.to_string()));
            assert!(server == again && server != kept);
            queue.leave(server);
            assert_eq!(queue.name(server), number.to_string());
            queue.leave(server);
        }
        assert_eq!((queue.names.len(), queue.numbers.len(), queue.name(kept)), (2, 1, "kept"));
    }

    #[test]
    fn a_full_server_is_passed_over_and_the_order_of_the_list_holds_within_the_others() {
        let mut queue = Queue::default();
        let (a, b) = (queue.enter("a"), queue.enter("b"));
        for position in 1..=5 {
            queue.insert(a, place(Priority::Normal, position));
        }
        queue.insert(b, place(Priority::Normal, 6));
        queue.insert(b, place(Priority::Low, 0));
        assert_eq!((first(&queue, &[]), first(&queue, &["a"]), first(&queue, &["a", "b"])), (Some(1), Some(6), None));
        queue.insert(a, place(Priority::High, 9));
        assert_eq!(first(&queue, &[]), Some(9));
        queue.remove(a, place(Priority::High, 9));
        queue.remove(b, place(Priority::Normal, 6));
        assert_eq!((first(&queue, &[]), first(&queue, &["a"])), (Some(1), Some(0)));
    }

    #[test]
    fn what_runs_is_counted_for_each_server() {
        let mut queue = Queue::default();
        let (a, b) = (queue.enter("a"), queue.enter("b"));
        assert_eq!(queue.enter("a"), a);
        queue.insert(a, place(Priority::Normal, 1));
        queue.insert(b, place(Priority::Normal, 2));
        queue.run(a);
        assert_eq!(queue.first(|_, running| turn(running == 0)).map(JobId::row), Some(2));
        queue.stop(a);
        assert_eq!(queue.first(|_, running| turn(running == 0)).map(JobId::row), Some(1));
    }

    proptest! {
        /// Whatever comes and goes, the first job is the one a search through all of them finds.
        #[test]
        fn the_first_is_the_one_a_search_finds(steps in prop::collection::vec((0..3_u8, 0..20_i64, any::<bool>()), 0..80)) {
            let names = ["a", "b", "c", "d"];
            let mut queue = Queue::default();
            let mut all = BTreeSet::new();
            for (priority, position, comes) in steps {
                let priority = [Priority::Low, Priority::Normal, Priority::High][usize::from(priority)];
                // A job has one server.
                let server = usize::try_from(position).unwrap() % names.len();
                let number = queue.enter(names[server]);
                if comes {
                    queue.insert(number, place(priority, position));
                    all.insert((place(priority, position), names[server]));
                } else {
                    queue.remove(number, place(priority, position));
                    all.remove(&(place(priority, position), names[server]));
                }
                for full in names {
                    let found = all.iter().find(|(_, name)| *name != full).map(|(place, _)| place.id);
                    prop_assert_eq!(queue.first(|name, _| turn(name != full)), found);
                }
                prop_assert_eq!(queue.len(), all.len());
            }
        }
    }
}
