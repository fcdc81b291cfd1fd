//! A damaged queue, set aside: what can be read of it goes into a new one.

use std::{
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ropeway_model::{JobId, counted};
use rusqlite::{Connection, OpenFlags, params_from_iter, types::Value};

use crate::{
    StoreError, connection,
    error::Fault,
    migration,
    swap::SwapLock,
    table::{job, target},
};

/// Damaged files that are kept beside each other; more are the sign of a failing disk, and then the newest are of no use.
const MOST_KEPT: usize = 20;
/// Jobs that are named; of more only the number is told.
const MOST_NAMED: usize = 10;

/// What was lost with a damaged queue, and where it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDamage {
    /// The queue's file, which is a new one.
    pub path: PathBuf,
    /// The damaged file, whole as it was found.
    pub aside: PathBuf,
    /// What was wrong with it.
    pub reason: String,
    /// Jobs that were saved from it.
    pub saved: usize,
    /// Jobs that are known to be lost.
    pub lost: Vec<JobId>,
    /// Whether more may be lost, of which not even the number is known.
    pub may_lack_more: bool,
}

impl fmt::Display for QueueDamage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, aside, reason, saved, lost, may_lack_more } = self;
        write!(
            formatter,
            "the queue {} was damaged ({reason}); saved from it: {}",
            path.display(),
            counted(*saved, "job")
        )?;
        let named: Vec<_> = lost.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        match lost.len() {
            0 => {}
            count if count > MOST_NAMED => write!(formatter, ", {count} jobs are lost")?,
            1 => write!(formatter, ", job {} is lost", named.join(""))?,
            _ => write!(formatter, ", jobs {} are lost", named.join(", "))?,
        }
        if *may_lack_more {
            formatter.write_str(", others may be missing")?;
        }
        write!(formatter, "; the damaged file is kept as {}", aside.display())
    }
}

/// A table to save, in an order in which no row comes before one that it refers to.
struct Saved {
    name: &'static str,
    /// The columns that its rows are ordered by.
    key: &'static str,
}

/// What of a part file was being written is left out: a new try then compares what is on disk with its digests.
const TABLES: [Saved; 6] = [
    Saved { name: "job", key: "id" },
    Saved { name: "target", key: "id" },
    Saved { name: SEGMENT, key: "job, start_offset" },
    Saved { name: "block", key: "job, start_offset" },
    Saved { name: "log", key: "job, number" },
    Saved { name: "host", key: "host" },
];
const SEGMENT: &str = "segment";

/// Sets the damaged queue at `path` aside and puts a new one with all that can be read of it in its place, while no other
/// process opens it. What one that has it open already still writes goes to the file that is set aside. `None` if another
/// process has mended it meanwhile.
///
/// # Errors
/// [`StoreError::Open`] where the folder takes no new file; then nothing has changed.
pub fn mend(path: &Path) -> Result<Option<QueueDamage>, StoreError> {
    let refused = |source: io::Error| StoreError::Open { path: path.to_owned(), source: Arc::new(source) };
    let swap = SwapLock::exclusive(path).map_err(refused)?;
    let found = connection::open_locked(path, &swap).and_then(|connection| readable(&connection, path));
    let Err(found) = found else { return Ok(None) };
    if !found.is_damage() {
        return Err(found);
    }
    let beside = with_ending(path, ".new");
    remove_database(&beside).map_err(refused)?;
    drop(ropeway_files::open_private(&beside).map_err(refused)?);
    let saved = save(path, &beside).map_err(|fault| fault.at(&beside))?;
    let aside = free_name(path).map_err(refused)?;
    put_in_place(path, &aside, &beside).map_err(refused)?;
    let Rescue { saved, lost, is_partial } = saved;
    let damage =
        QueueDamage { path: path.to_owned(), aside, reason: found.cause(), saved, lost, may_lack_more: is_partial };
    Ok(Some(damage))
}

/// Reads what a start reads.
fn readable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let read = job::each(connection, |_| ()).and_then(|()| target::all(connection).map(drop));
    read.map_err(|fault| fault.at(path))
}

struct Rescue {
    saved: usize,
    lost: Vec<JobId>,
    is_partial: bool,
}

