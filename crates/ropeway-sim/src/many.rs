//! Many seeds at once, a thread a core.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
};

use parking_lot::Mutex;

use crate::{Plant, Report, run};

/// Runs that failed among many.
#[derive(Debug)]
pub struct Runs {
    /// How many seeds were run.
    pub count: u64,
    /// The failed ones by their seeds.
    pub failed: Vec<Report>,
}

/// Runs `count` seeds from `first` on. With `to_first` it ends with the first seed that fails, which is then the only one.
pub fn run_many(first: u64, count: u64, plant: Option<Plant>, to_first: bool) -> Runs {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(first);
    let end = AtomicU64::new(first.saturating_add(count));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, SeqCst);
                    if seed >= end.load(SeqCst) {
                        return;
                    }
                    let report = run(seed, plant);
                    if report.wrong.is_empty() {
                        continue;
                    }
                    if to_first {
                        // Seeds that were taken before are finished, later ones are not begun.
                        end.fetch_min(seed, SeqCst);
                    }
                    failed.lock().push(report);
                }
            });
        }
    });
    let mut failed: Vec<Report> = failed.into_inner();
    failed.sort_by_key(|report| report.seed);
    if to_first {
        failed.truncate(1);
    }
    let count = failed.first().filter(|_| to_first).map_or(count, |report| report.seed - first + 1);
    Runs { count, failed }
}
