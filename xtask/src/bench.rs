//! Ropeway beside other clients, on one machine, on the same files and the same server.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
};

use anyhow::{Context, Result, bail};

use crate::{
    place,
    setup::{apt, apt::Need},
    shell,
};

const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// Builds the release program, runs the rig with it and writes what it prints into docs/performance.md.
pub(crate) fn run(rig: &Path, only: &str, rounds: u32) -> Result<()> {
    let rig = place::root().join(rig);
    if !rig.is_file() {
        bail!("there is no rig at {}; name one with --rig", rig.display());
    }
    apt::install(&[Need::Build, Need::Test, Need::Bench])?;
    crate::setup::npm::install(&place::ui())?;
    crate::ui::build()?;
    shell::run(&mut shell::cargo(&["build", "--release", "--locked", "-p", "ropeway-cli"]))?;
    let figures = measure(&rig, only, rounds)?;
    let page = place::root().join("docs/performance.md");
    let text = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
    fs::write(&page, insert(&text, &figures)?)?;
    println!("Written into docs/performance.md");
    Ok(())
}

fn measure(rig: &Path, only: &str, rounds: u32) -> Result<String> {
    let mut command = shell::command("python3");
    command.arg(rig).arg("--ropeway").arg(place::built("release", "ropeway"));
    command.args(["--only", only, "--rounds", &rounds.to_string()]).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start python3")?;
    let mut figures = String::new();
    for line in BufReader::new(child.stdout.take().context("the rig has no output")?).lines() {
        let line = line?;
        println!("{line}");
        figures.push_str(&line);
        figures.push('\n');
    }
    let status = child.wait()?;
    if !status.success() || figures.contains("FAILED") {
        bail!("the rig failed: {status}");
    }
    Ok(figures)
}

/// Puts the figures between the page's two marks.
fn insert(page: &str, figures: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).context("docs/performance.md has lost its opening mark")?;
    let (_, behind) = rest.split_once(END).context("docs/performance.md has lost its closing mark")?;
    Ok(format!("{before}{BEGIN}\n```text\n{figures}```\n{END}{behind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_replace_what_was_between_the_marks_and_nothing_else() {
        let page = format!("# Head\n{BEGIN}\nold\n{END}\nTail\n");
        let once = insert(&page, "new\n").unwrap();
        assert_eq!(once, format!("# Head\n{BEGIN}\n```text\nnew\n```\n{END}\nTail\n"));
        assert_eq!(insert(&once, "new\n").unwrap(), once);
        assert!(insert("no marks", "new").is_err());
    }
}
