//! Which name a download gets: its own, or a number behind it; never one that is taken.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_model::{FileName, OnConflict};

use crate::{
    attempt::{Attempt, Stop},
    config::Scope,
    disk::{Disk, DiskError, PartFile},
};

/// A folder with this many files of one name is a mistake, not a wish.
const MOST_NUMBERS: u32 = 9_999;

/// What a part file is called: the final name with this behind it.
const SUFFIX: &str = ".part";

/// Reserves a name: creates and locks `NAME.part`, having recorded it, so that a crash leaves no stray file.
pub(super) async fn reserve(
    attempt: &Attempt,
    folder: &Path,
    name: &FileName,
) -> Result<(PathBuf, Arc<dyn PartFile>), Stop> {
    let disk = &*attempt.engine.disk;
    let mut numbers = numbers();
    loop {
        let on_conflict = match attempt.spec.on_conflict {
            // It is asked at the end, when there is a file to decide about; somebody at a terminal is not.
            OnConflict::Ask if attempt.engine.scope == Scope::Queue => OnConflict::Overwrite,
            chosen => chosen,
        };
        let Vacancy { part_path, .. } = vacant(disk, folder, name, on_conflict, &mut numbers)?;
        attempt.engine.disown_leftovers(&part_path);
        let mut change = attempt.change(None);
        change.part_path = Some(Some(part_path.clone()));
        if let Err(stop) = attempt.save(change).await {
            disown(attempt);
            return Err(stop);
        }
        attempt.update(|entry| entry.known.part_path = Some(part_path.clone()));
        match disk.create_part(&part_path) {
            Ok(part) => return Ok((part_path, part)),
            Err(DiskError::Exists { .. }) => {}
            Err(error) => {
                disown(attempt);
                return Err(error.into());
            }
        }
    }
}

/// No part file came to be: whatever gets its name is not this job's, which would delete it with its next beginning.
fn disown(attempt: &Attempt) {
    let mut change = attempt.change(None);
    change.part_path = Some(None);
    attempt.engine.journal.note(change);
    attempt.update(|entry| entry.known.part_path = None);
}

/// A name that nothing has, and what the part file of it is called.
pub(super) struct Vacancy {
    pub(super) final_path: PathBuf,
    pub(super) part_path: PathBuf,
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
) -> Result<Vacancy, DiskError> {
    for number in numbers {
        let candidate = if number == 0 { name.clone() } else { name.numbered(number) };
        let final_path = folder.join(candidate.as_str());
        if disk.is_taken(&final_path)? {
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

/// The final name of a part file, numbered if need be: the first that is not taken.
pub(super) fn final_path(disk: &dyn Disk, part_path: &Path, on_conflict: OnConflict) -> Result<PathBuf, DiskError> {
    let wanted = without_suffix(part_path);
    if on_conflict != OnConflict::Rename || !disk.is_taken(&wanted)? {
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

fn part_path(final_path: &Path) -> PathBuf {
    let mut path = final_path.as_os_str().to_owned();
    path.push(SUFFIX);
    path.into()
}

fn without_suffix(part_path: &Path) -> PathBuf {
    part_path.with_extension("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_file_is_named_after_its_final_name_and_back() {
        for name in ["/d/a.tar.gz", "/d/README", "/d/a.part", "/d/é (1).iso"] {
            assert_eq!(without_suffix(&part_path(Path::new(name))), Path::new(name));
        }
    }
}
