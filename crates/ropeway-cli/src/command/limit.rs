//! `ropeway limit`: speeds, changed while bytes move.

use std::str::FromStr;

use clap::Args;
use ropeway_api::{
    command::{Call, Done, JobChange},
    settings::Settings,
};
use ropeway_model::ByteRate;

use crate::{
    command::{
        control::Running,
        job_ids::{JobIds, Which},
    },
    error::CommandError,
    exit::Exit,
    output::text::rate,
    terminal::to_stdout,
};

/// Limit the speed of jobs, or of all jobs together, of the running desktop app or daemon.
///
/// A limit is in force at once and kept across restarts.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
pub(crate) struct Limit {
    /// The jobs' numbers or all, then bytes a second such as 500K, or none
    #[arg(value_name = "ID|all|RATE|none", num_args = 2.., required_unless_present = "global", conflicts_with = "global")]
    words: Vec<String>,

    /// Limit all jobs together instead; alone it shows their limits
    #[arg(long)]
    global: bool,

    /// All downloads together: bytes a second, or none
    #[arg(long, value_name = "RATE|none", requires = "global")]
    down: Option<Speed>,

    /// All uploads together: bytes a second, or none
    #[arg(long, value_name = "RATE|none", requires = "global")]
    up: Option<Speed>,
}

const USAGE: &str = "ropeway limit <ID|all>... <RATE|none>
       ropeway limit --global [--down <RATE|none>] [--up <RATE|none>]";

const EXAMPLES: &str = "Examples:
  ropeway limit 3 4 500K
  ropeway limit all none
  ropeway limit --global
  ropeway limit --global --down 2.5M --up none";

/// A limit, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Speed(Option<ByteRate>);

impl Speed {
    fn bytes_per_second(self) -> Option<u64> {
        self.0.map(ByteRate::bytes_per_second)
    }
}

impl FromStr for Speed {
    type Err = ropeway_model::RateParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|rate| Self(Some(rate))) }
    }
}

impl Limit {
    /// Sets it, durably. A job at its end moves nothing any more: the command says so.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        if self.global {
            let running = Running::find().await?;
            let settings = running.snapshot().await?.settings;
            if self.down.is_none() && self.up.is_none() {
                let shown = |bytes: Option<u64>| bytes.map_or_else(|| "none".to_owned(), rate);
                to_stdout(&format!("down {}, up {}", shown(settings.download_limit), shown(settings.upload_limit)));
                return Ok(Exit::Complete);
            }
            let settings = with_limits(settings, self.down, self.up);
            let _: Settings = running.call(Call::SettingsSet(settings)).await?;
            return Ok(Exit::Complete);
        }
        let (job_ids, speed) = read(&self.words)?;
        let running = Running::find().await?;
        let ids = running.open_job_ids(&job_ids).await?;
        let change = JobChange { ids, rate_limit: Some(speed.bytes_per_second()), ..JobChange::default() };
        let _: Done = running.call(Call::JobChange(change)).await?;
        Ok(Exit::Complete)
    }
}

fn with_limits(settings: Settings, down: Option<Speed>, up: Option<Speed>) -> Settings {
    Settings {
        download_limit: down.map_or(settings.download_limit, Speed::bytes_per_second),
        upload_limit: up.map_or(settings.upload_limit, Speed::bytes_per_second),
        ..settings
    }
}

/// The jobs and, as the last word, their limit.
fn read(words: &[String]) -> Result<(JobIds, Speed), CommandError> {
    let hint = "Write numbers or all, then a rate with its unit, or none: ropeway limit 3 500K.";
    let Some((last, before)) = words.split_last() else {
        return Err(CommandError::usage("no job and no rate is named", hint));
    };
    // As rates are shown: a number, a space, a unit.
    let (numbers, speed) = match before.split_last() {
        Some((number, numbers)) if is_unit(last) && number.ends_with(is_digit) => (numbers, format!("{number} {last}")),
        _ => (before, last.clone()),
    };
    if numbers.is_empty() {
        return Err(CommandError::usage("no job is named", hint));
    }
    let numbers: Result<Vec<Which>, _> = numbers.iter().map(|word| word.parse()).collect();
    let numbers = numbers.map_err(|message| CommandError::usage(message, hint))?;
    let speed = speed.parse().map_err(|error| CommandError::usage(format!("{error}"), hint))?;
    Ok((numbers.into(), speed))
}

/// Whether the word stands behind a number, as `MiB/s` does.
fn is_unit(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic()) && format!("1 {word}").parse::<Speed>().is_ok()
}

const fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_last_word_is_the_rate() {
        let (numbers, speed) = read(&words("3 4 500K")).unwrap();
        assert_eq!((numbers.given(), speed.bytes_per_second()), (vec![3, 4], Some(512_000)));
        let (numbers, speed) = read(&words("all none")).unwrap();
        assert!(numbers.is_all() && speed.bytes_per_second().is_none());
        let (numbers, speed) = read(&words("3 4 1.50 MiB/s")).unwrap();
        assert_eq!((numbers.given(), speed.bytes_per_second()), (vec![3, 4], Some(3 << 19)));
        for line in ["500K 3", "3 fast", "63 62", "59 1.5", "500 K", "3 0K"] {
            assert!(read(&words(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn a_wrong_rate_is_what_is_told() {
        let refusal = |line| read(&words(line)).unwrap_err().to_string();
        assert!(refusal("1 foo").contains("foo"), "{}", refusal("1 foo"));
        assert!(refusal("500 K").contains("no job"), "{}", refusal("500 K"));
    }

    #[test]
    fn a_direction_that_is_not_named_keeps_its_limit() {
        let had = Settings { download_limit: Some(1), upload_limit: Some(2), ..Settings::default() };
        let now = with_limits(had, Some(Speed(None)), None);
        assert_eq!((now.download_limit, now.upload_limit), (None, Some(2)));
    }
}
