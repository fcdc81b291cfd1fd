//! Digests of stored files, for clients that ask whether what they have is here already.

use std::{
    collections::HashMap,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use ropeway_flow::digest::Hasher;
use ropeway_model::{Algorithm, Digest};
use ropeway_net::file::{Entity, wall_clock};
use rustix::fs::fstat;
use tokio::sync::Semaphore;

/// Files that are read at once; each keeps a processor and a disk busy.
const AT_ONCE: usize = 2;
/// Digests that are kept.
const MOST_KNOWN: usize = 4_096;
/// Bytes read at a time.
const BLOCK_BYTES: usize = 256 * 1024;

/// SHA-256 of files, each taken once for a version of it.
#[derive(Debug)]
pub(crate) struct Digests {
    known: Mutex<HashMap<Entity, Digest>>,
    turns: Semaphore,
}

impl Default for Digests {
    fn default() -> Self {
        Self { known: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl Digests {
    /// Keeps the digest of a version, if nobody can change the file without its showing.
    pub(crate) fn remember(&self, entity: Entity, digest: &Digest) {
        if !entity.is_settled(wall_clock()) {
            return;
        }
        let mut known = self.known.lock();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(entity, digest.clone());
    }

    /// The digest of a file, as soon as it can be taken; `None` if the file changes meanwhile or cannot be read.
    pub(crate) async fn of(&self, file: OwnedFd, entity: Entity) -> Option<Digest> {
        let known = || self.known.lock().get(&entity).cloned();
        if let Some(digest) = known() {
            return Some(digest);
        }
        let _turn = self.turns.acquire().await.ok()?;
        // Whoever had the turn may have taken it of the same file.
        if let Some(digest) = known() {
            return Some(digest);
        }
        let wanted = Wanted::default();
        let still = Arc::clone(&wanted.0);
        let digest = tokio::task::spawn_blocking(move || digest_of(file, entity, &still)).await.ok()?;
        let digest = digest.inspect_err(|error| tracing::debug!(%error, "no digest taken")).ok()?;
        self.remember(entity, &digest);
        Some(digest)
    }
}

/// Whether somebody still waits for a digest.
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn digest_of(file: OwnedFd, entity: Entity, is_wanted: &AtomicBool) -> io::Result<Digest> {
    let mut file = std::fs::File::from(file);
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        if !is_wanted.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match io::Read::read(&mut file, &mut block) {
            Ok(0) => break,
            Ok(count) => hasher.update(block.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if Entity::of(&fstat(&file)?) != entity {
        return Err(io::Error::other("the file changed while it was read"));
    }
    Ok(hasher.finish())
}
