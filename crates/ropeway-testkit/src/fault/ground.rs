//! What a client stands on: an ordinary folder, a small or sealed volume, a disk that fails, few descriptors.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
};

use crate::namespace::on_tmpfs;

/// What surrounds the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// Nothing special.
    Plain,
    /// A tmpfs with these mount options; its files are copied out at the end.
    Volume(&'static str),
    /// A system call that fails, in the words of `strace --inject`.
    Failing(&'static str),
    /// The same, of those calls alone that name this file in the folder of work.
    FailingAt(&'static str, &'static str),
    /// At most this many open descriptors.
    Descriptors(u16),
}

/// Enters the volume, runs, copies out: `$1` folder of the copy, then the program.
const ON_VOLUME: &str = r#"cd "$PWD"; copy=$1; shift; "$@"; code=$?; cp -a . "$copy"; exit $code"#;

impl Ground {
    /// The command that runs `program` there; `None` where this machine cannot provoke it.
    pub(super) fn command(self, program: &Path, arguments: &[OsString], work: &Path, copy: &Path) -> Option<Command> {
        let mut command = match self {
            Self::Plain => Command::new(program),
            Self::Volume(options) => {
                let mut command = on_tmpfs(options, Path::new("."), ON_VOLUME)?;
                command.arg(copy).arg(program);
                command
            }
            Self::Failing(injection) => {
                let mut command = injected(injection)?;
                command.arg(program);
                command
            }
            Self::FailingAt(injection, name) => {
                let mut command = injected(injection)?;
                command.arg("-P").arg(work.join(name)).arg(program);
                command
            }
            Self::Descriptors(most) => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("ulimit -n {most}; exec \"$@\""), "sh"]).arg(program);
                command
            }
        };
        command.args(arguments);
        Some(command)
    }

    /// Whether the files must be looked for in the copy.
    pub(super) const fn is_copied(self) -> bool {
        matches!(self, Self::Volume(_))
    }
}

fn injected(injection: &str) -> Option<Command> {
    if !works(Command::new("strace").args(["-o", "/dev/null", "true"])) {
        return None;
    }
    let mut command = Command::new("strace");
    let call = injection.split(':').next().unwrap_or_default();
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={injection}")]);
    Some(command)
}

fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
