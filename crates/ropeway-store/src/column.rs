//! How values of the model are written into columns: readable in the sqlite3 shell and without loss.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{
    Serialize,
    de::{DeserializeOwned, value::StrDeserializer},
};

/// Reads the columns of a row one after the other, in the order of its `SELECT`.
pub(crate) struct Columns<'row> {
    row: &'row Row<'row>,
    next: usize,
}

impl<'row> Columns<'row> {
    pub(crate) const fn of(row: &'row Row<'row>) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let at = self.next;
        self.next += 1;
        self.row.get(at)
    }
}

/// A path as TEXT, or as a BLOB of the system's own bytes where it is no Unicode.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredPath<'a>(pub(crate) Cow<'a, Path>);

impl<'a> StoredPath<'a> {
    pub(crate) const fn of(path: &'a Path) -> Self {
        Self(Cow::Borrowed(path))
    }

    pub(crate) fn into_path(self) -> PathBuf {
        self.0.into_owned()
    }
}

impl ToSql for StoredPath<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_str().map_or_else(|| system_bytes(&self.0), ToSqlOutput::from))
    }
}

impl FromSql for StoredPath<'static> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let path = match value {
            ValueRef::Blob(bytes) => from_system_bytes(bytes)?,
            text => PathBuf::from(text.as_str()?),
        };
        Ok(Self(Cow::Owned(path)))
    }
}

#[cfg(unix)]
fn system_bytes(path: &Path) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Blob(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have byte sequences that are no path")]
fn from_system_bytes(bytes: &[u8]) -> FromSqlResult<PathBuf> {
    Ok(PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)))
}

#[cfg(windows)]
fn system_bytes(path: &Path) -> ToSqlOutput<'_> {
    let units = std::os::windows::ffi::OsStrExt::encode_wide(path.as_os_str());
    ToSqlOutput::from(units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
}

#[cfg(windows)]
fn from_system_bytes(bytes: &[u8]) -> FromSqlResult<PathBuf> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(FromSqlError::Other("half a UTF-16 unit".into()));
    }
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    Ok(PathBuf::from(<std::ffi::OsString as std::os::windows::ffi::OsStringExt>::from_wide(&units)))
}

/// A value as JSON text.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text =
            serde_json::to_string(&self.0).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        // serde_json quotes what it stumbles over, and that may be a header's secret: the place must do.
        serde_json::from_str(value.as_str()?)
            .map(Self)
            .map_err(|error| FromSqlError::Other(format!("JSON unusable at character {}", error.column()).into()))
    }
}

/// A variant without particulars as its name, such as `queued`, or a value that serializes to one string.
pub(crate) struct Name<T>(pub(crate) T);

impl<T: Serialize> ToSql for Name<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(name)) => Ok(name.into()),
            Ok(_) => Err(rusqlite::Error::ToSqlConversionFailure("a value that is no single name".into())),
            Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
        }
    }
}

impl<T: DeserializeOwned> FromSql for Name<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        T::deserialize(StrDeserializer::<serde::de::value::Error>::new(value.as_str()?))
            .map(Self)
            .map_err(|_| FromSqlError::Other("a name that does not exist".into()))
    }
}

/// A length or an offset in bytes; SQLite's integers end at 2⁶³-1.
#[derive(Clone, Copy)]
pub(crate) struct Bytes(pub(crate) u64);

impl ToSql for Bytes {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        i64::try_from(self.0).map(ToSqlOutput::from).map_err(|_| {
            rusqlite::Error::ToSqlConversionFailure(format!("{} bytes are more than any file has", self.0).into())
        })
    }
}

impl FromSql for Bytes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let stored = value.as_i64()?;
        u64::try_from(stored).map(Self).map_err(|_| FromSqlError::OutOfRange(stored))
    }
}
