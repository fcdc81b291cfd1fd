//! Files that the user or another program names.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

use crate::open_regular;

/// Opens a regular file for reading. Links are followed: who named it may have meant one.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for pipes, devices, sockets and folders, none of which is waited for.
pub fn open(path: &Path) -> io::Result<File> {
    open_regular(OpenOptions::new().read(true), true, path)
}

/// Bytes of a regular file of at most `most` bytes.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::FileTooLarge`] if there is more.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let count = open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if count as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Text of a regular file of at most `most` bytes.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::InvalidData`] if it is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text");
    String::from_utf8(read(path, most)?).map_err(no_text)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    fn write(path: &Path, bytes: &[u8]) {
        use std::io::Write as _;
        OpenOptions::new().write(true).create_new(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let linked = folder.path().join("linked");
        symlink(&pipe, &linked).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for odd in [&pipe, &linked, &socket, folder.path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
            assert!(read(odd, 10).is_err(), "{}", odd.display());
        }
    }

    #[test]
    fn a_file_is_read_through_a_link_and_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        write(&file, b"12345");
        symlink(&file, &link).unwrap();
        assert_eq!(read(&link, 5).unwrap(), b"12345");
        assert_eq!(read(&file, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(&folder.path().join("none"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        write(&folder.path().join("latin"), b"\xe4");
        assert_eq!(read_text(&folder.path().join("latin"), 4).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read(&file).unwrap(), b"12345");
    }
}
