//! The running service.

use std::{
    io,
    net::SocketAddr,
    path::{Component, Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hyper::service::service_fn;
use ropeway_model::ByteRate;
use ropeway_net::{host::Hosts, listen, throttle::Throttle, visit::Visit};
use rustix::io::Errno;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{
    answer::{self, Service},
    config::{Config, ServeError},
    digests::Digests,
    folder::Folder,
    path::Hidden,
    upload::{draft, place::NameLocks, receive, sweep},
};

/// A server that listens but does not answer yet: [`Server::run`] does.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
}

/// Opens the folder and listens.
///
/// # Errors
/// [`ServeError`] if the folder or the address cannot be used.
pub async fn bind(config: Config) -> Result<Server, ServeError> {
    let unusable = |source: io::Error| ServeError::RootUnusable { root: config.root.clone(), source };
    let path = config.root.clone();
    let is_shared_only = config.read_only;
    let opened = tokio::task::spawn_blocking(move || {
        let root = Folder::open_root(&path)?;
        Ok((root, if is_shared_only || holds_home(&path) { Hidden::Refused } else { Hidden::Plain }))
    });
    let (root, hidden) = opened
        .await
        .map_err(|error| unusable(io::Error::other(error)))?
        .map_err(|errno: Errno| unusable(errno.into()))?;
    let refused = |source| ServeError::BindFailed { address: config.bind, source };
    let receive_buffer = config.limit_per_client.map(receive_buffer);
    let listener = listen::bind(config.bind, receive_buffer).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let service = Service {
        hosts: Hosts::with_further(address, config.hosts),
        root: Arc::new(root),
        throttle: Throttle::new(config.limit_per_client),
        file_mode: draft::mode_of_new_files(),
        overwrite: config.overwrite,
        max_upload: config.max_upload,
        read_only: config.read_only,
        hidden,
        names: NameLocks::default(),
        digests: Digests::default(),
        batches: receive::batches(),
        lingering: TaskTracker::new(),
    };
    Ok(Server { listener, address, service: Arc::new(service) })
}

/// Whether a user's home folder lies in this one, or this one among the hidden folders of a home: there, files whose names
/// begin with a dot are settings, keys and what runs at the next login, none of which is for others to read or to put.
fn holds_home(root: &Path) -> bool {
    let (Ok(root), homes) = (root.canonicalize(), ropeway_files::homes()) else { return true };
    // A home that is not there is as its name says.
    let real = |home: &PathBuf| home.canonicalize().unwrap_or_else(|_| home.clone());
    homes.is_empty() || homes.iter().any(|home| touches(&root, &real(home)))
}

/// Whether `root` holds `home`, or is or lies in a hidden folder of it.
fn touches(root: &Path, home: &Path) -> bool {
    let is_hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    home.starts_with(root) || root.strip_prefix(home).is_ok_and(|within| within.components().any(is_hidden))
}

/// The kernel takes a quarter of a second ahead of the throttle, at most.
fn receive_buffer(limit: ByteRate) -> u32 {
    const LEAST: u64 = 16 * 1024;
    const MOST: u64 = 1024 * 1024;
    u32::try_from((limit.bytes_per_second() / 4).clamp(LEAST, MOST)).unwrap_or(u32::MAX)
}

impl Server {
    /// The address it listens on, with the port the system chose.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Whether files whose names begin with a dot are served and received like all others.
    pub fn takes_hidden(&self) -> bool {
        self.service.hidden == Hidden::Plain
    }

    /// A handle that changes the limit while the server runs.
    pub fn limit(&self) -> LimitHandle {
        LimitHandle { service: Arc::clone(&self.service) }
    }

    /// Answers until `shutdown` resolves, then gives running requests ten seconds to finish and cuts the rest. What cut
    /// uploads have written is gone when this returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, address, service } = self;
        tracing::info!(%address, "sharing");
        let stopping = Arc::new(AtomicBool::new(false));
        let sweep = {
            let (root, stopping) = (Arc::clone(&service.root), Arc::clone(&stopping));
            // A folder that is only read from is not ours to tidy.
            let (writable, hidden) = (!service.read_only, service.hidden);
            tokio::task::spawn_blocking(move || {
                if writable {
                    sweep::remove_abandoned_drafts(&root, hidden, &stopping);
                }
            })
        };
        let lingering = service.lingering.clone();
        let service_for = |visit: Arc<Visit>| {
            let service = Arc::clone(&service);
            service_fn(move |request| answer::answer(Arc::clone(&service), Arc::clone(&visit), request))
        };
        listen::run(listener, service_for, shutdown).await;
        stopping.store(true, Ordering::Relaxed);
        lingering.close();
        lingering.wait().await;
        if let Err(error) = sweep.await {
            tracing::error!(%error, "the search for abandoned uploads failed");
        }
    }
}

/// Changes a running server's limit.
#[derive(Clone, Debug)]
pub struct LimitHandle {
    service: Arc<Service>,
}

impl LimitHandle {
    /// Sets the limit of each client, in force from the next block of bytes on.
    pub fn set_per_client(&self, limit: Option<ByteRate>) {
        self.service.throttle.set_limit(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_holds_the_home_of_who_serves_it_is_told_from_others() {
        let home = ropeway_files::home().unwrap();
        assert!(home.ancestors().all(holds_home));
        let other = tempfile::tempdir().unwrap();
        assert!(!holds_home(other.path()));
        assert!(holds_home(&other.path().join("none")), "where it cannot be told it is taken for one");
    }
}
