//! Uploads by tus, against a server that breaks as it is told.

use ropeway_drivers::{DriverError, Held, Layout, Meaning, OpenUpload, Part, Session};
use ropeway_model::{FailureCode, Retry};
use ropeway_testkit::{
    Pattern,
    peer::{Request, TusFault, TusOffer, TusServer},
};

use crate::ground::Upload;

const MIB: u64 = 1 << 20;
const PATTERN: Pattern = Pattern::new(9);

/// A server that breaks the requests with `method`.
async fn breaking(offer: TusOffer, method: &'static str, fault: TusFault) -> TusServer {
    TusServer::start(offer, move |request| if request.method == method { fault } else { TusFault::None }).await
}

async fn honest(extensions: &'static str) -> TusServer {
    TusServer::start(TusOffer { extensions, ..TusOffer::default() }, |_| TusFault::None).await
}

/// The rest of a file of `length` bytes behind `offset`.
fn rest(offset: u64, length: u64) -> Part {
    Part { offset, length: length - offset }
}

async fn opened(upload: &Upload, length: u64) -> Session {
    upload.open(length, None).await.unwrap().session
}

#[tokio::test]
async fn an_upload_is_created_once_and_appended_to_at_the_offset_that_the_server_names() {
    let server = honest("creation").await;
    let upload = Upload::to(&server.target()).named("a b.bin");
    let OpenUpload { session, layout, held } = upload.open(3 * MIB, None).await.unwrap();
    assert_eq!((held, session.is_created), (Held::Prefix(0), true));
    assert!(matches!(layout, Layout::Append { part } if part.contains(&(1 << 40))));
    let first = upload.send_part(&session, PATTERN, Part { offset: 0, length: MIB }).await.unwrap();
    assert_eq!((first.held, first.receipt.is_compared), (Held::Prefix(MIB), false));
    let second = upload.send_part(&session, PATTERN, rest(MIB, 3 * MIB)).await.unwrap();
    assert_eq!(second.held, Held::Prefix(3 * MIB));
    let stored = server.uploads().remove(0).unwrap();
    assert!(stored.bytes == PATTERN.bytes(0, 3 * MIB) && stored.length == 3 * MIB);
    assert_eq!(stored.metadata, "filename YSBiLmJpbg==,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt");
    assert_eq!(server.methods(), ["OPTIONS", "POST", "PATCH", "PATCH"]);
    let versions = server.requests().into_iter().skip(1);
    assert!(versions.into_iter().all(|request| request.header("Tus-Resumable") == Some("1.0.0")));
}

#[tokio::test]
async fn a_server_that_has_no_time_for_the_question_is_asked_nothing_else() {
    for status in [429, 503] {
        let server = breaking(TusOffer::default(), "OPTIONS", TusFault::Status(status)).await;
        let refused = Upload::to(&server.target()).open(2 * MIB, None).await.unwrap_err();
        assert!(matches!(refused, DriverError::Status { status: told, .. } if told == status), "{refused}");
        assert_eq!(server.methods(), ["OPTIONS"]);
    }
}

#[tokio::test]
async fn what_a_server_offers_is_asked_once_for_many_files() {
    let server = honest("creation").await;
    let upload = Upload::to(&server.target());
    for _ in 0..3 {
        opened(&upload, 2 * MIB).await;
    }
    assert_eq!(server.methods(), ["OPTIONS", "POST", "POST", "POST"]);
}

#[tokio::test]
async fn an_empty_file_is_whole_once_it_is_created() {
    let server = honest("creation,creation-with-upload").await;
    let opened = Upload::to(&server.target()).open(0, None).await.unwrap();
    assert_eq!((opened.held, server.methods()), (Held::Prefix(0), vec!["OPTIONS".to_owned(), "POST".to_owned()]));
}

