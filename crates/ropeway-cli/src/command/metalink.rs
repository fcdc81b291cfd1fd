//! Metalink files of this machine, named where an address could stand.

use std::{
    io,
    path::{Path, PathBuf},
};

use ropeway_api::command::JobOptions;
use ropeway_model::HeaderField;

use crate::{error::CommandError, terminal::to_stderr};

/// Largest Metalink that is read; the engine takes no larger one.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Whether an argument is a Metalink file and no address.
pub(crate) fn is_file(argument: &str) -> bool {
    let has_ending = [".meta4", ".metalink"].iter().any(|ending| argument.to_ascii_lowercase().ends_with(ending));
    has_ending && !argument.contains("://")
}

/// The text of a Metalink file.
///
/// # Errors
/// [`CommandError::List`] if it cannot be read.
pub(crate) fn read(file: &str) -> Result<String, CommandError> {
    let refused = |cause: io::Error| CommandError::List { list: PathBuf::from(file), cause };
    ropeway_files::read_text(Path::new(file), LARGEST).map_err(refused)
}

/// Tells where secrets were given with a Metalink file: it names servers that its user did not.
pub(crate) fn tell_of_secrets(options: &JobOptions) {
    let is_secret = |header: &String| header.parse::<HeaderField>().is_ok_and(|field| field.may_be_secret());
    if options.login.is_some() || options.netrc || options.headers.iter().any(is_secret) {
        to_stderr(
            "ropeway: the login and the headers are sent to nobody: the Metalink file names its servers, not you. \
             Give the address of the file or of the Metalink itself to use them there.",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_with_the_ending_is_read_as_one() {
        for (argument, is) in [
            ("disk.meta4", true),
            ("/a/Disk.META4", true),
            ("old.metalink", true),
            ("https://example.org/disk.meta4", false),
            ("meta4", false),
            ("disk.iso", false),
        ] {
            assert_eq!(is_file(argument), is, "{argument}");
        }
    }
}
