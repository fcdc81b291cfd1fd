//! Arbitrary jobs and changes, hostile ones included.

use std::{ffi::OsString, path::PathBuf};

use proptest::{option, prelude::*};
use ropeway_model::{
    Algorithm, Blocker, ByteRate, ConnectionChoice, Digest, EntityTag, Failure, FailureCode, FileName, HeaderField,
    JobId, JobSpec, Network, OnConflict, Phase, Pieces, Priority, Reuse, SafeUrl, Secrets, SegmentMap, Timestamp,
    Transfer, UploadTarget, Validation, Validator, Wish,
};
use ropeway_store::{Damage, JobChange, NewJob, Remote, UploadSession, UploadState, Verification};

use super::Act;

/// Jobs that a single call names at most.
const NAMED: usize = 6;

pub(super) fn act() -> impl Strategy<Value = Act> {
    let places = || prop::collection::vec(0..64_usize, 0..NAMED);
    prop_oneof![
        3 => prop::collection::vec(new_job(), 0..NAMED).prop_map(Act::Insert),
        6 => prop::collection::vec((0..64_usize, change()), 0..NAMED).prop_map(Act::Save),
        1 => places().prop_map(Act::Remove),
        3 => (places(), option::of(0..64_usize)).prop_map(|(which, before)| Act::Move { which, before }),
    ]
}

fn new_job() -> impl Strategy<Value = NewJob> {
    (spec(), wish(), phase(), timestamp()).prop_map(|(spec, wish, phase, created)| NewJob {
        spec,
        wish,
        phase,
        created,
    })
}

fn change() -> impl Strategy<Value = JobChange> {
    let intent = (option::of(spec()), option::of(wish()), option::of(phase()), option::of(timestamp()));
    let paths = (option::of(option::of(path())), option::of(option::of(path())));
    let proofs = (option::of(option::of(digest())), option::of(option::of(verification())), option::of(validation()));
    let bytes = (option::of(0..=u64::MAX / 2), option::of(option::of(segments())));
    let rest = (
        option::of(option::of(remote())),
        option::of(option::of(upload_state())),
        option::of(option::of(damage())),
        log(),
    );
    (intent, paths, proofs, bytes, rest).prop_map(|(intent, paths, proofs, bytes, rest)| {
        let mut change = JobChange::new(JobId::from_row(0));
        (change.spec, change.wish, change.phase, change.finished) = intent;
        (change.part_path, change.final_path) = paths;
        (change.digest, change.verification, change.validation) = proofs;
        (change.durable, change.segments) = bytes;
        (change.remote, change.upload, change.damage, change.log) = rest;
        change
    })
}

fn spec() -> impl Strategy<Value = JobSpec> {
    let header = "[ -~é]{0,12}".prop_map(|value| HeaderField::new("X-Api-Key", &value).unwrap());
    let speed = (option::of(1..u64::MAX), option::of(1..=64_u8), option::of(digest()));
    let choices = (
        prop_oneof![Just(Priority::Low), Just(Priority::Normal), Just(Priority::High)],
        prop_oneof![
            Just(OnConflict::Rename),
            Just(OnConflict::Overwrite),
            Just(OnConflict::Fail),
            Just(OnConflict::Ask)
        ],
        prop_oneof![Just(Reuse::Never), Just(Reuse::Same), Just(Reuse::Any)],
        any::<bool>(),
    );
    let network = (option::of(path()), option::of(url()), option::of(path()), any::<bool>(), any::<bool>()).prop_map(
        |(ca_file, proxy, cookie_file, netrc, allow_downgrade)| Network {
            ca_file,
            proxy,
            cookie_file,
            netrc,
            allow_downgrade,
        },
    );
    let pieces =
        (1..u64::MAX, prop::collection::vec(digest(), 0..3)).prop_map(|(length, digests)| Pieces { length, digests });
    let more = (network, prop::collection::vec(url(), 0..3), option::of(pieces), option::of(timestamp()));
    (transfer(), speed, prop::collection::vec(header, 0..3), choices, more).prop_map(
        |(transfer, (rate, connections, checksum), headers, (priority, on_conflict, reuse, no_times), more)| JobSpec {
            secrets: secrets(&transfer, headers),
            length: rate,
            named_folders: u8::from(rate.is_some()),
            transfer,
            rate_limit: rate.and_then(ByteRate::new),
            // Outside 1 to 64 nobody gives a number.
            connections: connections.map(|count| ConnectionChoice::number(count).unwrap_or_default()),
            digest: checksum.as_ref().map(Digest::algorithm),
            further_checksums: checksum.iter().cloned().collect(),
            checksum,
            priority,
            on_conflict,
            reuse,
            no_times,
            network: more.0,
            mirrors: more.1,
            pieces: more.2,
            start_at: more.3,
        },
    )
}

fn secrets(transfer: &Transfer, headers: Vec<HeaderField>) -> Secrets {
    match headers.len() {
        0 => Secrets::of(transfer.address(), headers),
        1 => Secrets::of(&"https://typed.example/list.meta4".parse().unwrap(), headers),
        _ => Secrets::of_nobody(headers),
    }
}

/// Few different ones, so that the same transfer is often in the list twice.
fn transfer() -> impl Strategy<Value = Transfer> {
    let download = (url(), path(), option::of(file_name()));
    let upload = (path(), 0..3_u8, any::<bool>());
    prop_oneof![
        download.prop_map(|(from, into, name)| Transfer::Download { from, into, name }),
        upload.prop_map(|(from, host, form)| Transfer::Upload { from, to: target(host, form) }),
        (0..3_u8).prop_map(|number| Transfer::Download {
            from: format!("https://example.org/{number}").parse().unwrap(),
            into: "/same".into(),
            name: None,
        }),
    ]
}

