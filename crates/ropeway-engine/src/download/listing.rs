//! Folders as they were seen a moment ago. Thousands of small files are not worth a visit to the disk each.

use std::{
    collections::{HashSet, VecDeque},
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use parking_lot::Mutex;
use ropeway_model::FileName;
use tokio::time::Instant;

/// What was seen is believed for as long: who is asked answers within it, or the disk is asked again.
pub(super) const FRESH: Duration = Duration::from_secs(1);
/// Names of a folder that are looked at, at most. In a larger one each file's own name is asked for.
pub(super) const MOST_NAMES: usize = 4096;
/// Folders that are remembered.
const MOST_FOLDERS: usize = 8;
/// No list of small files fills so many bytes while what was seen is believed.
const PLENTY: u64 = 1 << 30;

/// The folders that downloads were just begun in.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<VecDeque<Listing>>);

#[derive(Debug)]
struct Listing {
    folder: PathBuf,
    seen: Instant,
    free: u64,
    names: Names,
    /// Names that files have just got, and when: a visit that was under way may lack them.
    given: VecDeque<(Instant, String)>,
}

/// What is known of the names in a folder.
#[derive(Debug)]
enum Names {
    /// Nobody looked.
    Unread,
    /// There are too many.
    Many,
    /// All there were, as [`folded`].
    All(HashSet<String>),
}

/// Sight of a folder for the next download into it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Visits it.
    Unknown,
    /// Visits it and reads all names: it is one of several.
    Again,
    /// Nothing.
    Known { seen: Instant, free: u64, is_vacant: bool },
}

/// Result of one visit.
#[derive(Debug)]
pub(super) struct Found {
    /// Bytes that were free.
    pub(super) free: u64,
    /// All names, where they were read and are few.
    pub(super) names: Option<Vec<OsString>>,
}

impl Listings {
    /// What is known of a folder for a file that is to have this name.
    pub(super) fn look(&self, folder: &Path, name: Option<&FileName>) -> Sight {
        let listings = self.0.lock();
        let fresh = |listing: &&Listing| listing.folder == folder && listing.seen.elapsed() < FRESH;
        let Some(listing) = listings.iter().find(fresh) else { return Sight::Unknown };
        let (Some(name), true) = (name.and_then(|name| folded(name.as_str())), listing.free >= PLENTY) else {
            return Sight::Unknown;
        };
        match &listing.names {
            Names::Unread => Sight::Again,
            Names::Many => Sight::Unknown,
            Names::All(names) => {
                Sight::Known { seen: listing.seen, free: listing.free, is_vacant: !names.contains(&name) }
            }
        }
    }

    /// Remembers what a visit that began at `seen` has found. `is_read` where it was to read the names.
    pub(super) fn remember(&self, folder: &Path, seen: Instant, found: Found, is_read: bool) {
        let mut listings = self.0.lock();
        let known = listings.iter().position(|listing| listing.folder == folder);
        let mut listing = known.and_then(|at| listings.remove(at)).unwrap_or_else(|| Listing {
            folder: folder.to_owned(),
            seen,
            free: found.free,
            names: Names::Unread,
            given: VecDeque::new(),
        });
        match found.names {
            Some(names) => {
                let given = listing.given.iter().filter(|(at, _)| *at >= seen).map(|(_, name)| name.clone());
                let read = names.iter().filter_map(|name| folded(&name.to_string_lossy()));
                listing.names = Names::All(read.chain(given).collect());
            }
            None if is_read => listing.names = Names::Many,
            // A visit that read no names says nothing against an older one that did, and does not make it younger.
            None if matches!(listing.names, Names::All(_)) && listing.seen.elapsed() < FRESH => {
                return listings.push_front(listing);
            }
            None => listing.names = Names::Unread,
        }
        (listing.seen, listing.free) = (seen, found.free);
        listings.truncate(MOST_FOLDERS - 1);
        listings.push_front(listing);
    }

    /// A file has got its name.
    pub(crate) fn give(&self, file: &Path) {
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return };
        let mut listings = self.0.lock();
        let listing = listings.iter_mut().find(|listing| listing.folder == folder);
        if let (Some(listing), Some(name)) = (listing, folded(&name.to_string_lossy())) {
            listing.give(name);
        }
    }
}

