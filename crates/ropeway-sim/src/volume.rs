//! The volume under the queue: commits take a moment, may find no room, and the machine may stop at one of them.

use std::{ops::Range, sync::Arc};

use parking_lot::Mutex;
use ropeway_store::{Volume, Waiting};

use crate::{random::Random, world::World};

/// On which side of a commit the machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The change is lost.
    Before,
    /// The change stays, and nobody was told.
    Behind,
}

/// The volume under the queue of a run.
#[derive(Debug)]
pub(crate) struct SimVolume {
    world: Arc<World>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    commits: u64,
    stop_at: Option<(u64, Side)>,
    /// Refused commits in a thousand, while things break.
    refuses: u64,
    /// When every commit is refused.
    full: Range<u64>,
    random: Random,
}

impl SimVolume {
    /// A volume that is full now and then in some of the runs whose first `rough` milliseconds things break in.
    pub(crate) fn new(world: Arc<World>, mut random: Random, rough: u64) -> Self {
        let refuses = random.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 30]);
        let full = if random.hits(80) {
            let start = random.within(0..rough);
            start..(start + random.within(1_000..30_000)).min(rough)
        } else {
            0..0
        };
        Self { world, state: Mutex::new(State { commits: 0, stop_at: None, refuses, full, random }) }
    }

    /// Stops the machine at the commit after `count` more.
    pub(crate) fn stop_after(&self, stop: Option<(u64, Side)>) {
        let mut state = self.state.lock();
        state.stop_at = stop.map(|(count, side)| (state.commits + count, side));
    }

    fn stops(&self, side: Side) -> bool {
        let mut state = self.state.lock();
        let stops = state.stop_at == Some((state.commits, side));
        if stops {
            state.stop_at = None;
        }
        stops
    }
}

impl Volume for SimVolume {
    fn commit(&self) -> Waiting<'_, bool> {
        Box::pin(async move {
            self.world.stay_on().await;
            tokio::time::sleep(self.world.moment()).await;
            self.world.stay_on().await;
            if self.stops(Side::Before) {
                self.world.turn_off();
                self.world.stay_on().await;
            }
            let is_rough = self.world.is_rough();
            let mut state = self.state.lock();
            let refuses = state.refuses;
            let is_full = state.full.contains(&self.world.now());
            if is_full || (is_rough && state.random.hits(refuses)) {
                self.world.note(format_args!("store: no room"));
                return false;
            }
            state.commits += 1;
            self.world.note(format_args!("store: commit {}", state.commits));
            true
        })
    }

    fn acknowledge(&self) -> Waiting<'_, ()> {
        Box::pin(async move {
            if self.stops(Side::Behind) {
                self.world.turn_off();
            }
            self.world.stay_on().await;
            tokio::time::sleep(self.world.moment()).await;
        })
    }
}
