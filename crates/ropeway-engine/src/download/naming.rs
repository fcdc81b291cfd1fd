//! Name that a download gets. It is its own, or has a number behind it, and is never one that is taken.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_flow::disk::{Disk, DiskError, PartFile};
use ropeway_model::{FileName, OnConflict};

use super::{folders_made::with_folder, named_folders::Folder, soft};
use crate::{
    attempt::{Attempt, Stop},
    config::Scope,
};

/// A folder with this many files of one name is a mistake, not a wish.
const MOST_NUMBERS: u32 = 9_999;

/// What a part file is called: the final name with this behind it.
const SUFFIX: &str = ".part";
/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;
/// Stands before the digits that tell apart names which begin alike, where the suffix leaves no room for the whole name.
const MARK: char = '~';
/// Those digits.
const DIGITS: usize = 16;

/// Reserves a name. Creates and locks `NAME.part`, having recorded it, so that a crash leaves no stray file.
pub(super) async fn reserve(
    attempt: &Attempt,
    folder: &Path,
    name: &FileName,
) -> Result<(PathBuf, Arc<dyn PartFile>), Stop> {
    let mut numbers = numbers();
    loop {
        let on_conflict = match attempt.spec.on_conflict {
            // It is asked at the end, when there is a file to decide about; somebody at a terminal is not.
            OnConflict::Ask if attempt.engine.scope == Scope::Queue => OnConflict::Overwrite,
            chosen => chosen,
        };
        let (in_folder, wanted, mut left) = (folder.to_owned(), name.clone(), numbers.clone());
        let found = attempt.on_disk(move |disk| {
            let vacancy = vacant(disk, &in_folder, &wanted, on_conflict, &mut left, Final::Asked)?;
            Ok::<_, DiskError>((vacancy.part_path, left))
        });
        let (part_path, left) = found.await?;
        numbers = left;
        if attempt.engine.is_anothers(attempt.id, &part_path) {
            continue;
        }
        attempt.engine.disown_leftovers(&part_path);
        let mut change = attempt.change(None);
        change.part_path = Some(Some(part_path.clone()));
        if let Err(stop) = attempt.save(change).await {
            disown(attempt);
            return Err(stop);
        }
        attempt.update(|entry| entry.state.part_path = Some(part_path.clone()));
        // Whatever was recorded of an earlier part file, this may get its number.
        soft::forget(attempt).await?;
        let (path, folder) = (part_path.clone(), Folder::at(folder, attempt.spec.named_folders));
        let created = attempt.on_disk(move |disk| match with_folder(disk, &folder, || disk.create_part(&path)) {
            Ok(part) => Ok(Some(part)),
            Err(DiskError::Exists { .. }) => Ok(None),
            Err(error) => Err(error),
        });
        match created.await {
            Ok(Some(part)) => return Ok((part_path, part)),
            Ok(None) => {}
            Err(stop) => {
                disown(attempt);
                return Err(stop);
            }
        }
    }
}

/// No part file came to be: whatever gets its name is not this job's, which would delete it with its next beginning.
fn disown(attempt: &Attempt) {
    let mut change = attempt.change(None);
    change.part_path = Some(None);
    attempt.engine.journal.note(change);
    attempt.update(|entry| entry.state.part_path = None);
}

/// A name that nothing has, and what the part file of it is called.
pub(super) struct Vacancy {
    pub(super) final_path: PathBuf,
    pub(super) part_path: PathBuf,
}

/// Whether it is asked if a final name is taken, or whoever is about to give it finds that out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Final {
    Asked,
    Found,
}

/// The numbers that may stand behind a name, none first.
pub(super) fn numbers() -> RangeInclusive<u32> {
    0..=MOST_NUMBERS
}

/// The next name of `numbers` that neither a file nor a part file has.
pub(super) fn vacant(
    disk: &dyn Disk,
    folder: &Path,
    name: &FileName,
    on_conflict: OnConflict,
    numbers: &mut RangeInclusive<u32>,
    of_final: Final,
) -> Result<Vacancy, DiskError> {
    for number in numbers {
        let candidate = if number == 0 { name.clone() } else { name.numbered(number) };
        let final_path = folder.join(candidate.as_str());
        if of_final == Final::Asked && disk.is_taken(&final_path)? {
            match on_conflict {
                OnConflict::Overwrite => {}
                OnConflict::Rename => continue,
                OnConflict::Fail | OnConflict::Ask => return Err(DiskError::Exists { path: final_path }),
            }
        }
        let part_path = part_path(&final_path);
        if !disk.is_taken(&part_path)? {
            return Ok(Vacancy { final_path, part_path });
        }
    }
    Err(DiskError::Exists { path: folder.join(name.as_str()) })
}

