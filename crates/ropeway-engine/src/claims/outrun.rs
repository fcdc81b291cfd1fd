//! An answer that comes to the ranges of other requests before those are answered.
//!
//! A link that works once serves one stream and refuses every other request, and a distant server says so late. Until it is
//! known that others get something, the stream is not ended where its segment was cut.

use super::{
    Claim, Claims,
    segment_workers::{Assignment, SegmentWorkers},
};

impl Claims {
    /// Takes back into the worker's segment what was cut off it and nobody has been answered for, as far as its own answer
    /// has come: `end`. Whoever asked for that is sent away.
    pub(crate) fn outrun(&self, claim: &Claim, end: u64) {
        let mut state = self.0.lock();
        if state.segments.get_mut(&claim.segment).and_then(|workers| workers.assignment(claim.worker)).is_none() {
            return;
        }
        while let Some(next) = state.end_of(claim.segment).filter(|next| *next <= end) {
            let is_answered = |workers: &SegmentWorkers| workers.assignments.iter().any(Assignment::is_answered);
            if state.segments.get(&next).is_some_and(is_answered) || !state.map.give_back(next) {
                return;
            }
            state.is_outrun = true;
            for assignment in state.segments.remove(&next).into_iter().flat_map(|workers| workers.assignments) {
                assignment.leave.cancel();
            }
        }
    }

    /// Whether an answer came to the beginning of other requests' ranges before those were answered.
    pub(crate) fn is_outrun(&self) -> bool {
        self.0.lock().is_outrun
    }
}
