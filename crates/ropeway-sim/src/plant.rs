//! Faults planted into a run that it must find: each takes one protection of the engine away from outside.

use std::str::FromStr;

/// A protection that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The part file is not synced before the row that claims its bytes is committed.
    NoSync,
    /// A split is saved with the new half as if it were written.
    SplitAsWritten,
}

impl Plant {
    /// Every fault there is.
    pub const ALL: [Self; 2] = [Self::NoSync, Self::SplitAsWritten];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoSync => "no-sync",
            Self::SplitAsWritten => "split-as-written",
        }
    }

    /// What is done to the queue's database.
    pub(crate) const fn sql(self) -> Option<&'static str> {
        match self {
            Self::SplitAsWritten => Some(
                "CREATE TRIGGER planted AFTER INSERT ON segment
                 WHEN NEW.start_offset > 0 AND NEW.written = 0 AND NEW.end_offset IS NOT NULL
                 BEGIN
                     UPDATE segment SET written = end_offset - start_offset
                     WHERE job = NEW.job AND start_offset = NEW.start_offset;
                 END",
            ),
            Self::NoSync => None,
        }
    }
}

impl FromStr for Plant {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|plant| plant.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|plant| plant.name()).collect();
            format!("there is no planted fault '{name}'; there are {}", names.join(", "))
        })
    }
}
