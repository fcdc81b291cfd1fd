//! How far the reading of one file is, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{output::text::shortened, terminal::plain};

/// Redraws a second.
const REDRAWS: u8 = 10;
/// Columns for a name.
const NAME_WIDTH: usize = 28;
const TEMPLATE: &str = "{prefix} {bar:24} {percent:>3} %  {binary_bytes} of {binary_total_bytes}  {msg}";

/// A bar on stderr, gone when this is dropped; nothing where stderr is no terminal.
#[derive(Debug)]
pub(crate) struct Reading {
    bar: ProgressBar,
}

impl Reading {
    /// A bar for the file of this name, which appears with the first figures.
    pub(crate) fn new(name: &str) -> Self {
        // The template is ours; a mistake in it shows the bar plainly instead.
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        // Whole before it is drawn: a bar that is changed afterwards shows itself without figures.
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(REDRAWS))
            .with_style(style.progress_chars("█▓░"))
            .with_prefix(format!("{:NAME_WIDTH$}", shortened(&plain(name), NAME_WIDTH)));
        Self { bar }
    }

    /// Whether somebody sees it.
    pub(crate) fn is_seen(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows what is done of how many bytes, and what it is that is done.
    pub(crate) fn show(&self, doing: &'static str, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_message(doing);
        self.bar.set_position(done);
        self.bar.tick();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
