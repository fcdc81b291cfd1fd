//! Resolution of host names. A name that does not resolve is told from other failures by an error type of its own, not
//! by text.

use std::{
    cell::Cell,
    error::Error,
    future::Future,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use hyper_util::client::legacy::connect::dns;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{Semaphore, oneshot};
use tower_service::Service;

use super::address_scope::AddressScope;

/// Names that are looked up at once: resolvers answer that many, and each takes a thread.
const MOST_LOOKUPS: usize = 16;

tokio::task_local! {
    /// When the name of the connection that is being made had its addresses.
    static RESOLVED: Cell<Instant>;
}

/// Result of `connecting`, and its time once the name was resolved.
pub(super) async fn timed<T>(connecting: impl Future<Output = T>) -> (T, Duration) {
    let connecting = async {
        let done = connecting.await;
        (done, RESOLVED.with(Cell::get).elapsed())
    };
    RESOLVED.scope(Cell::new(Instant::now()), connecting).await
}

/// A host name without an address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NameError(pub(super) io::Error);

/// Host name whose addresses are all below the least scope.
#[derive(Debug, thiserror::Error)]
#[error("it has an address of this machine or its network only")]
pub(crate) struct NearError;

/// The system's resolver, and how near an address may be. The connector tries the first address's family, and 300 ms later the other one beside it
/// (RFC 8305).
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver(pub(super) AddressScope);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        self.look_up(name.as_str().to_owned())
    }
}

impl Service<dns::Name> for Resolver {
    type Response = Addrs;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Resolving {
        self.look_up(name.as_str().to_owned())
    }
}

impl Resolver {
    fn look_up(self, name: String) -> Resolving {
        let Self(min_scope) = self;
        Box::pin(async move {
            let mut addresses = addresses(&name).await.map_err(NameError)?;
            if addresses.is_empty() {
                return Err(NameError(io::ErrorKind::NotFound.into()).into());
            }
            addresses.retain(|address| AddressScope::of(address.ip()) >= min_scope);
            if addresses.is_empty() {
                return Err(NearError.into());
            }
            // Another library's connector times nothing.
            let _ = RESOLVED.try_with(|at| at.set(Instant::now()));
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Addresses of a name, with port 0. That stands for the scheme's own.
pub(super) async fn addresses(name: &str) -> io::Result<Vec<SocketAddr>> {
    match this_machine(name) {
        Some(own) => Ok(own.to_vec()),
        None => look_up(name.to_owned()).await,
    }
}

/// Asks the system, on a thread of its own: that may take half a minute, and the few threads of the pool are the disk's.
async fn look_up(name: String) -> io::Result<Vec<SocketAddr>> {
    static LOOKUPS: Semaphore = Semaphore::const_new(MOST_LOOKUPS);
    let turn = LOOKUPS.acquire().await.map_err(io::Error::other)?;
    let (tell, told) = oneshot::channel();
    thread::Builder::new().name("lookup".to_owned()).spawn(move || {
        let _turn = turn;
        let found = (name, 0).to_socket_addrs().map(Iterator::collect);
        // Whoever asked may have gone.
        let _ = tell.send(found);
    })?;
    told.await.map_err(io::Error::other)?
}

/// The addresses of `localhost` and the names below it, which nobody is asked for (RFC 6761 §6.3).
fn this_machine(name: &str) -> Option<[SocketAddr; 2]> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_own = name == "localhost" || name.ends_with(".localhost");
    is_own.then(|| [(Ipv6Addr::LOCALHOST, 0).into(), (Ipv4Addr::LOCALHOST, 0).into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_gives_no_address_that_is_too_near() {
        let resolve = |min_scope| Resolver(min_scope).resolve("files.localhost".parse().unwrap());
        assert!(resolve(AddressScope::Machine).await.is_ok_and(|addresses| addresses.count() == 2));
        assert!(resolve(AddressScope::Public).await.is_err_and(|error| error.is::<NearError>()));
    }

    #[tokio::test]
    async fn looking_a_name_up_is_no_part_of_a_handshake() {
        let late = Duration::from_millis(50);
        let connecting = async {
            tokio::time::sleep(late).await;
            Resolver(AddressScope::Machine).resolve("localhost".parse().unwrap()).await.is_ok()
        };
        let began = Instant::now();
        let (is_resolved, took) = timed(connecting).await;
        assert!(is_resolved && began.elapsed() >= took + late, "{took:?}");
    }

    #[test]
    fn only_names_of_this_machine_are_answered_without_asking() {
        for (name, own) in [
            ("localhost", true),
            ("a.LocalHost", true),
            ("localhost.", true),
            ("notlocalhost", false),
            ("localhost.example", false),
        ] {
            assert_eq!(this_machine(name).is_some(), own, "{name}");
        }
    }
}
