//! What a long queue costs: a daemon with a hundred thousand jobs, how soon it answers and how much memory it has, at rest
//! and while fifty of them run.

mod server;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use self::server::Server;
use crate::{
    bench::Scratch,
    page, place,
    process::Process,
    setup::{self, apt, apt::Need},
    shell, ui,
};

const MARKS: page::Marks = page::Marks { begin: "<!-- queue: begin -->", end: "<!-- queue: end -->" };
/// Addresses that one command adds: more do not fit into a command line.
const AT_ONCE: usize = 5_000;
/// Longest wait for anything; a queue that takes longer has no figures.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long jobs run before memory is read: by then every connection has its buffers.
const RUNNING: Duration = Duration::from_secs(10);

/// How long the queue is.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Jobs that are queued.
    #[arg(long, default_value_t = 100_000)]
    jobs: usize,
    /// Jobs that run at once.
    #[arg(long, default_value_t = 50)]
    running: usize,
    /// A program that is built already; its figures are shown, and the page stays as it is.
    #[arg(long)]
    program: Option<std::path::PathBuf>,
}

/// Builds the release program, measures, and writes the table into docs/performance.md.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(program) = &arguments.program {
        print!("{}", measured(program, arguments)?);
        return Ok(());
    }
    apt::install(&[Need::Build])?;
    setup::npm::install(&place::ui())?;
    ui::build()?;
    shell::run(&mut shell::cargo(&["build", "--release", "--locked", "-p", "ropeway-cli"]))?;
    let table = measured(&place::built("release", "ropeway"), arguments)?;
    print!("{table}");
    page::write(&place::root().join("docs/performance.md"), &MARKS, &table)
}

fn measured(program: &Path, arguments: &Arguments) -> Result<String> {
    let scratch = Scratch::new(&place::target())?;
    let server = Server::start()?;
    let mut table =
        "\n| Queued | Running | Start s | RSS MiB | Peak RSS MiB |\n| ---: | ---: | ---: | ---: | ---: |\n".to_owned();
    let queue = Queue { program, folder: scratch.path() };
    queue.settle(arguments.running)?;
    let (mut daemon, _) = queue.start()?;
    for first in (0..arguments.jobs).step_by(AT_ONCE) {
        queue.add(&server, first..(first + AT_ONCE).min(arguments.jobs))?;
    }
    daemon.stop();
    let (mut daemon, start) = queue.start()?;
    table.push_str(&row(arguments.jobs, 0, start, Memory::of(&daemon)?));
    queue.command(&["resume", "all"])?;
    until("as many jobs run as may", || Ok(server.connections() >= arguments.running))?;
    std::thread::sleep(RUNNING);
    table.push_str(&row(arguments.jobs, arguments.running, start, Memory::of(&daemon)?));
    daemon.stop();
    Ok(format!("{table}\n"))
}

fn row(queued: usize, running: usize, start: Duration, memory: Memory) -> String {
    let Memory { now, peak } = memory;
    format!("| {queued} | {running} | {:.2} | {now:.1} | {peak:.1} |\n", start.as_secs_f64())
}

/// A queue of its own.
struct Queue<'a> {
    program: &'a Path,
    folder: &'a Path,
}

impl Queue<'_> {
    /// Lets `running` jobs run at once, each on one connection, all of them to one server.
    fn settle(&self, running: usize) -> Result<()> {
        let text = format!("running_jobs = {running}\nconnections = 1\nserver_connections = {running}\n");
        fs::write(self.folder.join("settings.toml"), text).context("cannot write the settings")
    }

    /// Starts the daemon, and waits until it answers; with how long that took.
    fn start(&self) -> Result<(Process, Duration)> {
        let log = self.folder.join("log");
        // What an earlier one said is no answer of this one.
        fs::write(&log, "")?;
        let start = Instant::now();
        let daemon = Process::start("daemon", &mut self.ropeway(&["daemon", "--bind", "127.0.0.1:0"]), &log)?;
        until("the daemon answers", || Ok(fs::read_to_string(&log)?.contains("http://")))?;
        Ok((daemon, start.elapsed()))
    }

    /// Queues paused jobs.
    fn add(&self, server: &Server, jobs: std::ops::Range<usize>) -> Result<()> {
        let into = self.folder.join("files");
        let mut command = self.ropeway(&["add", "--paused", "--dir"]);
        command.arg(into).args(jobs.map(|number| server.url(number)));
        finished(command)
    }

    fn command(&self, words: &[&str]) -> Result<()> {
        finished(self.ropeway(words))
    }

    fn ropeway(&self, words: &[&str]) -> std::process::Command {
        let mut command = shell::command(self.program);
        command.args(words).env("ROPEWAY_DATA_DIR", self.folder.join("queue")).env("ROPEWAY_CONFIG_DIR", self.folder);
        command
    }
}

fn finished(mut command: std::process::Command) -> Result<()> {
    let output = command.output().context("cannot start ropeway")?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// What the kernel says of a process' memory, in MiB.
#[derive(Clone, Copy)]
struct Memory {
    now: f64,
    peak: f64,
}

impl Memory {
    fn of(process: &Process) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            kilobytes.map(|kilobytes| kilobytes / 1024.0).with_context(|| format!("the kernel does not tell {name}"))
        };
        Ok(Self { now: field("VmRSS")?, peak: field("VmHWM")? })
    }
}

/// Waits until `holds`.
fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > PATIENCE {
            bail!("waited {} s in vain until {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
