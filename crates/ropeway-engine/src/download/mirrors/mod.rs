//! Several addresses of one file. One is chosen for the next request, and some are left alone.
//!
//! Bytes of two servers are mixed only where it can be told that they are of one version: by a common strong tag, or by
//! digests that the user or a Metalink gave. Other mirrors are fall-backs, one at a time.

pub(super) mod fall_back;
mod lease;
pub(super) mod pieces;
mod wrong;

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use ropeway_drivers::DriverError;
use ropeway_model::{ByteRange, JobSpec, SafeUrl, Transfer, Validator};

pub(super) use lease::MirrorLease;
pub(crate) use wrong::Wrong;

use super::worker_error::WorkerError;

/// A mirror whose answers broke this often is left for another.
const MOST_LOSSES: u32 = 5;
/// Stretches whose server is remembered; a job with more has forgotten whom to blame, and blames nobody.
const MOST_STRETCHES: usize = 65_536;

/// The addresses of one file during a try; at least one.
#[derive(Debug)]
pub(super) struct Mirrors {
    state: Mutex<State>,
    /// Whether digests tell in the end whether the bytes of two servers belong together.
    is_proved: bool,
}

#[derive(Debug)]
struct State {
    all: Vec<Mirror>,
    /// The one whose version the others must have.
    lead: usize,
    /// Which bytes came from whom.
    served: Vec<(ByteRange, usize)>,
    /// Whether these are all that are here: nothing is left of an earlier try.
    is_from_start: bool,
}

/// What speaks against a mirror's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suspicion {
    None,
    /// Bytes that are not the file's lie among its own and others'.
    Suspected,
    /// They are all its own: never asked again in this try.
    Proved,
}

#[derive(Debug)]
struct Mirror {
    /// As the user, or a document, gave it.
    given: SafeUrl,
    /// Where requests go: where the first one was redirected to.
    url: SafeUrl,
    /// What it said of its version.
    valid: Option<Validator>,
    /// Not asked any more in this try.
    is_excluded: bool,
    /// Whether it sent bytes that are not the file's.
    suspicion: Suspicion,
    /// The version in which an earlier try found such bytes.
    wrong: Option<Validator>,
    /// How often its answers broke.
    losses: u32,
    /// How often somebody else was faster.
    lost_races: u32,
    /// Requests under way.
    busy: usize,
}

impl Mirrors {
    /// The addresses of a job: its own, then its mirrors.
    pub(super) fn of(spec: &JobSpec) -> Arc<Self> {
        let own = match &spec.transfer {
            Transfer::Download { from, .. } => Some(from),
            Transfer::Upload { .. } => None,
        };
        let mut all: Vec<Mirror> = Vec::new();
        for url in own.into_iter().chain(&spec.mirrors) {
            if !all.iter().any(|had| had.is_at(url)) {
                all.push(Mirror::new(url.clone()));
            }
        }
        let is_proved = spec.pieces.is_some() || spec.checksum.is_some();
        Arc::new(Self {
            state: Mutex::new(State { all, lead: 0, served: Vec::new(), is_from_start: false }),
            is_proved,
        })
    }

    /// True where there is more than one.
    pub(super) fn are_several(&self) -> bool {
        self.state.lock().all.len() > 1
    }

    /// Whether digests tell in the end which of them sent wrong bytes: until then those of all lie side by side.
    pub(super) fn are_judged_by_digests(&self) -> bool {
        self.is_proved && self.are_several()
    }

    /// Those that may be asked for the file, the best first, at the addresses that were given: where a redirect led may
    /// be no place any more.
    pub(super) fn candidates(&self) -> Vec<SafeUrl> {
        let state = self.state.lock();
        state.all.iter().filter(|mirror| !mirror.is_excluded).map(|mirror| mirror.given.clone()).collect()
    }

    /// Where the next requests may go to, the best first.
    pub(super) fn places(&self) -> Vec<SafeUrl> {
        let state = self.state.lock();
        state.all.iter().filter(|mirror| !mirror.is_excluded).map(|mirror| mirror.url.clone()).collect()
    }

    /// The mirror asked at `asked` answered, at last from `url`. Its version is the one that is fetched.
    pub(super) fn follow(&self, asked: &SafeUrl, url: &SafeUrl, valid: &Validator) {
        let mut state = self.state.lock();
        let known = state.all.iter().position(|mirror| mirror.is_at(asked) || mirror.is_at(url));
        // Where an earlier try was redirected to: the job's own address, which leads there or to another place by now.
        let at = known.unwrap_or(0);
        let is_another = state.lead != at || state.all.get(at).is_some_and(|lead| lead.valid.as_ref() != Some(valid));
        state.lead = at;
        if is_another {
            // What the others have was held against another version than the one that is fetched now.
            state.all.iter_mut().for_each(|mirror| mirror.valid = None);
        }
        if let Some(mirror) = state.all.get_mut(at) {
            mirror.url = url.clone();
            mirror.valid = Some(valid.clone());
            mirror.wrong = None;
            mirror.is_excluded = false;
        }
    }

