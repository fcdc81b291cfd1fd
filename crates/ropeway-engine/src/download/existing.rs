//! File that has the wanted name already. It may be what the job would fetch, which a note on it tells.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use ropeway_flow::{
    digest::Hasher,
    disk::{Disk, DiskError, Notes, SourceFile},
};
use ropeway_model::{Digest, FileName, OnConflict, Reuse, SafeUrl, Transfer, Validator};
use ropeway_store::Verification;

use crate::{
    attempt::{Attempt, Finished, Stop},
    config::Scope,
};

/// Files of one name with a number behind it that are looked at.
const MOST_NUMBERED: u32 = 20;
/// Bytes read at a time.
const BUFFER: usize = 256 << 10;

/// What can be decided before anybody is asked: the file that the job is content with, or that it must fail.
///
/// # Errors
/// [`DiskError::Exists`] where the name that the user gave is taken.
pub(super) async fn before_request(attempt: &Attempt, into: &Path) -> Result<Option<Finished>, Stop> {
    let Transfer::Download { name, from, .. } = &attempt.spec.transfer else { return Ok(None) };
    let is_any = attempt.spec.reuse == Reuse::Any;
    let from_address = || FileName::from_url(from.expose());
    let Some(name) = name.clone().or_else(|| is_any.then(from_address)) else { return Ok(None) };
    let path = into.join(name.as_str());
    if is_any {
        return kept(attempt, &path, None).await;
    }
    if attempt.spec.reuse == Reuse::Never {
        refuse_taken(attempt, &path).await?;
    }
    Ok(None)
}

/// The same once the server has said what it has, and under which name.
///
/// # Errors
/// As [`before_request`].
pub(super) async fn after_answer(
    attempt: &Attempt,
    into: &Path,
    name: &FileName,
    now: &Validator,
) -> Result<Option<Finished>, Stop> {
    if attempt.spec.reuse != Reuse::Never
        && let Some(finished) = kept_under_any(attempt, into, name, now).await?
    {
        return Ok(Some(finished));
    }
    refuse_taken(attempt, &into.join(name.as_str())).await?;
    Ok(None)
}

/// The file that the job is content with, be it that an earlier run gave it a number since the name was taken.
async fn kept_under_any(
    attempt: &Attempt,
    into: &Path,
    name: &FileName,
    now: &Validator,
) -> Result<Option<Finished>, Stop> {
    let last = if attempt.spec.on_conflict == OnConflict::Rename { MOST_NUMBERED } else { 0 };
    let numbered = |number| if number == 0 { name.clone() } else { name.numbered(number) };
    let paths: Vec<PathBuf> = (0..=last).map(|number| into.join(numbered(number).as_str())).collect();
    let taken = attempt.on_disk(move |disk| {
        let mut taken = Vec::new();
        for path in paths {
            if !disk.is_taken(&path)? {
                break;
            }
            taken.push(path);
        }
        Ok::<_, DiskError>(taken)
    });
    for path in taken.await? {
        if let Some(finished) = kept(attempt, &path, Some(now)).await? {
            return Ok(Some(finished));
        }
    }
    Ok(None)
}

/// Ends a job that is to fail where its name is taken, before its bytes come.
async fn refuse_taken(attempt: &Attempt, path: &Path) -> Result<(), Stop> {
    let is_fatal = match attempt.spec.on_conflict {
        OnConflict::Fail => true,
        // Somebody at a terminal is not asked.
        OnConflict::Ask => attempt.engine.scope == Scope::Once,
        OnConflict::Rename | OnConflict::Overwrite => false,
    };
    if !is_fatal {
        return Ok(());
    }
    let path = path.to_owned();
    let refused = move |disk: &dyn Disk| {
        if disk.is_taken(&path)? { Err(DiskError::Exists { path }) } else { Ok(()) }
    };
    attempt.on_disk(refused).await
}

