//! `ropeway schedule`: other limits at certain hours.

mod when;

use clap::{ArgGroup, Args, Subcommand};
use ropeway_api::{
    command::Call,
    settings::{ScheduleRule, Settings},
};
use ropeway_model::ByteRate;

use self::when::{Days, Hours};
use crate::{
    command::{control::Running, patch::Patch},
    error::CommandError,
    exit::Exit,
    output::to_stdout_as_json,
    terminal::to_stdout,
};

/// Set other limits for certain hours of the running desktop app or daemon.
///
/// Without a verb the rules are listed. The first rule that fits the moment is in force.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// Print one JSON object a rule
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway schedule
  ropeway schedule add mon-fri 09:00-17:00 --down 500K --up 200K
  ropeway schedule add sat,sun 22:00-06:00 --pause
  ropeway schedule remove 2";

#[derive(Debug, Subcommand)]
enum Verb {
    Add(Add),
    Remove(Remove),
    /// Take all rules away
    Clear,
}

/// Add a rule behind the others.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("effect").required(true).multiple(true).args(["pause", "down", "up"])))]
struct Add {
    /// Days on which it begins: daily, mon-fri, sat,sun
    days: Days,

    /// From when to when, local time; an end before the beginning is of the next day
    #[arg(value_name = "HH:MM-HH:MM")]
    hours: Hours,

    /// Nothing moves
    #[arg(long, conflicts_with_all = ["down", "up"])]
    pause: bool,

    /// All downloads together, bytes a second; without it there is no limit in these hours
    #[arg(long, value_name = "RATE|none")]
    down: Option<Patch<ByteRate>>,

    /// All uploads together, bytes a second; without it there is no limit in these hours
    #[arg(long, value_name = "RATE|none")]
    up: Option<Patch<ByteRate>>,
}

/// Take a rule away.
#[derive(Debug, Args)]
struct Remove {
    /// The rule's number, as listed
    number: usize,
}

impl Schedule {
    /// Lists the rules or changes them, durably.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let mut settings = running.snapshot().await?.settings;
        match self.verb {
            None => return list(&settings.schedule, self.json),
            Some(Verb::Add(add)) => settings.schedule.push(add.rule()),
            Some(Verb::Remove(Remove { number })) => {
                let place = number.checked_sub(1).filter(|place| *place < settings.schedule.len());
                let hint = "Look at the numbers with ropeway schedule.";
                let place = place.ok_or_else(|| CommandError::usage(format!("there is no rule {number}"), hint))?;
                settings.schedule.remove(place);
            }
            Some(Verb::Clear) => settings.schedule.clear(),
        }
        let _: Settings = running.call(Call::SettingsSet(settings)).await?;
        Ok(Exit::Complete)
    }
}

impl Add {
    fn rule(&self) -> ScheduleRule {
        ScheduleRule {
            days: self.days.numbers(),
            from_minute: self.hours.from,
            to_minute: self.hours.to,
            pause: self.pause,
            download_limit: bytes(self.down),
            upload_limit: bytes(self.up),
        }
    }
}

fn bytes(limit: Option<Patch<ByteRate>>) -> Option<u64> {
    limit.and_then(|limit| limit.0).map(ByteRate::bytes_per_second)
}

fn list(rules: &[ScheduleRule], as_json: bool) -> Result<Exit, CommandError> {
    if as_json {
        rules.iter().try_for_each(to_stdout_as_json)?;
    } else if rules.is_empty() {
        to_stdout("no rules: the usual limits hold at all hours");
    } else {
        for (place, rule) in rules.iter().enumerate() {
            to_stdout(&format!("{}  {}", place + 1, line(rule)));
        }
    }
    Ok(Exit::Complete)
}

/// A rule as one line, in the words of `add`.
fn line(rule: &ScheduleRule) -> String {
    let hours = Hours { from: rule.from_minute, to: rule.to_minute };
    let effect = if rule.pause {
        "pause".to_owned()
    } else {
        format!("down {}, up {}", limit(rule.download_limit), limit(rule.upload_limit))
    };
    format!("{} {hours}  {effect}", Days::from(&*rule.days))
}

fn limit(bytes: Option<u64>) -> String {
    bytes.and_then(ByteRate::new).map_or_else(|| "none".to_owned(), |rate| rate.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_listed_in_the_words_it_was_added_with() {
        let add = Add {
            days: "mon-fri".parse().unwrap(),
            hours: "09:00-17:30".parse().unwrap(),
            pause: false,
            down: Some(Patch(ByteRate::new(512_000))),
            up: None,
        };
        let shown = line(&add.rule());
        assert!(shown.starts_with("mon-fri 09:00-17:30  down "), "{shown}");
        assert!(shown.ends_with(", up none"), "{shown}");
    }
}