    /// Asks the one whose version is fetched once more, whatever it did.
    pub(super) fn readmit_lead(&self) {
        let mut state = self.state.lock();
        let lead = state.lead;
        if let Some(mirror) = state.all.get_mut(lead) {
            mirror.is_excluded = false;
        }
    }

    /// Asks one of them once more where none is left to ask, the job's own address first: never one whose bytes were wrong.
    pub(super) fn readmit_one(&self) {
        let mut state = self.state.lock();
        if state.all.iter().all(|mirror| mirror.is_excluded)
            && let Some(mirror) = state.all.iter_mut().find(|mirror| mirror.suspicion != Suspicion::Proved)
        {
            mirror.is_excluded = false;
        }
    }

    /// Bytes disagreed that nothing but a common tag vouched for. The others may be of another file under it, and one
    /// is asked alone in this try, the lead unless that is of no use. `false` where there are no others.
    pub(super) fn keep_to_one(&self) -> bool {
        let mut state = self.state.lock();
        let lead = state.lead;
        let usable = || state.all.iter().enumerate().filter(|(_, mirror)| !mirror.is_excluded).map(|(at, _)| at);
        let kept = usable().find(|at| *at == lead).or_else(|| usable().next());
        let are_several = usable().nth(1).is_some();
        for (at, mirror) in state.all.iter_mut().enumerate() {
            mirror.is_excluded |= Some(at) != kept;
        }
        are_several
    }

    /// Nothing that came before counts any more.
    pub(super) fn forget_served(&self) {
        self.state.lock().served.clear();
    }

    /// The file begins at byte 0.
    pub(super) fn begin(&self) {
        let mut state = self.state.lock();
        state.served.clear();
        state.is_from_start = true;
    }

    /// Does not ask `url` again in this try.
    pub(super) fn leave(&self, url: &SafeUrl) {
        let mut state = self.state.lock();
        for mirror in state.all.iter_mut().filter(|mirror| mirror.is_at(url)) {
            mirror.is_excluded = true;
        }
    }

    /// The mirror for the next request, of those whose server `admits` one more: the one with the fewest losses, and of
    /// those the least busy. Where none is admitted, the one that would be best.
    pub(super) fn take(self: &Arc<Self>, mut admits: impl FnMut(&SafeUrl) -> bool) -> MirrorLease {
        let state = self.state.lock();
        let lead = state.lead;
        let mut usable: Vec<_> = state.all.iter().enumerate().filter(|(_, mirror)| !mirror.is_excluded).collect();
        usable.sort_by_key(|(at, mirror)| (mirror.losses, mirror.lost_races, mirror.busy, *at != lead));
        let admitted = usable.iter().find(|(_, mirror)| admits(&mirror.url));
        let at = admitted.or_else(|| usable.first()).map_or(lead, |(at, _)| *at);
        self.lease(state, at)
    }

    /// The mirror that answered already.
    pub(super) fn take_lead(self: &Arc<Self>) -> MirrorLease {
        let state = self.state.lock();
        let lead = state.lead;
        self.lease(state, lead)
    }

    fn lease(self: &Arc<Self>, mut state: MutexGuard<'_, State>, at: usize) -> MirrorLease {
        let is_lead = at == state.lead;
        let leased = state.all.get_mut(at).map(|mirror| {
            mirror.busy += 1;
            (mirror.url.clone(), mirror.valid.clone())
        });
        drop(state);
        let (url, valid) = leased.unwrap_or_else(|| unreachable!("a download has its own address at least"));
        MirrorLease { mirrors: Arc::clone(self), at, is_lead, url, valid }
    }

    /// Whether `error` of the mirror `at` is reason enough to ask another one, and there is one; it is left then.
    fn leaves(&self, at: usize, error: &WorkerError) -> bool {
        let mut state = self.state.lock();
        let is_lead = at == state.lead;
        let is_its_own = match error {
            WorkerError::Driver(DriverError::Canceled) | WorkerError::Disk(_) | WorkerError::Segments(_) => false,
            WorkerError::Driver(DriverError::RemoteChanged { .. }) | WorkerError::Differs { .. } => !is_lead,
            WorkerError::Driver(_) | WorkerError::Silent(_) | WorkerError::Short | WorkerError::RetryAfter(_) => true,
        };
        let has_other = state.all.iter().enumerate().any(|(other, mirror)| other != at && !mirror.is_excluded);
        let leaves = is_its_own && has_other;
        if let Some(mirror) = state.all.get_mut(at).filter(|_| leaves) {
            mirror.is_excluded = true;
        }
        leaves
    }

    /// An answer of the mirror `at` was sent away for a faster one.
    fn lose_race(&self, at: usize) {
        if let Some(mirror) = self.state.lock().all.get_mut(at) {
            mirror.lost_races += 1;
        }
    }

