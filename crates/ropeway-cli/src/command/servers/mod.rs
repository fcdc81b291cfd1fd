//! `ropeway servers`: what has been learned of servers, and the user's rules for them.

mod rule;

use std::time::Duration;

use clap::Args;
use ropeway_api::{
    command::{Call, Nothing},
    view::{ServerView, Servers},
};

use crate::{
    command::control::Running,
    error::CommandError,
    exit::Exit,
    output::{
        text::{clock, rate},
        to_stdout_as_json,
    },
    terminal::{plain, to_stdout},
};

/// What stands where nothing is known.
const NOTHING: &str = "–";

/// Show what the running desktop app or daemon has learned of servers within the last day, or set rules for them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct ListServers {
    #[command(subcommand)]
    verb: Option<rule::Verb>,

    /// Print one server as JSON a line
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway servers
  ropeway servers set example.org --connections 4 --limit 2M
  ropeway servers set .example.org --jobs 1
  ropeway servers rules
  ropeway servers forget example.org";

impl ListServers {
    /// Prints them, the most recently used first.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        if let Some(verb) = self.verb {
            return verb.run().await;
        }
        let Servers { servers } = Running::find().await?.call(Call::ServerList(Nothing {})).await?;
        if self.json {
            servers.iter().try_for_each(to_stdout_as_json)?;
            return Ok(Exit::Complete);
        }
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        if servers.is_empty() {
            to_stdout("no servers");
        }
        for server in &servers {
            to_stdout(&line(server, now));
        }
        Ok(Exit::Complete)
    }
}

fn line(server: &ServerView, now: Duration) -> String {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    let cap = or_nothing(server.connection_cap.map(|cap| cap.to_string()));
    let speed = or_nothing(server.throughput.map(rate));
    let latency = or_nothing(server.latency_ms.map(|latency| format!("{latency} ms")));
    let well = or_nothing(server.reliability.map(|share| format!("{:.0} %", share * 100.0)));
    let host = plain(&server.host);
    let told =
        format!("connections {}, bears {cap}, {speed}, answers in {latency}, reliable {well}", server.connections);
    let rest = server.resting_until_ms.and_then(|until| u64::try_from(until).ok()).map(Duration::from_millis);
    match rest.and_then(|until| until.checked_sub(now)) {
        Some(left) => format!("{host}: {told}, left alone for {}", clock(left.as_secs())),
        None => format!("{host}: {told}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_known_and_how_long_a_server_is_left_alone() {
        let mut server = ServerView {
            host: "example.org".to_owned(),
            connections: 3,
            connection_cap: Some(4),
            throughput: Some(1 << 20),
            latency_ms: None,
            reliability: Some(0.5),
            resting_until_ms: None,
        };
        let expected = "example.org: connections 3, bears 4, 1.00 MiB/s, answers in –, reliable 50 %";
        assert_eq!(line(&server, Duration::ZERO), expected);
        server.resting_until_ms = Some(65_000);
        assert!(line(&server, Duration::ZERO).ends_with("left alone for 1:05"));
        assert_eq!(line(&server, Duration::from_secs(70)), expected);
    }
}
