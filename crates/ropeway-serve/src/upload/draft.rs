//! A file that is still arriving: invisible, locked, and gone unless it is published.

use std::{fs::File, io::Write, os::fd::OwnedFd};

use bytes::Bytes;
use ropeway_flow::{digest::Hasher, disk::rename_to_free_name};
use ropeway_model::{Algorithm, Digest};
use rustix::{
    fs::{AtFlags, FlockOperation, Mode, OFlags, Stat, fchmod, flock, fstat, openat, renameat, unlinkat},
    io::Errno,
};
use sha2::{Digest as _, Sha256};

use crate::{folder::Folder, refusal::Refusal};

/// Between the file's name and the draft's number.
const MARK: &str = ".upload-";
/// Hexadecimal digits of a draft's number.
const NUMBER_DIGITS: usize = 16;
/// How much of the file's name the draft's shows, so that it stays within the 255 bytes of a name.
const SHOWN_NAME_BYTES: usize = 200;
/// Draft names tried; a second one is needed once in 2⁶⁴ uploads, or when a sweep has just taken the first.
const MOST_NAMES_TRIED: u32 = 8;

/// A file being received, beside its final place and under a hidden name, `.NAME.upload-NUMBER`.
///
/// The draft is locked as long as this lives; dropping it unpublished removes it.
#[derive(Debug)]
pub(super) struct Draft {
    folder: Folder,
    /// The draft's name while it has one.
    name: Option<String>,
    file: File,
    hasher: Sha256,
    /// The SHA-256 that the client has promised, which is taken of every file.
    expected: Option<Digest>,
    /// What else the client has promised of the bytes, and what tells whether it is kept.
    promised: Vec<(Digest, Hasher)>,
    length: u64,
}

/// What a draft turned out to be.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Length in bytes.
    pub(super) length: u64,
    /// SHA-256 of the bytes as they arrived.
    pub(super) digest: Digest,
}

impl Draft {
    /// Begins a draft in `folder` for a file that is to be called `name`, there or in a folder below.
    pub(super) fn create(folder: Folder, name: &str) -> Result<Self, Errno> {
        for _ in 0..MOST_NAMES_TRIED {
            let draft_name = draft_name(name)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = match openat(&folder, &draft_name, flags, Mode::RUSR | Mode::WUSR) {
                Err(Errno::EXIST) => continue,
                outcome => outcome?,
            };
            let file = File::from(file);
            // Where a volume has no locks, no sweep takes anything.
            if ropeway_files::lock(&file).is_ok() && fstat(&file)?.st_nlink > 0 {
                let (name, hasher, promised) = (Some(draft_name), Sha256::new(), Vec::new());
                return Ok(Self { folder, name, file, hasher, expected: None, promised, length: 0 });
            }
            // A sweep saw it before it was locked, and removes it.
        }
        Err(Errno::EXIST)
    }

    /// Takes note of what the client promises, each algorithm once, before the first byte.
    pub(super) fn promise(&mut self, promised: Vec<Digest>) {
        let (own, others): (Vec<_>, Vec<_>) =
            promised.into_iter().partition(|digest| digest.algorithm() == Algorithm::Sha256);
        self.expected = own.into_iter().next();
        let hashers = others.into_iter().map(|digest| {
            let hasher = Hasher::new(digest.algorithm());
            (digest, hasher)
        });
        self.promised = hashers.collect();
    }

