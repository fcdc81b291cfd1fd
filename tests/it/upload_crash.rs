//! Kill -9 of either end of an upload to `ropeway serve`: what has a name there is whole, nothing has two, and what was
//! told is so.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{
    Finished, Home, MIB, Moments, Running, Server, assert_same_bytes, memory_folder, stamped_file, wait_until,
};

/// Kills of either end.
const KILLS: usize = 6;
/// Bytes a second of all files together: slow enough that a kill hits files on their way.
const RATE: &str = "4M";
/// Lengths of the files; the last is on its way for more than a second.
const LENGTHS: [u64; 8] = [0, 1, 300_001, MIB, MIB + 1, MIB / 2, 3 * MIB, 6 * MIB];
/// Longest a killed end lives on once bytes have come.
const LONGEST_LIFE: Duration = Duration::from_millis(400);

/// A folder that is sent, the folder where it arrives, and both ends' home.
struct Ground {
    home: Home,
    arrived: TempDir,
}

impl Ground {
    fn new() -> Self {
        let home = Home::new();
        fs::create_dir_all(home.work("many/below")).unwrap();
        for (number, length) in LENGTHS.into_iter().enumerate() {
            let folder = if number % 2 == 0 { "many" } else { "many/below" };
            stamped_file(&home.work(folder).join(format!("{number}.bin")), length);
        }
        Self { home, arrived: memory_folder() }
    }

    fn put(&self, server: &Server) -> Running {
        self.home.start(["put", "--json", "-j", "3", "-l", RATE, "many", "--to", &server.url("")])
    }

    /// Paths below the folder where files arrive: those with a name, and those without one yet.
    fn found(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let is_draft = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with('.');
        let (drafts, named) = files(self.arrived.path()).into_iter().partition(is_draft);
        (named, drafts)
    }

    /// Waits until bytes of a file are there that has no name yet, or until `is_over`.
    fn wait_for_bytes(&self, mut is_over: impl FnMut() -> bool) {
        wait_until("bytes of a file on its way", || {
            // It may have got its name, or be gone, between the two looks.
            let length = |draft: &PathBuf| fs::metadata(draft).map_or(0, |meta| meta.len());
            (is_over() || self.found().1.iter().any(|draft| length(draft) > 0)).then_some(())
        });
    }

    /// Every file with a name is whole, and every file that `told` says has arrived has one.
    fn assert_whole(&self, told: &BTreeSet<String>, server: &Server) {
        let (named, _) = self.found();
        let mut urls = BTreeSet::new();
        for path in named {
            let name = path.strip_prefix(self.arrived.path()).unwrap();
            assert_same_bytes(&path, &self.home.work(name));
            urls.insert(server.url(name.to_str().unwrap()));
        }
        assert!(told.is_subset(&urls), "told: {told:?}, there: {urls:?}");
    }

    /// All is there, once, and nothing else is.
    fn assert_complete(&self, finished: &Finished, server: &Server) {
        let results = finished.results();
        assert_eq!(results.len(), LENGTHS.len(), "a line for each: {results:?}");
        assert!(results.iter().all(|line| line["verification"] == "checksum_of_server"), "{results:?}");
        let told = urls(&finished.stdout);
        assert_eq!(told.len(), LENGTHS.len(), "each once: {told:?}");
        self.assert_whole(&told, server);
        let (named, drafts) = self.found();
        assert_eq!((named.len(), drafts), (LENGTHS.len(), Vec::new()), "nothing twice, nothing left over");
    }
}

#[test]
fn heavy_a_put_that_is_killed_again_and_again_and_started_again_brings_every_file_once() {
    let ground = Ground::new();
    let server = Server::start(&ground.home, ground.arrived.path(), &[]);
    let mut moments = Moments::new();
    let mut told = BTreeSet::new();
    for _ in 0..KILLS {
        let mut put = ground.put(&server);
        ground.wait_for_bytes(|| put.has_ended());
        thread::sleep(moments.within(LONGEST_LIFE));
        put.signal(Signal::KILL);
        told.extend(urls(&put.wait().stdout));
        ground.assert_whole(&told, &server);
        wait_until("what was cut is gone", || ground.found().1.is_empty().then_some(()));
    }
    let finished = ground.put(&server).wait().expect(0);
    ground.assert_complete(&finished, &server);
    // Who runs it once more sends nothing that is there.
    let again = ground.put(&server).wait().expect(0);
    ground.assert_complete(&again, &server);
}

#[test]
fn heavy_a_service_that_is_killed_again_and_again_meanwhile_costs_a_put_only_time() {
    let ground = Ground::new();
    let mut server = Server::start(&ground.home, ground.arrived.path(), &[]);
    let mut moments = Moments::new();
    let mut put = ground.put(&server);
    for _ in 0..KILLS {
        ground.wait_for_bytes(|| put.has_ended());
        thread::sleep(moments.within(LONGEST_LIFE));
        let told = urls(&put.stdout());
        let rest = moments.within(LONGEST_LIFE);
        server = server.crash_and_start(&ground.home, || thread::sleep(rest));
        ground.assert_whole(&told, &server);
    }
    let finished = put.wait().expect(0);
    ground.assert_complete(&finished, &server);
}

#[test]
fn heavy_both_ends_that_are_killed_at_once_leave_nothing_that_the_next_put_does_not_mend() {
    let ground = Ground::new();
    let mut server = Server::start(&ground.home, ground.arrived.path(), &[]);
    let mut moments = Moments::new();
    let mut told = BTreeSet::new();
    for _ in 0..KILLS {
        let mut put = ground.put(&server);
        ground.wait_for_bytes(|| put.has_ended());
        thread::sleep(moments.within(LONGEST_LIFE));
        server = server.crash_and_start(&ground.home, || {
            put.signal(Signal::KILL);
            told.extend(urls(&put.wait().stdout));
        });
        ground.assert_whole(&told, &server);
    }
    let finished = ground.put(&server).wait().expect(0);
    ground.assert_complete(&finished, &server);
}

/// Addresses that whole lines of `stdout` say are stored.
fn urls(stdout: &str) -> BTreeSet<String> {
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let results = lines.filter(|line| line["event"] == "result" && line["verified"] == true);
    results.filter_map(|line| Some(line["url"].as_str()?.to_owned())).collect()
}

/// Paths of all files below `folder`; one that vanishes meanwhile is left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
