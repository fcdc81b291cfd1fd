//! The command line as a whole, and the page of the documents about it.

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
        "open",
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
        "get --quiet --json https://example.org/a",
        "get -o a -d b https://example.org/a",
        "limit --global",
        "get --dir out --input - --jobs 16",
        "schedule add daily 00:00-24:00 --down none",
        "get -H X-Key:1 --user u:p --ca-cert ca.pem https://example.org/a https://example.org/b",
        "put a.iso --to tus+https://tus.example/files/",
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
        "change 3 -n auto",
        "add -n auto https://example.org/a",
        "get -n auto https://example.org/a",
        "put -n auto a --to https://example.org/",
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
        "get -H nonsense https://example.org/a",
        "put a",
        "put --to https://example.org/",
        "pause",
        "pause some",
        "limit 3",
        "schedule add daily 00:00-24:00",
        "limit 3 1M --global",
        "move 3 before",
        "move 3 after 4",
        "renew 3",
        "change 3",
        "change --at 02:00",
        "change 3 --at soon",
        "change 3 -n many",
        "add -n none https://example.org/a",
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

/// Where the contract of the command line stands.
const DOCUMENTED: &str = include_str!("../../../../docs/command-line.md");

/// Every command that does something, with its name as it is typed.
fn leaves(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
    let below: Vec<_> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    let mut found: Vec<_> =
        below.iter().flat_map(|below| leaves(below, format!("{path} {}", below.get_name()).trim_start())).collect();
    let has_own = !command.is_subcommand_required_set() || command.get_arguments().any(is_documented);
    if !path.is_empty() && (below.is_empty() || has_own) {
        found.insert(0, (path.to_owned(), command.clone()));
    }
    found
}

/// Whether an argument is of its command alone.
fn is_documented(argument: &clap::Arg) -> bool {
    let is_everywhere = argument.is_global_set() || ["help", "version"].contains(&argument.get_id().as_str());
    !argument.is_hide_set() && !is_everywhere
}

/// An argument as the documents have it.
fn written(argument: &clap::Arg) -> String {
    let names: Vec<_> = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    // A bar would end the cell of the table.
    let value = if argument.get_action().takes_values() { names.join(" ").replace('|', "\\|") } else { String::new() };
    if argument.is_positional() {
        return format!("`{value}`");
    }
    let short = argument.get_short().map(|short| format!("-{short}"));
    let longs = argument.get_long_and_visible_aliases().unwrap_or_default();
    let names = short.into_iter().chain(longs.iter().map(|long| format!("--{long}"))).collect::<Vec<_>>().join("` `");
    if value.is_empty() { format!("`{names}`") } else { format!("`{names} {value}`") }
}

#[test]
fn the_documents_name_every_command_with_all_it_takes() {
    let mut root = CommandLine::command();
    root.build();
    let rows: Vec<String> = leaves(&root, "")
        .into_iter()
        .map(|(path, command)| {
            let arguments: Vec<_> =
                command.get_arguments().filter(|argument| is_documented(argument)).map(written).collect();
            format!("| `{path}` | {} |", arguments.join(", "))
        })
        .collect();
    let (_, section) = DOCUMENTED.split_once("## Commands\n").expect("the document lists the commands");
    let documented: Vec<&str> =
        section.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with('|')).collect();
    assert!(documented == rows, "docs/command-line.md, section Commands, should say:\n{}", rows.join("\n"));
}
