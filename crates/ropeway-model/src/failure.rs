//! Why a job stopped, in a form that is stored, shown and acted on: a closed code, a hint and a retry class.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// When the same step may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Trying again gives the same answer.
    Never,
    /// At once, on a fresh connection.
    Now,
    /// After an exponential, jittered delay.
    Backoff,
    /// Not before this much time has passed, because the other side said so.
    After(Duration),
}

/// The user's next step, one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint(&'static str);

impl Hint {
    /// The sentence.
    pub const fn text(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

macro_rules! failure_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $retry:expr, $resumable:literal, $hint:literal;)*) => {
        /// The closed list of reasons a job can stop for. The text of a code never changes: scripts match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum FailureCode {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)*
        }

        impl FailureCode {
            /// Every code, in the order of this file.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as scripts and the store know it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The user's next step.
            pub const fn hint(self) -> Hint {
                match self { $(Self::$variant => Hint($hint),)* }
            }

            /// When trying again makes sense, where the other side named no time of its own.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => $retry,)* }
            }

            /// Whether the bytes already saved stay useful after the cause is mended.
            pub const fn can_resume(self) -> bool {
                match self { $(Self::$variant => $resumable,)* }
            }
        }
    };
}

failure_codes! {
    /// The host name does not resolve.
    NameNotResolved = "NETWORK_NAME", Retry::Backoff, true, "Check the host name and your network connection, then retry.";
    /// Nothing listens there.
    ConnectionRefused = "NETWORK_REFUSED", Retry::Backoff, true, "The server is down or the port is wrong; retry when it is up.";
    /// No answer to the attempt to connect.
    ConnectTimeout = "NETWORK_CONNECT_TIMEOUT", Retry::Backoff, true, "Check your network connection and any proxy, then retry.";
    /// An established connection broke.
    ConnectionLost = "NETWORK_LOST", Retry::Backoff, true, "Retry; where the server allows it, the transfer goes on where it ended.";
    /// The other side went silent in the middle.
    IdleTimeout = "NETWORK_IDLE", Retry::Backoff, true, "Retry; where the server allows it, the transfer goes on where it ended.";
    /// The server and this side did not agree on a secure connection.
    TlsRefused = "TLS_REFUSED", Retry::Never, true, "Check the host name and the port; the server may want another version of TLS, or a certificate of yours.";
    /// The server's certificate was refused.
    TlsFailed = "TLS_FAILED", Retry::Never, true, "Check the address and the server's certificate; for a private authority name its CA file.";
    /// The proxy refused or could not be reached.
    ProxyFailed = "PROXY_FAILED", Retry::Backoff, true, "Check the proxy's address and login.";
    /// A file with logins or cookies cannot be used.
    CredentialFile = "CREDENTIAL_FILE", Retry::Never, true, "Mend the file with the logins or cookies, or leave it out, then retry.";
    /// 404: no such file.
    NotFound = "HTTP_NOT_FOUND", Retry::Never, true, "Check the address; if the link has expired, get a new one and retry.";
    /// 410: the file is gone.
    Gone = "HTTP_GONE", Retry::Never, true, "The file was removed, or the link has expired: get a new link.";
    /// 401: a login is needed.
    Unauthorized = "HTTP_UNAUTHORIZED", Retry::Never, true, "Give the right user name and password, or get a new link.";
    /// 403: not allowed.
    Forbidden = "HTTP_FORBIDDEN", Retry::Never, true, "You may not read or write this: some servers want a browser's User-Agent, its cookies or a login; if the link has expired, get a new one.";
    /// 429: too many requests.
    RateLimited = "HTTP_RATE_LIMITED", Retry::Backoff, true, "The server asks to slow down; use fewer connections.";
    /// 5xx: the server cannot answer now.
    ServerUnavailable = "HTTP_SERVER_ERROR", Retry::Backoff, true, "The server has a problem of its own; retry later.";
    /// Another refusal of the request.
    RequestRefused = "HTTP_REFUSED", Retry::Never, true, "The server does not accept this request; check the address and the headers.";
    /// 409, 412: what is at the target stands in an upload's way.
    RemoteConflict = "HTTP_CONFLICT", Retry::Never, true, "Something of this name is there already, or its folder is not: choose another name or folder, or have the server replace it.";
    /// 413: larger than the server takes.
    TooLargeForServer = "HTTP_TOO_LARGE", Retry::Never, true, "The server takes no file of this size: ask its owner for more, or choose another target.";
    /// 423: locked at the server.
    RemoteLocked = "HTTP_LOCKED", Retry::Never, true, "Somebody has locked it at the server: retry once the lock is released.";
    /// 507, or a quota that is used up.
    RemoteFull = "HTTP_STORAGE_FULL", Retry::Never, true, "The server has no room for it: make room there or choose another target, then retry.";
    /// The request was sent whole, and what came back does not say whether it was carried out.
    Unconfirmed = "UPLOAD_UNCONFIRMED", Retry::Never, false, "The server may have the file: look there before you send it again.";
    /// What the server says it has is not what was sent.
    StoredDiffers = "UPLOAD_DAMAGED", Retry::Never, false, "What lies at the target is not your file: remove it there, or retry to send it again.";
    /// An answer that is no file: no content, an error page, broken framing.
    UnexpectedContent = "SERVER_BAD_CONTENT", Retry::Never, true, "Open the link in a browser: it may need a login or may have expired.";
    /// A body that is compressed in a way that cannot or must not be undone.
    ContentCoding = "SERVER_CONTENT_CODING", Retry::Never, true, "The server compresses the file although it was asked not to; open the link in a browser.";
    /// A response that contradicts itself or the request.
    BadResponse = "SERVER_BAD_RESPONSE", Retry::Backoff, true, "The server answers wrongly; retry, with one connection if it persists.";
    /// A redirect that is not followed.
    RedirectRefused = "REDIRECT_REFUSED", Retry::Never, true, "The server redirects in a loop or to an unsafe place; check the address.";
    /// The remote file is another version than the bytes already saved.
    RemoteChanged = "REMOTE_CHANGED", Retry::Now, false, "The file changed on the server; the job starts again with the new version.";
    /// A new link for a download does not lead to the file whose bytes are here.
    RenewedLinkDiffers = "RENEWED_LINK_DIFFERS", Retry::Never, true, "Give a link to the same file; the bytes already saved are kept.";
    /// Fewer or more bytes than announced.
    LengthMismatch = "LENGTH_MISMATCH", Retry::Backoff, true, "Retry; the transfer ended early or ran over.";
    /// The finished bytes do not have the digest that was given.
    DigestMismatch = "CHECKSUM_MISMATCH", Retry::Never, false, "Compare the checksum with its source; if that is wrong, give another one; if it is right, the file is not: retry to transfer it anew.";
    /// No room on the volume.
    DiskFull = "DISK_FULL", Retry::Never, true, "Make room on the volume, then retry; the bytes already saved are kept.";
    /// The file system has a largest file, and this one is larger.
    FileTooLarge = "DISK_FILE_TOO_LARGE", Retry::Never, true, "Choose a folder on another volume: this one's file system takes no file of that size.";
    /// The folder or file may not be written or read.
    PermissionDenied = "DISK_PERMISSION", Retry::Never, true, "Choose another folder or change its permissions, then retry.";
    /// The folder does not exist any more.
    FolderMissing = "DISK_FOLDER_MISSING", Retry::Never, true, "Create or mount the folder, then retry.";
    /// The unfinished file is not where it was made.
    PartMissing = "PART_MISSING", Retry::Now, false, "Something removed or moved the unfinished file or its folder while it was being fetched: the job begins again; leave both in place.";
    /// The operating system reports a failing disk or file system.
    DiskFailed = "DISK_FAILED", Retry::Never, true, "Check the volume; the bytes since the last good save are fetched again on retry.";
    /// As many files and connections are open as the system allows.
    TooManyOpen = "TOO_MANY_OPEN_FILES", Retry::Backoff, true, "Allow more open files (ulimit -n), or let fewer jobs and connections run at once; then retry.";
    /// A file of the wanted name exists and the job may not rename.
    FileExists = "FILE_EXISTS", Retry::Never, true, "Choose another name, or allow a number behind the name.";
    /// Another process writes the same part file.
    PartInUse = "PART_IN_USE", Retry::Never, true, "Another Ropeway moves this file already; wait for it or choose another name.";
    /// The file to upload is not there.
    SourceMissing = "SOURCE_MISSING", Retry::Never, true, "The file to upload was moved or deleted; put it back and retry.";
    /// What is to be uploaded has no bytes of its own, or no length, such as a link, a pipe or a socket.
    NotAFile = "SOURCE_NOT_A_FILE", Retry::Never, true, "Only regular files are sent: save it as a file first, or name what a link leads to.";
    /// Two files of one command would be one at the target.
    NamesCollide = "UPLOAD_NAMES_COLLIDE", Retry::Never, true, "Send it to another folder or under another name; where the server tells upper from lower case, end the target in #case=exact.";
    /// The file to upload changed while it was sent.
    SourceChanged = "SOURCE_CHANGED", Retry::Now, false, "The file changed during the upload; it is sent again from its start.";
    /// The address is no URL.
    UrlMalformed = "URL_MALFORMED", Retry::Never, false, "Write a full address such as https://example.org/file.iso.";
    /// The scheme of the address has no driver.
    SchemeUnsupported = "SCHEME_UNSUPPORTED", Retry::Never, false, "Use an address that starts with http:// or https://.";
    /// The durable queue could not be written.
    StateFailed = "STATE_FAILED", Retry::Never, true, "Check the volume of Ropeway's data folder and the room on it; what could not be saved is tried again.";
    /// A mistake of ours.
    Internal = "INTERNAL", Retry::Never, true, "This is a defect of Ropeway: please report it with the job's log.";
}

impl fmt::Display for FailureCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// Why a job stopped: stored with the job, shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason.
    pub code: FailureCode,
    /// What happened and where, one sentence, without secrets.
    pub message: String,
    /// The HTTP status that the server answered, where that was the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Failure {
    /// A failure with its sentence.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None }
    }

    /// The same, with the HTTP status that was the reason.
    #[must_use]
    pub fn with_status(self, status: Option<u16>) -> Self {
        Self { status, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_unique_and_has_a_hint_that_is_a_sentence() {
        let codes: HashSet<_> = FailureCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), FailureCode::ALL.len());
        for code in FailureCode::ALL {
            assert!(code.hint().text().ends_with('.'), "{code}");
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        }
    }

    #[test]
    fn a_failure_is_told_as_code_and_sentence_and_its_hint_as_it_stands() {
        let failure = Failure::new(FailureCode::ConnectionLost, "the line broke");
        assert_eq!(failure.to_string(), format!("{}: the line broke", FailureCode::ConnectionLost.code()));
        assert_eq!((failure.status, failure.clone().with_status(Some(503)).status), (None, Some(503)));
        let hint = FailureCode::ConnectionLost.hint();
        assert_eq!(hint.to_string(), hint.text());
    }
}
