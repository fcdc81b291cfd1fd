//! A running `ropeway serve`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use super::{Finished, Home, Running, program};

/// A service for one folder; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    running: Running,
    root: PathBuf,
    address: SocketAddr,
}

impl Server {
    /// Starts one for `root` with these flags.
    pub(crate) fn start(home: &Home, root: &Path, flags: &[&str]) -> Self {
        Self::start_at(home, root, SocketAddr::from(([127, 0, 0, 1], 0)), flags)
    }

    /// Starts one for `root` whose system calls fail as these words of `strace --inject` say.
    pub(crate) fn start_failing(home: &Home, root: &Path, injections: &[&str]) -> Self {
        let mut command = Command::new("strace");
        home.dress(&mut command);
        // The program is the process that is started, and what watches it a child of a child.
        command.args(["-D", "-f", "-qq", "-o", "/dev/null"]);
        for injection in injections {
            command.args(["-e", &format!("inject={injection}")]);
        }
        command.arg(program()).args(["serve", "--bind", "127.0.0.1:0", "--root"]).arg(root);
        Self::announced(Running::spawn(command).0, root)
    }

    fn start_at(home: &Home, root: &Path, address: SocketAddr, flags: &[&str]) -> Self {
        let bind = address.to_string();
        let serve = ["serve", "--root", root.to_str().unwrap(), "--bind", &bind];
        Self::announced(home.start([&serve, flags].concat()), root)
    }

    fn announced(mut running: Running, root: &Path) -> Self {
        let line = running.first_line();
        let url = line.strip_prefix(&format!("serving {} on http://", root.display()));
        let address = url.and_then(|url| url.parse().ok()).unwrap_or_else(|| panic!("{line}"));
        Self { running, root: root.to_owned(), address }
    }

    /// Ends it as a crash would, lets `meanwhile` happen, and starts it again for the same folder at the same address.
    pub(crate) fn crash_and_start(self, home: &Home, meanwhile: impl FnOnce()) -> Self {
        let Self { running, root, address } = self;
        running.kill();
        meanwhile();
        Self::start_at(home, &root, address, &[])
    }

    /// The address of `path` (without a leading slash) there.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
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
