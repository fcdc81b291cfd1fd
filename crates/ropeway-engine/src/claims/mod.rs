//! Claims of workers on segments. They are the segment map while workers are at it.
//!
//! A worker reserves bytes before it writes them and commits them afterwards, so that each byte is written by exactly
//! one worker, also where two fetch the same segment: whoever comes second skips what is there. What is stored is
//! always one whole map, written in one transaction: a split and the segment it was cut from cannot part.

mod choice;
mod outrun;
mod segment_workers;
mod speed;
mod stripe;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use ropeway_model::{ByteRange, Segment, SegmentError, SegmentMap};
pub(crate) use segment_workers::Haul;
use segment_workers::{Assignment, SegmentWorkers};
pub(crate) use stripe::Stripe;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A stretch of a file that is being downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSnapshot {
    /// The stretch with its written part.
    pub segment: Segment,
    /// True where a connection fetches it now.
    pub is_active: bool,
}

/// The segments of one running download. A segment belongs to one worker, and in the end game to two at most.
#[derive(Debug)]
pub(crate) struct Claims(Mutex<State>);

#[derive(Debug)]
struct State {
    map: SegmentMap,
    /// The segments that are being fetched, by their start.
    segments: BTreeMap<u64, SegmentWorkers>,
    /// Workers that ever claimed something, and their connections.
    workers: u64,
    connections: u64,
    /// What connections bring, as it was measured last.
    paces: BTreeMap<u64, Pace>,
    /// Bytes a second that a connection usually brings.
    usual: Option<f64>,
    /// Bytes that were given out a second time.
    hedged: u64,
    /// Whether an answer came to the beginning of other requests' ranges before those were answered.
    is_outrun: bool,
    /// How the file is fetched from front to back; `None` where its order does not matter.
    stripe: Option<Stripe>,
}

/// A worker's right to a segment; ends with [`Claims::release`].
#[derive(Debug)]
pub(crate) struct Claim {
    /// Start of the segment.
    pub(crate) segment: u64,
    /// Fires when the worker is to leave this segment, and when the whole job is to end.
    pub(crate) leave: CancellationToken,
    /// True where somebody else fetches the segment, too.
    pub(crate) is_hedge: bool,
    /// Haul of the worker's connection.
    pub(crate) haul: Arc<Haul>,
    worker: u64,
}

/// Pace of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes a second.
    pub(crate) rate: f64,
    /// True where it has stopped growing.
    pub(crate) is_flat: bool,
}

/// Terms on which an idle worker may take what others have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// True where it may cut something off another worker's segment.
    pub(crate) may_split: bool,
    /// True where it may fetch what another worker is fetching.
    pub(crate) may_hedge: bool,
    /// What is left must take longer than this to be worth fetching twice.
    pub(crate) worth: Duration,
    /// Least time that another request must save.
    pub(crate) least_gain: Duration,
    /// How long it takes until the request that is made now brings what its connection can.
    pub(crate) delay: Duration,
    /// Time of a new connection to its first byte.
    pub(crate) opening: Duration,
}

/// Which of some bytes a worker may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// These: nobody else has written them or will.
    Write(ByteRange),
    /// None of them, they are there; what follows may be missing.
    Have,
    /// None of them, and the segment misses nothing that follows.
    Complete,
}

/// Standing of a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) worker: u64,
    pub(crate) connection: u64,
    /// Bytes and reads that the connection has brought.
    pub(crate) haul: (u64, u64),
    /// When the request was answered, and what the connection had brought by then.
    pub(crate) answered: Option<(Instant, (u64, u64))>,
    /// Bytes a second; `None` while nothing is measured.
    pub(crate) rate: Option<f64>,
    /// Bytes its segment misses.
    pub(crate) left: u64,
    /// True where its request was answered.
    pub(crate) is_answered: bool,
    /// Time since it came to its segment.
    pub(crate) age: Duration,
    /// Time since its request was answered.
    pub(crate) flows: Duration,
    /// Time without a byte from the network, as long as it waits for one.
    pub(crate) silent: Duration,
}

impl Claims {
    /// Claims on what `map` misses; with a `stripe`, from front to back.
    pub(crate) fn new(map: SegmentMap, stripe: Option<Stripe>) -> Self {
        Self(Mutex::new(State {
            map,
            segments: BTreeMap::new(),
            workers: 0,
            connections: 0,
            paces: BTreeMap::new(),
            usual: None,
            hedged: 0,
            is_outrun: false,
            stripe,
        }))
    }

    /// Part of what is missing that is worth one request. It is all of it, but for its order.
    pub(crate) fn front(&self, missing: ByteRange) -> ByteRange {
        self.0.lock().stripe.filter(|_| !missing.is_open_ended()).map_or(missing, |stripe| stripe.front(missing))
    }

