//! Rules for single servers: set, shown, taken away.

use clap::{ArgGroup, Args, Subcommand};
use ropeway_api::{
    command::Call,
    settings::{ServerRule, Settings},
};
use ropeway_model::ByteRate;

use super::NOTHING;
use crate::{
    command::{
        control::Running,
        patch::{Count, Patch},
    },
    error::CommandError,
    exit::Exit,
    output::{text::rate, to_stdout_as_json},
    terminal::{plain, to_stdout},
};

/// What is done with the rules.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Set(Set),
    Rules(Rules),
    Forget(Forget),
}

/// Set what holds for one server over all jobs; what is not named stays as it is
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["connections", "jobs", "limit"])))]
pub(super) struct Set {
    /// Its host name, as in the address; with a leading dot all names below
    host: String,

    /// Connections to it at once, 1 to 64, or none for as many as in the settings
    #[arg(long, value_name = "NUMBER|none")]
    connections: Option<Patch<Count>>,

    /// Jobs with it at once, 1 to 64, or none for as many as in the settings
    #[arg(long, value_name = "NUMBER|none")]
    jobs: Option<Patch<Count>>,

    /// Bytes a second of all transfers with it together, or none
    #[arg(long, value_name = "RATE|none")]
    limit: Option<Patch<ByteRate>>,
}

/// Show the rules
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// Print one rule as JSON a line
    #[arg(long)]
    json: bool,
}

/// Take a server's rule away
#[derive(Debug, Args)]
pub(super) struct Forget {
    /// Its host name, as the rule has it
    host: String,
}

impl Verb {
    /// Shows the rules or changes them, durably.
    pub(super) async fn run(self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let mut settings = running.snapshot().await?.settings;
        match self {
            Self::Rules(Rules { json }) => return list(&settings.servers, json),
            Self::Set(set) => set.apply(&mut settings.servers),
            Self::Forget(Forget { host }) => {
                let before = settings.servers.len();
                settings.servers.retain(|rule| rule.host != host);
                if settings.servers.len() == before {
                    let hint = "Look at the rules with ropeway servers rules.";
                    return Err(CommandError::usage(format!("there is no rule for {host}"), hint));
                }
            }
        }
        let _: Settings = running.call(Call::SettingsSet(settings)).await?;
        Ok(Exit::Complete)
    }
}

impl Set {
    /// Changes the server's rule, or adds one behind the others.
    fn apply(self, rules: &mut Vec<ServerRule>) {
        let place = rules.iter().position(|rule| rule.host == self.host).unwrap_or(rules.len());
        if place == rules.len() {
            rules.push(ServerRule { host: self.host, ..ServerRule::default() });
        }
        let Some(rule) = rules.get_mut(place) else { return };
        let count = |patch: Patch<Count>| patch.0.map(|count| count.0);
        rule.connections = self.connections.map_or(rule.connections, count);
        rule.running_jobs = self.jobs.map_or(rule.running_jobs, count);
        rule.limit = self.limit.map_or(rule.limit, |patch| patch.0.map(ByteRate::bytes_per_second));
    }
}

fn list(rules: &[ServerRule], as_json: bool) -> Result<Exit, CommandError> {
    if as_json {
        rules.iter().try_for_each(to_stdout_as_json)?;
        return Ok(Exit::Complete);
    }
    if rules.is_empty() {
        to_stdout("no rules");
    }
    for rule in rules {
        to_stdout(&line(rule));
    }
    Ok(Exit::Complete)
}

fn line(rule: &ServerRule) -> String {
    let count = |count: Option<u8>| count.map_or_else(|| NOTHING.to_owned(), |count| count.to_string());
    let (connections, jobs) = (count(rule.connections), count(rule.running_jobs));
    let limit = rule.limit.map_or_else(|| NOTHING.to_owned(), rate);
    format!("{}: connections {connections}, jobs {jobs}, limit {limit}", plain(&rule.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_and_none_takes_away() {
        let mut rules = Vec::new();
        let set = |connections, limit| Set { host: "example.org".to_owned(), connections, jobs: None, limit };
        set(Some(Patch(Some(Count(4)))), None).apply(&mut rules);
        set(None, Some(Patch(ByteRate::new(1024)))).apply(&mut rules);
        assert_eq!(rules.len(), 1);
        assert_eq!(line(&rules[0]), "example.org: connections 4, jobs –, limit 1.00 KiB/s");
        set(Some(Patch(None)), None).apply(&mut rules);
        assert_eq!((rules[0].connections, rules[0].limit), (None, Some(1024)));
    }
}
