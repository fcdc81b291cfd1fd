//! Who gets which segment, and whose bytes count.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::plan::SMALLEST_SEGMENT;

const MIB: u64 = 1 << 20;
const TERMS: Terms = Terms {
    may_split: true,
    may_hedge: true,
    worth: Duration::from_millis(20),
    least_gain: Duration::from_millis(20),
    delay: Duration::ZERO,
    opening: Duration::ZERO,
};

fn claims(length: u64) -> Claims {
    Claims::new(SegmentMap::whole(length), None)
}

fn take(claims: &Claims) -> Option<Claim> {
    claims.claim(TERMS, None, &CancellationToken::new())
}

/// Writes `count` bytes at the front of what the segment misses.
fn write(claims: &Claims, claim: &Claim, count: u64) -> bool {
    let missing = claims.missing(claim).unwrap();
    let Room::Write(range) = claims.reserve(claim, missing.start(), count) else { panic!("no room at {missing}") };
    claims.commit(claim, range).unwrap()
}

async fn pass(milliseconds: u64) {
    tokio::time::advance(Duration::from_millis(milliseconds)).await;
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_measured_an_idle_worker_takes_half_of_the_longest_segment() {
    let claims = claims(16 * MIB);
    let starts: Vec<u64> = (0..4).map(|_| take(&claims).unwrap().segment).collect();
    assert_eq!(starts, [0, 8 * MIB, 12 * MIB, 4 * MIB]);
    let terms = Terms { may_split: false, ..TERMS };
    assert!(claims.claim(terms, None, &CancellationToken::new()).is_none(), "nothing is idle and nothing may be split");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_first_takes_back_what_nobody_was_answered_for() {
    let claims = claims(16 * MIB);
    let [first, half, last, second] = [(); 4].map(|()| take(&claims).unwrap());
    claims.answered(&first);
    claims.answered(&half);
    assert!(!write(&claims, &first, 3 * MIB));
    claims.outrun(&first, 3 * MIB);
    assert!(!claims.is_outrun() && !second.leave.is_cancelled(), "it is not there yet");
    claims.outrun(&first, 4 * MIB);
    assert!(claims.is_outrun() && second.leave.is_cancelled() && !last.leave.is_cancelled());
    assert_eq!(claims.end(&first), Some(8 * MIB), "what follows is answered");
    assert!(!claims.give_back(&second), "it has nothing");
    assert!(write(&claims, &first, 5 * MIB));
    claims.outrun(&second, 16 * MIB);
    assert_eq!(claims.end(&half), Some(12 * MIB), "who was sent away takes nothing");
}

#[tokio::test(start_paused = true)]
async fn where_the_order_counts_the_file_is_taken_from_its_front() {
    let claims = Claims::new(SegmentMap::whole(64 * MIB), Stripe::of(Some(64 * MIB), 4));
    let mut workers: Vec<Claim> = (0..4).map(|_| take(&claims).unwrap()).collect();
    let starts: Vec<u64> = workers.iter().map(|claim| claim.segment / MIB).collect();
    assert_eq!(starts, [0, 4, 8, 12]);
    assert_eq!(claims.front(claims.missing(&workers[3]).unwrap()), ByteRange::new(12 * MIB, 16 * MIB).unwrap());
    assert!(write(&claims, &workers[0], 4 * MIB), "the first has its stripe");
    claims.release(&workers.remove(0));
    assert_eq!(take(&claims).unwrap().segment, 16 * MIB, "and takes the next one");
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_takes_from_the_segment_with_the_most_time_left_not_the_most_bytes() {
    let claims = claims(16 * MIB);
    let (fast, slow) = (take(&claims).unwrap(), take(&claims).unwrap());
    claims.answered(&fast);
    claims.answered(&slow);
    pass(1000).await;
    write(&claims, &fast, MIB);
    write(&claims, &slow, 64 << 10);
    // Sampled once, both are known; then the fast one gets the longer segment.
    claims.standings();
    write(&claims, &slow, 5 * MIB);
    let third = take(&claims).unwrap();
    assert!(third.segment > slow.segment, "from the slow one, which has less left: {third:?}");
    let kept = claims.missing(&slow).unwrap().len();
    assert!(kept < MIB / 2, "it keeps what it can fetch meanwhile, not half: {kept}");
}

#[tokio::test(start_paused = true)]
async fn the_tail_is_split_down_to_64_kib_and_no_further() {
    let claims = claims(MIB);
    let mut held: Vec<Claim> =
        std::iter::from_fn(|| claims.claim(Terms { may_hedge: false, ..TERMS }, None, &CancellationToken::new()))
            .collect();
    assert_eq!(held.len(), 16);
    held.sort_by_key(|claim| claim.segment);
    for claim in &held {
        assert_eq!(claims.missing(claim).unwrap().len(), SMALLEST_SEGMENT);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_in_a_moment_is_left_to_the_worker_that_has_it() {
    let claims = claims(4 * MIB);
    let first = take(&claims).unwrap();
    claims.answered(&first);
    pass(10).await;
    write(&claims, &first, 3 * MIB);
    assert!(take(&claims).is_none(), "a mebibyte at 300 MiB a second is there before an answer");
}

#[tokio::test(start_paused = true)]
async fn a_released_segment_is_taken_before_anything_is_split() {
    let claims = claims(16 * MIB);
    let _first = take(&claims).unwrap();
    let second = take(&claims).unwrap();
    write(&claims, &second, MIB);
    claims.release(&second);
    let again = take(&claims).unwrap();
    assert_eq!(again.segment, second.segment);
    assert_eq!(claims.missing(&again).unwrap().start(), 9 * MIB);
}

#[tokio::test(start_paused = true)]
async fn a_tail_goes_back_only_to_a_worker_that_is_still_at_it() {
    let claims = claims(16 * MIB);
    let first = take(&claims).unwrap();
    let tail = take(&claims).unwrap();
    assert!(claims.give_back(&tail));
    assert_eq!(claims.missing(&first).unwrap().len(), 16 * MIB);
    let tail = take(&claims).unwrap();
    claims.release(&first);
    assert!(!claims.give_back(&tail));
}

/// A segment too small to be split, whose worker is slow, and the worker that came to its side.
async fn hedged(claims: &Claims) -> (Claim, Claim) {
    let slow = take(claims).unwrap();
    claims.answered(&slow);
    pass(1000).await;
    write(claims, &slow, 1000);
    let hedge = take(claims).unwrap();
    assert!(hedge.is_hedge && hedge.segment == slow.segment, "{hedge:?}");
    (slow, hedge)
}

#[tokio::test(start_paused = true)]
async fn the_last_few_bytes_are_fetched_twice_after_a_moment_of_silence() {
    let claims = claims(MIB);
    let slow = take(&claims).unwrap();
    claims.answered(&slow);
    pass(1000).await;
    write(&claims, &slow, MIB - 1000);
    claims.standings();
    assert!(take(&claims).is_none(), "they come at once");
    pass(30).await;
    assert!(take(&claims).is_some_and(|hedge| hedge.is_hedge && hedge.segment == slow.segment));
}

#[tokio::test(start_paused = true)]
async fn the_first_to_deliver_wins_and_the_other_is_sent_away() {
    let claims = claims(100_000);
    let (slow, hedge) = hedged(&claims).await;
    assert!(take(&claims).is_none(), "two are enough");
    assert!(!write(&claims, &hedge, 90_000));
    assert_eq!(claims.reserve(&slow, 1000, 5000), Room::Have, "the slow one's bytes are there already");
    assert!(write(&claims, &hedge, 9_000));
    assert!(slow.leave.is_cancelled() && !hedge.leave.is_cancelled());
    assert_eq!(claims.reserve(&slow, 6000, 5000), Room::Complete);
    assert!(claims.is_complete());
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_a_write_under_way_are_not_claimed_before_it_ends() {
    let claims = claims(100_000);
    let (slow, hedge) = hedged(&claims).await;
    let Room::Write(early) = claims.reserve(&slow, 1000, 500) else { panic!() };
    let Room::Write(late) = claims.reserve(&hedge, 1000, 2000) else { panic!() };
    assert_eq!((late.start(), late.end()), (1500, 3000));
    claims.commit(&hedge, late).unwrap();
    assert_eq!(claims.written(), 1000, "the bytes before it are not on disk yet");
    claims.commit(&slow, early).unwrap();
    assert_eq!(claims.written(), 3000);
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_leaves_a_hole_that_is_fetched_again() {
    let claims = claims(100_000);
    let (slow, hedge) = hedged(&claims).await;
    let Room::Write(_) = claims.reserve(&slow, 1000, 500) else { panic!() };
    claims.release(&slow);
    assert_eq!(claims.missing(&hedge).unwrap().start(), 1000);
    assert_eq!(claims.written(), 1000);
}

#[tokio::test(start_paused = true)]
async fn only_little_is_fetched_twice() {
    let claims = claims(100_000);
    let mut hedges = 0;
    let slow = take(&claims).unwrap();
    claims.answered(&slow);
    pass(1000).await;
    write(&claims, &slow, 1);
    while let Some(hedge) = take(&claims) {
        claims.release(&hedge);
        hedges += 1;
    }
    assert_eq!(hedges, 10, "a mebibyte in ranges of 99,999 bytes");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_our_own_throttle_is_no_silence() {
    let claims = claims(MIB);
    let claim = take(&claims).unwrap();
    claims.answered(&claim);
    claims.set_paying(&claim, true);
    pass(30_000).await;
    assert_eq!(claims.standings()[0].silent, Duration::ZERO);
    claims.set_paying(&claim, false);
    pass(7_000).await;
    assert_eq!(claims.standings()[0].silent, Duration::from_secs(7));
}

/// What a worker may do; `which` chooses among those that are there.
#[derive(Clone, Debug)]
enum Act {
    Claim,
    Release { which: usize },
    Reserve { which: usize, count: u64 },
    Commit { which: usize },
    GiveBack { which: usize },
    Wait { milliseconds: u64 },
    Dismiss { which: usize },
}

fn any_act() -> impl Strategy<Value = Act> {
    let which = || 0..8_usize;
    prop_oneof![
        3 => Just(Act::Claim),
        1 => which().prop_map(|which| Act::Release { which }),
        6 => (which(), 1..200_000_u64).prop_map(|(which, count)| Act::Reserve { which, count }),
        6 => which().prop_map(|which| Act::Commit { which }),
        1 => which().prop_map(|which| Act::GiveBack { which }),
        2 => (1..3000_u64).prop_map(|milliseconds| Act::Wait { milliseconds }),
        1 => which().prop_map(|which| Act::Dismiss { which }),
    ]
}

/// A worker as its connection sees it: the offset of the next byte its stream yields, and the write it is at.
struct Worker {
    claim: Claim,
    at: u64,
    in_flight: Option<ByteRange>,
}

/// Holds the claims against a list of which bytes were written.
struct Model {
    claims: Claims,
    length: u64,
    workers: Vec<Worker>,
    written: Vec<ByteRange>,
}

impl Model {
    fn act(&mut self, act: &Act) -> Result<(), TestCaseError> {
        let index = |which: usize, workers: &[Worker]| which.checked_rem(workers.len());
        match *act {
            Act::Claim => {
                if let Some(claim) = take(&self.claims) {
                    self.claims.answered(&claim);
                    let at = self.claims.missing(&claim).unwrap().start();
                    let alike = self.workers.iter().filter(|worker| worker.claim.segment == claim.segment).count();
                    prop_assert!(alike <= usize::from(claim.is_hedge), "{} workers at one segment", alike + 1);
                    self.workers.push(Worker { claim, at, in_flight: None });
                }
            }
            Act::Reserve { which, count } => {
                let Some(worker) = index(which, &self.workers).and_then(|at| self.workers.get_mut(at)) else {
                    return Ok(());
                };
                if worker.in_flight.is_none() {
                    match self.claims.reserve(&worker.claim, worker.at, count) {
                        Room::Write(range) => {
                            prop_assert!(range.end() <= self.length && range.start() >= worker.at);
                            prop_assert!(range.end() <= worker.at + count, "only what it has");
                            for other in &self.written {
                                let apart = range.end() <= other.start() || other.end() <= range.start();
                                prop_assert!(apart, "{range} is written twice: {other}");
                            }
                            self.written.push(range);
                            worker.in_flight = Some(range);
                            worker.at += count;
                        }
                        Room::Have => worker.at += count,
                        Room::Complete => {}
                    }
                }
            }
            Act::Commit { which } => {
                let Some(worker) = index(which, &self.workers).and_then(|at| self.workers.get_mut(at)) else {
                    return Ok(());
                };
                if let Some(range) = worker.in_flight.take() {
                    self.claims.commit(&worker.claim, range).unwrap();
                }
            }
            Act::Release { which } | Act::GiveBack { which } => {
                let Some(at) = index(which, &self.workers).filter(|at| self.workers[*at].in_flight.is_none()) else {
                    return Ok(());
                };
                let worker = self.workers.swap_remove(at);
                if matches!(act, Act::GiveBack { .. }) {
                    self.claims.give_back(&worker.claim);
                } else {
                    self.claims.release(&worker.claim);
                }
            }
            Act::Dismiss { which } => {
                if let Some(worker) = index(which, &self.workers).and_then(|at| self.workers.get(at)) {
                    self.claims.cancel(worker.claim.worker);
                    prop_assert!(worker.claim.leave.is_cancelled());
                }
            }
            Act::Wait { .. } => {}
        }
        self.check()
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let map = self.claims.0.lock().map.clone();
        prop_assert!(SegmentMap::from_segments(map.segments().to_vec()).is_ok(), "a disjoint cover");
        prop_assert_eq!(map.length(), Some(self.length));
        // What a checkpoint stores in one transaction is a whole map at any moment: never half of a split.
        let stored = self.claims.coalesced();
        prop_assert!(SegmentMap::from_segments(stored.segments().to_vec()).is_ok());
        prop_assert_eq!((stored.length(), stored.written()), (Some(self.length), map.written()));
        let in_flight = |range: &&ByteRange| !self.workers.iter().any(|worker| worker.in_flight == Some(**range));
        let done: Vec<&ByteRange> = self.written.iter().filter(in_flight).collect();
        for segment in map.segments().iter().filter(|segment| segment.written() > 0) {
            let (start, end) = (segment.range().start(), segment.range().start() + segment.written());
            let overlap = |range: &&ByteRange| range.end().min(end).saturating_sub(range.start().max(start));
            let covered: u64 = done.iter().map(overlap).sum();
            prop_assert_eq!(covered, segment.written(), "{:?} claims bytes that are not written", segment);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_byte_is_written_twice_or_claimed_before_it_is_there(
        length in 1..2_000_000_u64,
        acts in prop::collection::vec(any_act(), 0..150),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut model = Model { claims: claims(length), length, workers: Vec::new(), written: Vec::new() };
            for act in &acts {
                if let Act::Wait { milliseconds } = act {
                    pass(*milliseconds).await;
                }
                model.act(act)?;
            }
            // Whatever happened, the file can be completed.
            for worker in model.workers.drain(..) {
                if let Some(range) = worker.in_flight {
                    model.claims.commit(&worker.claim, range).unwrap();
                }
                model.claims.release(&worker.claim);
            }
            while let Some(claim) = take(&model.claims) {
                prop_assert!(!claim.is_hedge);
                while model.claims.missing(&claim).is_some() {
                    write(&model.claims, &claim, 100_000);
                }
                model.claims.release(&claim);
            }
            prop_assert!(model.claims.is_complete());
            Ok(())
        })?;
    }
}