    /// Takes a segment for a worker. It is the first that nobody fetches, else, as `terms` allow, the end of the one
    /// with the most time left, else the same segment as the worker with the most time left. `job` ends the claim with
    /// the job. Without a connection that is open, which has brought its `haul`, one is made.
    pub(crate) fn claim(&self, terms: Terms, haul: Option<&Arc<Haul>>, job: &CancellationToken) -> Option<Claim> {
        let now = Instant::now();
        let mut state = self.0.lock();
        let (segment, is_hedge) = match state.idle() {
            Some(segment) => (segment, false),
            None => state.take_from_others(terms, now)?,
        };
        Some(state.assign(segment, is_hedge, haul.map(Arc::clone), job.child_token(), now))
    }

    /// Notes what connections bring, and what one of them usually does.
    pub(crate) fn appraise(&self, paces: BTreeMap<u64, Pace>, usual: Option<f64>) {
        let mut state = self.0.lock();
        (state.paces, state.usual) = (paces, usual);
    }

    /// The worker is done with its segment, or gives it up. A second call does nothing.
    pub(crate) fn release(&self, claim: &Claim) {
        self.0.lock().release(claim);
    }

    /// Releases the tail of a split that could not be fetched on its own, and undoes the split; `false` if it is too
    /// late for that. What somebody else fetches, too, is in good hands.
    pub(crate) fn give_back(&self, claim: &Claim) -> bool {
        let mut state = self.0.lock();
        state.release(claim);
        if state.segments.contains_key(&claim.segment) {
            return true;
        }
        let before = state.map.segments().iter().rev().find(|segment| segment.range().start() < claim.segment);
        let is_being_fetched = before.is_some_and(|segment| state.segments.contains_key(&segment.range().start()));
        is_being_fetched && state.map.give_back(claim.segment)
    }

    /// What of the segment nobody has written or is writing; `None` when there is nothing.
    pub(crate) fn missing(&self, claim: &Claim) -> Option<ByteRange> {
        self.0.lock().missing(claim.segment)
    }

    /// Sets bytes apart for the worker that is about to write `count` bytes that belong at `offset`.
    pub(crate) fn reserve(&self, claim: &Claim, offset: u64, count: u64) -> Room {
        let mut state = self.0.lock();
        let Some(missing) = state.missing(claim.segment).filter(|missing| offset < missing.end()) else {
            return Room::Complete;
        };
        let end = offset.saturating_add(count).min(missing.end());
        let Ok(own) = ByteRange::new(offset.max(missing.start()), end) else { return Room::Have };
        // Only after a failed write of somebody else does the front lie before what this worker has.
        if own.start() > missing.start() {
            return Room::Complete;
        }
        let Some(workers) = state.segments.get_mut(&claim.segment) else { return Room::Complete };
        let Some(assignment) = workers.assignment(claim.worker) else { return Room::Complete };
        assignment.in_flight = Some(own);
        workers.front = own.end();
        Room::Write(own)
    }

    /// Records that the reserved bytes are written. `true` where the segment needs nothing more.
    pub(crate) fn commit(&self, claim: &Claim, written: ByteRange) -> Result<bool, SegmentError> {
        let mut state = self.0.lock();
        let State { map, segments, .. } = &mut *state;
        let gone = SegmentError::NoSuchSegment { start: claim.segment };
        let workers = segments.get_mut(&claim.segment).ok_or(gone)?;
        let assignment = workers.assignment(claim.worker).ok_or(gone)?;
        assignment.in_flight = None;
        assignment.moved += written.len();
        let Some(missing) = map.missing(claim.segment) else { return Ok(true) };
        map.advance(claim.segment, workers.written_to() - missing.start())?;
        let is_complete = workers.front >= missing.end();
        if is_complete {
            workers.cancel_others(claim.worker);
        }
        Ok(is_complete)
    }

    /// The server has answered the worker's request.
    pub(crate) fn answered(&self, claim: &Claim) {
        self.0.lock().change(claim, |assignment| assignment.answered(Instant::now()));
    }

    /// Whether the worker waits for our own throttle: that is no silence of the line.
    pub(crate) fn set_paying(&self, claim: &Claim, is_paying: bool) {
        self.0.lock().change(claim, |assignment| {
            assignment.is_paying = is_paying;
            assignment.speed.excuse(Instant::now());
        });
    }

