//! What the terminal shows while the demo runs: live bars, or a line now and then where no terminal is.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{
    control::{Direction, Job},
    files::{Load, Train},
};

/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(2);

/// The screen.
pub(super) struct Display {
    rows: Vec<(Train, u64, Vec<String>, ProgressBar)>,
    bars: Option<MultiProgress>,
    last_line: Option<Instant>,
    elapsed: Duration,
}

/// How far a train is.
struct Reading {
    moved: u64,
    rate: u64,
    state: String,
}

impl Display {
    /// One row a train.
    pub(super) fn new(loads: &[Load]) -> Self {
        let bars = std::io::stdout()
            .is_terminal()
            .then(|| MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::stdout()));
        let style = ProgressStyle::with_template("  {prefix:18} {bar:28.cyan/dim} {msg}")
            .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("━╸ "));
        let rows = Train::ALL.into_iter().map(|train| {
            let own: Vec<&Load> = loads.iter().filter(|load| load.train == train).collect();
            let size = own.iter().map(|load| load.bytes).sum();
            let bar = ProgressBar::hidden();
            bar.set_length(size);
            bar.set_style(style.clone());
            bar.set_prefix(format!("{} {}", arrow(train.direction()), train.label()));
            let bar = bars.as_ref().map_or(bar.clone(), |bars| bars.add(bar));
            (train, size, own.iter().map(|load| load.name.clone()).collect(), bar)
        });
        Self { rows: rows.collect(), bars, last_line: None, elapsed: Duration::ZERO }
    }

    /// Shows the queue as it is now.
    pub(super) fn show(&mut self, jobs: &[Job], elapsed: Duration) {
        self.elapsed = elapsed;
        let is_line_due = self.bars.is_none() && self.last_line.is_none_or(|last| last.elapsed() >= LINE);
        let mut line = Vec::new();
        for (train, size, names, bar) in &self.rows {
            let own = jobs.iter().filter(|job| job.direction == train.direction() && names.contains(&job.name));
            let reading = Reading::of(&own.collect::<Vec<_>>(), names.len());
            bar.set_position(reading.moved);
            let speed = if reading.rate > 0 { rate(reading.rate) } else { String::new() };
            bar.set_message(format!("{:>3} %  {speed:>11}  {}", percent(reading.moved, *size), reading.state));
            line.push(format!(
                "{} {} {} % ({})",
                arrow(train.direction()),
                train.label(),
                percent(reading.moved, *size),
                reading.state
            ));
        }
        if is_line_due {
            self.last_line = Some(Instant::now());
            println!("[{:>3} s] {}", elapsed.as_secs(), line.join(" · "));
        }
    }

    /// Says what the demo does now.
    pub(super) fn say(&mut self, text: &str) {
        let text = format!("[{:>3} s] ▸ {text}", self.elapsed.as_secs());
        match &self.bars {
            // Fails only if the terminal is gone.
            Some(bars) => drop(bars.println(text)),
            None => println!("{text}"),
        }
    }

    /// Leaves the bars as they stand.
    pub(super) fn close(&self) {
        for (.., bar) in &self.rows {
            bar.abandon();
        }
    }
}

impl Reading {
    fn of(jobs: &[&Job], of: usize) -> Self {
        let state = match jobs {
            [one] if of == 1 => state(one),
            _ => format!("{} of {of} done", jobs.iter().filter(|job| job.phase.kind == "completed").count()),
        };
        Self {
            moved: jobs.iter().map(|job| job.progress.moved).sum(),
            rate: jobs.iter().filter(|job| !job.is_over()).map(|job| job.progress.rate).sum(),
            state,
        }
    }
}

fn state(job: &Job) -> String {
    match (job.phase.kind.as_str(), &job.phase.failure) {
        ("running", _) if job.direction == Direction::Download => match job.progress.active_connections {
            1 => "1 connection".to_owned(),
            many => format!("{many} connections"),
        },
        ("waiting", _) => "waiting for the server".to_owned(),
        (_, Some(failure)) => format!("failed: {}", failure.code),
        (kind, None) => kind.to_owned(),
    }
}

const fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "↓",
        Direction::Upload => "↑",
    }
}

fn percent(moved: u64, size: u64) -> u64 {
    (moved.saturating_mul(100)).checked_div(size).unwrap_or(0).min(100)
}

/// A length for people: 1024-based, as the engine's rates are.
pub(super) fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}

/// A rate for people.
pub(super) fn rate(bytes_a_second: u64) -> String {
    format!("{}/s", bytes(bytes_a_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_shown_in_the_unit_that_fits() {
        for (count, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (200 << 20, "200.0 MiB"), (3 << 30, "3.0 GiB")]
        {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn a_share_of_nothing_is_nothing_and_never_more_than_all() {
        assert_eq!((percent(5, 0), percent(5, 10), percent(11, 10)), (0, 50, 100));
    }
}
