//! What a machine needs before anything can be built, run or tested. Each part looks first and installs only what is
//! missing; with everything there it takes well under a second.

pub(crate) mod apt;
pub(crate) mod cargo_tools;
pub(crate) mod npm;

use anyhow::Result;

use self::apt::Need;
use crate::place;

/// All that the tests need.
pub(crate) fn everything() -> Result<()> {
    apt::install(&[Need::Build, Need::Window, Need::Check, Need::Test])?;
    for folder in [place::ui(), place::web_tests(), place::peers()] {
        npm::install(&folder)?;
    }
    cargo_tools::install()
}

/// What the build of the programs needs; the window's libraries only where a window is built.
pub(crate) fn build(window: bool) -> Result<()> {
    apt::install(if window { &[Need::Build, Need::Window] } else { &[Need::Build] })?;
    npm::install(&place::ui())
}
