//! What keeps a bookmark of the page alive over restarts: the port and the token, in a file for the user alone.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    endpoint::{EndpointError, read_private, write_private_whole},
    token::Token,
};

/// The file's name in the data folder. Who deletes it gets another token at the next start.
const FILE_NAME: &str = "page.json";

/// The port and the token that the page had at first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Bookmark {
    pub(super) port: Option<u16>,
    pub(super) token: Token,
}

impl Bookmark {
    /// What an earlier start kept; `None` where that is nothing of use.
    pub(super) fn read(data_folder: &Path) -> Result<Option<Self>, EndpointError> {
        let kept: Option<Self> = read_private(&data_folder.join(FILE_NAME))?;
        Ok(kept.filter(|bookmark| bookmark.token.is_whole()))
    }

    /// Keeps it, readable for the user alone.
    pub(super) fn write(&self, data_folder: &Path) -> Result<(), EndpointError> {
        write_private_whole(data_folder, FILE_NAME, self)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_bookmark_is_found_again_and_only_the_user_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Bookmark::read(folder.path()).unwrap().is_none());
        let bookmark = Bookmark { port: Some(7373), token: Token::random().unwrap() };
        bookmark.write(folder.path()).unwrap();
        let found = Bookmark::read(folder.path()).unwrap().unwrap();
        assert_eq!(found.port, Some(7373));
        assert!(found.token.is(bookmark.token.expose()));
        let file = std::fs::metadata(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_token_that_somebody_could_guess_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        for token in ["", "0", &"0".repeat(63), &"g".repeat(64)] {
            let text = format!("{{\"port\":7373,\"token\":\"{token}\"}}");
            let bookmark: Bookmark = serde_json::from_str(&text).unwrap();
            bookmark.write(folder.path()).unwrap();
            assert!(Bookmark::read(folder.path()).unwrap().is_none(), "{token}");
        }
    }
}
