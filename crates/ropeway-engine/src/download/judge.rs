//! Which worker a fresh connection would do better than.

use std::time::Duration;

use crate::claims::Standing;

/// Below this share of its peers' median speed a connection is slow.
const SLOW_SHARE: f64 = 0.25;
/// A slow connection is left alone while it will be done within this many times what the whole job still takes.
const LONG_BESIDE_THE_JOB: f64 = 2.0;
/// And while it needs no longer than this.
const SHORT: Duration = Duration::from_secs(1);
/// A connection is measured for this long, from its answer on, before it is judged: it has to come to speed first.
const MEASURED: Duration = Duration::from_secs(1);
/// Silence that is long while others move.
const SILENT: Duration = Duration::from_secs(3);
/// A server may think for longer than a connection may be silent.
const UNANSWERED: Duration = Duration::from_secs(6);
/// Others move while one of them has had a byte within this time.
const MOVING: Duration = Duration::from_secs(1);
/// What every worker that was replaced adds to the times above: where fresh connections are no better, haste is of no
/// use to anybody.
const GROWTH: Duration = Duration::from_millis(250);

/// Fault of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Much slower than its peers, and the job would wait for it.
    Slow,
    /// Silent while its peers move.
    Silent,
    /// Its request is not answered while its peers' are.
    Unanswered,
}

/// The worker that is to be replaced, if any. One at a time, so that the others are measured anew. `replaced` workers
/// have been before. Under a limit of our own speeds tell nothing of the line, and nobody is slow.
pub(super) fn judge(standings: &[Standing], replaced: u32, is_limited: bool) -> Option<(u64, Fault)> {
    let patience = GROWTH.saturating_mul(replaced);
    let is_moving = |other: &Standing| other.is_answered && other.silent < MOVING;
    let fault_of = |one: &Standing| {
        let mut peers = standings.iter().filter(|other| other.worker != one.worker);
        if one.left == 0 || !peers.any(is_moving) {
            return None;
        }
        if !one.is_answered {
            return (one.age >= UNANSWERED + patience).then_some(Fault::Unanswered);
        }
        if one.silent >= SILENT + patience {
            return Some(Fault::Silent);
        }
        (!is_limited && one.flows >= MEASURED + patience && is_slow(one, standings)).then_some(Fault::Slow)
    };
    standings.iter().find_map(|one| fault_of(one).map(|fault| (one.worker, fault)))
}

#[expect(clippy::cast_precision_loss, reason = "files stay below 2^53 bytes")]
fn is_slow(one: &Standing, standings: &[Standing]) -> bool {
    let Some(rate) = one.rate else { return false };
    let others = || standings.iter().filter(|other| other.worker != one.worker);
    let mut rates: Vec<f64> = others().filter_map(|other| other.rate).collect();
    rates.sort_by(f64::total_cmp);
    let Some(median) = rates.get(rates.len() / 2) else { return false };
    let total: f64 = rates.iter().sum::<f64>() + rate;
    let left: u64 = standings.iter().map(|standing| standing.left).sum();
    let own = one.left as f64 / rate.max(1.0);
    let job = left as f64 / total.max(1.0);
    rate < median * SLOW_SHARE && own > job * LONG_BESIDE_THE_JOB && own > SHORT.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1_048_576.0;

    fn worker(worker: u64, rate: f64, left: u64) -> Standing {
        let age = Duration::from_secs(10);
        Standing {
            worker,
            connection: worker,
            haul: (0, 0),
            answered: None,
            rate: Some(rate),
            left,
            is_answered: true,
            age,
            flows: age,
            silent: Duration::ZERO,
        }
    }

    fn peers(one: Standing) -> Vec<Standing> {
        let peer = |number| worker(number, MIB, 20 << 20);
        vec![peer(1), peer(2), one, peer(3)]
    }

    #[test]
    fn a_worker_far_below_its_peers_is_replaced_where_the_job_would_wait_for_it() {
        assert_eq!(judge(&peers(worker(9, MIB / 8.0, 20 << 20)), 0, false), Some((9, Fault::Slow)));
        assert_eq!(judge(&peers(worker(9, MIB / 2.0, 20 << 20)), 0, false), None, "half the speed is fine");
        assert_eq!(judge(&peers(worker(9, MIB / 8.0, 1 << 20)), 0, false), None, "it will be done before the others");
        assert_eq!(judge(&peers(worker(9, MIB / 8.0, 20 << 20)), 0, true), None, "our own limit makes it slow");
        let fresh = Standing { flows: Duration::from_millis(900), ..worker(9, 1.0, 20 << 20) };
        assert_eq!(judge(&peers(fresh), 0, false), None, "it has to come to speed");
        assert_eq!(judge(&peers(worker(9, MIB / 8.0, 20 << 20)), 100, false), None, "a hundred were no better");
    }

    #[test]
    fn a_silent_worker_is_replaced_only_while_others_move() {
        let silent = Standing { silent: Duration::from_secs(4), ..worker(9, MIB, 20 << 20) };
        assert_eq!(judge(&peers(silent), 0, true), Some((9, Fault::Silent)));
        assert_eq!(judge(&[silent], 0, false), None, "alone it has its minute");
        let all: Vec<Standing> =
            peers(silent).into_iter().map(|one| Standing { silent: silent.silent, ..one }).collect();
        assert_eq!(judge(&all, 0, false), None, "the line is gone, not the connection");
    }

    #[test]
    fn a_request_that_is_not_answered_is_given_up_after_a_while() {
        let waiting = |seconds| Standing {
            is_answered: false,
            rate: None,
            age: Duration::from_secs(seconds),
            silent: Duration::from_secs(seconds),
            ..worker(9, 0.0, 20 << 20)
        };
        assert_eq!(judge(&peers(waiting(4)), 0, false), None);
        assert_eq!(judge(&peers(waiting(7)), 0, false), Some((9, Fault::Unanswered)));
    }
}
