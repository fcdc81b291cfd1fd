//! How true a limit is, measured where it matters: at the server.

mod server;
mod windows;

use std::{
    ffi::OsString,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use self::{
    server::Server,
    windows::{Deviation, Mark, deviation},
};
use crate::{
    bench::Scratch,
    page, place,
    process::Process,
    setup::{self, apt, apt::Need},
    shell, ui,
};

const MARKS: page::Marks = page::Marks { begin: "<!-- limits: begin -->", end: "<!-- limits: end -->" };
/// How often the server's count is read.
const TICK: Duration = Duration::from_millis(100);
/// Before its first byte a client may take this long.
const START: Duration = Duration::from_secs(10);
/// Less holds no window to compare.
const SHORTEST: Duration = Duration::from_secs(8);
/// Ropeway's limits, with the binary suffixes that every client reads alike.
const LIMITS: [&str; 6] = ["50K", "200K", "2M", "20M", "200M", "500M"];
/// Those of the others: one that a line at home has, one of an office.
const OTHERS_LIMITS: [&str; 2] = ["200K", "20M"];
/// The other clients that have limits, and how many connections each uses under one.
const OTHERS: [(&str, u8); 3] = [("curl", 1), ("wget", 1), ("aria2c", 8)];

/// How long is measured.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds from the first byte; windows of five seconds are looked for in them, but for the first two.
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// Only clients and limits in whose line this stands, such as `ropeway | 50K`; the page stays as it is.
    #[arg(long)]
    only: Option<String>,
    /// Measures what was built before.
    #[arg(long)]
    as_built: bool,
}

/// Builds the release program, measures, and writes the table into docs/performance.md.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if !arguments.as_built {
        apt::install(&[Need::Build, Need::Bench])?;
        setup::npm::install(&place::ui())?;
        ui::build()?;
        shell::run(&mut shell::cargo(&["build", "--release", "--locked", "-p", "ropeway-cli"]))?;
    }
    let ours = LIMITS.iter().flat_map(|limit| [("ropeway", 1, *limit), ("ropeway", 8, *limit)]);
    let others = OTHERS_LIMITS.iter().flat_map(|limit| OTHERS.map(|(name, connections)| (name, connections, *limit)));
    let head = "\n| Client | Limit (B/s) | Connections | Most above | Most below | First second |\n\
                | --- | ---: | ---: | ---: | ---: | ---: |\n";
    let mut table = head.to_owned();
    for (name, connections, limit) in ours.chain(others) {
        let is_wanted = |only: &String| format!("{name} | {limit} | {connections} |").contains(only);
        if !arguments.only.as_ref().is_none_or(is_wanted) {
            continue;
        }
        let line = line(name, connections, limit, measured(name, connections, limit, arguments.seconds)?);
        print!("{line}");
        table.push_str(&line);
    }
    if arguments.only.is_some() {
        return Ok(());
    }
    page::write(&place::root().join("docs/performance.md"), &MARKS, &format!("{table}\n"))
}

fn line(name: &str, connections: u8, limit: &str, found: Option<Deviation>) -> String {
    let Some(Deviation { above, below, first_second }) = found else {
        return format!("| {name} | {limit} | {connections} | ended | ended | ended |\n");
    };
    format!("| {name} | {limit} | {connections} | {above:+.1} % | {below:+.1} % | {first_second:+.1} % |\n")
}

/// Has the machine find memory for so many bytes once: a virtual one takes it from its host page by page, slower than
/// the highest limits.
fn touch(folder: &Path, bytes: u64) -> Result<()> {
    let (path, block) = (folder.join("touched"), vec![1_u8; 1 << 20]);
    let mut file = std::fs::File::create(&path)?;
    for _ in 0..bytes >> 20 {
        file.write_all(&block)?;
    }
    Ok(std::fs::remove_file(path)?)
}