/// The regular file at `path`, if the job is content with it. `now` is what the server has, where it was asked.
async fn kept(attempt: &Attempt, path: &Path, now: Option<&Validator>) -> Result<Option<Finished>, Stop> {
    let (wanted, reuse, now) = (path.to_owned(), attempt.spec.reuse, now.cloned());
    let from = attempt_address(attempt).cloned();
    let found = attempt.on_disk(move |disk| {
        if disk.length_of(&wanted)?.is_none() {
            return Ok(None);
        }
        let Ok(file) = disk.open_source(&wanted) else { return Ok(None) };
        let is_same = || now.is_some_and(|now| is_version(disk, &wanted, &*file, from.as_ref(), &now));
        if reuse == Reuse::Same && !is_same() {
            return Ok(None);
        }
        let length = file.stamp()?.length;
        Ok::<_, DiskError>(Some((file, length)))
    });
    let Some((file, length)) = found.await? else { return Ok(None) };
    let mut digest = None;
    for wanted in attempt.spec.checksums() {
        let had = digest_of(attempt, Arc::clone(&file), wanted).await?;
        if had != *wanted {
            attempt.log(format!("{} is there already and is another file: it has {had}", path.display()));
            return Ok(None);
        }
        digest.get_or_insert(had);
    }
    let verification = match (&digest, attempt.spec.reuse) {
        (Some(_), _) => Verification::ChecksumGiven,
        (None, Reuse::Same) => Verification::Length,
        (None, Reuse::Any | Reuse::Never) => Verification::Unverified,
    };
    attempt.progress.set_length(Some(length));
    attempt.progress.restart_at(0);
    attempt.log(format!("{} is there already", path.display()));
    // It was here before: no job may delete it.
    Ok(Some(Finished { path: path.to_owned(), digest, verification, stamp: None }))
}

fn attempt_address(attempt: &Attempt) -> Option<&SafeUrl> {
    match &attempt.spec.transfer {
        Transfer::Download { from, .. } => Some(from),
        Transfer::Upload { .. } => None,
    }
}

/// Whether the file is the version that the server has now: as long and as old as it says, or what once came from the same
/// address and was not touched since, where nothing that the server says speaks against it.
fn is_version(disk: &dyn Disk, path: &Path, file: &dyn SourceFile, from: Option<&SafeUrl>, now: &Validator) -> bool {
    let Ok(stamp) = file.stamp() else { return false };
    if now.length != Some(stamp.length) {
        return false;
    }
    let modified = date_of(now);
    let is_as_old = modified.map(|seconds| i128::from(seconds) == stamp.modified_ns.div_euclid(1_000_000_000));
    if is_as_old == Some(true) && now.entity_tag.is_none() {
        return true;
    }
    let noted = disk.version_note(path).and_then(|note| Note::read(&note));
    let is_ours = noted.as_ref().is_some_and(|note| {
        from.is_some_and(|from| note.address == hash(from)) && note.modified_ns == stamp.modified_ns
    });
    match (&now.entity_tag, noted.filter(|_| is_ours)) {
        (Some(tag), Some(note)) if !note.tag.is_empty() => note.tag == tag.as_str(),
        // Another program fetched it, or the server named no tag then.
        (_, None) => is_as_old == Some(true),
        (_, Some(note)) => modified.is_none() || note.date == modified,
    }
}

/// What is noted on a finished file.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    /// Of the address that it came from, which may be a secret.
    address: u64,
    /// When it was last changed: an edit makes the note worthless.
    modified_ns: i128,
    /// `Last-Modified` in seconds since the Unix epoch.
    date: Option<i64>,
    /// The entity tag, or nothing.
    tag: String,
}

impl Note {
    /// What it is written as, before and behind the time of the last change.
    fn around(address: u64, date: Option<i64>, tag: &str) -> [String; 2] {
        let date = date.map(|date| date.to_string()).unwrap_or_default();
        [format!("1 {address:016x} "), format!(" {date} {tag}")]
    }

