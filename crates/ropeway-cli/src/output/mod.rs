//! What the user sees: bars on a terminal, a line per job elsewhere, JSON for scripts; failures always on stderr.

mod bars;
pub(crate) mod details;
mod failure;
pub(crate) mod hint;
pub(crate) mod json;
mod json_line;
mod lines;
pub(crate) mod reading;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod waits;

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use ropeway_api::command::Refusal;

use self::{bars::Bars, json::Json, lines::Lines};
pub(crate) use self::{
    failure::{complain, interrupted, interrupted_stream, refuse, tell},
    json_line::{as_json, to_stdout_as_json},
};
use crate::{
    error::CommandError,
    run::{End, RunState},
    terminal::to_stderr,
};

/// How a run is shown.
pub(crate) trait Output {
    /// How often [`Self::draw`] is wanted; `None` is never.
    fn period(&self) -> Option<Duration> {
        None
    }

    /// Shows how far the jobs are.
    fn draw(&mut self, _state: &RunState) {}

    /// A job came to its end.
    fn ended(&mut self, end: &End);

    /// An input that became no job.
    fn refused(&mut self, refusal: &Refusal) {
        refuse(refusal);
    }

    /// Something that the user should know while the run waits.
    fn note(&mut self, text: &str) {
        to_stderr(text);
    }

    /// A call that the engine did not carry out.
    fn complain(&mut self, error: &CommandError) {
        complain(error);
    }

    /// Takes away what is only for the time of the run.
    fn close(&mut self, _state: &RunState) {}

    /// The run was stopped by a signal.
    fn interrupted(&mut self, state: &RunState) {
        interrupted(state);
    }
}

/// How much of a run the user wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Amount {
    /// Print nothing but failures and what is left out
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print one JSON object a line: progress now and then, one result per job; with --quiet the results alone
    #[arg(long)]
    pub(crate) json: bool,
}

impl Amount {
    /// The display for it.
    pub(crate) fn output(self) -> Box<dyn Output> {
        match self {
            Self { json: true, quiet } => Box::new(Json::new(quiet)),
            Self { quiet: true, .. } => Box::new(Quiet),
            _ if io::stderr().is_terminal() => Box::new(Bars::new()),
            _ => Box::new(Lines::new()),
        }
    }
}

/// Nothing but failures and what is left out.
struct Quiet;

impl Output for Quiet {
    fn note(&mut self, _text: &str) {}

    fn ended(&mut self, end: &End) {
        failure::report(end);
    }
}
