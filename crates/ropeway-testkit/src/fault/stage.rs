//! The servers of one case, and which run they are playing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::case::NAME;
use crate::{
    Peer,
    peer::{Answer, Authority, Request},
};

/// Requests at once on a connection in HTTP/2.
const STREAMS: u32 = 100;

/// How a server of a case answers.
pub(super) type Script = Arc<dyn Fn(&Request, &Turn) -> Answer + Send + Sync>;

/// Where in the case a request arrives.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// The client's run, counted from one.
    pub(super) run: usize,
    /// The request within the run, counted from one over all connections.
    pub(super) number: usize,
    /// The address of the other origin, with a slash at its end; empty without one.
    pub(super) other: String,
}

/// What a server shows in place of plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shield {
    /// Plain HTTP.
    None,
    /// TLS with a certificate that the client is told to trust.
    Trusted,
    /// The same, and HTTP/2 beside HTTP/1.1, in frames as the case has them.
    Frames,
    /// The same, and HTTP/2 alone: a handshake that does not offer it is refused.
    Http2,
    /// TLS with a certificate nobody vouches for.
    Stranger,
    /// TLS with a trusted certificate of another host.
    OtherHost,
    /// TLS with a trusted certificate that has ended.
    Expired,
}

impl Shield {
    fn authority(self) -> Option<Authority> {
        match self {
            Self::None => None,
            Self::Trusted | Self::Frames | Self::Http2 => Some(Authority::new("localhost")),
            Self::Stranger => Some(Authority::self_signed("localhost")),
            Self::OtherHost => Some(Authority::new("other.example")),
            Self::Expired => Some(Authority::expired("localhost")),
        }
    }
}

/// The running servers.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) main: Peer,
    pub(super) other: Option<Peer>,
    run: Arc<AtomicUsize>,
    before: Arc<AtomicUsize>,
    shield: Shield,
}

impl Stage {
    /// Starts the servers of a case.
    pub(super) async fn open(shield: Shield, main: Script, other: Option<Script>) -> Self {
        let (run, before) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
        let turn = |other: String| {
            let (run, before) = (Arc::clone(&run), Arc::clone(&before));
            move |request: &Request| Turn {
                run: run.load(Ordering::SeqCst),
                number: request.number - before.load(Ordering::SeqCst),
                other: other.clone(),
            }
        };
        let other = match other {
            None => None,
            Some(script) => {
                let turn = turn(String::new());
                Some(Peer::start(move |request| script(request, &turn(request))).await)
            }
        };
        let turn = turn(other.as_ref().map_or_else(String::new, |peer| peer.url("")));
        let answer = move |request: &Request| main(request, &turn(request));
        let main = match shield.authority() {
            None => Peer::start(answer).await,
            Some(authority) if shield == Shield::Frames => Peer::start_frames(authority, answer).await,
            Some(_) if shield == Shield::Http2 => Peer::start_h2_only("localhost", STREAMS, answer).await,
            Some(authority) => Peer::start_with(authority, answer).await,
        };
        Self { main, other, run, before, shield }
    }

    /// The address of `path` as the client is given it.
    ///
    /// A path may be an address of its own, or start with a login between two `@`, which the address then has.
    pub(super) fn url(&self, path: &str) -> String {
        if path.starts_with("http:") {
            return path.to_owned();
        }
        if let Some((login, rest)) = path.strip_prefix('@').and_then(|path| path.split_once('@')) {
            return self.main.url(&format!("{NAME}{rest}")).replacen("://", &format!("://{login}@"), 1);
        }
        let url = self.main.url(path);
        if self.shield == Shield::OtherHost { url.replace("other.example", "localhost") } else { url }
    }

    /// The address of `path` at the other origin.
    pub(super) fn other_url(&self, path: &str) -> String {
        self.other.as_ref().expect("a case with a mirror has another origin").url(path)
    }

    /// From here on it is the next run.
    pub(super) fn next_run(&self) {
        self.before.store(self.main.requests().len(), Ordering::SeqCst);
        self.run.fetch_add(1, Ordering::SeqCst);
    }

    /// The requests up to this run, and those of it.
    pub(super) fn requests(&self) -> (Vec<Request>, Vec<Request>) {
        let mut earlier = self.main.requests();
        let this = earlier.split_off(self.before.load(Ordering::SeqCst));
        (earlier, this)
    }
}
