//! What is there when a client has ended.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::peer::Request;

/// The end of a case's last run, as its rule looks at it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Whether it ended by itself, and not because the case's time was over.
    pub has_ended: bool,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
    /// The folder it worked in.
    pub folder: PathBuf,
    /// The requests of the last run.
    pub requests: Vec<Request>,
    /// The requests of the run before it.
    pub earlier: Vec<Request>,
    /// The requests that the other origin saw.
    pub elsewhere: Vec<Request>,
    /// The most memory it had resident, in bytes, as far as could be seen.
    pub peak_memory: u64,
    /// How long the last run took.
    pub took: Duration,
}

impl Outcome {
    /// Octets of bodies that the server gave to the network in the last run.
    pub fn sent(&self) -> u64 {
        self.requests.iter().map(|request| request.bytes_sent).sum()
    }

    /// Whether it said that it has the file.
    pub fn claims(&self) -> bool {
        self.has_ended && self.code == Some(0)
    }

    /// The paths of all files in the folder, relative to it, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect(&self.folder, &self.folder, &mut names);
        names.sort();
        names
    }

    /// Everything, for a failed test.
    pub fn trace(&self) -> String {
        let mut text = String::new();
        let line = |text: &mut String, name: &str, requests: &[Request]| {
            for request in requests {
                let field = |name| request.header(name).unwrap_or("-").to_owned();
                let (method, path, sent) = (&request.method, &request.path, request.bytes_sent);
                let (range, condition) = (field("Range"), field("If-Range"));
                writeln!(text, "  {name} {method} {path} Range {range} If-Range {condition}: {sent} sent").unwrap();
            }
        };
        writeln!(text, "exit {:?}, ended {}, took {:?}", self.code, self.has_ended, self.took).unwrap();
        writeln!(text, "files {:?}", self.names()).unwrap();
        line(&mut text, "first run", &self.earlier);
        line(&mut text, "last run", &self.requests);
        line(&mut text, "other origin", &self.elsewhere);
        write!(text, "stdout: {}\nstderr: {}", tail(&self.stdout), tail(&self.stderr)).unwrap();
        text
    }
}

/// The end of a long text.
fn tail(text: &str) -> String {
    const MOST: usize = 1_500;
    let skipped = text.chars().count().saturating_sub(MOST);
    text.chars().skip(skipped).collect()
}

fn collect(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(root, &path, names);
        } else {
            names.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
}
