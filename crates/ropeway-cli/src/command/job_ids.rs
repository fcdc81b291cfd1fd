//! Which jobs a verb is about.

use std::{collections::HashSet, str::FromStr};

use clap::Args;
use ropeway_api::view::JobView;

/// Jobs by number, or all of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct JobIds {
    /// Numbers as `ropeway list` shows them, or all
    #[arg(value_name = "ID|all", required = true)]
    which: Vec<Which>,
}

/// One word of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Every job of the list.
    All,
    /// One job.
    One(i64),
}

impl From<Vec<Which>> for JobIds {
    fn from(which: Vec<Which>) -> Self {
        Self { which }
    }
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            _ => text.parse().map(Self::One).map_err(|_| format!("'{text}' is neither a job's number nor all")),
        }
    }
}

impl JobIds {
    /// Whether all jobs are meant.
    pub(crate) fn is_all(&self) -> bool {
        self.which.contains(&Which::All)
    }

    /// The numbers that were given; empty with `all`.
    pub(crate) fn given(&self) -> Vec<i64> {
        if self.is_all() {
            return Vec::new();
        }
        let number = |which: &Which| match which {
            Which::One(id) => Some(*id),
            Which::All => None,
        };
        self.which.iter().filter_map(number).collect()
    }

    /// The numbers, with those of `jobs` for `all`.
    pub(crate) fn among(&self, jobs: &[JobView]) -> Vec<i64> {
        if self.is_all() { jobs.iter().map(|job| job.id).collect() } else { self.given() }
    }

    /// A number that was given and is none of `jobs`.
    pub(crate) fn missing(&self, jobs: &[JobView]) -> Option<i64> {
        let known: HashSet<i64> = jobs.iter().map(|job| job.id).collect();
        self.given().into_iter().find(|id| !known.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_or_all_and_nothing_else() {
        assert_eq!("17".parse(), Ok(Which::One(17)));
        assert_eq!("all".parse(), Ok(Which::All));
        assert!("1-3".parse::<Which>().is_err() && "".parse::<Which>().is_err());
        let mixed = JobIds { which: vec![Which::One(3), Which::All] };
        assert!(mixed.is_all() && mixed.given().is_empty());
    }
}
