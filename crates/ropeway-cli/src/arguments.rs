//! The command line as a whole; each command's own flags stand with the command.

use clap::{ArgAction, Parser};

use crate::command::Command;

/// A transfer manager: downloads and uploads that never lose a byte and never claim one they do not have.
#[derive(Debug, Parser)]
#[command(name = "ropeway", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct CommandLine {
    /// Log what happens to stderr; twice for more (`RUST_LOG` chooses in detail)
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 900)]
    pub(crate) verbose: u8,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all complete and verified, 1 a job failed (its code and hint are on stderr), \
                          2 bad usage, 130 interrupted and resumable.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn flags_contradict_each_other_nowhere() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_blueprint_is_there() {
        let command = CommandLine::command();
        let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        let expected = [
            "get",
            "put",
            "serve",
            "daemon",
            "add",
            "list",
            "show",
            "pause",
            "resume",
            "change",
            "renew",
            "answer",
            "remove",
            "limit",
            "schedule",
            "move",
            "watch",
            "servers",
            "verify",
            "checksums",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn every_command_shows_examples() {
        for command in CommandLine::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("ropeway "), "{}", command.get_name());
        }
    }

    #[test]
    fn the_flags_of_the_blueprint_are_read() {
        for line in [
            "get -d out -i list -n 8 -j 4 -l 2.5M --on-conflict overwrite --quiet https://example.org/a",
            "get --output f --connections 4 --limit 500K --proxy http://127.0.0.1:3128 --json https://example.org/a",
            "get --dir out --input - --jobs 16",
            "get -H X-Key:1 --user u:p --ca-cert ca.pem https://example.org/a https://example.org/b",
            "put -l 1M -n 2 --checksum sha256 --json a b --to form+https://example.org/up#field=file",
            "serve --root . --bind 127.0.0.1:0 --limit 1M --overwrite --max-size 10G",
            "serve --root . --read-only",
            "daemon --bind 127.0.0.1:0",
            "limit 3 1M",
            "limit --global --down none --up 2M",
            "move 3 before 4",
            "move 3 last",
            "watch all --json",
            "renew 3 https://example.org/a?token=new",
            "answer 3 overwrite",
            "servers --json",
            "verify 3 --repair --json",
            "verify --checksum sha256 disk.iso",
            "checksums 3",
            "change 3 4 --at 02:00 --priority high -n none",
            "change 3 --checksum none --at none",
            "add --at 2026-12-24T18:00:00Z https://example.org/a",
        ] {
            let words = std::iter::once("ropeway").chain(line.split(' '));
            assert!(CommandLine::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_bad_usage() {
        for line in [
            "get",
            "get -l fast https://example.org/a",
            "get -n 65 https://example.org/a",
            "get -n 0 https://example.org/a",
            "get --checksum md5:00 https://example.org/a",
            "get --quiet --json https://example.org/a",
            "get -o a -d b https://example.org/a",
            "get -H nonsense https://example.org/a",
            "put a",
            "put --to https://example.org/",
            "pause",
            "pause some",
            "limit 3",
            "limit --global",
            "limit 3 1M --global",
            "move 3 before",
            "move 3 after 4",
            "renew 3",
            "change 3",
            "change --at 02:00",
            "change 3 --at soon",
            "add --at 25:00 https://example.org/a",
            "answer 3 ask",
            "verify",
            "verify a --repair --checksum sha256",
        ] {
            let words = std::iter::once("ropeway").chain(line.split(' '));
            let error = CommandLine::try_parse_from(words).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
