//! The table at the end: what moved, and whether it arrived as it was sent.

use anyhow::{Result, bail};

use super::{
    control::{Direction, Job},
    display::{bytes, rate},
    files::{Load, Train},
};
use crate::digest::sha256;

/// What became of every file.
pub(super) struct Report {
    rows: Vec<[String; 6]>,
    failures: Vec<String>,
}

const HEAD: [&str; 6] = ["File", "Direction", "Bytes", "Rate", "SHA-256", "Verified"];

/// Columns that hold numbers and stand to the right.
const RIGHT: [bool; 6] = [false, false, true, true, false, false];

impl Report {
    /// Compares every file where it arrived with what was sent. What the queue says of it is not enough: the bytes
    /// on the disk are read again.
    pub(super) fn of(loads: &[Load], jobs: &[Job]) -> Self {
        let mut report = Self { rows: Vec::new(), failures: Vec::new() };
        for train in Train::ALL {
            let outcomes: Vec<Outcome> =
                loads.iter().filter(|load| load.train == train).map(|load| Outcome::of(load, jobs)).collect();
            report.add(train, &outcomes);
        }
        report
    }

    fn add(&mut self, train: Train, outcomes: &[Outcome]) {
        let direction = match train.direction() {
            Direction::Download => "download",
            Direction::Upload => "upload",
        };
        let size: u64 = outcomes.iter().map(|outcome| outcome.bytes).sum();
        let began = outcomes.iter().filter_map(|outcome| outcome.span).map(|span| span.0).min();
        let ended = outcomes.iter().filter_map(|outcome| outcome.span).map(|span| span.1).max();
        let speed = match (began, ended) {
            (Some(began), Some(ended)) => {
                rate(size.saturating_mul(1000) / u64::try_from(ended - began).unwrap_or(0).max(1))
            }
            _ => "–".to_owned(),
        };
        let digest = match outcomes {
            [one] => one.digest.chars().take(16).collect::<String>() + "…",
            many => format!("{} digests", many.len()),
        };
        let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.error.is_some()).collect();
        let verified =
            if failed.is_empty() { "yes".to_owned() } else { format!("NO ({} of {})", failed.len(), outcomes.len()) };
        self.rows.push([train.label().to_owned(), direction.to_owned(), bytes(size), speed, digest, verified]);
        self.failures.extend(
            failed.iter().map(|outcome| format!("{}: {}", outcome.name, outcome.error.as_deref().unwrap_or_default())),
        );
    }

    /// The table as text.
    pub(super) fn table(&self) -> String {
        let head = HEAD.map(ToOwned::to_owned);
        let width = |column: usize| {
            std::iter::once(&head).chain(&self.rows).map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let line = |row: &[String; 6]| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = width(column);
                if RIGHT[column] { format!("{cell:>width$}") } else { format!("{cell:width$}") }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let rule = "─".repeat(
            line(&head).chars().count().max(self.rows.iter().map(|row| line(row).chars().count()).max().unwrap_or(0)),
        );
        let body: Vec<String> = self.rows.iter().map(&line).collect();
        format!("{}\n{rule}\n{}", line(&head), body.join("\n"))
    }

    /// The demo's end.
    ///
    /// # Errors
    /// If a file is not where it should be, as it should be; the message names each.
    pub(super) fn verdict(&self) -> Result<()> {
        if !self.failures.is_empty() {
            bail!("not all files arrived:\n  {}", self.failures.join("\n  "));
        }
        println!("\nEvery byte arrived, and every file was read again and compared.");
        Ok(())
    }
}

/// What became of one file.
struct Outcome {
    name: String,
    bytes: u64,
    /// From when to when it was in the queue, in milliseconds of Unix time.
    span: Option<(i64, i64)>,
    digest: String,
    error: Option<String>,
}

impl Outcome {
    fn of(load: &Load, jobs: &[Job]) -> Self {
        let job = jobs.iter().find(|job| job.direction == load.train.direction() && job.name == load.name);
        let arrived = sha256(&load.arrival).map_err(|error| format!("{}: {error:#}", load.arrival.display()));
        let error = match (job, &arrived) {
            (None, _) => Some("is not in the queue".to_owned()),
            (Some(job), _) if job.phase.kind != "completed" => Some(unfinished(job)),
            (Some(_), Err(error)) => Some(error.clone()),
            (Some(_), Ok(digest)) if *digest != load.sha256 => {
                Some(format!("arrived as {digest}, was sent as {}", load.sha256))
            }
            (Some(job), Ok(digest)) if job.digest.as_ref().is_some_and(|said| *said != format!("sha256:{digest}")) => {
                Some("the queue shows another digest than the file has".to_owned())
            }
            _ => None,
        };
        Self {
            name: load.name.clone(),
            bytes: load.bytes,
            span: job.and_then(|job| Some((job.created_ms, job.finished_ms?))),
            digest: arrived.unwrap_or_default(),
            error,
        }
    }
}

fn unfinished(job: &Job) -> String {
    match &job.phase.failure {
        Some(failure) => format!("{}: {}", failure.code, failure.message),
        None => format!("is still {}", job.phase.kind),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::demo::control::{Phase, Progress};

    fn load(folder: &Path, sent: &str, arrived: &str) -> Load {
        let (source, arrival) = (folder.join("sent"), folder.join("arrived"));
        std::fs::write(&source, sent).unwrap();
        std::fs::write(&arrival, arrived).unwrap();
        let sha256 = sha256(&source).unwrap();
        Load { train: Train::Image, name: "glacier.img".to_owned(), source, arrival, bytes: 4, sha256 }
    }

    fn job(kind: &str) -> Job {
        Job {
            id: 1,
            direction: Direction::Download,
            name: "glacier.img".to_owned(),
            phase: Phase { kind: kind.to_owned(), failure: None },
            progress: Progress::default(),
            created_ms: 1000,
            finished_ms: Some(3000),
            digest: None,
        }
    }

    #[test]
    fn a_file_that_arrived_otherwise_than_it_was_sent_fails_the_demo() {
        let folder = tempfile::tempdir().unwrap();
        let load = load(folder.path(), "sent", "lost");
        let outcome = Outcome::of(&load, &[job("completed")]);
        assert!(outcome.error.unwrap().starts_with("arrived as"));
    }

    #[test]
    fn a_job_that_is_not_completed_fails_the_demo_even_if_the_bytes_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let load = load(folder.path(), "sent", "sent");
        assert_eq!(Outcome::of(&load, &[job("running")]).error.unwrap(), "is still running");
        assert_eq!(Outcome::of(&load, &[]).error.unwrap(), "is not in the queue");
        let report = Report::of(&[load], &[job("running")]);
        assert!(report.verdict().is_err() && report.table().contains("NO (1 of 1)"), "{}", report.table());
    }

    #[test]
    fn a_file_that_arrived_is_verified_and_has_its_rate() {
        let folder = tempfile::tempdir().unwrap();
        let report = Report::of(&[load(folder.path(), "sent", "sent")], &[job("completed")]);
        assert!(report.failures.is_empty());
        assert!(report.rows[0][3].starts_with("2 B/s") && report.rows[0][5] == "yes", "{}", report.table());
    }
}
