//! Where the running engine is found: its address and token, in a file that only the user can read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::token::Token;

/// The file's name in the data folder.
const FILE_NAME: &str = "endpoint.json";
/// Larger than any endpoint; whatever else lies there is not read into memory.
const MOST_BYTES: u64 = 4 * 1024;

/// The way to a running engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    url: String,
    token: Token,
    pid: u32,
}

/// Why an endpoint could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used: {source}", path.display())]
pub struct EndpointError {
    path: PathBuf,
    source: io::Error,
}

impl Endpoint {
    pub(crate) fn new(url: String, token: Token) -> Self {
        Self { url, token, pid: std::process::id() }
    }

    /// Address without a path, such as `http://127.0.0.1:7373`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The page's address for the user's browser, with the secret that opens it.
    pub(crate) fn url_with_token(&self) -> String {
        format!("{}/#token={}", self.url, self.token.expose())
    }

    /// The process that listens there.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) const fn token(&self) -> &Token {
        &self.token
    }

    /// Leaves the endpoint in `data_folder`, whole or not at all, readable for the user alone.
    ///
    /// # Errors
    /// [`EndpointError`] if the folder cannot be written.
    pub fn write(&self, data_folder: &Path) -> Result<(), EndpointError> {
        write_private_whole(data_folder, FILE_NAME, self)
    }

    /// The endpoint in `data_folder`; `None` if there is none that can be read.
    ///
    /// # Errors
    /// [`EndpointError`] if there is one that may not be read.
    pub fn read(data_folder: &Path) -> Result<Option<Self>, EndpointError> {
        read_private(&data_folder.join(FILE_NAME))
    }

    /// Takes the endpoint away again, unless another process has left its own meanwhile.
    ///
    /// # Errors
    /// [`EndpointError`] if it cannot be removed.
    pub fn remove(&self, data_folder: &Path) -> Result<(), EndpointError> {
        let ours = Self::read(data_folder)?.is_some_and(|found| found.token.is(self.token.expose()));
        let path = data_folder.join(FILE_NAME);
        if ours { fs::remove_file(&path).map_err(|source| EndpointError { path, source }) } else { Ok(()) }
    }
}

/// What the file at `path` holds; `None` if there is none, or none that can be read as that.
pub(crate) fn read_private<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, EndpointError> {
    match ropeway_files::read(path, MOST_BYTES) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::FileTooLarge) => Ok(None),
        Err(source) => Err(EndpointError { path: path.to_owned(), source }),
    }
}

/// Leaves `value` in `folder` under `name`, whole or not at all, readable for the user alone.
pub(crate) fn write_private_whole(folder: &Path, name: &str, value: &impl Serialize) -> Result<(), EndpointError> {
    let path = folder.join(name);
    let failed = |source| EndpointError { path: path.clone(), source };
    let text = serde_json::to_vec(value).map_err(io::Error::other).map_err(failed)?;
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    ropeway_files::replace(&path, &draft, &text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new("http://127.0.0.1:1".to_owned(), Token::random().unwrap())
    }

    #[test]
    fn an_endpoint_is_found_again_and_only_the_user_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Endpoint::read(folder.path()).unwrap().is_none());
        let (old, new) = (endpoint(), endpoint());
        old.write(folder.path()).unwrap();
        new.write(folder.path()).unwrap();
        let found = Endpoint::read(folder.path()).unwrap().unwrap();
        assert!(found.token().is(new.token().expose()));
        assert_eq!((found.url(), found.pid()), ("http://127.0.0.1:1", std::process::id()));
        let file = fs::metadata(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_ones_own_endpoint_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (endpoint(), endpoint());
        new.write(folder.path()).unwrap();
        old.remove(folder.path()).unwrap();
        assert!(Endpoint::read(folder.path()).unwrap().is_some());
        new.remove(folder.path()).unwrap();
        new.remove(folder.path()).unwrap();
        assert!(Endpoint::read(folder.path()).unwrap().is_none());
    }

    #[test]
    fn a_damaged_endpoint_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", "{\"url\":\"x\"}", &"x".repeat(10_000)] {
            let file = folder.path().join(FILE_NAME);
            ropeway_files::replace(&file, &folder.path().join("draft"), text.as_bytes()).unwrap();
            assert!(Endpoint::read(folder.path()).unwrap().is_none(), "{text:.20}");
        }
    }
}