    /// Standings of all workers.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        let now = Instant::now();
        let mut state = self.0.lock();
        state.sample(now);
        let standing = |segment: u64, assignment: &Assignment| Standing {
            worker: assignment.worker,
            connection: assignment.haul.connection,
            haul: assignment.haul.count(),
            answered: assignment.answered,
            rate: assignment.rate(),
            left: state.missing(segment).map_or(0, ByteRange::len),
            is_answered: assignment.is_answered(),
            age: now.saturating_duration_since(assignment.came),
            flows: assignment.flows(now),
            silent: assignment.speed.silent(now),
        };
        let assignments = state
            .segments
            .iter()
            .flat_map(|(segment, workers)| workers.assignments.iter().map(|assignment| (*segment, assignment)));
        assignments.map(|(segment, assignment)| standing(segment, assignment)).collect()
    }

    /// Sends a worker away from its segment.
    pub(crate) fn cancel(&self, worker: u64) {
        let mut state = self.0.lock();
        let assignment = state.segments.values_mut().find_map(|workers| workers.assignment(worker));
        if let Some(assignment) = assignment {
            assignment.leave.cancel();
        }
    }

    /// The stretches of `range` that are written, in order.
    pub(crate) fn written_within(&self, range: ByteRange) -> Vec<ByteRange> {
        let state = self.0.lock();
        let written = |segment: &Segment| {
            let start = segment.range().start();
            ByteRange::new(start.max(range.start()), (start + segment.written()).min(range.end())).ok()
        };
        state.map.segments().iter().filter_map(written).collect()
    }

    /// Sends the workers of these connections away from their segments.
    pub(crate) fn cancel_connections(&self, connections: &[u64]) {
        let state = self.0.lock();
        let assignments = state.segments.values().flat_map(|workers| &workers.assignments);
        assignments
            .filter(|assignment| connections.contains(&assignment.haul.connection))
            .for_each(|assignment| assignment.leave.cancel());
    }

    /// Where what the worker is to fetch ends. `None` when it has all of it.
    pub(crate) fn end(&self, claim: &Claim) -> Option<u64> {
        self.0.lock().end_of(claim.segment)
    }

    /// Length of the file's contiguous beginning.
    pub(crate) fn contiguous_prefix(&self) -> u64 {
        self.0.lock().map.contiguous_prefix()
    }

    /// Gives a file of unknown length its end.
    pub(crate) fn close(&self, length: u64) -> Result<(), SegmentError> {
        self.0.lock().map.close(length)
    }

    pub(crate) fn written(&self) -> u64 {
        self.0.lock().map.written()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.0.lock().map.is_complete()
    }

    /// Map that is worth storing.
    pub(crate) fn coalesced(&self) -> SegmentMap {
        self.0.lock().map.coalesced()
    }

    /// Segments that are worth showing.
    pub(crate) fn snapshot(&self) -> Vec<SegmentSnapshot> {
        let state = self.0.lock();
        let show = |segment: &Segment| SegmentSnapshot {
            segment: *segment,
            is_active: state.segments.contains_key(&segment.range().start()),
        };
        state.map.segments().iter().map(show).collect()
    }
}

impl State {
    /// What of the segment nobody has written or is writing.
    fn missing(&self, segment: u64) -> Option<ByteRange> {
        let missing = self.map.missing(segment)?;
        let front = self.segments.get(&segment).map_or(0, |workers| workers.front);
        ByteRange::new(missing.start().max(front), missing.end()).ok()
    }

    /// Where the segment ends.
    fn end_of(&self, segment: u64) -> Option<u64> {
        let mut segments = self.map.segments().iter();
        segments.find(|it| it.range().start() == segment).map(|it| it.range().end())
    }

    fn assign(
        &mut self,
        segment: u64,
        is_hedge: bool,
        haul: Option<Arc<Haul>>,
        leave: CancellationToken,
        now: Instant,
    ) -> Claim {
        self.workers += 1;
        let worker = self.workers;
        let haul = haul.unwrap_or_else(|| {
            self.connections += 1;
            Arc::new(Haul::new(self.connections))
        });
        let front = self.map.missing(segment).map_or(segment, ByteRange::start);
        let workers = self.segments.entry(segment).or_insert_with(|| SegmentWorkers::new(front));
        workers.assignments.push(Assignment::new(worker, Arc::clone(&haul), leave.clone(), now));
        Claim { segment, leave, is_hedge, haul, worker }
    }

    fn release(&mut self, claim: &Claim) {
        let Some(workers) = self.segments.get_mut(&claim.segment) else { return };
        // A write that failed has left a hole.
        if let Some(lost) = workers.assignment(claim.worker).and_then(|assignment| assignment.in_flight) {
            workers.front = workers.front.min(lost.start());
        }
        workers.assignments.retain(|assignment| assignment.worker != claim.worker);
        if workers.assignments.is_empty() {
            self.segments.remove(&claim.segment);
        }
    }

    fn change(&mut self, claim: &Claim, change: impl FnOnce(&mut Assignment)) {
        let assignment = self.segments.get_mut(&claim.segment).and_then(|workers| workers.assignment(claim.worker));
        if let Some(assignment) = assignment {
            change(assignment);
        }
    }

    fn sample(&mut self, now: Instant) {
        self.segments
            .values_mut()
            .flat_map(|workers| &mut workers.assignments)
            .for_each(|assignment| assignment.sample(now));
    }
}
