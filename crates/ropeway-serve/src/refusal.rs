//! Why a request is refused, in a form that people and programs understand.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use rustix::io::Errno;
use serde::Serialize;

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $status:ident, $code:literal, $message:literal, $hint:literal;)*) => {
        /// The closed list of refusals. The text of a code never changes: scripts match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub(crate) enum Refusal {
            $($(#[$doc])* #[error($message)] $variant,)*
        }

        impl Refusal {
            /// The status of the response.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The code scripts match on.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The client's next step.
            pub(crate) const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

refusals! {
    /// Nothing there, nothing that may be seen, or no path at all: the three look alike from outside.
    NotFound = NOT_FOUND, "NOT_FOUND", "there is no such file", "Check the address.";
    /// Neither reading nor receiving.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "this service does not do that",
        "Use GET or HEAD to download, PUT or a POST form to upload.";
    /// The server was started read-only.
    ReadOnly = FORBIDDEN, "READ_ONLY", "this service receives no files", "Ask its owner to start it without --read-only.";
    /// The request does not say whom it is for, or says it twice (RFC 9112 §3.2).
    BadHost = BAD_REQUEST, "BAD_HOST", "the request does not say once whom it is for",
        "Send one Host header with the address of this service.";
    /// The request was sent to a name that is not this service's: a page may be rebinding DNS.
    ForeignHost = FORBIDDEN, "FOREIGN_HOST", "this service does not go by that name",
        "Use its number as the address, or ask its owner to start it with --host NAME.";
    /// A page of another site sends the request.
    ForeignOrigin = FORBIDDEN, "FOREIGN_ORIGIN", "a page of another site may not upload here",
        "Upload from a page of this service, or from a program.";
    /// The system refuses to write there.
    WriteRefused = FORBIDDEN, "WRITE_REFUSED", "the service may not write there",
        "Ask its owner to let the service write into this folder.";
    /// Something has that name.
    NameTaken = CONFLICT, "NAME_TAKEN", "a file or folder of this name exists",
        "Choose another name, or ask the owner to start the service with --overwrite.";
    /// A file stands where a folder is needed.
    NoFolder = CONFLICT, "NO_FOLDER", "the path leads through something that is no folder", "Choose another folder.";
    /// A precondition of the request does not hold.
    PreconditionFailed = PRECONDITION_FAILED, "PRECONDITION_FAILED", "the file is not in the state the request asks for",
        "Look at the file again before trying again.";
    /// A name that is longer than file systems take.
    NameTooLong = BAD_REQUEST, "NAME_TOO_LONG", "a name in the address is longer than 255 bytes",
        "Choose a shorter name.";
    /// A path with an empty name in it, such as `//`.
    EmptyName = BAD_REQUEST, "EMPTY_NAME", "a name in the address is empty",
        "Write one slash between two names.";
    /// A path that is no Unicode.
    NotUnicode = BAD_REQUEST, "NOT_UNICODE", "the address is no UTF-8",
        "Send names as percent-encoded UTF-8.";
    /// A name that is never served: leading upwards, our own, or with characters that no name may have.
    BadName = BAD_REQUEST, "BAD_NAME", "a name in the address is none that this service stores",
        "Choose a name that does not begin with two dots and holds no separators or control characters.";
    /// A leading dot, in a folder where such files are the settings of somebody's programs.
    HiddenName = BAD_REQUEST, "HIDDEN_NAME", "this service stores no file or folder whose name begins with a dot",
        "Choose another name, or ask the owner to serve a folder that does not hold their home.";
    /// A path of too many folders, or longer than any system opens.
    PathTooLong = BAD_REQUEST, "PATH_TOO_LONG", "the address leads through too many folders",
        "Choose a place less deep.";
    /// A file by itself needs a name.
    NameMissing = BAD_REQUEST, "NAME_MISSING", "the address names a folder, not a file",
        "Add the file's name to the address, or send a form.";
    /// `Content-Range` on `PUT` (RFC 9110 §14.5).
    PartialUpload = BAD_REQUEST, "PARTIAL_UPLOAD", "part of a file cannot be put",
        "Send the whole file without Content-Range.";
    /// `Content-Encoding` on an upload.
    EncodedUpload = UNSUPPORTED_MEDIA_TYPE, "ENCODED_UPLOAD", "compressed uploads are not unpacked",
        "Send the file as it is, without Content-Encoding.";
    /// A `POST` that is no form.
    NoForm = UNSUPPORTED_MEDIA_TYPE, "NO_FORM", "only multipart/form-data can be posted",
        "Send a multipart form, or use PUT for a single file.";
    /// A form that breaks its own syntax or our limits.
    BadForm = BAD_REQUEST, "BAD_FORM", "the form cannot be read", "Send a well-formed multipart form with fewer fields.";
    /// A form without a file.
    EmptyForm = BAD_REQUEST, "EMPTY_FORM", "the form holds no file", "Choose a file before sending the form.";
    /// A digest field that is none.
    BadDigest = BAD_REQUEST, "BAD_DIGEST", "the digest in the request cannot be read",
        "Write it as Repr-Digest: sha-256=:BASE64: (RFC 9530), or Content-MD5 as base64.";
    /// The bytes are not those the client promised.
    DigestMismatch = BAD_REQUEST, "DIGEST_MISMATCH", "the bytes that arrived do not have the digest of the request",
        "Send the file again; nothing of it was kept.";
    /// The body ended early or is malformed.
    BodyCut = BAD_REQUEST, "BODY_CUT", "the upload ended before it was whole", "Send the file again; nothing of it was kept.";
    /// The body comes too slowly.
    TooSlow = REQUEST_TIMEOUT, "TOO_SLOW", "the upload hardly moved for a minute", "Send the file again; nothing of it was kept.";
    /// Larger than the server was told to take.
    TooLarge = PAYLOAD_TOO_LARGE, "TOO_LARGE", "the file is larger than this service takes", "Send a smaller file.";
    /// The volume is full.
    DiskFull = INSUFFICIENT_STORAGE, "DISK_FULL", "there is no room for the file", "Ask the owner to make room, then send the file again.";
    /// The process has too many files open.
    Busy = SERVICE_UNAVAILABLE, "BUSY", "the service has too much to do", "Try again in a moment.";
    /// Anything else the disk says.
    DiskFailed = INTERNAL_SERVER_ERROR, "DISK_FAILED", "the disk did not take or give the file", "Ask the owner to look at the service's log.";
}

impl Refusal {
    /// The refusal of a read that the system refused.
    pub(crate) fn of_reading(errno: Errno) -> Self {
        match errno {
            // ELOOP is a link, ENXIO a socket or a pipe, EACCES must not tell that the file is there.
            Errno::NOENT
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::NAMETOOLONG
            | Errno::NXIO
            | Errno::ACCESS
            | Errno::PERM
            | Errno::INVAL
            | Errno::ILSEQ => Self::NotFound,
            errno => Self::unexpected(errno),
        }
    }

    /// The refusal of a write that the system refused.
    pub(crate) fn of_writing(errno: Errno) -> Self {
        match errno {
            Errno::NOSPC | Errno::DQUOT => Self::DiskFull,
            Errno::FBIG => Self::TooLarge,
            Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY => Self::NameTaken,
            Errno::NOTDIR => Self::NoFolder,
            Errno::ACCESS | Errno::PERM | Errno::ROFS => Self::WriteRefused,
            // A link on the way; then names that this file system does not take.
            Errno::LOOP | Errno::NOENT => Self::NotFound,
            Errno::NAMETOOLONG => Self::NameTooLong,
            Errno::INVAL | Errno::ILSEQ => Self::BadName,
            errno => Self::unexpected(errno),
        }
    }

    fn unexpected(errno: Errno) -> Self {
        if matches!(errno, Errno::MFILE | Errno::NFILE) {
            return Self::Busy;
        }
        tracing::error!(error = %std::io::Error::from(errno), "unexpected answer of the disk");
        Self::DiskFailed
    }

    /// The response: the refusal as JSON.
    pub(crate) fn response(self) -> Response<Body> {
        #[derive(Serialize)]
        struct Shown {
            code: &'static str,
            message: String,
            hint: &'static str,
        }
        let shown = Shown { code: self.code(), message: self.to_string(), hint: self.hint() };
        let body = serde_json::to_vec(&shown).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self == Self::MethodNotAllowed {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(crate::answer::METHODS));
        }
        if self == Self::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
