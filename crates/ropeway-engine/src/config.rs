//! What an engine is opened with: its seams to the outside, its scope, its limits.

use std::{path::PathBuf, sync::Arc};

use ropeway_drivers::{Clients, Drivers};
use ropeway_flow::{
    blocking::Blocking,
    clock::{Clock, SystemClock},
    disk::{Disk, LocalDisk},
    rng::{Rng, SystemRng},
};
use ropeway_model::{ByteRate, Connections, Schedule};

use crate::{
    hosts::ServerPolicy,
    network::{Routes, SystemRoutes},
};

/// The seams to the outside.
#[derive(Clone, Debug)]
pub struct Seams {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// The network protocols.
    pub drivers: Drivers,
    /// The HTTP clients that the protocols reach the network with.
    pub clients: Clients,
    /// Where work that blocks is carried out.
    pub blocking: Blocking,
    /// Random numbers that spread retries.
    pub rng: Arc<dyn Rng>,
    /// Routes, which tell whether there is a network.
    pub routes: Arc<dyn Routes>,
}

impl Default for Seams {
    /// The operating system's clock and file system, and the real protocols.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            disk: Arc::new(LocalDisk),
            drivers: Drivers::default(),
            clients: Clients::default(),
            blocking: Blocking::default(),
            rng: Arc::new(SystemRng),
            routes: Arc::new(SystemRoutes),
        }
    }
}

/// Which jobs an engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All jobs of the store. The caller sees to it that no other process does.
    Queue,
    /// Only jobs added to this engine, in a store that several processes share.
    Once,
}

/// Which finished files get a digest, a SHA-256 unless the user names another, even where nothing is there to compare it
/// with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestPolicy {
    /// Every file.
    EveryFile,
    /// Only where the user or the server gave one.
    WhereGiven,
}

/// Limits that may change while jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs that may run at once.
    pub running_jobs: usize,
    /// Connections of a download that does not choose.
    pub connections: Option<Connections>,
    /// All downloads together.
    pub download: Option<ByteRate>,
    /// All uploads together.
    pub upload: Option<ByteRate>,
}

/// Configuration that an engine is opened with.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The queue's database file; `None` keeps the queue in memory.
    pub database: Option<PathBuf>,
    /// Which jobs it runs.
    pub scope: Scope,
    /// Which files are hashed.
    pub digests: DigestPolicy,
    /// The limits at the start.
    pub limits: Limits,
    /// Other limits at certain hours.
    pub schedule: Schedule,
    /// Policy for servers.
    pub servers: ServerPolicy,
    /// True where no job may start before [`crate::Engine::hold`] lets it.
    pub is_held: bool,
    /// Whether no other process has the queue of [`Scope::Once`] open, or opens it, until the engine is: then what is left in
    /// it is nobody's.
    pub is_alone: bool,
}