    /// An answer of the mirror `at` broke.
    fn lost(&self, at: usize) {
        let mut state = self.state.lock();
        let has_other = state.all.iter().enumerate().any(|(other, mirror)| other != at && !mirror.is_excluded);
        if let Some(mirror) = state.all.get_mut(at) {
            mirror.losses += 1;
            mirror.is_excluded |= has_other && mirror.losses >= MOST_LOSSES;
        }
    }

    fn record(&self, range: ByteRange, at: usize) {
        let mut state = self.state.lock();
        if state.served.len() < MOST_STRETCHES {
            state.served.push((range, at));
        }
    }

    /// Leaves the mirror whose bytes lie in `damaged` for the largest part. All those of a wrong one do, while a right
    /// one shares a piece with it here and there. `None` where there is no other to ask.
    pub(super) fn blame(&self, damaged: &[ByteRange]) -> Option<SafeUrl> {
        let mut state = self.state.lock();
        // Bytes in damaged pieces, and all bytes, of each mirror.
        let mut shares = vec![(0_u64, 0_u64); state.all.len()];
        for (range, at) in &state.served {
            if let Some((bad, all)) = shares.get_mut(*at) {
                *bad += damaged.iter().map(|piece| shared(*piece, *range)).sum::<u64>();
                *all += range.len();
            }
        }
        let suspects = shares.iter().enumerate().filter(|(_, (bad, _))| *bad > 0);
        let (worst, _) = suspects.max_by(|(_, (bad, all)), (_, (other_bad, other_all))| {
            let (one, other) = (u128::from(*bad) * u128::from(*other_all), u128::from(*other_bad) * u128::from(*all));
            one.cmp(&other).then(bad.cmp(other_bad))
        })?;
        let is_proved = damaged.iter().any(|piece| state.has_served_all(*piece, worst));
        state.exclude(worst, if is_proved { Suspicion::Proved } else { Suspicion::Suspected })
    }

    /// The mirror whose version is fetched, with what it said of it.
    pub(super) fn lead(&self) -> Option<(SafeUrl, Option<Validator>)> {
        let state = self.state.lock();
        state.all.get(state.lead).map(|mirror| (mirror.url.clone(), mirror.valid.clone()))
    }

    /// The file is not what its digest says. Where bytes of several mirrors are in it, the lead is asked alone; where all
    /// are of the lead it is wrong, and another one is asked. `false` where there is none.
    pub(super) fn settle_after_mismatch(&self) -> bool {
        let mut state = self.state.lock();
        let lead = state.lead;
        if state.is_from_start && state.served.iter().all(|(_, at)| *at == lead) {
            return state.exclude(lead, Suspicion::Proved).is_some();
        }
        // Once it is asked alone its suspicion is proved.
        if state.all.len() == 1 {
            return false;
        }
        for (at, mirror) in state.all.iter_mut().enumerate() {
            mirror.is_excluded = at != lead;
        }
        true
    }
}

impl State {
    /// Whether every byte of `piece` came from the mirror `at` in this try, and none from another.
    fn has_served_all(&self, piece: ByteRange, at: usize) -> bool {
        let bytes = |own: bool| -> u64 {
            let of = self.served.iter().filter(|(_, served_by)| (*served_by == at) == own);
            of.map(|(range, _)| shared(piece, *range)).sum()
        };
        bytes(true) >= piece.len() && bytes(false) == 0
    }

    /// Does not ask the mirror `worst` again, and has another one in its place: one that nothing speaks against, even if
    /// it was left for being down or slow; else one that was only suspected beside others. `None` where there is none.
    fn exclude(&mut self, worst: usize, suspicion: Suspicion) -> Option<SafeUrl> {
        let others =
            self.all.iter().enumerate().filter(|(at, mirror)| *at != worst && mirror.suspicion != Suspicion::Proved);
        let (next, _) = others.min_by_key(|(at, mirror)| (mirror.suspicion, mirror.is_excluded, *at))?;
        let is_last_resort = self.all.get(next).is_some_and(|mirror| mirror.suspicion == Suspicion::Suspected);
        // Two that are only suspected would accuse each other for ever.
        if is_last_resort && suspicion != Suspicion::Proved {
            return None;
        }
        if let Some(next) = self.all.get_mut(next) {
            next.is_excluded = false;
        }
        if self.lead == worst {
            self.lead = next;
        }
        let worst = self.all.get_mut(worst)?;
        (worst.is_excluded, worst.suspicion) = (true, suspicion);
        Some(worst.url.clone())
    }
}

/// Bytes that both ranges have.
fn shared(one: ByteRange, other: ByteRange) -> u64 {
    one.end().min(other.end()).saturating_sub(one.start().max(other.start()))
}

impl Mirror {
    fn new(url: SafeUrl) -> Self {
        Self {
            given: url.clone(),
            url,
            valid: None,
            is_excluded: false,
            suspicion: Suspicion::None,
            wrong: None,
            losses: 0,
            lost_races: 0,
            busy: 0,
        }
    }

    fn is_at(&self, url: &SafeUrl) -> bool {
        self.given == *url || self.url == *url
    }
}

#[cfg(test)]
mod tests;
