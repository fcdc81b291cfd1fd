//! The program `ropeway`, in a home of its own.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ropeway_testkit::TempFolder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::wait_until;

/// Longest a command may take; it only decides how late a broken test fails.
const PATIENCE: Duration = Duration::from_secs(180);

/// A user's folders: queue, settings, and a folder to work in.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempFolder,
}

/// A command that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// The exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// All of stdout.
    pub(crate) stdout: String,
    /// All of stderr.
    pub(crate) stderr: String,
    /// The most memory it had resident, in bytes, as far as could be seen.
    pub(crate) peak_memory: u64,
}

/// A command under way; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Stream,
    stderr: Stream,
    peak_memory: u64,
}

/// What a command has written so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    text: Arc<Mutex<String>>,
    reader: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Home {
    /// A fresh home.
    pub(crate) fn new() -> Self {
        let folder = TempFolder::new();
        for name in ["data", "config", "work"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        Self { folder }
    }

    /// A path in the folder that commands run in.
    pub(crate) fn work(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join("work").join(name)
    }

    /// A path in the folder of the queue.
    pub(crate) fn data(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join("data").join(name)
    }

    /// A path in the folder of the settings.
    pub(crate) fn config(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join("config").join(name)
    }

    /// The names in the folder that commands run in, sorted.
    pub(crate) fn work_names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.work("")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The command with these arguments, not started yet.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(program());
        self.dress(&mut command);
        command.args(arguments);
        command
    }

    /// Gives `command` this home and nothing of the real user's.
    pub(crate) fn dress(&self, command: &mut Command) {
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "RUST_LOG"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command
            .env("HOME", self.folder.path())
            .env("ROPEWAY_DATA_DIR", self.folder.join("data"))
            .env("ROPEWAY_CONFIG_DIR", self.folder.join("config"))
            .current_dir(self.work(""));
    }

    /// Runs a command to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Finished {
        self.start(arguments).wait()
    }

    /// Starts a command.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Running {
        Running::spawn(self.command(arguments)).0
    }

    /// Runs a command to its end with `input` on stdin.
    pub(crate) fn run_with_input<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Finished {
        let (running, mut stdin) = Running::spawn(self.command(arguments));
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        running.wait()
    }
}

impl Running {
    /// Starts `command` with its streams taken.
    pub(crate) fn spawn(mut command: Command) -> (Self, ChildStdin) {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdin = child.stdin.take().unwrap();
        let stdout = Stream::of(child.stdout.take().unwrap());
        let stderr = Stream::of(child.stderr.take().unwrap());
        (Self { child, stdout, stderr, peak_memory: 0 }, stdin)
    }

    /// What it has written to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Finished {
        let give_up = Instant::now() + PATIENCE;
        let status = loop {
            self.peak_memory = self.peak_memory.max(self.resident());
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < give_up, "still running; it said:\n{}\n{}", self.stdout(), self.stderr());
            thread::sleep(Duration::from_millis(5));
        };
        self.finished(status)
    }

    /// The most memory it has had resident, in bytes; 0 once it is gone.
    fn resident(&self) -> u64 {
        self.memory("VmHWM")
    }

    /// What the kernel says of its memory under this name, in bytes; 0 once it is gone.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
    }

    fn finished(&self, status: ExitStatus) -> Finished {
        Finished {
            code: status.code(),
            stdout: self.stdout.to_the_end(),
            stderr: self.stderr.to_the_end(),
            peak_memory: self.peak_memory,
        }
    }

    /// The first line on stdout; fails the test if it ends without one.
    pub(crate) fn first_line(&mut self) -> String {
        wait_until("a line on stdout", || {
            let line = self.stdout().split_once('\n').map(|(line, _)| line.to_owned());
            assert!(line.is_some() || !self.has_ended(), "it ended without a line; stderr: {}", self.stderr());
            line
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stream {
    /// Reads `source` on a thread of its own: a full pipe would stop the program.
    fn of(source: impl Read + Send + 'static) -> Self {
        let stream = Self::default();
        let text = Arc::clone(&stream.text);
        let reader = thread::spawn(move || {
            for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
                writeln!(text.lock().unwrap(), "{}", String::from_utf8_lossy(&line)).unwrap();
            }
        });
        *stream.reader.lock().unwrap() = Some(reader);
        stream
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    fn to_the_end(&self) -> String {
        if let Some(reader) = self.reader.lock().unwrap().take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

impl Finished {
    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The lines of stdout as JSON.
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The results among the lines of JSON.
    pub(crate) fn results(&self) -> Vec<Value> {
        self.json().into_iter().filter(|line| line["event"] == "result").collect()
    }
}

/// The program that was built beside this test.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("ropeway");
    assert!(program.is_file(), "{} is not built: cargo build --package ropeway-cli", program.display());
    program
}

/// Whether this machine can watch the system calls of a program.
pub(crate) fn has_strace() -> bool {
    Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
}
