//! All lines: what they are, what other clients make of them in a model, and what the engine does.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    net::Line,
    play::{Outcome, play},
};

const MB: f64 = 1e6;
const CASES: &str = include_str!("../../lines/lines.csv");
/// Other clients, in the order of the columns.
const CLIENTS: [&str; 5] = ["axel -n 16", "axel -n 32", "aria2c -x16", "before", "the policy in the model"];
/// Columns that describe the line, and those of each client.
const OF_LINE: usize = 11;
const OF_CLIENT: usize = 3;
/// Connections that come before anything is proved.
const FEW: usize = 4;

/// One line with what is known of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The line.
    pub line: Line,
    /// The shortest time with hindsight, in seconds.
    pub ideal: f64,
    /// Seconds, connections opened and requests refused of the other clients, by a model.
    pub others: [(f64, u64, u64); 5],
}

impl Case {
    /// Whether one connection fills the line: none does that loses its window again and again.
    pub fn is_filled_by_one(&self) -> bool {
        self.line.cap >= self.line.together && self.line.stall.is_infinite()
    }

    fn read(row: &str) -> Option<Self> {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok());
        let count = |at: usize| cells.get(at).and_then(|cell| cell.parse::<u64>().ok());
        let is = |at: usize| cells.get(at) == Some(&"1");
        let line = Line {
            round_trip: Duration::from_secs_f64(number(0)? / 1e3),
            cap: number(1).map_or(f64::INFINITY, |cap| cap * MB),
            together: number(2)? * MB,
            size: count(3)? << 20,
            bears: count(4).map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX)),
            is_silent: is(5),
            is_secure: is(6),
            slow: count(7)?,
            stall: number(8).filter(|stall| *stall > 0.0).map_or(f64::INFINITY, |stall| stall * MB),
        };
        let mut others = [(0.0, 0, 0); CLIENTS.len()];
        for (client, other) in others.iter_mut().enumerate() {
            let at = OF_LINE + client * OF_CLIENT;
            *other = (number(at)?, count(at + 1)?, count(at + 2)?);
        }
        Some(Self { line, ideal: number(9)?, others })
    }
}

/// Every line.
pub fn cases() -> Vec<Case> {
    CASES.lines().skip(1).map(|row| Case::read(row).expect("a row of the table of lines")).collect()
}

/// The lines of the continuous tests: those that take seconds, and of them some of each kind.
pub fn thinned() -> Vec<Case> {
    /// Longer ones cost too much.
    const LONGEST: f64 = 12.0;
    cases().into_iter().filter(|case| case.ideal <= LONGEST).step_by(6).collect()
}

/// A line and what the engine made of it.
pub type Played = (Case, Outcome);

/// Plays all of `cases`, each after `before` downloads from the same server.
pub fn play_all(cases: Vec<Case>, before: u32) -> Vec<Played> {
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, case)) = {
                    let at = next.fetch_add(1, Relaxed);
                    cases.get(at).map(|case| (at, case))
                } {
                    let outcome = play(case.line, None, before);
                    played.lock().push((at, outcome));
                }
            });
        }
    });
    let mut played = played.into_inner();
    played.sort_by_key(|(at, _)| *at);
    cases.into_iter().zip(played.into_iter().map(|(_, outcome)| outcome)).collect()
}

/// Times over the ideal: median, 95 %, worst, and the mean of their logarithms.
fn spread(mut ratios: Vec<f64>) -> [f64; 4] {
    ratios.sort_by(f64::total_cmp);
    let at = |share: usize| ratios.get((ratios.len() - 1) * share / 100).copied().unwrap_or(1.0);
    #[expect(clippy::cast_precision_loss, reason = "a number of lines")]
    let count = ratios.len() as f64;
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / count).exp();
    [at(50), at(95), at(100), mean]
}

/// The mean of times over the ideal, as its logarithm has it, and what 95 % stay below.
pub fn summary(played: &[Played]) -> (f64, f64) {
    let [_, most, _, mean] = spread(played.iter().map(|(case, outcome)| outcome.seconds / case.ideal).collect());
    (mean, most)
}

/// The table in Markdown: the engine at its first and second visit, and the others.
pub fn table(first: &[Played], second: &[Played]) -> String {
    let mut text = String::from(
        "| | median | 95 % | worst | mean | opened | refused by servers that bear fewer | wasted | more than 4 where one fills |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    #[expect(clippy::cast_precision_loss, reason = "a number of lines")]
    let mean = |sum: f64, count: usize| sum / count.max(1) as f64;
    for (name, played) in [("**ropeway**, first visit", first), ("**ropeway**, second visit", second)] {
        let [median, most, worst, log] = spread(played.iter().map(|(case, out)| out.seconds / case.ideal).collect());
        let limited: Vec<&Played> = played.iter().filter(|(case, _)| case.line.bears < usize::MAX).collect();
        #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
        let (opened, refused) = (
            mean(played.iter().map(|(_, out)| out.opened as f64).sum(), played.len()),
            mean(limited.iter().map(|(_, out)| out.refused as f64).sum(), limited.len()),
        );
        let wasted = 100.0 * mean(played.iter().map(|(_, out)| out.wasted).sum(), played.len());
        let filled: Vec<&Played> = played.iter().filter(|(case, _)| case.is_filled_by_one()).collect();
        let many = filled.iter().filter(|(_, out)| out.peak > FEW).count();
        let _ = writeln!(
            text,
            "| {name} | {median:.2} | {most:.2} | {worst:.2} | {log:.3} | {opened:.1} | {refused:.1} | {wasted:.1} % | {many} of {} |",
            filled.len()
        );
    }
    for (client, name) in CLIENTS.iter().enumerate() {
        let of = |case: &Case| case.others.get(client).copied().unwrap_or_default();
        let [median, most, worst, log] = spread(first.iter().map(|(case, _)| of(case).0 / case.ideal).collect());
        let limited: Vec<&Played> = first.iter().filter(|(case, _)| case.line.bears < usize::MAX).collect();
        #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
        let (opened, refused) = (
            mean(first.iter().map(|(case, _)| of(case).1 as f64).sum(), first.len()),
            mean(limited.iter().map(|(case, _)| of(case).2 as f64).sum(), limited.len()),
        );
        let _ = writeln!(
            text,
            "| {name} | {median:.2} | {most:.2} | {worst:.2} | {log:.3} | {opened:.1} | {refused:.1} | – | – |"
        );
    }
    text
}
