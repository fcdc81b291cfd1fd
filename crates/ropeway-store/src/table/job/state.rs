//! A job's phase in two columns: its kind as a name, its particulars, where it has any, as JSON.

use ropeway_model::{Phase, PhaseKind};
use serde_json::{Map, Value};

use crate::column::{Columns, Json, Name};

/// The field of a serialized [`Phase`] that goes into the column `phase`.
const KIND: &str = "kind";

/// A [`Phase`] as its columns.
pub(crate) struct PhaseColumns {
    pub(crate) kind: Name<PhaseKind>,
    pub(crate) detail: Option<Json<Map<String, Value>>>,
}

impl PhaseColumns {
    pub(crate) fn of(phase: &Phase) -> rusqlite::Result<Self> {
        let detail = match serde_json::to_value(phase) {
            Ok(Value::Object(mut fields)) => {
                fields.remove(KIND);
                (!fields.is_empty()).then_some(Json(fields))
            }
            Ok(_) => None,
            Err(error) => return Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
        };
        Ok(Self { kind: Name(phase.kind()), detail })
    }
}

/// Reads the columns `phase` and `phase_detail`.
pub(super) fn read(columns: &mut Columns<'_>) -> rusqlite::Result<Phase> {
    let kind: String = columns.take()?;
    let mut fields = columns.take::<Option<Json<Map<String, Value>>>>()?.map(|json| json.0).unwrap_or_default();
    fields.insert(KIND.to_owned(), Value::String(kind));
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, format!("no phase: {error}").into())
    })
}
