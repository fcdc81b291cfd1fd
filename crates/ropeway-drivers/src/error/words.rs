//! Parts of the sentences that tell of errors.

use ropeway_model::{SafeUrl, counted};

use crate::ServerWords;

/// The length of a file, where the server names one.
pub(crate) fn its(length: Option<u64>) -> String {
    length.map(|length| format!(" (it has {})", counted(length, "byte"))).unwrap_or_default()
}

/// Refusal of a SOCKS proxy. One way is offered at a time, a login where there is one.
pub(crate) fn method_offered(proxy: &SafeUrl) -> &'static str {
    if proxy.has_login() { "a user name and password" } else { "a client without a login" }
}

/// Words of a server behind its status.
pub(crate) fn said(words: Option<&ServerWords>) -> String {
    words.map(ToString::to_string).unwrap_or_default()
}