    /// Appends bytes. Waits for the disk: call it on a thread that may.
    pub(super) fn append(&mut self, chunks: &[Bytes]) -> Result<(), Refusal> {
        for chunk in chunks {
            self.file
                .write_all(chunk)
                .map_err(|error| Refusal::of_writing(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
            self.hasher.update(chunk);
            self.promised.iter_mut().for_each(|(_, hasher)| hasher.update(chunk));
            self.length += chunk.len() as u64;
        }
        Ok(())
    }

    /// Makes the bytes durable and says what they are.
    ///
    /// # Errors
    /// [`Refusal::DigestMismatch`] where they are not those that the client promised.
    pub(super) fn finish(&mut self, mode: Mode) -> Result<Received, Refusal> {
        let digest = Digest::from_bytes(Algorithm::Sha256, &self.hasher.finalize_reset()).ok_or(Refusal::DiskFailed)?;
        let is_other = self.expected.take().is_some_and(|expected| expected != digest);
        if is_other || std::mem::take(&mut self.promised).into_iter().any(|(digest, hasher)| hasher.finish() != digest)
        {
            return Err(Refusal::DigestMismatch);
        }
        match fchmod(&self.file, mode) {
            // A volume without permissions of its own gives every file the same.
            Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            set => set.map_err(Refusal::of_writing)?,
        }
        self.file.sync_all().map_err(|error| Refusal::of_writing(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        Ok(Received { length: self.length, digest })
    }

    /// Gives the finished draft its name in `folder`, at once and durably.
    ///
    /// # Errors
    /// [`Errno::EXIST`] if the name is taken and `replace` is false; the draft stays one.
    pub(super) fn publish(&mut self, folder: &Folder, name: &str, replace: bool) -> Result<Stat, Errno> {
        let Some(draft_name) = &self.name else { return Err(Errno::NOENT) };
        if replace {
            renameat(&self.folder, draft_name, folder, name)?;
        } else {
            rename_to_free_name(&self.folder, draft_name, folder, name)?;
        }
        self.name = None;
        folder.sync()?;
        fstat(&self.file)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        if let Err(errno) = unlinkat(&self.folder, &name, AtFlags::empty()) {
            tracing::warn!(name, error = %std::io::Error::from(errno), "draft not removed");
        }
    }
}

/// Locks an open draft; false if somebody else has it.
pub(super) fn lock(file: &OwnedFd) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Whether a file of this name is a draft.
pub(crate) fn is_draft_name(name: &str) -> bool {
    name.starts_with('.')
        && name.rsplit_once(MARK).is_some_and(|(_, number)| {
            number.len() == NUMBER_DIGITS && number.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

fn draft_name(name: &str) -> Result<String, Errno> {
    let number = getrandom::u64().map_err(|_| Errno::IO)?;
    let end = (0..=SHOWN_NAME_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let shown = name.get(..end).unwrap_or_default();
    Ok(format!(".{shown}{MARK}{number:0NUMBER_DIGITS$x}"))
}

/// The permission bits that the process's umask leaves to a new file. Asking means changing the mask for a moment;
/// the stricter mask meanwhile harms nobody.
pub(crate) fn mode_of_new_files() -> Mode {
    let everybody = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
    let mask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    rustix::process::umask(mask);
    everybody - mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_told_from_other_hidden_files() {
        for name in ["a.iso", "", &"é".repeat(150)] {
            let name = draft_name(name).unwrap();
            assert!(is_draft_name(&name) && name.len() <= 255, "{name}");
        }
        for name in [".bashrc", "a.upload-0123456789abcdef", ".a.upload-0123", ".a.upload-0123456789abcdeg", ""] {
            assert!(!is_draft_name(name), "{name}");
        }
    }

    #[test]
    fn a_draft_that_is_dropped_leaves_nothing_and_a_published_one_its_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open_root(root.path()).unwrap();
        let mut draft = Draft::create(folder.again().unwrap(), "a").unwrap();
        draft.append(&[Bytes::from_static(b"abc")]).unwrap();
        drop(draft);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);

        let mut draft = Draft::create(folder.again().unwrap(), "a").unwrap();
        draft.append(&[Bytes::from_static(b"ab"), Bytes::from_static(b"c")]).unwrap();
        let received = draft.finish(Mode::RUSR).unwrap();
        assert_eq!(received.length, 3);
        assert!(received.digest.hex().starts_with("ba7816bf"));
        draft.publish(&folder, "a", false).unwrap();
        drop(draft);
        assert_eq!(std::fs::read(root.path().join("a")).unwrap(), b"abc");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_client_promises_of_the_bytes_holds_in_every_algorithm() {
        let sha256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let (md5, other) = ("md5:900150983cd24fb0d6963f7d28e17f72", "md5:d41d8cd98f00b204e9800998ecf8427e");
        let wrong = sha256.replace("ba78", "ba79");
        for (promised, is_kept) in [
            (vec![], true),
            (vec![sha256], true),
            (vec![md5, sha256], true),
            (vec![&*wrong], false),
            (vec![md5, &*wrong], false),
            (vec![sha256, other], false),
        ] {
            let root = tempfile::tempdir().unwrap();
            let mut draft = Draft::create(Folder::open_root(root.path()).unwrap(), "a").unwrap();
            draft.promise(promised.iter().map(|digest| digest.parse().unwrap()).collect());
            draft.append(&[Bytes::from_static(b"abc")]).unwrap();
            let is_refused = matches!(draft.finish(Mode::RUSR), Err(Refusal::DigestMismatch));
            assert_eq!(!is_refused, is_kept, "{promised:?}");
        }
    }

    #[test]
    fn a_name_that_appears_meanwhile_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open_root(root.path()).unwrap();
        let mut draft = Draft::create(folder.again().unwrap(), "a").unwrap();
        File::options().write(true).create_new(true).open(root.path().join("a")).unwrap();
        draft.append(&[Bytes::from_static(b"abc")]).unwrap();
        draft.finish(Mode::RUSR).unwrap();
        assert_eq!(draft.publish(&folder, "a", false).err(), Some(Errno::EXIST));
        assert_eq!(std::fs::read(root.path().join("a")).unwrap(), b"");
        draft.publish(&folder, "a", true).unwrap();
        assert_eq!(std::fs::read(root.path().join("a")).unwrap(), b"abc");
    }
}