/// The final name of the part file of a download that is called `name`, numbered if need be: the first that is not taken.
pub(super) fn final_path(
    disk: &dyn Disk,
    part_path: &Path,
    name: &FileName,
    on_conflict: OnConflict,
) -> Result<PathBuf, DiskError> {
    let wanted = without_suffix(part_path, name);
    if on_conflict != OnConflict::Rename || !is_taken_by_another(disk, part_path, &wanted)? {
        return Ok(wanted);
    }
    let folder = wanted.parent().unwrap_or(Path::new("/"));
    let shown = wanted.file_name().unwrap_or_default().to_string_lossy();
    let name = shown.parse().unwrap_or_else(|_| FileName::sanitized(&shown));
    for number in 1..=MOST_NUMBERS {
        let candidate = folder.join(name.numbered(number).as_str());
        if !disk.is_taken(&candidate)? {
            return Ok(candidate);
        }
    }
    Err(DiskError::Exists { path: wanted })
}

/// Whether anything but this very download has the name: a crash may have left the place that it made for itself.
pub(super) fn is_taken_by_another(disk: &dyn Disk, part_path: &Path, final_path: &Path) -> Result<bool, DiskError> {
    Ok(disk.is_taken(final_path)? && !disk.is_placeholder(part_path, final_path))
}

/// What the part file of `final_path` is called: `NAME.part`, where that fits into a name, and otherwise as much of the
/// name as does, with digits that stand for all of it.
pub fn part_path(final_path: &Path) -> PathBuf {
    let name = final_path.file_name().unwrap_or_default();
    if name.len() + SUFFIX.len() <= LONGEST_NAME {
        let mut path = final_path.as_os_str().to_owned();
        path.push(SUFFIX);
        return path.into();
    }
    let digits = blake3::hash(name.as_encoded_bytes()).to_hex();
    let digits = digits.get(..DIGITS).unwrap_or_default();
    let shown = name.to_string_lossy();
    let room = LONGEST_NAME - SUFFIX.len() - DIGITS - MARK.len_utf8();
    let end = (0..=room.min(shown.len())).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or(0);
    let shown = shown.get(..end).unwrap_or_default();
    final_path.with_file_name(format!("{shown}{MARK}{digits}{SUFFIX}"))
}

/// The final name that `part_path` was made for: the download's own, or one with a number, which always fits.
fn without_suffix(part: &Path, name: &FileName) -> PathBuf {
    let own = part.with_file_name(name.as_str());
    if part_path(&own) == part { own } else { part.with_extension("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_file_is_named_after_its_final_name_and_back() {
        let other = FileName::sanitized("other.iso");
        for name in ["/d/a.tar.gz", "/d/README", "/d/a.part", "/d/é (1).iso"] {
            assert_eq!(without_suffix(&part_path(Path::new(name)), &other), Path::new(name));
        }
    }

    #[test]
    fn a_name_of_any_length_has_a_part_file_of_its_own() {
        for length in [250, 251, 254, 255] {
            for letter in ["a", "é"] {
                let name = format!("{}{}", "x".repeat(length % 2), letter.repeat(length / letter.len()));
                let name: FileName = name.get(..).filter(|name| name.len() <= 255).unwrap_or("x").parse().unwrap();
                let path = Path::new("/d").join(name.as_str());
                let part = part_path(&path);
                let shown = part.file_name().unwrap().to_str().unwrap();
                assert!(shown.len() <= LONGEST_NAME && shown.ends_with(SUFFIX), "{shown}");
                assert_eq!(without_suffix(&part, &name), path);
            }
        }
        let alike = |end: &str| part_path(&Path::new("/d").join(format!("{}{end}", "a".repeat(250))));
        assert_ne!(alike("b.iso"), alike("c.iso"));
    }
}