impl Listing {
    fn give(&mut self, name: String) {
        // What a longer visit finds is believed no more when it ends.
        while self.given.front().is_some_and(|(at, _)| at.elapsed() >= FRESH) {
            self.given.pop_front();
        }
        if let Names::All(names) = &mut self.names {
            names.insert(name.clone());
        }
        self.given.push_back((Instant::now(), name));
    }
}

/// A name as volumes compare it that tell no capitals from small letters; `None` where they might take another one for the
/// same.
fn folded(name: &str) -> Option<String> {
    name.is_ascii().then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "/downloads";

    fn name(text: &str) -> FileName {
        text.parse().unwrap()
    }

    fn visit(listings: &Listings, seen: Instant, free: u64, names: Option<&[&str]>, is_read: bool) {
        let names = names.map(|names| names.iter().map(OsString::from).collect());
        listings.remember(Path::new(FOLDER), seen, Found { free, names }, is_read);
    }

    fn is_vacant(listings: &Listings, text: &str) -> Option<bool> {
        match listings.look(Path::new(FOLDER), Some(&name(text))) {
            Sight::Known { is_vacant, .. } => Some(is_vacant),
            Sight::Unknown | Sight::Again => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_third_file_of_a_list_needs_no_visit_and_a_late_one_does() {
        let (listings, folder, wanted) = (Listings::default(), Path::new(FOLDER), name("b.bin"));
        assert_eq!(listings.look(folder, Some(&wanted)), Sight::Unknown);
        visit(&listings, Instant::now(), PLENTY, None, false);
        assert_eq!(listings.look(folder, Some(&wanted)), Sight::Again);
        assert_eq!(listings.look(Path::new("/other"), Some(&wanted)), Sight::Unknown);
        let seen = Instant::now();
        visit(&listings, seen, PLENTY, Some(&["A.bin"]), true);
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(listings.look(folder, Some(&wanted)), Sight::Known { seen, free: PLENTY, is_vacant: true });
        assert_eq!(is_vacant(&listings, "a.BIN"), Some(false), "volumes may not tell the two apart");
        assert_eq!(is_vacant(&listings, "\u{e9}.bin"), None, "nor an accent from another way to write it");
        assert_eq!(listings.look(folder, None), Sight::Unknown);
        // Another visit that read nothing makes it no younger.
        visit(&listings, Instant::now(), PLENTY, None, false);
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(listings.look(folder, Some(&wanted)), Sight::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_a_file_has_got_is_not_free_whatever_a_visit_under_way_finds() {
        let listings = Listings::default();
        let seen = Instant::now();
        visit(&listings, seen, PLENTY, None, false);
        tokio::time::advance(Duration::from_millis(1)).await;
        listings.give(&Path::new(FOLDER).join("Got.bin"));
        visit(&listings, seen, PLENTY, Some(&[]), true);
        listings.give(&Path::new(FOLDER).join("later.bin"));
        assert_eq!(
            ["got.bin", "later.bin", "c"].map(|text| is_vacant(&listings, text)),
            [Some(false), Some(false), Some(true)]
        );
        listings.give(Path::new("/elsewhere/c"));
        assert_eq!(is_vacant(&listings, "c"), Some(true));
        // A later visit tells of all that was given before it.
        tokio::time::advance(Duration::from_millis(1)).await;
        visit(&listings, Instant::now(), PLENTY, Some(&["later.bin"]), true);
        assert_eq!(["got.bin", "later.bin"].map(|text| is_vacant(&listings, text)), [Some(true), Some(false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_is_large_or_nearly_full_is_visited_for_each_file() {
        let listings = Listings::default();
        visit(&listings, Instant::now(), PLENTY, None, true);
        assert_eq!(listings.look(Path::new(FOLDER), Some(&name("a"))), Sight::Unknown, "too many names");
        let listings = Listings::default();
        visit(&listings, Instant::now(), PLENTY - 1, Some(&[]), true);
        assert_eq!(is_vacant(&listings, "a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn few_folders_are_remembered() {
        let listings = Listings::default();
        for number in 0..20 {
            let found = Found { free: PLENTY, names: None };
            listings.remember(Path::new(&format!("/{number}")), Instant::now(), found, false);
        }
        let known = |number: u32| listings.look(Path::new(&format!("/{number}")), Some(&name("a"))) == Sight::Again;
        assert!((0..20).rev().take(MOST_FOLDERS).all(known) && !known(11));
    }
}
