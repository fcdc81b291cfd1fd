//! A file that is still arriving: invisible, locked, and gone unless it is published.

use std::{fs::File, io::Write};

use bytes::Bytes;
use ropeway_flow::{
    digest::Hashers,
    disk::{create_locked, is_number, rename_to_free_name},
};
use ropeway_model::{Algorithm, Digest};
use rustix::{
    fs::{AtFlags, Mode, Stat, fchmod, fstat, renameat, unlinkat},
    io::Errno,
};

use crate::{folder::Folder, refusal::Refusal};

/// Between the file's name and the draft's number.
const MARK: &str = ".upload-";
/// How much of the file's name the draft's shows, so that it stays within the 255 bytes of a name.
const SHOWN_NAME_BYTES: usize = 200;
/// A file being received, beside its final place and under a hidden name, `.NAME.upload-NUMBER`.
///
/// The draft is locked as long as this lives; dropping it unpublished removes it.
#[derive(Debug)]
pub(super) struct Draft {
    folder: Folder,
    /// The draft's name while it has one.
    name: Option<String>,
    file: File,
    /// SHA-256, and after it what the client has promised in other algorithms.
    hashers: Hashers,
    /// Digests that the client has promised of the bytes.
    promised: Vec<Digest>,
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
        let (name, file) = create_locked(&folder, |number| draft_name(name, number))?;
        let hashers = Hashers::new(&[Algorithm::Sha256]);
        Ok(Self { folder, name: Some(name), file, hashers, promised: Vec::new(), length: 0 })
    }

    /// Takes note of what the client promises, each algorithm once, before the first byte.
    pub(super) fn promise(&mut self, promised: Vec<Digest>) {
        let others = promised.iter().map(Digest::algorithm).filter(|algorithm| *algorithm != Algorithm::Sha256);
        let algorithms: Vec<_> = [Algorithm::Sha256].into_iter().chain(others).collect();
        self.hashers = Hashers::new(&algorithms);
        self.promised = promised;
    }

    /// Appends bytes. Waits for the disk: call it on a thread that may.
    pub(super) fn append(&mut self, chunks: &[Bytes]) -> Result<(), Refusal> {
        for chunk in chunks {
            self.file
                .write_all(chunk)
                .map_err(|error| Refusal::of_writing(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
            self.hashers.update(chunk);
            self.length += chunk.len() as u64;
        }
        Ok(())
    }

    /// Makes the bytes durable and says what they are.
    ///
    /// # Errors
    /// [`Refusal::DigestMismatch`] where they are not those that the client promised.
    pub(super) fn finish(&mut self, mode: Mode) -> Result<Received, Refusal> {
        let digests = std::mem::take(&mut self.hashers).finish();
        if !self.promised.iter().all(|promised| digests.contains(promised)) {
            return Err(Refusal::DigestMismatch);
        }
        let digest = digests.into_iter().next().ok_or(Refusal::DiskFailed)?;
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

/// Whether a file of this name is a draft.
pub(crate) fn is_draft_name(name: &str) -> bool {
    name.starts_with('.') && name.rsplit_once(MARK).is_some_and(|(_, number)| is_number(number))
}

fn draft_name(name: &str, number: &str) -> String {
    let end = (0..=SHOWN_NAME_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let shown = name.get(..end).unwrap_or_default();
    format!(".{shown}{MARK}{number}")
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
            let name = draft_name(name, "0123456789abcdef");
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
