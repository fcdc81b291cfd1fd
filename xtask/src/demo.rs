//! The demo: real files, a real server on loopback, the real engine, at a speed one can watch.
//!
//! Everything lives in `target/demo`, which is wiped at the start; the user's own queue and folders are not touched.
//! All that the demo starts ends with it.

mod control;
mod display;
mod files;
mod report;
mod scenes;

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use self::{
    control::Control,
    display::Display,
    files::Load,
    scenes::{Peer, Scenes},
};
use crate::{
    place,
    process::Process,
    run::{Interrupt, Shell},
    shell,
};

/// How often the demo looks at the queue.
const GLANCE: Duration = Duration::from_millis(200);

/// A window paints its first picture a moment after its engine answers; the story begins when it can be seen.
const CURTAIN: Duration = Duration::from_secs(3);

/// When a demo that does not come to its end is given up; it takes about half a minute.
const PATIENCE: Duration = Duration::from_secs(180);

/// The folders of one demo.
struct Folders {
    base: PathBuf,
}

impl Folders {
    /// Empty folders, wiped of what an earlier demo left.
    fn fresh() -> Result<Self> {
        let base = place::target().join("demo");
        if base.exists() {
            fs::remove_dir_all(&base).with_context(|| format!("cannot empty {}", base.display()))?;
        }
        let folders = Self { base };
        for folder in [folders.served(), folders.outbox(), folders.downloads(), folders.state()] {
            fs::create_dir_all(folder)?;
        }
        Ok(folders)
    }

    /// What the server shares and takes uploads into.
    fn served(&self) -> PathBuf {
        self.base.join("server")
    }

    /// The files that are uploaded.
    fn outbox(&self) -> PathBuf {
        self.base.join("outbox")
    }

    fn downloads(&self) -> PathBuf {
        self.base.join("downloads")
    }

    /// The demo's own queue and settings.
    fn state(&self) -> PathBuf {
        self.base.join("state")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.base.join(format!("{name}.log"))
    }

    /// The queue below it, where the running program leaves how it is reached.
    fn queue(&self) -> PathBuf {
        self.state().join("queue")
    }

    /// A program of ours that keeps its queue and settings here, and reaches loopback without a proxy.
    fn own(&self, program: &Path) -> Command {
        let mut command = shell::command(program);
        command.env("ROPEWAY_DATA_DIR", self.queue()).env("ROPEWAY_CONFIG_DIR", self.state().join("settings"));
        // What the window's toolkit keeps beside it.
        for key in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
            command.env(key, self.state());
        }
        for key in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(key);
        }
        command
    }
}

/// Runs the demo to its end.
///
/// On a terminal it then stays until Ctrl+C, so that one can look around; else it returns as soon as all is verified.
///
/// # Errors
/// If a file did not arrive as it was sent; the table printed before names it.
pub(crate) fn run(host: &Shell, ropeway: &Path, interrupt: &Interrupt) -> Result<()> {
    let lock = fs::File::create(place::target().join("demo.lock"))?;
    if lock.try_lock().is_err() {
        bail!("another demo is running from this folder");
    }
    let folders = Folders::fresh()?;
    println!("Making files to move, in {}", folders.base.display());
    let loads = files::make(&folders.served(), &folders.outbox(), &folders.downloads())?;

    let mut peer = Peer::start(ropeway, &folders.served(), &folders.log("server"))?;
    let mut host_process = match host {
        Shell::Window(program) => Process::start("window", &mut folders.own(program), &folders.log("window"))?,
        Shell::Daemon(program) => Process::start(
            "daemon",
            folders.own(program).args(["daemon", "--bind", "127.0.0.1:0"]),
            &folders.log("daemon"),
        )?,
    };
    let control = Control::connect(&folders.queue(), &mut host_process, interrupt)?;
    let place = match host {
        Shell::Window(_) => "The window is open on the demo's own queue.".to_owned(),
        Shell::Daemon(_) => {
            format!("The UI, in any browser on this machine:\n\n  {}", address(host_process.log())?)
        }
    };
    println!("\n{place}\n");
    if matches!(host, Shell::Window(_)) {
        std::thread::sleep(CURTAIN);
    }

    let end = watch(&control, &mut peer, &mut host_process, &folders, &loads, interrupt)?;
    let report = report::Report::of(&loads, &end);
    println!("\n{}", report.table());
    if !interrupt.asked() && std::io::stdout().is_terminal() {
        println!("\nLook around; Ctrl+C ends the demo. {place}");
        while !interrupt.asked() && host_process.is_running() {
            std::thread::sleep(GLANCE);
        }
    }
    host_process.stop();
    peer.stop();
    report.verdict()
}

/// The address of the UI, which the daemon says in its first line.
fn address(log: &Path) -> Result<String> {
    let said = fs::read_to_string(log)?;
    let line = said.lines().find(|line| line.starts_with("http")).context("the daemon did not say its address")?;
    Ok(line.to_owned())
}

/// Plays the scenes and shows the queue until every job is at its end. Gives the jobs as they are then.
fn watch(
    control: &Control,
    peer: &mut Peer,
    host: &mut Process,
    folders: &Folders,
    loads: &[Load],
    interrupt: &Interrupt,
) -> Result<Vec<control::Job>> {
    let start = Instant::now();
    let mut display = Display::new(loads);
    let mut scenes = Scenes::open(control, peer, &folders.downloads(), loads, &mut display)?;
    loop {
        let jobs = control.jobs()?;
        display.show(&jobs, start.elapsed());
        let is_over = scenes.play(&jobs, control, peer, &mut display)?;
        if is_over || interrupt.asked() || start.elapsed() > PATIENCE {
            display.close();
            return Ok(jobs);
        }
        if !host.is_running() {
            bail!("the {} ended before its jobs did; see {}", host.name(), host.log().display());
        }
        std::thread::sleep(GLANCE);
    }
}
