//! The app's icons, all made from one drawing.

use anyhow::{Result, bail};

use crate::{place, shell};

/// Makes every icon from `icons/ropeway.svg`.
pub(crate) fn make() -> Result<()> {
    if !shell::has("rsvg-convert") {
        bail!("rsvg-convert was not found; `cargo xtask setup` installs it (Debian: librsvg2-bin)");
    }
    shell::run(&mut script())
}

/// Fails if the icons were made from another drawing.
pub(crate) fn check() -> Result<()> {
    shell::run(script().arg("--check"))
}

fn script() -> std::process::Command {
    let mut command = shell::command("python3");
    command.arg(place::root().join("icons/generate.py"));
    command
}
