//! What a call answers. A reply that tells of many jobs is written row by row as it is read: a hundred thousand rows are
//! never in memory at once.

use ropeway_engine::Engine;
use ropeway_model::JobId;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    command::Added,
    convert,
    error::{ApiCode, ApiError},
};

/// Rows that are looked up and written together: enough that taking the lock does not count, some ten KiB of text.
const ROWS: usize = 64;
/// The field of a reply that its rows are in.
const JOBS: &str = "jobs";

/// What a call answers, as JSON.
#[derive(Debug)]
pub struct Reply(Content);

#[derive(Debug)]
enum Content {
    Whole(Value),
    /// An object, and the jobs whose rows belong in its field `jobs`.
    Jobs {
        head: Map<String, Value>,
        rows: Rows,
    },
}

#[derive(Debug)]
struct Rows {
    engine: Engine,
    ids: std::vec::IntoIter<JobId>,
}

/// The JSON of a reply in pieces.
#[derive(Debug)]
struct Pieces {
    before: Option<String>,
    rows: Option<Rows>,
    is_first: bool,
}

impl Reply {
    pub(crate) fn of(value: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self(Content::Whole(to_value(value)?)))
    }

    /// A reply whose field `jobs` holds the rows of these jobs, as they are when they are read; `head` is the rest.
    pub(crate) fn with_jobs(engine: &Engine, head: &impl Serialize, ids: Vec<JobId>) -> Result<Self, ApiError> {
        let rows = Rows { engine: engine.clone(), ids: ids.into_iter() };
        match to_value(head)? {
            Value::Object(head) => Ok(Self(Content::Jobs { head, rows })),
            other => Ok(Self(Content::Whole(other))),
        }
    }

    /// The reply in one piece.
    pub fn value(self) -> Value {
        match self.0 {
            Content::Whole(value) => value,
            Content::Jobs { mut head, rows } => {
                let rows = rows.flatten().filter_map(|row| serde_json::to_value(&row).ok());
                head.insert(JOBS.to_owned(), rows.collect());
                Value::Object(head)
            }
        }
    }

    /// The reply to a call that adds jobs, for a caller in this process: its rows are no text in between.
    ///
    /// # Errors
    /// If it is another one.
    pub fn added(self) -> Result<Added, serde_json::Error> {
        match self.0 {
            Content::Jobs { mut head, rows } => {
                head.insert(JOBS.to_owned(), Value::Array(Vec::new()));
                let added: Added = serde_json::from_value(Value::Object(head))?;
                Ok(Added { jobs: rows.flatten().collect(), ..added })
            }
            whole @ Content::Whole(_) => Self(whole).read(),
        }
    }

    /// The reply as its type.
    ///
    /// # Errors
    /// If it is another one.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        match self.0 {
            Content::Whole(value) => serde_json::from_value(value),
            jobs @ Content::Jobs { .. } => serde_json::from_str(&Self(jobs).pieces().collect::<String>()),
        }
    }

    /// The reply as JSON text in pieces of some ten KiB, each made when it is asked for.
    pub fn pieces(self) -> impl Iterator<Item = String> + Send {
        match self.0 {
            Content::Whole(value) => Pieces { before: Some(value.to_string()), rows: None, is_first: true },
            Content::Jobs { mut head, rows } => {
                head.remove(JOBS);
                let mut before = Value::Object(head).to_string();
                // The object goes on: its end comes behind the rows.
                before.pop();
                before.push_str(if before.len() > 1 { ",\"jobs\":[" } else { "\"jobs\":[" });
                Pieces { before: Some(before), rows: Some(rows), is_first: true }
            }
        }
    }
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self(Content::Whole(value))
    }
}

impl Iterator for Rows {
    type Item = Vec<crate::view::JobView>;

    fn next(&mut self) -> Option<Self::Item> {
        let ids: Vec<_> = self.ids.by_ref().take(ROWS).collect();
        (!ids.is_empty()).then(|| self.engine.jobs_of(&ids).iter().map(convert::job).collect())
    }
}

impl Iterator for Pieces {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if let Some(before) = self.before.take() {
            return Some(before);
        }
        let Some(rows) = self.rows.as_mut()?.next() else {
            self.rows = None;
            return Some("]}".to_owned());
        };
        let mut text = String::new();
        // A row is plain values under plain names, which can always be written.
        for row in rows.iter().filter_map(|row| serde_json::to_string(row).ok()) {
            if !std::mem::take(&mut self.is_first) {
                text.push(',');
            }
            text.push_str(&row);
        }
        Some(text)
    }
}

fn to_value(value: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(value).map_err(|error| {
        let hint = "This is a defect of Ropeway: please report it.";
        ApiError::new(ApiCode::StateFailed, format!("the reply cannot be written as JSON: {error}"), hint)
    })
}