/// Copies what can be read of the database at `from` into the empty file at `to`, durably and without a log beside it.
fn save(from: &Path, to: &Path) -> Result<Rescue, Fault> {
    let mut new = Connection::open(to)?;
    new.pragma_update(None, "foreign_keys", true)?;
    migration::migrate(&mut new)?;
    let mut is_partial = false;
    match Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX) {
        Ok(old) => {
            for table in &TABLES {
                let transaction = new.transaction()?;
                is_partial |= copy(&old, &transaction, table)? == Copied::Partly;
                transaction.commit()?;
            }
            keep_numbers(&old, &new)?;
        }
        Err(_) => is_partial = true,
    }
    let lost = drop_unreadable(&new)?;
    let saved: i64 = new.query_row("SELECT count(*) FROM job", [], |row| row.get(0))?;
    new.close().map_err(|(_, error)| error)?;
    Ok(Rescue { saved: usize::try_from(saved).unwrap_or(0), lost, is_partial })
}

/// How much of a table was copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    Whole,
    Partly,
}

/// Copies the rows of a table from its beginning and, where that stops at damage, from its end.
fn copy(old: &Connection, new: &Connection, table: &Saved) -> Result<Copied, Fault> {
    let Ok(columns) = common_columns(old, new, table.name) else { return Ok(Copied::Partly) };
    if columns.is_empty() {
        return Ok(Copied::Partly);
    }
    let downwards = table.key.replace(", ", " DESC, ") + " DESC";
    let (mut ends, mut is_whole) = (Vec::new(), true);
    for order in [table.key, &downwards] {
        let (last, is_over) = copy_in_order(old, new, table, &columns, order)?;
        if is_over {
            break;
        }
        is_whole = false;
        ends.extend(last);
    }
    if table.name == SEGMENT {
        // Half of a job's segments would read as a shorter file.
        for job in ends {
            new.execute("DELETE FROM segment WHERE job = ?1", [job])?;
        }
    }
    Ok(if is_whole { Copied::Whole } else { Copied::Partly })
}

/// Copies rows until damage stops it; returns the first column of the last row, and whether all were read.
fn copy_in_order(
    old: &Connection,
    new: &Connection,
    table: &Saved,
    columns: &[String],
    order: &str,
) -> Result<(Option<Value>, bool), Fault> {
    let names = columns.join(", ");
    let places = vec!["?"; columns.len()].join(", ");
    let sql = format!("INSERT OR IGNORE INTO {} ({names}) VALUES ({places})", table.name);
    let mut insert = new.prepare(&sql)?;
    let read = old.prepare(&format!("SELECT {names} FROM {} ORDER BY {order}", table.name));
    let Ok(mut read) = read else { return Ok((None, false)) };
    let Ok(mut rows) = read.query([]) else { return Ok((None, false)) };
    let mut last = None;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok((last, true)),
            Err(_) => return Ok((last, false)),
        };
        let values: rusqlite::Result<Vec<Value>> = (0..columns.len()).map(|at| row.get(at)).collect();
        let Ok(values) = values else { continue };
        last = values.first().cloned();
        // A row that the table's own rules refuse, or whose job is gone, is damage of that row alone.
        let _ = insert.execute(params_from_iter(values));
    }
}

/// The columns that the table has in both files; the first is the first of its key.
fn common_columns(old: &Connection, new: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let columns = |file: &Connection| -> rusqlite::Result<Vec<String>> {
        file.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?
            .query_map([table], |row| row.get(0))?
            .collect()
    };
    let had = columns(old)?;
    Ok(columns(new)?.into_iter().filter(|column| had.contains(column)).collect())
}

/// A number is never given twice, not even one of a job that is lost.
fn keep_numbers(old: &Connection, new: &Connection) -> Result<(), Fault> {
    let sql = "SELECT name, seq FROM sqlite_sequence WHERE name IN ('job', 'target')";
    let Ok(mut read) = old.prepare(sql) else { return Ok(()) };
    let rows = read.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for (name, number) in rows.filter_map(Result::ok) {
        let changed = new.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (&name, number))?;
        if changed == 0 {
            new.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", (&name, number))?;
        }
    }
    Ok(())
}

/// Takes out the rows that cannot be what was written; returns the jobs among them.
fn drop_unreadable(new: &Connection) -> Result<Vec<JobId>, Fault> {
    let lost = job::unreadable(new)?;
    job::remove(new, &lost)?;
    target::remove_unreadable(new)?;
    Ok(lost)
}

