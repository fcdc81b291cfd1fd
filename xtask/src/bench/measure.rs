//! One run of one client: how long, how much processor, how much memory, and whether the bytes are right.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context, Result, bail};

use super::{clients::Client, server::Server};
use crate::shell;

/// What one run cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    /// Seconds from start to end.
    pub(super) wall: f64,
    /// Seconds of processor, the kernel's included.
    pub(super) cpu: f64,
    /// Peak resident memory in MiB.
    pub(super) memory: f64,
}

impl Figures {
    /// The median of each figure on its own.
    pub(super) fn median(rounds: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Self { wall: middle(|it| it.wall), cpu: middle(|it| it.cpu), memory: middle(|it| it.memory) }
    }
}

/// A folder that is removed at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(parent: &Path) -> Result<Self> {
        let folder = parent.join(format!("ropeway-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays in a place that the system clears.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a client once, in an empty folder and with an empty queue.
///
/// # Errors
/// If it fails, or what it saved is not what was served.
pub(super) fn once(client: &Client, server: &Server) -> Result<Figures> {
    for folder in [server.out(), server.state()] {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
    }
    let report = server.state().join("time");
    let mut command = shell::command("time");
    command.args(["--quiet", "--format", "%U %S %M", "--output"]).arg(&report).args(&client.command);
    command.current_dir(server.out()).env("HOME", server.state()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.env("ROPEWAY_DATA_DIR", server.state().join("queue")).env("ROPEWAY_CONFIG_DIR", server.state());
    let start = Instant::now();
    let output = command.output().context("cannot start `time`")?;
    let wall = start.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    for (saved, served) in &client.results {
        if !is_equal(saved, served)? {
            bail!("{} is not what was served", saved.display());
        }
    }
    let report = fs::read_to_string(report)?;
    let (cpu, memory) = parse(&report).with_context(|| format!("`time` said {report:?}"))?;
    Ok(Figures { wall, cpu, memory })
}

/// Seconds of processor and MiB of memory out of what `time` wrote.
fn parse(report: &str) -> Option<(f64, f64)> {
    let mut words = report.lines().last()?.split_whitespace().map(str::parse::<f64>);
    let (user, system, kilobytes) = (words.next()?.ok()?, words.next()?.ok()?, words.next()?.ok()?);
    Some((user + system, kilobytes / 1024.0))
}

fn is_equal(saved: &Path, served: &Path) -> Result<bool> {
    let same = shell::command("cmp").arg("--silent").args([saved, served]).status().context("cannot start cmp")?;
    Ok(same.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_time_is_its_last_line() {
        assert_eq!(parse("Command exited\n0.10 0.40 20480\n").unwrap(), (0.5, 20.0));
        assert!(parse("nothing").is_none() && parse("").is_none());
    }

    #[test]
    fn each_figure_has_its_own_median() {
        let figures = |wall, cpu| Figures { wall, cpu, memory: 1.0 };
        let median = Figures::median(&[figures(3.0, 1.0), figures(1.0, 2.0), figures(2.0, 3.0)]);
        assert_eq!(median, figures(2.0, 2.0));
    }
}