#[tokio::test]
async fn a_small_file_comes_with_its_creation_where_that_is_offered() {
    for (extensions, length, methods) in [
        ("creation,creation-with-upload", 1000, &["OPTIONS", "POST"][..]),
        ("creation,creation-with-upload", 2 * MIB, &["OPTIONS", "POST", "PATCH"]),
        ("creation", 1000, &["OPTIONS", "POST", "PATCH"]),
    ] {
        let server = honest(extensions).await;
        let upload = Upload::to(&server.target());
        let session = opened(&upload, length).await;
        let sent = upload.send_part(&session, PATTERN, rest(0, length)).await.unwrap();
        assert_eq!(sent.held, Held::Prefix(length));
        assert!(sent.session.unwrap().is_created);
        assert_eq!(server.methods(), methods, "{extensions} {length}");
        assert!(server.uploads().remove(0).unwrap().bytes == PATTERN.bytes(0, length));
    }
}

#[tokio::test]
async fn a_server_that_creates_and_leaves_the_bytes_is_asked_what_it_has() {
    let offer = TusOffer { extensions: "creation,creation-with-upload", ..TusOffer::default() };
    let server = breaking(offer, "POST", TusFault::Unsaid).await;
    let upload = Upload::to(&server.target());
    let session = opened(&upload, 1000).await;
    let sent = upload.send_part(&session, PATTERN, rest(0, 1000)).await.unwrap();
    assert_eq!(sent.held, Held::Prefix(1000));
}

#[tokio::test]
async fn a_saved_upload_goes_on_where_the_server_stands() {
    for (fault, held) in [(TusFault::Cut(70_000), 70_000), (TusFault::LostAnswer, MIB), (TusFault::Gathered, 0)] {
        let server = breaking(TusOffer::default(), "PATCH", fault).await;
        let upload = Upload::to(&server.target());
        let session = opened(&upload, MIB).await;
        let error = upload.send_part(&session, PATTERN, rest(0, MIB)).await.unwrap_err();
        assert_eq!((error.code(), error.meaning()), (FailureCode::ConnectionLost, Meaning::Other), "{fault:?}");
        let again = upload.open(MIB, Some(&session)).await.unwrap();
        assert_eq!((again.held, again.session), (Held::Prefix(held), session), "{fault:?}");
    }
}

#[tokio::test]
async fn an_upload_that_is_not_known_any_more_or_is_another_one_is_lost() {
    let server = honest("creation").await;
    let upload = Upload::to(&server.target());
    let session = opened(&upload, MIB).await;
    assert_eq!(upload.open(MIB + 1, Some(&session)).await.unwrap_err().meaning(), Meaning::SessionLost);
    upload.abort(&session).await.unwrap();
    assert_eq!(upload.open(MIB, Some(&session)).await.unwrap_err().meaning(), Meaning::SessionLost);
    let sent = upload.send_part(&session, PATTERN, rest(0, MIB)).await;
    assert_eq!(sent.unwrap_err().meaning(), Meaning::SessionLost);
    for status in [404, 410, 403] {
        let server = breaking(TusOffer::default(), "HEAD", TusFault::Status(status)).await;
        let upload = Upload::to(&server.target());
        let session = opened(&upload, MIB).await;
        assert_eq!(upload.open(MIB, Some(&session)).await.unwrap_err().meaning(), Meaning::SessionLost, "{status}");
    }
}

#[tokio::test]
async fn each_answer_to_a_part_means_what_the_protocol_says() {
    let offer = TusOffer { extensions: "creation,checksum", ..TusOffer::default() };
    for (fault, meaning, code, retry) in [
        (TusFault::Status(409), Meaning::OffsetMoved, FailureCode::BadResponse, Retry::Backoff),
        (TusFault::Status(413), Meaning::TooLarge, FailureCode::TooLargeForServer, Retry::Never),
        (TusFault::Status(423), Meaning::Other, FailureCode::RemoteLocked, Retry::Backoff),
        (TusFault::Damage, Meaning::Damaged, FailureCode::BadResponse, Retry::Backoff),
        (TusFault::Status(500), Meaning::Other, FailureCode::ServerUnavailable, Retry::Backoff),
        (TusFault::Status(415), Meaning::Other, FailureCode::RequestRefused, Retry::Never),
        (TusFault::Status(507), Meaning::Other, FailureCode::RemoteFull, Retry::Never),
    ] {
        let server = breaking(offer.clone(), "PATCH", fault).await;
        let upload = Upload::to(&server.target());
        let session = opened(&upload, MIB).await;
        let error = upload.send_part(&session, PATTERN, rest(0, MIB)).await.unwrap_err();
        assert_eq!((error.meaning(), error.code(), error.retry()), (meaning, code, retry), "{fault:?}: {error}");
        assert_eq!(server.uploads()[0].as_ref().unwrap().bytes.len(), 0);
    }
}

