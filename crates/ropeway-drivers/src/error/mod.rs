//! Errors on the wire. Each says what happened, on which URL, and what to do about it.

mod blame;
mod code;
mod meaning;
mod status;
mod words;

use std::time::Duration;

use ropeway_model::{SafeUrl, Validator, counted};

pub use blame::Blame;
pub use meaning::Meaning;
pub(crate) use status::code_of_status;
use words::{its, method_offered, said};

use crate::ServerWords;

/// A request that did not give what it was sent for.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The host name does not resolve.
    #[error("the name {host} does not resolve")]
    NameNotResolved {
        /// The host and port asked for.
        host: String,
    },
    /// Nothing listens there.
    #[error("{host} refused the connection")]
    ConnectionRefused {
        /// The host and port asked for.
        host: String,
    },
    /// This process has as many files and connections open as it may.
    #[error("no connection to {host} can be opened: {reason}")]
    TooManyOpen {
        /// The host and port asked for.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// No answer to the attempt to connect.
    #[error("a connection to {host} was not made within {waited_s} s")]
    ConnectTimeout {
        /// The host and port asked for.
        host: String,
        /// How long it was waited for.
        waited_s: u64,
    },
    /// An established connection broke, or ended before the announced length.
    #[error("the connection to {host} broke: {reason}")]
    ConnectionLost {
        /// The host and port.
        host: String,
        /// What the network stack says.
        reason: String,
    },
    /// An answer over a connection that several jobs share (HTTP/2) broke off, or the whole connection did.
    #[error("what {host} was sending broke off: {reason}")]
    StreamLost {
        /// The host and port.
        host: String,
        /// What the network stack says.
        reason: String,
    },
    /// The server finds that it is asked too much (`ENHANCE_YOUR_CALM`, RFC 9113 §7).
    #[error("{host} asks for fewer requests")]
    Overloaded {
        /// The host and port.
        host: String,
    },
    /// A connected server had its turn and did nothing. Others of its connections may have brought bytes meanwhile.
    #[error("{}", turn.missed(host, *waited_s))]
    Silent {
        /// The host and port.
        host: String,
        /// What it was to do.
        turn: Turn,
        /// How long it was waited for.
        waited_s: u64,
    },
    /// The server's certificate was refused.
    #[error("no secure connection to {host}: {reason}")]
    Tls {
        /// The host and port.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The two sides did not come to a secure connection, whatever the certificate.
    #[error("no secure connection to {host}: {reason}")]
    Handshake {
        /// The host and port.
        host: String,
        /// What the server says, or does.
        reason: String,
    },
    /// The proxy refused or could not be reached.
    #[error("the proxy {proxy} failed: {reason}")]
    Proxy {
        /// The proxy's address.
        proxy: SafeUrl,
        /// What the network stack says.
        reason: String,
    },
    /// The proxy does not let the user pass: 407 to a request or to CONNECT, or SOCKS that refuses the login.
    #[error("the proxy {proxy} {} user name and password", if proxy.has_login() { "refuses this" } else { "wants a" })]
    ProxyLogin {
        /// The proxy's address.
        proxy: SafeUrl,
    },
    /// A SOCKS proxy that takes none of the ways to log in that were offered to it; which it would take it does not say.
    #[error(
        "the proxy {proxy} does not take {}; which way to log in it would take it does not say",
        method_offered(proxy)
    )]
    ProxyMethod {
        /// The proxy's address.
        proxy: SafeUrl,
    },
    /// A variable of the environment that names no proxy. Without it the request would go direct.
    #[error("the environment's {name} names no proxy: {reason}")]
    ProxyVariable {
        /// The variable.
        name: &'static str,
        /// What is wrong with its value, without a login.
        reason: String,
    },
    /// The CA file cannot be read or holds no certificate.
    #[error("the CA file {path} is unusable: {reason}")]
    CaFile {
        /// Its path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file with logins or cookies cannot be read or is of another kind.
    #[error("the file {path} is unusable: {reason}")]
    CredentialFile {
        /// Its path.
        path: String,
        /// What is wrong with it, and where; nothing of what it holds.
        reason: String,
    },
    /// A status that is no success.
    #[error("{url} answered {status}{}", said(words.as_deref()))]
    Status {
        /// The URL that answered.
        url: SafeUrl,
        /// The status code.
        status: u16,
        /// `Retry-After`, as a delay, already clamped.
        retry_after: Option<Duration>,
        /// What the server says to an upload; `None` for a download, whose answer is not read.
        words: Option<Box<ServerWords>>,
    },
    /// A success before the file had been sent: whatever the server has, it is not all of it.
    #[error("{url} answered {status} before the whole file had been sent")]
    AnsweredEarly {
        /// The URL that answered.
        url: SafeUrl,
        /// The status code.
        status: u16,
    },
    /// A web page in answer to an upload, as a login or a captive portal sends it.
    #[error("{url} answered {status} with a web page, which does not say that it has the file")]
    PageInstead {
        /// The URL that answered.
        url: SafeUrl,
        /// The status code.
        status: u16,
    },
    /// A form was sent to its last byte, and then this came: it may have been processed.
    #[error("the form was sent whole, and then: {cause}")]
    Unconfirmed {
        /// What came.
        cause: Box<DriverError>,
    },
    /// The server takes no upload of that size, as it says itself.
    #[error("{url} takes files of {} at the most", counted(*most, "byte"))]
    ExceedsLimit {
        /// Where uploads are created.
        url: SafeUrl,
        /// Bytes of the largest one.
        most: u64,
    },
    /// The server no longer knows an upload that was begun.
    #[error("the server no longer knows the upload at {url}")]
    SessionLost {
        /// Where it was.
        url: SafeUrl,
    },
    /// The server has another number of bytes of an upload than it said before.
    #[error("the upload at {url} does not stand where the server said")]
    OffsetMoved {
        /// Where the upload is.
        url: SafeUrl,
    },
    /// Another request on the same upload is still being worked on.
    #[error("the upload at {url} is in use by another request")]
    UploadBusy {
        /// Where the upload is.
        url: SafeUrl,
    },
    /// A part did not have its checksum when it arrived; the server has nothing of it.
    #[error("a part of the upload to {url} came damaged")]
    DamagedOnTheWay {
        /// Where the upload is.
        url: SafeUrl,
    },
    /// The whole file came where a part was asked for.
    #[error("{url} ignores the request for a part of the file")]
    RangeIgnored {
        /// The URL that answered.
        url: SafeUrl,
    },
    /// 416: the file ends before the wanted range.
    #[error("{url} has no byte at the wanted offset{}", its(*length))]
    RangeUnsatisfiable {
        /// The URL that answered.
        url: SafeUrl,
        /// The complete length the server names.
        length: Option<u64>,
    },
    /// The answer is of another version than the bytes already saved.
    #[error("{url} changed during the download (was {had}, now {now})")]
    RemoteChanged {
        /// The URL that answered.
        url: SafeUrl,
        /// The saved version.
        had: Box<Validator>,
        /// The answer's version.
        now: Box<Validator>,
    },
    /// A response that contradicts itself or the request.
    #[error("{url} sent a response that cannot be used: {reason}")]
    BadResponse {
        /// The URL that answered.
        url: SafeUrl,
        /// What is wrong with it.
        reason: String,
    },
    /// A body that is compressed in a way that cannot or must not be undone.
    #[error("{url} sent a body that cannot be saved as the file: {reason}")]
    ContentCoding {
        /// The URL that answered.
        url: SafeUrl,
        /// What is wrong with it.
        reason: String,
    },
    /// A success without a file.
    #[error("{url} answered {status} without a file")]
    NoContent {
        /// The URL that answered.
        url: SafeUrl,
        /// The status code.
        status: u16,
    },
    /// A server of the internet, or a mirror, leads to an address that only this machine or its network can reach.
    #[error("{url} is an address of this machine or its network, and the job's own address is farther away")]
    PrivateAddressBlocked {
        /// Where it leads.
        url: SafeUrl,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects {reason}")]
    RedirectRefused {
        /// The URL that redirects.
        url: SafeUrl,
        /// Why it is not followed, with the place it points to.
        reason: String,
    },
    /// A redirect leads to a server that the context's gate keeps requests from.
    #[error("{host} is left alone for a while, because it failed")]
    LeftAlone {
        /// The host and port.
        host: String,
    },
    /// The body the engine gave failed: the source could not be read or changed.
    #[error("the file could not be read: {0}")]
    Body(#[source] std::io::Error),
    /// No driver speaks the scheme.
    #[error("{scheme}:// is not supported")]
    SchemeUnsupported {
        /// The scheme.
        scheme: String,
    },
    /// The job's cancel token fired.
    #[error("stopped")]
    Canceled,
}

/// Turn of a server that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// To begin its answer.
    Answer,
    /// To go on with an answer that has begun.
    Send,
    /// To take more of what it is sent.
    Take,
}

impl Turn {
    fn missed(self, host: &str, waited_s: u64) -> String {
        match self {
            Self::Answer => format!("{host} did not answer a request within {waited_s} s"),
            Self::Send => format!("a connection to {host} brought nothing for {waited_s} s"),
            Self::Take => format!("{host} took nothing of what it was sent for {waited_s} s"),
        }
    }
}
