//! The volume under the queue: commits take a moment, may find no room, and the machine may stop at one of them.

use std::sync::Arc;

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
    refused: bool,
    random: Random,
}

impl SimVolume {
    pub(crate) fn new(world: Arc<World>, mut random: Random) -> Self {
        let refuses = random.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 30]);
        Self { world, state: Mutex::new(State { commits: 0, stop_at: None, refuses, refused: false, random }) }
    }

    /// Whether a commit found no room.
    pub(crate) fn has_refused(&self) -> bool {
        self.state.lock().refused
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
            if is_rough && state.random.hits(refuses) {
                state.refused = true;
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
