//! A job's specification in columns: from where to where in columns of their own, the rest as JSON.

use std::path::PathBuf;

use ropeway_model::{
    Algorithm, ByteRate, ConnectionChoice, Digest, Direction, FileName, HeaderField, JobSpec, Network, OnConflict,
    Pieces, Priority, Reuse, SafeUrl, Secrets, Timestamp, Transfer, UploadTarget,
};
use serde::{Deserialize, Serialize};

use crate::column::{Columns, Json, Name, StoredPath};

/// A [`JobSpec`] as its columns.
pub(crate) struct SpecColumns<'a> {
    pub(crate) direction: Name<Direction>,
    /// A download's URL, or an upload's target.
    pub(crate) address: String,
    /// A download's folder, or an upload's file.
    pub(crate) local_path: StoredPath<'a>,
    pub(crate) name: Option<&'a str>,
    pub(crate) options: Json<Options>,
    pub(crate) ca_file: Option<StoredPath<'a>>,
    pub(crate) cookie_file: Option<StoredPath<'a>>,
}

/// Everything of a [`JobSpec`] that no query asks for and that JSON holds without loss.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<ByteRate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<ConnectionChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<Digest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    further_checksums: Vec<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Algorithm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<HeaderField>,
    /// Whom the headers are for, where that is not the address itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers_for: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    named_folders: u8,
    priority: Priority,
    on_conflict: OnConflict,
    reuse: Reuse,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_times: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<SafeUrl>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    netrc: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_downgrade: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mirrors: Vec<SafeUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<Pieces>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

impl<'a> SpecColumns<'a> {
    pub(crate) fn of(spec: &'a JobSpec) -> Self {
        // Taken apart by name, so that a new field does not compile until it has a place here.
        let JobSpec { transfer, rate_limit, connections, checksum, secrets, priority, on_conflict, .. } = spec;
        let JobSpec { digest, network, mirrors, pieces, length, start_at, named_folders, reuse, no_times, .. } = spec;
        let JobSpec { further_checksums, .. } = spec;
        let (headers, headers_for) = secrets.split(spec.address());
        let Network { ca_file, proxy, cookie_file, netrc, allow_downgrade } = network;
        let (address, local_path, name) = match transfer {
            Transfer::Download { from, into, name } => {
                (from.expose().as_str().to_owned(), into, name.as_ref().map(FileName::as_str))
            }
            Transfer::Upload { from, to } => (String::from(to.clone()), from, None),
        };
        Self {
            direction: Name(spec.direction()),
            address,
            local_path: StoredPath::of(local_path),
            name,
            options: Json(Options {
                rate_limit: *rate_limit,
                connections: *connections,
                checksum: checksum.clone(),
                further_checksums: further_checksums.clone(),
                digest: *digest,
                headers: headers.to_vec(),
                headers_for: headers_for.map(str::to_owned),
                named_folders: *named_folders,
                priority: *priority,
                on_conflict: *on_conflict,
                reuse: *reuse,
                no_times: *no_times,
                proxy: proxy.clone(),
                netrc: *netrc,
                allow_downgrade: *allow_downgrade,
                mirrors: mirrors.clone(),
                pieces: pieces.clone(),
                length: *length,
                start_at: *start_at,
            }),
            ca_file: ca_file.as_deref().map(StoredPath::of),
            cookie_file: cookie_file.as_deref().map(StoredPath::of),
        }
    }
}

/// Reads the columns from `direction` to `cookie_file`.
pub(super) fn read(columns: &mut Columns<'_>) -> rusqlite::Result<JobSpec> {
    let Name(direction) = columns.take()?;
    let transfer = match direction {
        Direction::Download => Transfer::Download {
            from: columns.take::<Name<SafeUrl>>()?.0,
            into: columns.take::<StoredPath<'_>>()?.into_path(),
            name: columns.take::<Option<Name<FileName>>>()?.map(|name| name.0),
        },
        Direction::Upload => {
            let Name(to) = columns.take::<Name<UploadTarget>>()?;
            let from: PathBuf = columns.take::<StoredPath<'_>>()?.into_path();
            columns.take::<Option<String>>()?;
            Transfer::Upload { from, to }
        }
    };
    let Json(options) = columns.take::<Json<Options>>()?;
    let ca_file = columns.take::<Option<StoredPath<'_>>>()?.map(StoredPath::into_path);
    let cookie_file = columns.take::<Option<StoredPath<'_>>>()?.map(StoredPath::into_path);
    let Options {
        rate_limit,
        connections,
        checksum,
        headers,
        priority,
        on_conflict,
        mirrors,
        pieces,
        length,
        start_at,
        ..
    } = options;
    let network = Network {
        ca_file,
        proxy: options.proxy,
        cookie_file,
        netrc: options.netrc,
        allow_downgrade: options.allow_downgrade,
    };
    let secrets = Secrets::join(headers, options.headers_for, transfer.address());
    Ok(JobSpec {
        transfer,
        rate_limit,
        connections,
        checksum,
        further_checksums: options.further_checksums,
        digest: options.digest,
        secrets,
        priority,
        on_conflict,
        reuse: options.reuse,
        no_times: options.no_times,
        network,
        mirrors,
        pieces,
        length,
        start_at,
        named_folders: options.named_folders,
    })
}
