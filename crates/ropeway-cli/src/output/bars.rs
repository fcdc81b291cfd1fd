//! Progress bars on a terminal: one for each of the first running jobs, one for all.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ropeway_api::{command::Refusal, view::JobView, view::PhaseView};

use crate::{
    error::CommandError,
    output::{
        Output, failure,
        lines::finished_line,
        text::{clock, phase, rate, shortened, size},
    },
    run::{End, RunState, Sums},
    terminal::{plain, to_stderr, to_stdout},
};

/// Often enough to look alive, seldom enough to cost nothing.
const PERIOD: Duration = Duration::from_millis(125);
/// Redraws a second; the ticks come less often.
const REDRAWS: u8 = 10;
/// Bars for single jobs; more would push the rest of the terminal away.
const MOST_BARS: usize = 6;
/// Columns for a name.
const NAME_WIDTH: usize = 20;

/// Bars on stderr; finished jobs go to stdout above them.
pub(crate) struct Bars {
    multi: MultiProgress,
    rows: Vec<ProgressBar>,
    total: Option<ProgressBar>,
}

impl Bars {
    /// Bars on stderr, none yet.
    pub(crate) fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        Self { multi: MultiProgress::with_draw_target(target), rows: Vec::new(), total: None }
    }

    /// Makes as many bars as jobs are to be shown.
    fn resize(&mut self, wanted: usize) {
        while self.rows.len() > wanted {
            if let Some(bar) = self.rows.pop() {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
        }
        while self.rows.len() < wanted {
            self.rows.push(self.multi.insert(self.rows.len(), ProgressBar::no_length()));
        }
    }

    fn draw_total(&mut self, sums: &Sums) {
        if sums.jobs < 2 {
            return;
        }
        let total = self.total.get_or_insert_with(|| self.multi.add(ProgressBar::no_length()));
        total.set_style(style(sums.length));
        total.set_prefix(format!("{:NAME_WIDTH$}", format!("{} of {} jobs", sums.ended, sums.jobs)));
        set(total, sums.moved, sums.length);
        total.set_message(rate(sums.rate));
        total.tick();
    }
}

impl Output for Bars {
    fn period(&self) -> Option<Duration> {
        Some(PERIOD)
    }

    fn draw(&mut self, run: &RunState) {
        let shown: Vec<&JobView> = run.open().filter(|job| is_worth_a_bar(job)).take(MOST_BARS).collect();
        self.resize(shown.len());
        for (bar, job) in self.rows.iter().zip(shown) {
            let is_moving = matches!(job.phase, PhaseView::Running);
            bar.set_style(if is_moving { style(job.progress.length) } else { style_of_waiting() });
            bar.set_prefix(format!("{:NAME_WIDTH$}", shortened(&plain(&job.name), NAME_WIDTH)));
            set(bar, job.progress.moved, job.progress.length);
            bar.set_message(state(job));
            bar.tick();
        }
        self.draw_total(&run.sums());
    }

    fn ended(&mut self, end: &End) {
        self.multi.suspend(|| match finished_line(end) {
            Some(line) => to_stdout(&line),
            None => failure::report(end),
        });
    }

    fn refused(&mut self, refusal: &Refusal) {
        self.multi.suspend(|| failure::refuse(refusal));
    }

    fn note(&mut self, text: &str) {
        self.multi.suspend(|| to_stderr(text));
    }

    fn complain(&mut self, error: &CommandError) {
        self.multi.suspend(|| failure::complain(error));
    }

    fn close(&mut self, run: &RunState) {
        self.resize(0);
        if let Some(total) = self.total.take() {
            total.finish_and_clear();
        }
        run.sums().closing().iter().for_each(|line| to_stderr(line));
    }
}

fn is_worth_a_bar(job: &JobView) -> bool {
    !matches!(job.phase, PhaseView::Queued)
}

fn set(bar: &ProgressBar, moved: u64, length: Option<u64>) {
    match length {
        Some(length) => bar.set_length(length),
        None => bar.unset_length(),
    }
    bar.set_position(moved);
}

/// What stands behind the bar: the speed and the time left, or why nothing moves.
fn state(job: &JobView) -> String {
    match (&job.phase, job.progress.seconds_left) {
        (PhaseView::Running, Some(left)) => format!("{}  {} left", rate(job.progress.rate), clock(left)),
        (PhaseView::Running, None) => rate(job.progress.rate),
        (PhaseView::Blocked { failure, .. }, _) => plain(&failure.message).to_string(),
        (PhaseView::Waiting { cause, .. }, _) => format!("waiting to try again: {}", plain(&cause.message)),
        (other, _) => phase(other).to_owned(),
    }
}

/// The bar takes what the numbers leave of the terminal's width.
fn style(length: Option<u64>) -> ProgressStyle {
    let template = match length {
        Some(0) | None => "{prefix} {spinner} {binary_bytes}  {wide_msg}".to_owned(),
        Some(length) => {
            format!("{{prefix}} {{wide_bar}} {{percent:>3}} %  {{binary_bytes}} of {}  {{msg}}", size(length))
        }
    };
    styled(&template)
}

/// Without a bar: why nothing moves may be a sentence.
fn style_of_waiting() -> ProgressStyle {
    styled("{prefix} {binary_bytes}  {wide_msg}")
}

fn styled(template: &str) -> ProgressStyle {
    // The templates are ours; a mistake in one shows the bar plainly instead.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█▓░")
}