#[tokio::test]
async fn the_servers_word_for_the_offset_counts_and_nonsense_does_not() {
    let server = breaking(TusOffer::default(), "PATCH", TusFault::Short(1000)).await;
    let upload = Upload::to(&server.target());
    let session = opened(&upload, MIB).await;
    let sent = upload.send_part(&session, PATTERN, rest(0, MIB)).await.unwrap();
    assert_eq!(sent.held, Held::Prefix(1000));
    let silent = breaking(TusOffer::default(), "PATCH", TusFault::Unsaid).await;
    let upload = Upload::to(&silent.target());
    let session = opened(&upload, MIB).await;
    let sent = upload.send_part(&session, PATTERN, rest(0, MIB)).await.unwrap();
    assert_eq!((sent.held, silent.methods().pop().unwrap()), (Held::Prefix(MIB), "HEAD".to_owned()));
    let ahead = TusServer::start(TusOffer::default(), |_| TusFault::None).await;
    let upload = Upload::to(&ahead.target());
    let session = opened(&upload, MIB).await;
    upload.send_part(&session, PATTERN, Part { offset: 0, length: 1000 }).await.unwrap();
    let error = upload.send_part(&session, PATTERN, rest(0, MIB)).await.unwrap_err();
    assert_eq!(error.meaning(), Meaning::OffsetMoved, "the server stands elsewhere");
}

