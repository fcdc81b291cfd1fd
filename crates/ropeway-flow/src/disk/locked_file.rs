//! Hidden files that are locked while somebody writes them.
//!
//! The lock tells them from those that a killed process left.

use std::{
    fs::{File, Metadata, TryLockError},
    os::fd::AsFd,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

/// Hexadecimal digits of a file's number.
const NUMBER_DIGITS: usize = 16;
/// Names tried. A second is needed when a sweep took the first, or once in 2⁶⁴ files.
const MOST_NAMES_TRIED: u32 = 8;

/// Creates and locks a file named by `name_of` a random number.
///
/// # Errors
/// [`Errno::EXIST`] if every name that was tried is taken; what the system says otherwise.
pub fn create_locked(folder: impl AsFd, name_of: impl Fn(&str) -> String) -> Result<(String, File), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for _ in 0..MOST_NAMES_TRIED {
        let number = getrandom::u64().map_err(|_| Errno::IO)?;
        let name = name_of(&format!("{number:0NUMBER_DIGITS$x}"));
        let file = match rustix::fs::openat(&folder, &name, flags, Mode::RUSR | Mode::WUSR) {
            Err(Errno::EXIST) => continue,
            outcome => File::from(outcome?),
        };
        // Where a volume has no locks, whatever it says then, no sweep takes anything.
        let is_swept =
            matches!(file.try_lock(), Err(TryLockError::WouldBlock)) || rustix::fs::fstat(&file)?.st_nlink == 0;
        if !is_swept {
            return Ok((name, file));
        }
    }
    Err(Errno::EXIST)
}

/// Tells a number that [`create_locked`] gave from other text.
pub fn is_number(text: &str) -> bool {
    text.len() == NUMBER_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Removes the regular file `name` if nobody has its lock.
///
/// `false` if it stays: also where `is_ours` does not recognise it.
///
/// # Errors
/// What the system says, except that nothing has the name.
pub fn remove_if_abandoned(
    folder: impl AsFd,
    name: &str,
    is_ours: impl FnOnce(&Metadata) -> bool,
) -> Result<bool, Errno> {
    // Volumes of networks lock only what is open for writing.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Ok(false),
        opened => File::from(opened?),
    };
    let is_abandoned = file.metadata().is_ok_and(|it| it.is_file() && is_ours(&it)) && file.try_lock().is_ok();
    if is_abandoned {
        rustix::fs::unlinkat(folder, name, AtFlags::empty())?;
    }
    Ok(is_abandoned)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_name_that_is_taken_is_followed_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let handle = File::open(folder.path()).unwrap();
        File::create_new(folder.path().join("taken")).unwrap();
        let tried = Cell::new(0);
        let name_of = |number: &str| {
            tried.set(tried.get() + 1);
            if tried.get() == 1 { "taken".to_owned() } else { number.to_owned() }
        };
        let (name, _file) = create_locked(&handle, name_of).unwrap();
        assert!(is_number(&name) && folder.path().join(&name).exists(), "{name}");
        assert_eq!(create_locked(&handle, |_| "taken".to_owned()).unwrap_err(), Errno::EXIST);
    }

    #[test]
    fn only_a_file_that_is_ours_and_that_nobody_writes_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let handle = File::open(folder.path()).unwrap();
        let (name, file) = create_locked(&handle, str::to_owned).unwrap();
        symlink(&name, folder.path().join("link")).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert_eq!(remove_if_abandoned(&handle, &name, |_| true), Ok(false), "it is locked");
        drop(file);
        assert_eq!(remove_if_abandoned(&handle, &name, |_| false), Ok(false), "it is another's");
        for other in ["link", "folder", "none"] {
            assert_eq!(remove_if_abandoned(&handle, other, |_| true), Ok(false), "{other}");
        }
        assert_eq!(remove_if_abandoned(&handle, &name, |_| true), Ok(true));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