/// Keeps the damaged file under `aside` and gives its name to the new one. Wherever this is stopped there is a file at
/// `path`, and no log beside it that belongs to the other one.
fn put_in_place(path: &Path, aside: &Path, new: &Path) -> io::Result<()> {
    fs::hard_link(path, aside).or_else(|_| fs::copy(path, aside).map(drop))?;
    let log = with_ending(path, "-wal");
    match rename(&log, &with_ending(aside, "-wal")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for ending in ["-shm", "-journal"] {
        remove(&with_ending(path, ending))?;
    }
    fs::File::open(new)?.sync_all()?;
    rename(new, path)?;
    ropeway_files::sync_folder(fs::File::open(path.parent().unwrap_or(Path::new("/")))?)
}

#[expect(clippy::disallowed_methods, reason = "names of the store's own files")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_database(path: &Path) -> io::Result<()> {
    connection::SIDES.iter().try_for_each(|ending| remove(&with_ending(path, ending)))?;
    remove(path)
}

/// `queue.db.damaged`, or the first number behind it that is free.
fn free_name(path: &Path) -> io::Result<PathBuf> {
    let numbered = (2..=MOST_KEPT).map(|number| format!(".damaged-{number}"));
    let mut names = std::iter::once(".damaged".to_owned()).chain(numbered).map(|ending| with_ending(path, &ending));
    let is_free = |name: &PathBuf| fs::symlink_metadata(name).is_err();
    let full =
        || io::Error::other(format!("{MOST_KEPT} damaged files are beside it: look at the disk, then remove them"));
    names.find(is_free).ok_or_else(full)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_named_up_to_ten_jobs() {
        let damage = |lost: i64, may_lack_more| QueueDamage {
            path: "queue.db".into(),
            aside: "queue.db.damaged".into(),
            reason: "it is no database".to_owned(),
            saved: 3,
            lost: (1..=lost).map(JobId::from_row).collect(),
            may_lack_more,
        };
        for (lost, may_lack_more, said) in [
            (0, false, ""),
            (0, true, ", others may be missing"),
            (1, false, ", job 1 is lost"),
            (2, true, ", jobs 1, 2 are lost, others may be missing"),
            (10, false, ", jobs 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 are lost"),
            (11, false, ", 11 jobs are lost"),
        ] {
            assert_eq!(
                damage(lost, may_lack_more).to_string(),
                format!(
                    "the queue queue.db was damaged (it is no database); saved from it: 3 jobs{said}; \
                     the damaged file is kept as queue.db.damaged"
                )
            );
        }
    }

    #[test]
    fn a_database_is_removed_with_all_that_is_beside_it_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let make = |path: &Path| drop(fs::OpenOptions::new().create_new(true).write(true).open(path).unwrap());
        for ending in ["", "-wal", "-shm", "-journal", ".damaged"] {
            make(&with_ending(&path, ending));
        }
        remove_database(&path).unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["queue.db.damaged"]);
        remove_database(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(remove_database(&path).is_err(), "a folder is no database");
    }

    #[test]
    fn the_damaged_file_goes_aside_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let [path, aside, new] = ["queue.db", "queue.db.damaged", "queue.db.new"].map(|name| folder.path().join(name));
        let make = |path: &Path, text: &str| {
            io::Write::write_all(
                &mut fs::OpenOptions::new().create_new(true).write(true).open(path).unwrap(),
                text.as_bytes(),
            )
            .unwrap();
        };
        for (name, text) in [
            (&path, "damaged"),
            (&with_ending(&path, "-wal"), "log"),
            (&with_ending(&path, "-shm"), "index"),
            (&new, "new"),
        ] {
            make(name, text);
        }
        put_in_place(&path, &aside, &new).unwrap();
        let text = |path: &Path| fs::read_to_string(path).ok();
        assert_eq!(
            [&path, &aside, &with_ending(&aside, "-wal")].map(|path| text(path)),
            ["new", "damaged", "log"].map(|text| Some(text.to_owned()))
        );
        assert_eq!(
            [&with_ending(&path, "-wal"), &with_ending(&path, "-shm"), &new].map(|path| text(path)),
            [None, None, None]
        );
        // A log that cannot be moved would be taken for that of the new file.
        make(&new, "newer");
        make(&with_ending(&path, "-wal"), "log");
        fs::remove_file(with_ending(&aside, "-wal")).unwrap();
        fs::create_dir(with_ending(&aside, "-wal")).unwrap();
        fs::remove_file(&aside).unwrap();
        assert!(put_in_place(&path, &aside, &new).is_err());
        assert_eq!(text(&path).as_deref(), Some("new"));
    }
}