#[tokio::test]
async fn a_checksum_goes_ahead_of_each_part_where_it_is_offered() {
    let server = honest("creation,checksum,creation-with-upload").await;
    let upload = Upload::to(&server.target());
    for length in [1000, 2 * MIB] {
        let OpenUpload { session, layout, .. } = upload.open(length, None).await.unwrap();
        assert!(matches!(layout, Layout::Append { part } if !part.contains(&(1 << 30))), "a part is read twice");
        let sent = upload.send_part(&session, PATTERN, rest(0, length)).await.unwrap();
        assert!(sent.receipt.is_compared);
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_before_a_byte_of_it_is_sent() {
    let server = TusServer::start(TusOffer { max_size: Some(1000), ..TusOffer::default() }, |_| TusFault::None).await;
    let upload = Upload::to(&server.target());
    upload.open(1000, None).await.unwrap();
    let error = upload.open(1001, None).await.unwrap_err();
    assert!(matches!(error, DriverError::ExceedsLimit { most: 1000, .. }), "{error}");
    assert_eq!((error.code(), error.retry()), (FailureCode::TooLargeForServer, Retry::Never));
}

#[tokio::test]
async fn a_server_without_options_takes_uploads_without_extensions() {
    for fault in [TusFault::Status(404), TusFault::Status(405), TusFault::Status(500), TusFault::HangUp] {
        let server = breaking(TusOffer::default(), "OPTIONS", fault).await;
        let upload = Upload::to(&server.target());
        let session = opened(&upload, 1000).await;
        upload.send_part(&session, PATTERN, rest(0, 1000)).await.unwrap();
    }
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_not_sent_again_by_itself() {
    let server = breaking(TusOffer::default(), "POST", TusFault::LostAnswer).await;
    let error = Upload::to(&server.target()).open(MIB, None).await.unwrap_err();
    assert_eq!(
        (error.code(), server.methods()),
        (FailureCode::ConnectionLost, vec!["OPTIONS".to_owned(), "POST".to_owned()])
    );
}

#[tokio::test]
async fn what_is_no_tus_server_is_said_to_be_none() {
    for (status, said) in [(200, "it is no tus server"), (412, "another version of tus")] {
        let server = breaking(TusOffer::default(), "POST", TusFault::Status(status)).await;
        let error = Upload::to(&server.target()).open(MIB, None).await.unwrap_err();
        assert!(error.to_string().contains(said), "{status}: {error}");
    }
}

#[tokio::test]
async fn an_upload_under_another_name_is_another_one() {
    let server = breaking(TusOffer::default(), "HEAD", TusFault::OtherName).await;
    let upload = Upload::to(&server.target());
    let session = opened(&upload, MIB).await;
    assert_eq!(upload.open(MIB, Some(&session)).await.unwrap_err().meaning(), Meaning::SessionLost);
}

#[tokio::test]
async fn a_refused_creation_is_told_as_the_address_it_was_asked_at() {
    for (status, code) in [
        (401, FailureCode::Unauthorized),
        (404, FailureCode::NotFound),
        (413, FailureCode::TooLargeForServer),
        (409, FailureCode::RemoteConflict),
    ] {
        for length in [1000, 2 * MIB] {
            let offer = TusOffer { extensions: "creation-with-upload", ..TusOffer::default() };
            let server = breaking(offer, "POST", TusFault::Status(status)).await;
            let upload = Upload::to(&server.target());
            let error = match upload.open(length, None).await {
                Ok(opened) => upload.send_part(&opened.session, PATTERN, rest(0, length)).await.unwrap_err(),
                Err(error) => error,
            };
            assert_eq!(error.code(), code, "{status} {length}: {error}");
        }
    }
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_gone_and_a_server_that_keeps_it_is_no_failure() {
    let server = honest("creation,termination").await;
    let upload = Upload::to(&server.target());
    let session = opened(&upload, MIB).await;
    upload.abort(&session).await.unwrap();
    assert_eq!(server.uploads().len(), 1);
    assert!(server.uploads()[0].is_none());
    for status in [404, 405, 410] {
        let server = breaking(TusOffer::default(), "DELETE", TusFault::Status(status)).await;
        let upload = Upload::to(&server.target());
        let session = opened(&upload, MIB).await;
        upload.abort(&session).await.unwrap();
    }
    let server = breaking(TusOffer::default(), "DELETE", TusFault::Status(500)).await;
    let upload = Upload::to(&server.target());
    let session = opened(&upload, MIB).await;
    assert!(upload.abort(&session).await.is_err());
}

#[tokio::test]
async fn the_end_of_an_upload_is_told() {
    let offer = TusOffer { expires: Some("Wed, 25 Jun 2031 16:00:00 GMT"), ..TusOffer::default() };
    let server = TusServer::start(offer, |_| TusFault::None).await;
    let upload = Upload::to(&server.target());
    let session = opened(&upload, MIB).await;
    assert_eq!(session.expires.unwrap().unix_ms(), 1_940_169_600_000);
    let sent = upload.send_part(&session, PATTERN, rest(0, MIB)).await.unwrap();
    assert_eq!(sent.session.unwrap().expires, session.expires);
}

#[tokio::test]
async fn a_login_goes_to_the_uploads_own_origin_and_not_beyond() {
    let others = TusServer::start(TusOffer::default(), |_| TusFault::None).await;
    let server = honest("creation").await;
    let target = server.target().replacen("://", "://user:secret@", 1);
    let upload = Upload::to(&target);
    let session = opened(&upload, MIB).await;
    upload.send_part(&session, PATTERN, rest(0, MIB)).await.unwrap();
    let has_login = |request: &Request| request.header("Authorization").is_some();
    assert!(server.requests().iter().all(has_login));
    let elsewhere = others.target().replacen("tus+", "", 1).parse().unwrap();
    let stolen = Session { url: elsewhere, ..session };
    assert!(upload.open(MIB, Some(&stolen)).await.is_err());
    assert!(!others.requests().iter().any(has_login));
}
