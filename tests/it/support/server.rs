//! A running `ropeway serve`.

use std::path::Path;

use rustix::process::Signal;

use super::{Finished, Home, Running};

/// A service for one folder; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    running: Running,
    url: String,
}

impl Server {
    /// Starts one for `root` with these flags.
    pub(crate) fn start(home: &Home, root: &Path, flags: &[&str]) -> Self {
        let root = root.to_str().unwrap();
        let mut running = home.start([&["serve", "--root", root, "--bind", "127.0.0.1:0"], flags].concat());
        let line = running.first_line();
        let url = line.strip_prefix(&format!("serving {root} on ")).unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { running, url }
    }

    /// The address of `path` (without a leading slash) there.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    /// The most memory it had resident so far, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.running.memory("VmHWM")
    }

    /// What it has said on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.running.stderr()
    }

    /// Ends it as the user would and returns how it ended.
    pub(crate) fn stop(self, signal: Signal) -> Finished {
        self.running.signal(signal);
        self.running.wait()
    }
}
