//! A running `ropeway daemon`.

use std::ffi::OsStr;

use rustix::process::Signal;
use serde_json::Value;

use super::{Finished, Home, Running, wait_until};

/// A daemon of a home's queue; killed when dropped.
#[derive(Debug)]
pub(crate) struct Daemon<'a> {
    home: &'a Home,
    running: Running,
    url: String,
}

impl<'a> Daemon<'a> {
    /// Starts one and returns once it answers.
    pub(crate) fn start(home: &'a Home) -> Self {
        Self::of(home, home.start(["daemon"]))
    }

    /// Starts one whose threads share one arena of the allocator. What each would keep in an arena of its own depends on how
    /// busy the machine is, and no job holds it.
    pub(crate) fn start_with_one_arena(home: &'a Home) -> Self {
        let mut command = home.command(["daemon"]);
        command.env("MALLOC_ARENA_MAX", "1");
        Self::of(home, Running::spawn(command).0)
    }

    fn of(home: &'a Home, mut running: Running) -> Self {
        let url = running.first_line();
        assert!(url.starts_with("http://127.0.0.1:") && url.contains("/#token="), "{url}");
        Self { home, running, url }
    }

    /// The address without the token: `http://127.0.0.1:PORT`.
    pub(crate) fn origin(&self) -> &str {
        self.url.split_once("/#token=").unwrap().0
    }

    /// The token.
    pub(crate) fn token(&self) -> &str {
        self.url.split_once("#token=").unwrap().1
    }

    /// Runs a verb.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Finished {
        self.home.run(arguments)
    }

    /// Adds one job and returns its number.
    pub(crate) fn add<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let words = ["add", "--json"].map(|word| OsStr::new(word).to_owned()).into_iter();
        let added = self.run(words.chain(arguments.into_iter().map(|word| word.as_ref().to_owned()))).expect(0).json();
        assert_eq!(added.len(), 1, "{added:?}");
        added[0]["id"].to_string()
    }

    /// The rows of the queue.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.run(["list", "--json"]).expect(0).json()
    }

    /// One row.
    pub(crate) fn job(&self, id: &str) -> Value {
        self.list()
            .into_iter()
            .find(|job| job["id"].as_i64() == id.parse().ok())
            .unwrap_or_else(|| panic!("no job {id}"))
    }

    /// Waits until the job is in this phase; returns its row.
    pub(crate) fn wait_for_phase(&self, id: &str, phase: &str) -> Value {
        wait_until(&format!("job {id} is {phase}"), || {
            let job = self.job(id);
            let kind = job["phase"]["kind"].as_str().unwrap().to_owned();
            assert!(kind == phase || kind != "failed", "{job:#}");
            (kind == phase).then_some(job)
        })
    }

    /// Waits until the job has moved that many bytes.
    pub(crate) fn wait_for_bytes(&self, id: &str, bytes: u64) {
        wait_until(&format!("job {id} moved {bytes} bytes"), || {
            (self.job(id)["progress"]["moved"].as_u64().unwrap() >= bytes).then_some(())
        });
    }

    /// The memory it has resident now and at most had, in bytes.
    pub(crate) fn memory(&self) -> (u64, u64) {
        (self.running.memory("VmRSS"), self.running.memory("VmHWM"))
    }

    /// Ends it as the system would and returns how it ended.
    pub(crate) fn stop(self) -> Finished {
        self.stop_with(Signal::TERM)
    }

    /// Ends it with a polite signal and returns how it ended.
    pub(crate) fn stop_with(self, signal: Signal) -> Finished {
        self.running.signal(signal);
        self.running.wait()
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(self) {
        self.running.kill();
    }
}