fn target(host: u8, form: bool) -> UploadTarget {
    let (prefix, suffix) = if form { ("form+", "#field=file") } else { ("", "") };
    format!("{prefix}https://host{host}.example/in/{suffix}").parse().unwrap()
}

fn phase() -> impl Strategy<Value = Phase> {
    let failure = || {
        (prop::sample::select(FailureCode::ALL), any::<String>())
            .prop_map(|(code, message)| Failure::new(code, message))
    };
    prop_oneof![
        Just(Phase::Queued),
        Just(Phase::Probing),
        Just(Phase::Running),
        Just(Phase::Paused),
        Just(Phase::Verifying),
        Just(Phase::Completed),
        Just(Phase::Canceled),
        failure().prop_map(|failure| Phase::Failed { failure }),
        failure().prop_map(|failure| Phase::LinkExpired { failure }),
        failure().prop_map(|failure| Phase::Blocked { by: Blocker::Room, failure }),
        (timestamp(), any::<u32>(), failure()).prop_map(|(until, attempt, cause)| Phase::Waiting {
            until,
            attempt,
            cause
        }),
    ]
}

fn segments() -> impl Strategy<Value = SegmentMap> {
    let length = prop_oneof![Just(None), option::of(0..1000_u64), option::of(0..=u64::MAX / 2)];
    (length, prop::collection::vec((any::<prop::sample::Index>(), 0..5000_u64, any::<bool>()), 0..12)).prop_map(
        |(length, steps)| {
            let mut map = length.map_or_else(SegmentMap::open_ended, SegmentMap::whole);
            for (which, bytes, halve) in steps.into_iter().filter(|_| length != Some(0)) {
                let start = map.segments()[which.index(map.segments().len())].range().start();
                if halve {
                    map.halve(start, bytes);
                } else {
                    map.advance(start, bytes).unwrap();
                }
            }
            map
        },
    )
}

fn remote() -> impl Strategy<Value = Remote> {
    let validator =
        (option::of("\"[!#-~]{0,8}\""), option::of(any::<String>()), any::<bool>(), option::of(any::<u64>()));
    (url(), file_name(), validator, option::of(digest())).prop_map(
        |(url, name, (tag, date, strong, length), digest)| {
            let validator = Validator {
                entity_tag: tag.and_then(|tag| EntityTag::parse(&tag)),
                last_modified: date,
                last_modified_is_strong: strong,
                length,
            };
            Remote { url, name, validator, digest, is_renewed: false }
        },
    )
}

fn log() -> impl Strategy<Value = Vec<(Timestamp, String)>> {
    let line = prop_oneof![any::<String>(), "é{2000,2100}"];
    prop_oneof![
        4 => prop::collection::vec((timestamp(), line), 0..4),
        1 => (150..260_usize).prop_map(|count| {
            (0..count).map(|number| (Timestamp::from_unix_ms(0), format!("line {number}"))).collect()
        }),
    ]
}

fn upload_state() -> impl Strategy<Value = UploadState> {
    let session =
        (json(), option::of(timestamp()), any::<(u64, u64)>()).prop_map(|(state, expires, (compared, sent_to))| {
            let url = "https://tus.example/files/1".parse().unwrap();
            UploadSession { scheme: "tus+https".to_owned(), url, state, expires, compared, sent_to }
        });
    (session, 0..=u64::MAX / 2, any::<i64>(), any::<u64>())
        .prop_map(|(session, length, modified_ns, inode)| UploadState { session, length, modified_ns, inode })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(serde_json::Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..3)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn url() -> impl Strategy<Value = SafeUrl> {
    "https://([a-z]{1,4}:[a-z]{1,4}@)?[a-z]{1,5}\\.example(:[1-9][0-9]{2})?/[a-z0-9/%é ]{0,9}(\\?sig=[a-f]{1,4})?"
        .prop_filter_map("not every text is a URL", |text| text.parse().ok())
}

fn file_name() -> impl Strategy<Value = FileName> {
    any::<String>().prop_map(|text| FileName::sanitized(&text))
}

/// Any bytes at all where the system allows them in paths.
fn path() -> impl Strategy<Value = PathBuf> {
    #[cfg(unix)]
    let wild =
        prop::collection::vec(any::<u8>(), 0..12).prop_map(<OsString as std::os::unix::ffi::OsStringExt>::from_vec);
    #[cfg(not(unix))]
    let wild = any::<String>().prop_map(OsString::from);
    prop_oneof![wild, "/[a-z]{1,6}/[a-zé ]{1,6}".prop_map(OsString::from)].prop_map(PathBuf::from)
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(|bytes| Digest::from_bytes(Algorithm::Sha256, &bytes).unwrap())
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_unix_ms)
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![Just(Wish::Run), Just(Wish::Pause), Just(Wish::Cancel)]
}

fn verification() -> impl Strategy<Value = Verification> {
    prop_oneof![
        Just(Verification::ChecksumGiven),
        Just(Verification::ChecksumOfServer),
        Just(Verification::Length),
        Just(Verification::Unverified),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    (1..u64::MAX / 2, 1..u64::MAX / 2).prop_map(|(blocks, bytes)| Damage { blocks, bytes })
}

fn validation() -> impl Strategy<Value = Validation> {
    prop_oneof![
        Just(Validation::StrongTag),
        Just(Validation::LengthAndDate),
        Just(Validation::Unverifiable),
        Just(Validation::Changed),
    ]
}
