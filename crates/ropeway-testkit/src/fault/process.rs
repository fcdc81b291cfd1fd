//! A client under way.

use std::{
    fs::File,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// How long it may take to end once it was asked to.
const FAREWELL: Duration = Duration::from_secs(8);

/// A running client in a process group of its own; killed when dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    streams: PathBuf,
    peak_memory: u64,
}

/// A client that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// Whether it ended by itself.
    pub(super) by_itself: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) peak_memory: u64,
}

impl Running {
    /// Starts `command`; its streams go into files of the folder `streams`.
    pub(super) fn start(mut command: Command, streams: &Path) -> Self {
        let open = |name| {
            File::options().write(true).create(true).truncate(true).open(streams.join(name)).unwrap_or_else(|error| {
                panic!("{}: {error}", streams.display());
            })
        };
        command.process_group(0).stdin(Stdio::null()).stdout(open("stdout")).stderr(open("stderr"));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, streams: streams.to_owned(), peak_memory: 0 }
    }

    /// Waits until `look` is true, it ends, or the time is over; whether `look` was.
    pub(super) async fn wait_until(&mut self, longest: Duration, look: impl Fn() -> bool) -> bool {
        let give_up = Instant::now() + longest;
        while Instant::now() < give_up && self.status().is_none() {
            if look() {
                return true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        look()
    }

    /// Waits for its end and asks it to end when the time is over.
    pub(super) async fn wait(mut self, longest: Duration) -> Ended {
        let by_itself = self.wait_for_end(longest).await;
        if !by_itself {
            self.signal(Signal::INT);
        }
        self.end(by_itself).await
    }

    /// Sends a signal and waits for the end.
    pub(super) async fn stop(mut self, signal: Signal) -> Ended {
        let by_itself = self.status().is_some();
        self.signal(signal);
        self.end(by_itself).await
    }

    async fn end(mut self, by_itself: bool) -> Ended {
        if !self.wait_for_end(FAREWELL).await {
            self.signal(Signal::KILL);
        }
        let status = self.child.wait().unwrap();
        let text = |name| String::from_utf8_lossy(&std::fs::read(self.streams.join(name)).unwrap()).into_owned();
        Ended {
            code: status.code(),
            signal: status.signal(),
            by_itself,
            stdout: text("stdout"),
            stderr: text("stderr"),
            peak_memory: self.peak_memory,
        }
    }

    async fn wait_for_end(&mut self, longest: Duration) -> bool {
        let give_up = Instant::now() + longest;
        while self.status().is_none() {
            if Instant::now() >= give_up {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    fn status(&mut self) -> Option<ExitStatus> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let peak = line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024;
        self.peak_memory = self.peak_memory.max(peak);
        self.child.try_wait().unwrap()
    }

    /// Sends a signal to it and all it has started.
    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by now.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}
