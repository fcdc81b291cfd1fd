//! A run of several steps: how each ended and how long it took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The steps so far.
#[derive(Default)]
pub(crate) struct Steps {
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    took: Duration,
    error: Option<String>,
}

impl Steps {
    /// Runs a step that everything after it stands on: its failure is the run's end.
    pub(crate) fn need(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        self.also(name, work);
        match self.rows.last() {
            Some(Row { error: Some(_), .. }) => {
                println!("\n{}", self.table());
                bail!("{name} failed, and the rest needs it");
            }
            _ => Ok(()),
        }
    }

    /// Runs a step; the ones after it run whatever its end.
    pub(crate) fn also(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) {
        println!("\n=== {name}");
        let start = Instant::now();
        let error = work().err().map(|error| format!("{error:#}"));
        if let Some(error) = &error {
            eprintln!("error: {error}");
        }
        self.rows.push(Row { name, took: start.elapsed(), error });
    }

    /// Prints the table of all steps.
    ///
    /// # Errors
    /// If a step failed; the message names it.
    pub(crate) fn close(self) -> Result<()> {
        println!("\n{}", self.table());
        let failed: Vec<&str> = self.rows.iter().filter(|row| row.error.is_some()).map(|row| row.name).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join(", "));
        }
        Ok(())
    }

    fn table(&self) -> String {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max("all".len());
        let line = |name: &str, took: Duration, end: &str| {
            format!("{name:width$}  {}  {end}", minutes(took)).trim_end().to_owned()
        };
        let all: Duration = self.rows.iter().map(|row| row.took).sum();
        let rows = self.rows.iter().map(|row| match &row.error {
            None => line(row.name, row.took, "ok"),
            Some(error) => line(row.name, row.took, &format!("FAILED  {}", error.lines().next().unwrap_or_default())),
        });
        rows.chain([line("all", all, "")]).collect::<Vec<_>>().join("\n")
    }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:>3}:{:02}.{}", seconds / 60, seconds % 60, time.subsec_millis() / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_after_a_failed_one_still_run_and_the_end_names_it() {
        let mut steps = Steps::default();
        let mut ran = false;
        steps.also("first", || bail!("broken"));
        steps.also("second", || {
            ran = true;
            Ok(())
        });
        assert!(ran);
        assert!(steps.table().contains("FAILED  broken"), "{}", steps.table());
        assert_eq!(steps.close().unwrap_err().to_string(), "failed: first");
    }

    #[test]
    fn a_needed_step_that_fails_ends_the_run() {
        let error = Steps::default().need("build", || bail!("broken")).unwrap_err();
        assert_eq!(error.to_string(), "build failed, and the rest needs it");
    }

    #[test]
    fn durations_are_minutes_and_tenths_of_seconds() {
        assert_eq!(minutes(Duration::from_millis(61_250)), "  1:01.2");
    }
}
