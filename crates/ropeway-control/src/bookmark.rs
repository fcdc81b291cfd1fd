//! What keeps a bookmark of the page alive over restarts: its port. The key is another one at every start.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::endpoint::{EndpointError, read_private, write_private_whole};

/// The file's name in the data folder.
const FILE_NAME: &str = "page.json";

/// The port that the page had at first.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Bookmark {
    pub(crate) port: Option<u16>,
}

impl Bookmark {
    /// What an earlier start kept.
    pub(crate) fn read(data_folder: &Path) -> Result<Self, EndpointError> {
        Ok(read_private(&data_folder.join(FILE_NAME))?.unwrap_or_default())
    }

    /// Keeps it, readable for the user alone.
    pub(crate) fn write(self, data_folder: &Path) -> Result<(), EndpointError> {
        write_private_whole(data_folder, FILE_NAME, &self)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_bookmark_is_found_again_and_only_the_user_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Bookmark::read(folder.path()).unwrap().port, None);
        Bookmark { port: Some(7373) }.write(folder.path()).unwrap();
        assert_eq!(Bookmark::read(folder.path()).unwrap().port, Some(7373));
        let file = std::fs::metadata(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}