/// Runs one client under a limit; `None` where it gave up before a window was full.
fn measured(name: &'static str, connections: u8, limit: &str, seconds: u64) -> Result<Option<Deviation>> {
    let memory = Path::new("/dev/shm");
    let scratch = Scratch::new(if memory.is_dir() { memory } else { Path::new("/tmp") })?;
    let rate = bytes_per_second(limit).context("a limit is a number with K or M")?;
    touch(scratch.path(), rate * seconds)?;
    // Small beside a window, and large enough for the speed.
    let server = Server::start(usize::try_from(rate / 50)?.clamp(4 * 1024, 4 << 20))?;
    let mut command = shell::command(program(name)?);
    command.args(words(name, connections, limit, scratch.path(), &server.url())).env("HOME", scratch.path());
    command.env("ROPEWAY_DATA_DIR", scratch.path().join("queue")).env("ROPEWAY_CONFIG_DIR", scratch.path());
    command.current_dir(scratch.path());
    let mut client = Process::start(name, &mut command, &scratch.path().join("log"))?;
    let marks = marks(&server, &mut client, Duration::from_secs(seconds).max(SHORTEST));
    if !client.is_running() {
        println!("{name} ended: {}", std::fs::read_to_string(client.log()).unwrap_or_default().trim());
    }
    client.kill();
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    let limit = rate as f64;
    Ok(deviation(&marks, limit))
}

/// Reads the server's count until `long` after the first byte, or until the client ends.
fn marks(server: &Server, client: &mut Process, long: Duration) -> Vec<Mark> {
    let started = Instant::now();
    let mut first = None;
    let mut marks = vec![(0.0, 0)];
    while client.is_running() {
        std::thread::sleep(TICK);
        marks.push((started.elapsed().as_secs_f64(), server.sent()));
        if first.is_none() && server.sent() > 0 {
            first = Some(Instant::now());
        }
        if first.map_or(started.elapsed() > START, |first| first.elapsed() > long) {
            break;
        }
    }
    marks
}

fn program(name: &str) -> Result<OsString> {
    if name == "ropeway" {
        return Ok(place::built("release", "ropeway").into());
    }
    Ok(shell::find(name).with_context(|| format!("{name} was not found"))?.into())
}

/// What each client is told.
fn words(name: &str, connections: u8, limit: &str, folder: &Path, url: &str) -> Vec<OsString> {
    let file = folder.join("file").display().to_string();
    let line = match name {
        "ropeway" => format!("get --quiet --limit {limit} --connections {connections} -o {file} {url}"),
        "curl" => format!("-s --limit-rate {limit} -o {file} {url}"),
        "wget" => format!("-q --limit-rate={} -O {file} {url}", limit.to_ascii_lowercase()),
        _ => format!(
            "-q --no-conf --max-overall-download-limit={limit} -x{connections} -s{connections} -k1M \
             --file-allocation=none -d {} -o file {url}",
            folder.display()
        ),
    };
    line.split(' ').map(OsString::from).collect()
}

/// What `200K` or `2M` means, in bytes a second.
fn bytes_per_second(limit: &str) -> Option<u64> {
    let unit = match limit.chars().last()? {
        'K' => 1 << 10,
        'M' => 1 << 20,
        _ => return None,
    };
    limit.get(..limit.len() - 1)?.parse::<u64>().ok().map(|number| number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_the_clients_read_them() {
        assert_eq!(bytes_per_second("50K"), Some(51_200));
        assert_eq!(bytes_per_second("2M"), Some(2 << 20));
        assert_eq!(bytes_per_second("7"), None);
    }

    #[test]
    fn a_client_that_gave_up_says_so_in_its_line() {
        assert_eq!(line("wget", 1, "20M", None), "| wget | 20M | 1 | ended | ended | ended |\n");
        let found = Deviation { above: 0.26, below: -1.0, first_second: 0.0 };
        assert_eq!(line("a", 1, "2M", Some(found)), "| a | 2M | 1 | +0.3 % | -1.0 % | +0.0 % |\n");
    }
}
