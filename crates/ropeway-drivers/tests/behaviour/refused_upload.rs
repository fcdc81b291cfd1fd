//! Uploads that fail, on either side.

use std::io;

use futures_util::{StreamExt, stream};
use ropeway_drivers::{DriverError, PartBytes};
use ropeway_model::{FailureCode, Retry};
use ropeway_testkit::{
    Nginx, NginxSettings, Pattern, Peer,
    peer::{Answer, Cut, Intake},
};

use crate::ground::{Made, Upload, bytes, targets};

/// More than the socket buffers of both sides hold.
const LARGE: u64 = 64 * 1024 * 1024;

#[tokio::test]
async fn a_refusal_while_the_body_is_under_way_is_told_as_its_status() {
    for status in [403, 413, 507] {
        let peer = Peer::start(move |_| Answer::status(status).intake(Intake::Refused(Cut::End))).await;
        for target in targets(&peer) {
            let error = Upload::to(&target).send(Pattern::new(1), LARGE).await.unwrap_err();
            assert!(matches!(error, DriverError::Status { status: had, .. } if had == status), "{target}: {error}");
        }
    }
}

#[tokio::test]
async fn nginxs_refusal_of_a_large_file_is_told_as_413() {
    let nginx = Nginx::start_with(NginxSettings { largest_upload: Some(1_000_000), ..NginxSettings::default() });
    for target in [nginx.url("in/"), format!("form+{}#field=file", nginx.url("in/"))] {
        let error = Upload::to(&target).send(Pattern::new(1), LARGE).await.unwrap_err();
        assert!(matches!(error, DriverError::Status { status: 413, .. }), "{target}: {error}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_during_the_body_is_lost_and_may_be_tried_again() {
    for cut in [Cut::End, Cut::Reset] {
        let peer = Peer::start(move |_| Answer::status(201).intake(Intake::CutAfter(100_000, cut))).await;
        for target in targets(&peer) {
            let error = Upload::to(&target).send(Pattern::new(1), LARGE).await.unwrap_err();
            assert!(matches!(error, DriverError::ConnectionLost { .. }), "{target}: {error}");
            assert_eq!(error.retry(), Retry::Backoff);
        }
    }
}

#[tokio::test]
async fn a_form_is_not_sent_again_by_itself_once_its_last_byte_was() {
    let answers: [fn() -> Answer; 9] = [
        || Answer::raw(""),
        || Answer::hang_up(Cut::Reset),
        || Answer::raw("HTTP/9.9 what\r\n\r\n"),
        || Answer::status(500),
        || Answer::status(502),
        || Answer::status(503),
        || Answer::status(504),
        || Answer::status(408),
        || Answer::status(425),
    ];
    for answer in answers {
        let peer = Peer::start(move |_| answer()).await;
        for target in targets(&peer) {
            let error = Upload::to(&target).send(Pattern::new(1), 1_000).await.unwrap_err();
            let is_form = target.starts_with("form+");
            assert_eq!(matches!(error, DriverError::Unconfirmed { .. }), is_form, "{target}: {error}");
            assert_eq!(error.code() == FailureCode::Unconfirmed, is_form);
            assert_eq!(error.retry(), if is_form { Retry::Never } else { Retry::Backoff }, "{target}: {error}");
        }
        assert_eq!(peer.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_form_that_is_asked_for_again_or_was_not_sent_whole_may_be_sent_again() {
    let later = |status| Answer::status(status).header("Retry-After", "7");
    for status in [429, 503] {
        let peer = Peer::start(move |_| later(status)).await;
        let [_, form] = targets(&peer);
        let error = Upload::to(&form).send(Pattern::new(1), 1_000).await.unwrap_err();
        assert_eq!(error.retry(), Retry::After(std::time::Duration::from_secs(7)), "{error}");
    }
    let peer = Peer::start(|_| Answer::status(500).intake(Intake::Refused(Cut::End))).await;
    let [_, form] = targets(&peer);
    let error = Upload::to(&form).send(Pattern::new(1), LARGE).await.unwrap_err();
    assert_eq!((error.code(), error.retry()), (FailureCode::ServerUnavailable, Retry::Backoff), "{error}");
}

#[tokio::test]
async fn an_answer_before_the_whole_file_was_sent_acknowledges_nothing() {
    for status in [200, 201, 204] {
        let peer = Peer::start(move |_| Answer::status(status).intake(Intake::Refused(Cut::End))).await;
        for target in targets(&peer) {
            let error = Upload::to(&target).send(Pattern::new(1), LARGE).await.unwrap_err();
            assert!(matches!(error, DriverError::AnsweredEarly { .. }), "{target}: {error}");
            assert_eq!(error.retry(), Retry::Never);
        }
    }
}

#[tokio::test]
async fn a_web_page_acknowledges_a_form_and_no_put_unless_the_target_says_so() {
    let page = |status| Answer::status(status).header("Content-Type", "text/html").body("<!doctype html><p>Sign in");
    let peer = Peer::start(move |_| page(200)).await;
    let [put, form] = targets(&peer);
    let error = Upload::to(&put).send(Pattern::new(1), 1_000).await.unwrap_err();
    assert!(matches!(error, DriverError::PageInstead { .. }), "{error}");
    assert_eq!((error.code(), error.retry()), (FailureCode::UnexpectedContent, Retry::Never));
    Upload::to(&form).send(Pattern::new(1), 1_000).await.unwrap();
    Upload::to(&format!("{put}#accept=html")).send(Pattern::new(1), 1_000).await.unwrap();
    // Apache's answer to a PUT that made a file is a page, and what some programs call one is none.
    let made = Peer::start(move |_| page(201)).await;
    Upload::to(&made.url("in/")).send(Pattern::new(1), 1_000).await.unwrap();
    let mislabeled = Peer::start(|_| Answer::status(200).header("Content-Type", "text/html").body("ok")).await;
    Upload::to(&mislabeled.url("in/")).send(Pattern::new(1), 1_000).await.unwrap();
}

#[tokio::test]
async fn what_the_server_says_of_its_refusal_is_told() {
    let peer = Peer::start(|_| {
        let words = "{\"code\":\"NAME_TAKEN\",\"message\":\"a \\u001b[31mfile\",\"hint\":\"Choose another.\"}";
        Answer::status(409).header("Content-Type", "application/json").body(words)
    })
    .await;
    for target in targets(&peer) {
        let error = Upload::to(&target).send(Pattern::new(1), 1_000).await.unwrap_err();
        assert_eq!(error.code(), FailureCode::RemoteConflict);
        assert!(error.to_string().ends_with("answered 409: NAME_TAKEN: a [31mfile (Choose another.)"), "{error}");
    }
}

#[tokio::test]
async fn a_source_that_fails_is_told_as_such_and_the_server_gets_no_whole_file() {
    let pattern = Pattern::new(1);
    let failing = move || -> PartBytes {
        let error = stream::once(async { Err(io::Error::from(io::ErrorKind::PermissionDenied)) });
        Box::pin(bytes(pattern, 500_000).chain(error))
    };
    let grown = move || bytes(pattern, 1_200_000);
    let shrunk = move || bytes(pattern, 900_000);
    let sources: [(io::ErrorKind, &(dyn Fn() -> PartBytes + Send + Sync)); 3] = [
        (io::ErrorKind::PermissionDenied, &failing),
        (io::ErrorKind::InvalidData, &grown),
        (io::ErrorKind::UnexpectedEof, &shrunk),
    ];
    let peer = Peer::start(|_| Answer::status(201)).await;
    for (kind, source) in sources {
        for target in targets(&peer) {
            let error = Upload::to(&target).send_body(1_000_000, &Made(source)).await.unwrap_err();
            assert!(matches!(&error, DriverError::Body(cause) if cause.kind() == kind), "{target}: {error}");
        }
    }
    assert!(peer.requests().iter().all(|request| !request.body_complete));
}

#[tokio::test]
async fn canceling_ends_an_upload() {
    let peer = Peer::start(|_| Answer::silence()).await;
    for target in targets(&peer) {
        let upload = Upload::to(&target);
        let cancel = upload.context.cancel.clone();
        let (outcome, ()) = tokio::join!(upload.send(Pattern::new(1), 1_000), async { cancel.cancel() });
        assert!(matches!(outcome, Err(DriverError::Canceled)), "{target}");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_more_bytes_or_never_answers_is_given_up() {
    let peer = Peer::start(|request| match request.number {
        1 | 2 => Answer::status(201),
        _ if request.content_length().is_some_and(|length| length > LARGE / 2) => {
            Answer::silence().intake(Intake::Refused(Cut::End))
        }
        _ => Answer::silence(),
    })
    .await;
    let uploads = targets(&peer).map(|target| Upload::to(&target));
    for upload in &uploads {
        upload.send(Pattern::new(1), 10).await.unwrap();
    }
    // With the connections made, only the driver's own patience is left to run out.
    tokio::time::pause();
    for (place, upload) in uploads.iter().enumerate() {
        let stalled = upload.send(Pattern::new(1), LARGE).await.unwrap_err();
        assert!(matches!(stalled, DriverError::Silent { waited_s: 120, .. }), "{stalled}");
        let unanswered = upload.send(Pattern::new(1), 10).await.unwrap_err();
        match place {
            0 => assert!(matches!(unanswered, DriverError::Silent { waited_s: 900, .. }), "{unanswered}"),
            _ => assert!(matches!(unanswered, DriverError::Unconfirmed { .. }), "{unanswered}"),
        }
    }
}

#[tokio::test]
async fn a_source_that_waits_for_its_own_limit_is_no_stall() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let upload = Upload::to(&peer.url("in/"));
    upload.send(Pattern::new(1), 10).await.unwrap();
    tokio::time::pause();
    let throttled = || -> PartBytes {
        Box::pin(stream::unfold(0, |sent| async move {
            tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
            (sent < 3).then(|| (Ok(Pattern::new(1).bytes(sent * 10, sent * 10 + 10)), sent + 1))
        }))
    };
    upload.send_body(30, &Made(throttled)).await.unwrap();
    assert_eq!(peer.requests().pop().unwrap().files[0].sha256, Pattern::new(1).sha256(30));
}

#[tokio::test]
async fn a_redirect_of_an_upload_is_refused_with_its_target() {
    for status in [301, 302, 307, 308] {
        let peer = Peer::start(move |_| Answer::redirect(status, "/elsewhere/")).await;
        for target in targets(&peer) {
            let error = Upload::to(&target).send(Pattern::new(1), 1_000).await.unwrap_err();
            assert!(matches!(error, DriverError::RedirectRefused { .. }), "{target}: {error}");
            assert!(error.to_string().contains("/elsewhere/"), "{error}");
        }
    }
}

#[tokio::test]
async fn see_other_acknowledges_a_form_and_nothing_else() {
    let peer = Peer::start(|_| Answer::redirect(303, "/thanks")).await;
    for target in targets(&peer) {
        let outcome = Upload::to(&target).send(Pattern::new(1), 1_000).await;
        assert_eq!(outcome.is_ok(), target.starts_with("form+"), "{target}");
    }
}
