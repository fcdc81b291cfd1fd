//! Host names to addresses, with an error type of its own: a name that does not resolve is told from other failures
//! by type, not by text.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host name without an address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NameError(io::Error);

/// The system's resolver. The connector tries the first address's family, and 300 ms later the other one beside it
/// (RFC 8305).
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 stands for the scheme's own.
            let addresses = match this_machine(name.as_str()) {
                Some(own) => own.to_vec(),
                None => tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NameError)?.collect(),
            };
            if addresses.is_empty() {
                return Err(NameError(io::ErrorKind::NotFound.into()).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
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
