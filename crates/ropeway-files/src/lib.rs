//! Small files of the user: opened, read and replaced so that nothing planted in their place does harm.
//!
//! A name that the user gives may lead to a pipe that nobody writes to, to a device without an end, or to something
//! huge: [`open`] and [`read`] take regular files only, and no more of them than is asked for. Files in our own folders
//! are made by [`open_private`] and [`replace`], which follow no link; [`Folders`] says where those are.

mod folders;
mod home;
mod limit;
mod outside;
mod own;
mod volume;

pub use folders::{CONFIG_VARIABLE, DATA_VARIABLE, Folders, FoldersError};
pub use home::{home, homes};
pub use limit::{are_too_many_open, most_open, raise_limit};
pub use outside::{open, read, read_text};
pub use own::{open_private, replace};
pub use volume::lock;
#[cfg(unix)]
pub use volume::sync_folder;

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Opens with these options, never waiting for another end, and refuses what is no regular file.
fn open_regular(options: &mut OpenOptions, follows_links: bool, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        if !follows_links {
            flags |= OFlags::NOFOLLOW;
        }
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    let _ = follows_links;
    let file = match options.open(path) {
        // Where a link is not followed, and where a pipe that is written to has no reader.
        Err(error) if is_no_file(&error) => return Err(not_a_file()),
        other => other?,
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_a_file()) }
}

#[cfg(unix)]
fn is_no_file(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let odd = [Errno::LOOP, Errno::NXIO, Errno::ISDIR, Errno::NODEV];
    error.raw_os_error().is_some_and(|code| odd.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(not(unix))]
fn is_no_file(_: &io::Error) -> bool {
    false
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}