    fn read(text: &str) -> Option<Self> {
        let mut fields = text.splitn(5, ' ');
        (fields.next()? == "1").then_some(())?;
        let address = u64::from_str_radix(fields.next()?, 16).ok()?;
        let modified_ns = fields.next()?.parse().ok()?;
        let date = fields.next().filter(|date| !date.is_empty()).map(str::parse).transpose().ok()?;
        Some(Self { address, modified_ns, date, tag: fields.next()?.to_owned() })
    }
}

/// Makes a file tell where it came from, when what it holds was changed and which version it is. `path` is its name now.
pub(super) async fn mark(attempt: &Attempt, path: &Path, origin: &SafeUrl, version: &Validator) -> Result<(), Stop> {
    let (path, notes) = (path.to_owned(), notes(attempt, origin, version));
    let marked = attempt.on_disk(move |disk| {
        disk.leave_notes(&path, &notes);
        Ok::<_, DiskError>(())
    });
    marked.await
}

/// What is noted on a file that `origin` sent, and that is this version of what it holds.
pub(super) fn notes(attempt: &Attempt, origin: &SafeUrl, version: &Validator) -> Notes {
    let date = date_of(version);
    let tag = version.entity_tag.as_ref().map_or("", |tag| tag.as_str());
    Notes {
        origin: origin.clone(),
        modified: date.filter(|_| !attempt.spec.no_times),
        version: attempt_address(attempt).map(|from| Note::around(hash(from), date, tag)),
    }
}

/// `Last-Modified` in seconds since the Unix epoch.
fn date_of(version: &Validator) -> Option<i64> {
    let date = httpdate::parse_http_date(version.last_modified.as_deref()?).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// An address that cannot be read out of it.
fn hash(address: &SafeUrl) -> u64 {
    let digest = blake3::hash(address.expose().as_str().as_bytes());
    digest.as_bytes().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

async fn digest_of(attempt: &Attempt, file: Arc<dyn SourceFile>, like: &Digest) -> Result<Digest, Stop> {
    let algorithm = like.algorithm();
    let hashed = attempt.engine.blocking.start(move || {
        let mut hasher = Hasher::new(algorithm);
        let (mut buffer, mut offset) = (vec![0; BUFFER], 0);
        loop {
            let count = file.read_at(&mut buffer, offset)?;
            if count == 0 {
                return Ok(hasher.finish());
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
            offset += count as u64;
        }
    });
    let hashed: Result<Digest, DiskError> =
        hashed.await.map_err(|panic| DiskError::at(Path::new(""), io::Error::other(panic.to_string())))?;
    Ok(hashed?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        for (date, tag) in [(Some(1_700_000_000), "\"a b\""), (None, ""), (Some(-5), "W/\"x\"")] {
            let note = Note { address: 0x12, modified_ns: -17, date, tag: tag.to_owned() };
            let version = Some(Note::around(note.address, note.date, &note.tag));
            let notes = Notes { origin: "http://example.org/".parse().unwrap(), modified: None, version };
            assert_eq!(Note::read(&notes.version_at(note.modified_ns).unwrap()), Some(note));
        }
        for other in ["", "2 0 0  ", "1 zz 0  ", "1 0 x  ", "1 0 0 x "] {
            assert_eq!(Note::read(other), None, "{other:?}");
        }
    }

    #[test]
    fn two_addresses_have_notes_that_differ() {
        let hash_of = |address: &str| hash(&address.parse().unwrap());
        let address = "https://example.org/a?token=x";
        assert_eq!(hash_of(address), hash_of(address));
        let digest = blake3::hash(address.as_bytes());
        assert_eq!(hash_of(address).to_be_bytes(), digest.as_bytes()[..8]);
        assert_ne!(hash_of(address), hash_of("https://example.org/a?token=y"));
    }
}
