//! Renames without replacing, whatever the volume can do.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use parking_lot::Mutex;
use rustix::{
    fs::{AtFlags, Mode, OFlags, RenameFlags},
    io::Errno,
};

/// Bytes beyond which a file is no placeholder.
pub(super) const MOST_PLACEHOLDER_BYTES: u64 = 1024;

/// Lock over a placeholder from its first byte to its end.
/// Without it one thread took another's for one that was left.
static PLACING: Mutex<()> = Mutex::new(());

/// Renames `from` to `to`, on one volume, unless that name is taken.
///
/// Where the volume cannot do that in one step, a hard link refuses a name that is taken just as surely. Where it has
/// no links either, such as those of phones and of clouds, an empty place is made first, which nothing else can make
/// then, and the file is renamed over it. A crash between these steps leaves a placeholder, which the next call for the
/// same two names takes for its own ([`is_placeholder`]).
///
/// # Errors
/// [`Errno::EXIST`] if the name is taken; what the system says otherwise.
pub fn rename_to_free_name(
    from_folder: impl AsFd,
    from: impl AsRef<Path>,
    to_folder: impl AsFd,
    to: impl AsRef<Path>,
) -> Result<(), Errno> {
    let names =
        Names { from_folder: from_folder.as_fd(), from: from.as_ref(), to_folder: to_folder.as_fd(), to: to.as_ref() };
    names.rename(&Kernel)
}

/// Recognises what a crash left at `to` while `from` was being named.
pub fn is_placeholder(folder: impl AsFd, from: impl AsRef<Path>, to: impl AsRef<Path>) -> bool {
    let names = Names { from_folder: folder.as_fd(), from: from.as_ref(), to_folder: folder.as_fd(), to: to.as_ref() };
    names.own_placeholder().is_some()
}

