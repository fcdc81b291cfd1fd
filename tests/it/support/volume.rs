//! Small and read-only volumes, in a mount namespace of the command's own.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use super::Home;

/// Mounts, then runs the script: `$1` options, `$2` folder, `$3` script.
const SCRIPT: &str = r#"mount -t tmpfs -o "$1" ropeway "$2" || exit 99; folder=$2; eval "$3""#;

/// A shell `script` with a fresh tmpfs on `folder` that nobody else sees; `ropeway` and `$folder` are set in it.
/// `None` where this machine gives no namespaces, which is said on stdout.
pub(crate) fn on_volume(home: &Home, options: &str, folder: &Path, script: &str) -> Option<Command> {
    if !has_namespaces() {
        println!("skipped: this machine lets nobody mount in a namespace of one's own");
        return None;
    }
    let script = format!("ropeway() {{ '{}' \"$@\"; }}; {script}", super::program::program().display());
    let mut command = unshare();
    home.dress(&mut command);
    command.args(["sh", "-c", SCRIPT, "sh", options].map(OsStr::new)).arg(folder).arg(script);
    Some(command)
}

/// As root a mount namespace is enough; other users need to be root of a namespace first.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
}

fn has_namespaces() -> bool {
    let mut probe = unshare();
    let quiet = probe.arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
