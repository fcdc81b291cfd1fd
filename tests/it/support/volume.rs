//! Small and read-only volumes, in a mount namespace of the command's own.

use std::{path::Path, process::Command};

use ropeway_testkit::{machine, namespace};

use super::Home;

/// A shell `script` with a fresh tmpfs on `folder` that nobody else sees; `ropeway` and `$folder` are set in it.
/// `None` where this machine is known to give no namespaces.
pub(crate) fn on_volume(home: &Home, options: &str, folder: &Path, script: &str) -> Option<Command> {
    let script = format!("ropeway() {{ '{}' \"$@\"; }}; {script}", super::program::program().display());
    let command = namespace::on_tmpfs(options, folder, &script);
    if command.is_none() {
        machine::excuse(machine::NAMESPACES);
    }
    command.map(|mut command| {
        home.dress(&mut command);
        command
    })
}
