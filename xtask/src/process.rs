//! Programs that run beside this one, and end with it.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::shell;

/// How long a program may take to save its state when it is asked to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// A running program. Dropping it ends it.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program that writes what it says into a log, appended to.
    ///
    /// It gets a process group of its own, so that Ctrl+C reaches only us, who then end the programs in
    /// order. Where `setpriv` exists, the kernel ends the program even if we are killed.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = fs::File::options().create(true).append(true).open(log)?;
        let mut tied = tied(command);
        tied.process_group(0).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = tied.spawn().with_context(|| format!("cannot start the {name}"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// What it is, for people.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it writes what it says.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it at once, as a crash or a power cut would.
    pub(crate) fn kill(&mut self) {
        // Both fail only if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end and waits until it has; a program that does not is killed.
    pub(crate) fn stop(&mut self) -> Option<ExitStatus> {
        if let (true, Some(pid)) = (self.is_running(), i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)) {
            let asked = Instant::now();
            if kill_process(pid, Signal::TERM).is_ok() {
                while self.is_running() && asked.elapsed() < FAREWELL {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
        self.kill();
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The same command under `setpriv --pdeathsig`, which replaces itself by the program.
fn tied(command: &Command) -> Command {
    let mut tied = match shell::find("setpriv").filter(|_| cfg!(target_os = "linux")) {
        Some(setpriv) => {
            let mut tied = Command::new(setpriv);
            tied.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program());
            tied
        }
        None => Command::new(command.get_program()),
    };
    tied.args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(key, value),
            None => tied.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        tied.current_dir(folder);
    }
    tied
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> (Process, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let process = Process::start("shell", Command::new("sh").args(["-c", script]), &folder.path().join("log"));
        (process.unwrap(), folder)
    }

    #[test]
    fn stop_lets_a_program_say_goodbye() {
        let (mut process, folder) = start("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.02; done");
        while fs::read_to_string(folder.path().join("log")).unwrap().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(process.stop().and_then(|status| status.code()), Some(7));
        assert_eq!(fs::read_to_string(folder.path().join("log")).unwrap(), "up\nbye\n");
    }

    #[test]
    fn a_dropped_program_has_ended() {
        let (process, _folder) = start("exec sleep 600");
        let pid = Pid::from_raw(i32::try_from(process.child.id()).unwrap()).unwrap();
        drop(process);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }
}