/// The calls that not every volume carries out.
pub(super) trait Calls {
    fn rename_no_replace(&self, names: &Names<'_>) -> Result<(), Errno>;
    fn link(&self, names: &Names<'_>) -> Result<(), Errno>;
}

pub(super) struct Kernel;

impl Calls for Kernel {
    fn rename_no_replace(&self, names: &Names<'_>) -> Result<(), Errno> {
        let Names { from_folder, from, to_folder, to } = names;
        rustix::fs::renameat_with(from_folder, *from, to_folder, *to, RenameFlags::NOREPLACE)
    }

    fn link(&self, names: &Names<'_>) -> Result<(), Errno> {
        let Names { from_folder, from, to_folder, to } = names;
        rustix::fs::linkat(from_folder, *from, to_folder, *to, AtFlags::empty())
    }
}

/// A file's name and the one it is to get.
pub(super) struct Names<'a> {
    pub(super) from_folder: BorrowedFd<'a>,
    pub(super) from: &'a Path,
    pub(super) to_folder: BorrowedFd<'a>,
    pub(super) to: &'a Path,
}

impl Names<'_> {
    pub(super) fn rename(&self, calls: &impl Calls) -> Result<(), Errno> {
        match calls.rename_no_replace(self) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            outcome => return outcome,
        }
        match calls.link(self) {
            Ok(()) => self.unlink_old(),
            // What volumes without links say, and the system where it allows no link to this file.
            Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::MLINK | Errno::ACCESS) => {
                self.rename_over_placeholder()
            }
            Err(errno) => Err(errno),
        }
    }

    /// Takes the old name away, or the new one where that fails.
    fn unlink_old(&self) -> Result<(), Errno> {
        rustix::fs::unlinkat(self.from_folder, self.from, AtFlags::empty()).inspect_err(|_| {
            let _ = rustix::fs::unlinkat(self.to_folder, self.to, AtFlags::empty());
        })
    }

    fn rename_over_placeholder(&self) -> Result<(), Errno> {
        let _turn = PLACING.lock();
        let placeholder = match self.new_placeholder() {
            Err(Errno::EXIST) => self.own_placeholder().ok_or(Errno::EXIST)?,
            outcome => outcome?,
        };
        let is_ours = || -> Result<bool, Errno> {
            let now = rustix::fs::statat(self.to_folder, self.to, AtFlags::SYMLINK_NOFOLLOW)?;
            let made = rustix::fs::fstat(&placeholder)?;
            Ok((now.st_dev, now.st_ino, now.st_size) == (made.st_dev, made.st_ino, made.st_size))
        };
        // Somebody may have written it anew, or put something else there.
        let renamed = match is_ours() {
            Ok(true) => rustix::fs::renameat(self.from_folder, self.from, self.to_folder, self.to),
            Ok(false) => Err(Errno::EXIST),
            Err(errno) => Err(errno),
        };
        if renamed.is_err() && is_ours() == Ok(true) {
            let _ = rustix::fs::unlinkat(self.to_folder, self.to, AtFlags::empty());
        }
        renamed
    }

    /// Text of a placeholder, for who finds one and for us.
    fn placeholder_text(&self) -> String {
        let from = self.from.file_name().unwrap_or_default().to_string_lossy();
        format!("Ropeway is about to put a file here, which is called this until then:\n{from}\n")
    }

    fn new_placeholder(&self) -> Result<File, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(self.to_folder, self.to, flags, Mode::RUSR | Mode::WUSR)?);
        // Another process asks by this lock whether a placeholder was left. Where a volume has no locks, nobody asks.
        let _ = file.try_lock();
        match file.write_all(self.placeholder_text().as_bytes()) {
            Ok(()) => Ok(file),
            Err(error) => {
                let _ = rustix::fs::unlinkat(self.to_folder, self.to, AtFlags::empty());
                Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
            }
        }
    }

    /// Opens the placeholder of just these two names, if it was left.
    fn own_placeholder(&self) -> Option<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(self.to_folder, self.to, flags, Mode::empty()).ok()?);
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > MOST_PLACEHOLDER_BYTES {
            return None;
        }
        file.try_lock().ok()?;
        let mut text = String::new();
        (&file).take(MOST_PLACEHOLDER_BYTES).read_to_string(&mut text).ok()?;
        (text == self.placeholder_text()).then_some(file)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use rustix::fs::CWD;
    use tempfile::TempDir;

    use super::*;

    /// A volume that says these errors; `None` is a call that works.
    struct Poor {
        rename: Option<Errno>,
        link: Option<Errno>,
    }

    impl Calls for Poor {
        fn rename_no_replace(&self, names: &Names<'_>) -> Result<(), Errno> {
            self.rename.map_or_else(|| Kernel.rename_no_replace(names), Err)
        }

        fn link(&self, names: &Names<'_>) -> Result<(), Errno> {
            self.link.map_or_else(|| Kernel.link(names), Err)
        }
    }

    const VOLUMES: [(Option<Errno>, Option<Errno>); 7] = [
        (None, None),
        (Some(Errno::INVAL), None),
        (Some(Errno::NOSYS), Some(Errno::PERM)),
        (Some(Errno::OPNOTSUPP), Some(Errno::OPNOTSUPP)),
        (Some(Errno::INVAL), Some(Errno::NOSYS)),
        (Some(Errno::INVAL), Some(Errno::INVAL)),
        (Some(Errno::INVAL), Some(Errno::MLINK)),
    ];

    struct Place {
        folder: TempDir,
        from: PathBuf,
        to: PathBuf,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.part"), folder.path().join("a"));
        write(&from, b"all of it");
        Place { folder, from, to }
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    fn write(path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).unwrap();
    }

    impl Place {
        fn rename(&self, (rename, link): (Option<Errno>, Option<Errno>)) -> Result<(), Errno> {
            let (from_folder, to_folder) = (CWD, CWD);
            Names { from_folder, from: &self.from, to_folder, to: &self.to }.rename(&Poor { rename, link })
        }

        fn names(&self) -> usize {
            fs::read_dir(self.folder.path()).unwrap().count()
        }

        /// The placeholder as a crash leaves it.
        fn leave_placeholder(&self) {
            let names = Names { from_folder: CWD, from: &self.from, to_folder: CWD, to: &self.to };
            drop(names.new_placeholder().unwrap());
        }
    }

    #[test]
    fn a_file_gets_a_free_name_on_every_kind_of_volume() {
        for volume in VOLUMES {
            let place = place();
            place.rename(volume).unwrap();
            assert_eq!(fs::read(&place.to).unwrap(), b"all of it", "{volume:?}");
            assert_eq!(place.names(), 1, "{volume:?}");
        }
    }

    #[test]
    fn a_name_that_is_taken_is_never_touched_on_any_kind_of_volume() {
        for volume in VOLUMES {
            let place = place();
            write(&place.to, b"old");
            assert_eq!(place.rename(volume), Err(Errno::EXIST), "{volume:?}");
            assert_eq!(fs::read(&place.to).unwrap(), b"old", "{volume:?}");
            fs::remove_file(&place.to).unwrap();
            std::os::unix::fs::symlink("nowhere", &place.to).unwrap();
            assert_eq!(place.rename(volume), Err(Errno::EXIST), "{volume:?}");
            assert_eq!(fs::read(&place.from).unwrap(), b"all of it", "{volume:?}");
        }
    }

    #[test]
    fn what_a_crash_left_is_taken_up_and_that_of_others_is_not() {
        let poor = (Some(Errno::INVAL), Some(Errno::PERM));
        let place = place();
        place.leave_placeholder();
        assert!(is_placeholder(CWD, &place.from, &place.to));
        assert!(!is_placeholder(CWD, place.folder.path().join("b.part"), &place.to));
        place.rename(poor).unwrap();
        assert_eq!((fs::read(&place.to).unwrap().as_slice(), place.names()), (b"all of it".as_slice(), 1));
        assert!(!is_placeholder(CWD, &place.from, &place.to), "that is the file by now");

        let other = place.folder.path().join("b.part");
        write(&other, b"another one");
        let other = Place { from: other, to: place.folder.path().join("b"), ..place };
        Place { from: other.folder.path().join("c.part"), to: other.to.clone(), folder: tempfile::tempdir().unwrap() }
            .leave_placeholder();
        assert_eq!(other.rename(poor), Err(Errno::EXIST));
    }

    #[test]
    fn a_placeholder_that_is_in_use_is_nobody_elses() {
        let place = place();
        let names = Names { from_folder: CWD, from: &place.from, to_folder: CWD, to: &place.to };
        let in_use = names.new_placeholder().unwrap();
        assert!(!is_placeholder(CWD, &place.from, &place.to));
        assert_eq!(place.rename((Some(Errno::INVAL), Some(Errno::PERM))), Err(Errno::EXIST));
        drop(in_use);
    }

    #[test]
    fn many_that_want_one_name_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("a");
        let won: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|number| {
                    let (from, to) = (folder.path().join(format!("{number}.part")), to.clone());
                    scope.spawn(move || {
                        write(&from, number.to_string().as_bytes());
                        let names = Names { from_folder: CWD, from: &from, to_folder: CWD, to: &to };
                        usize::from(names.rename(&Poor { rename: Some(Errno::INVAL), link: Some(Errno::PERM) }).is_ok())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((won, fs::read_dir(folder.path()).unwrap().count()), (1, 16));
        assert!(fs::read_to_string(to).unwrap().parse::<u32>().is_ok());
    }
}
