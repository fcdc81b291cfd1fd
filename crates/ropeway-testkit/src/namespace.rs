//! Namespaces of a command's own: volumes that only it sees, a network that only it has.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// The exit code of a command from [`on_tmpfs`] whose volume could not be mounted.
pub const NO_VOLUME: i32 = 99;

/// Mounts, then runs the script: `$1` options, `$2` folder, `$3` script, and what is for the script.
const MOUNT: &str = r#"mount -t tmpfs -o "$1" ropeway "$2" || exit 99; folder=$2; script=$3; shift 3; eval "$script""#;

/// `unshare` with a namespace of this kind (`--mount`, `--net`), to which the command and its arguments are added; `None`
/// where this machine gives none.
pub fn unshare(kind: &str) -> Option<Command> {
    let command = || {
        let mut command = Command::new("unshare");
        command.arg(kind);
        // Other users need to be root of a namespace first.
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command
    };
    let probe = command().arg("true").stdout(Stdio::null()).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success()).then(command)
}

/// A shell's `script` with a fresh tmpfs with these mount options on `$folder`, which nobody else sees. What is added to
/// the command is `$1` and so on.
pub fn on_tmpfs(options: &str, folder: &Path, script: &str) -> Option<Command> {
    let mut command = unshare("--mount")?;
    command.args(["sh", "-c", MOUNT, "sh", options]).arg(folder).arg(script);
    Some(command)
}
