//! What the eye would only find in review: format, lints, types of the UI, licences of the dependencies.

use anyhow::Result;

use crate::{
    icons, place,
    setup::{self, apt, apt::Need},
    shell,
    step::Steps,
    ui,
};

/// Every check, warnings denied.
pub(crate) fn everything() -> Result<()> {
    let mut steps = Steps::default();
    // Clippy compiles the window too, with its libraries and the page it embeds.
    steps.need("set-up", || {
        apt::install(&[Need::Build, Need::Window, Need::Check])?;
        setup::npm::install(&place::ui())
    })?;
    steps.also("format", || shell::run(&mut shell::cargo(&["fmt", "--all", "--check"])));
    steps.need("web UI", ui::build)?;
    steps.also("svelte-check", || shell::run(&mut shell::npm(&place::ui(), &["run", "check"])));
    steps.also("clippy", || {
        shell::run(&mut shell::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    });
    steps.also("clippy, `ropeway serve` alone", || one_half_of_the_program("serve"));
    steps.also("clippy, the queue alone", || one_half_of_the_program("queue"));
    steps.also("icons", icons::check);
    if shell::has("cargo-deny") {
        steps.also("licences and sources", || {
            shell::run(&mut shell::cargo(&["deny", "--all-features", "check", "licenses", "bans", "sources"]))
        });
    }
    steps.close()
}

/// Checks the program with one of its two features, which a build of the whole workspace never leaves out.
fn one_half_of_the_program(feature: &str) -> Result<()> {
    let chosen = ["clippy", "--package", "ropeway-cli", "--no-default-features", "--features", feature];
    shell::run(shell::cargo(&chosen).args(["--all-targets", "--locked", "--", "-D", "warnings"]))
}
