//! A server on a folder of its own.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ropeway_serve::Config;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

/// A running server; stops when dropped.
pub(crate) struct Fixture {
    pub(crate) root: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// A server with the usual configuration.
pub(crate) async fn serve() -> Fixture {
    serve_with(|_| {}).await
}

/// A server whose configuration `change` decides.
pub(crate) async fn serve_with(change: impl FnOnce(&mut Config)) -> Fixture {
    let root = tempfile::tempdir().unwrap();
    let mut config = Config {
        root: root.path().to_owned(),
        bind: ([127, 0, 0, 1], 0).into(),
        limit_per_client: None,
        overwrite: false,
        max_upload: None,
        read_only: false,
        hosts: Vec::new(),
    };
    change(&mut config);
    let server = ropeway_serve::bind(config).await.unwrap();
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Fixture { root, address, client, stop: Some(stop), running }
}

impl Fixture {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A file old enough that its tag is strong.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        put(&path, bytes);
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        fs::File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        path
    }

    /// All files below the root, hidden ones too.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(self.root.path()).unwrap().to_str().unwrap().to_owned());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// Asks the server to stop.
    pub(crate) fn ask_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until the server has stopped.
    pub(crate) async fn stopped(&mut self) {
        (&mut self.running).await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own file")]
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

/// Bytes in which every shift and every swap shows.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..=length as u64 / 8)
        .flat_map(|word| (word.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes())
        .take(length)
        .collect()
}

/// Waits until `holds`; what it waits for happens in another thread of this process.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}
