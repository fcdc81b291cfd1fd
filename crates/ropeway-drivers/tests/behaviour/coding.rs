//! Servers that compress although they were asked not to.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use ropeway_drivers::DriverError;
use ropeway_model::{FailureCode, Retry};
use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, ServedFile},
};

use crate::ground::{Download, range, read};

const LENGTH: u64 = 100_000;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn labelled(label: &str, body: Vec<u8>) -> Answer {
    Answer::status(200).header("Content-Encoding", label).header("ETag", "\"1\"").body(body)
}

#[tokio::test]
async fn the_name_that_the_user_gave_decides_which_coding_is_the_files_own() {
    let file = Pattern::new(1).bytes(0, LENGTH);
    let encoded = gzip(&file);
    for (path, saved_as, expected) in
        [("download", "f.tar.gz", &encoded[..]), ("f.tar.gz", "f.tar", &file[..]), ("a.csv", "a.csv.gz", &encoded)]
    {
        let octets = encoded.clone();
        let peer = Peer::start(move |_| labelled("gzip", octets.clone())).await;
        let mut download = Download::of(&peer.url(path));
        download.context.saved_as = Some(saved_as.parse().unwrap());
        let (bytes, error) = read(download.probe().await.unwrap().body).await;
        assert!(error.is_none() && bytes == expected, "{path} as {saved_as}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_saved_is_the_file_its_name_promises() {
    let file = Pattern::new(1).bytes(0, LENGTH);
    let encoded = gzip(&file);
    for (path, label, expected) in [
        ("a.csv", "gzip", &file[..]),
        ("a.csv", "x-gzip", &file),
        ("a.csv.gz", "gzip", &encoded),
        ("a.tgz", "x-gzip", &encoded),
        ("a.csv", "none", &encoded),
        ("a.csv", "utf-8", &encoded),
        ("a.csv", "aws-chunked", &encoded),
        ("a.csv", "x-foo", &encoded),
    ] {
        let octets = encoded.clone();
        let peer = Peer::start(move |_| labelled(label, octets.clone())).await;
        let probe = Download::of(&peer.url(path)).probe().await.unwrap();
        let is_decoded = expected.len() == file.len();
        // What the server says of the encoded file says nothing of the decoded one.
        let length = (!is_decoded).then_some(encoded.len() as u64);
        assert_eq!(
            (probe.validator.length, probe.validator.entity_tag.is_some()),
            (length, !is_decoded),
            "{path} {label}"
        );
        let (bytes, error) = read(probe.body).await;
        assert!(error.is_none() && bytes == expected, "{path} {label}: {error:?}");
    }
}

#[tokio::test]
async fn a_compressed_body_that_is_cut_or_damaged_is_no_file() {
    let whole = gzip(&Pattern::new(1).bytes(0, LENGTH));
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle] ^= 0x55;
    for octets in [whole[..whole.len() - 4].to_vec(), damaged] {
        let peer = Peer::start(move |_| labelled("gzip", octets.clone())).await;
        let probe = Download::of(&peer.url("a.csv")).probe().await.unwrap();
        let (_, error) = read(probe.body).await;
        assert!(matches!(error, Some(DriverError::BadResponse { .. })), "{error:?}");
    }
    let peer =
        Peer::start(move |_| labelled("gzip", whole.clone()).cut_after(5_000, ropeway_testkit::peer::Cut::End)).await;
    let (_, error) = read(Download::of(&peer.url("a.csv")).probe().await.unwrap().body).await;
    assert!(matches!(error, Some(DriverError::ConnectionLost { .. })), "{error:?}");
}

#[tokio::test]
async fn a_coding_that_cannot_be_undone_is_told_and_not_saved() {
    for label in ["br", "zstd", "compress", "gzip, gzip"] {
        let peer = Peer::start(move |_| labelled(label, b"anything".to_vec())).await;
        let error = Download::of(&peer.url("a.csv")).probe_error().await;
        assert_eq!((error.code(), error.retry()), (FailureCode::ContentCoding, Retry::Never), "{error}");
        assert!(error.to_string().contains(label), "{error}");
    }
}

#[tokio::test]
async fn a_part_of_a_compressed_file_is_taken_only_if_the_file_itself_is_compressed() {
    let file = ServedFile::new(1, LENGTH);
    for (path, taken) in [("a.bin", false), ("a.bin.gz", true)] {
        let file = file.clone();
        let peer = Peer::start(move |request| file.answer(request).header("Content-Encoding", "gzip")).await;
        let download = Download::of(&peer.url(path));
        match download.fetch(range(100, 200), None).await {
            Ok(fetched) if taken => assert_eq!(read(fetched.body).await.0, Pattern::new(1).bytes(100, 200)),
            Err(DriverError::RangeIgnored { .. }) if !taken => {}
            other => panic!("{path}: {:?}", other.err()),
        }
    }
    // The whole in place of its beginning is no better.
    let peer = Peer::start(|_| labelled("gzip", gzip(b"text"))).await;
    let error = Download::of(&peer.url("a.csv")).fetch_error(range(0, 4), None).await;
    assert!(matches!(error, DriverError::RangeIgnored { .. }), "{error}");
}

#[tokio::test]
async fn a_transfer_coding_is_undone_and_the_file_is_what_it_was() {
    let file = Pattern::new(1).bytes(0, LENGTH);
    for (label, path) in [("gzip, chunked", "a.bin"), ("GZIP,chunked", "a.tar.gz"), ("x-gzip, chunked", "a.csv")] {
        let octets = gzip(&file);
        let peer = Peer::start(move |_| {
            let head =
                format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nTransfer-Encoding: {label}\r\n\r\n{:x}\r\n", octets.len());
            Answer::raw([head.as_bytes(), &octets, b"\r\n0\r\n\r\n"].concat())
        })
        .await;
        let probe = Download::of(&peer.url(path)).probe().await.unwrap();
        assert!(probe.validator.entity_tag.is_some(), "the file itself is not encoded");
        let (bytes, error) = read(probe.body).await;
        assert!(error.is_none() && bytes == file, "{label}: {error:?}");
        // A part is encoded by itself.
        let part = gzip(&file[100..200]);
        let head =
            "HTTP/1.1 206 Part\r\nContent-Range: bytes 100-199/100000\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
        let octets = [head.as_bytes(), format!("{:x}\r\n", part.len()).as_bytes(), &part, b"\r\n0\r\n\r\n"].concat();
        let peer = Peer::start(move |_| Answer::raw(octets.clone())).await;
        let fetched = Download::of(&peer.url(path)).fetch(range(100, 200), None).await.unwrap();
        assert_eq!(read(fetched.body).await.0, file[100..200]);
    }
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: compress, chunked\r\n\r\n0\r\n\r\n";
    let peer = Peer::start(move |_| Answer::raw(head)).await;
    let error = Download::of(&peer.url("a.bin")).probe_error().await;
    assert_eq!((error.code(), error.to_string().contains("compress")), (FailureCode::ContentCoding, true), "{error}");
}

#[tokio::test]
async fn the_transfer_coding_that_is_none_leaves_the_length_in_force() {
    let whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello";
    // The connection stays open behind the body: its end is not waited for.
    let peer = Peer::start(move |_| Answer::raw_and_open(whole)).await;
    let probe = Download::of(&peer.url("f")).probe().await.unwrap();
    assert_eq!(probe.validator.length, Some(5));
    let (bytes, error) = read(probe.body).await;
    assert!(error.is_none() && bytes == "hello", "{error:?}");
    let cut = whole.replace(": 5", ": 6");
    let peer = Peer::start(move |_| Answer::raw(cut.clone())).await;
    let (_, error) = read(Download::of(&peer.url("f")).probe().await.unwrap().body).await;
    assert!(matches!(error, Some(DriverError::ConnectionLost { .. })), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_labeled_as_compressed_and_is_not_comes_at_the_first_time() {
    for label in ["gzip", "deflate"] {
        let peer = Peer::start(move |_| labelled(label, Pattern::new(1).bytes(0, LENGTH).to_vec())).await;
        let probe = Download::of(&peer.url("a.csv")).probe().await.unwrap();
        assert_eq!((probe.validator.length, probe.validator.entity_tag.is_some()), (Some(LENGTH), true));
        let (bytes, error) = read(probe.body).await;
        assert!(error.is_none() && bytes == Pattern::new(1).bytes(0, LENGTH), "{error:?}");
        assert_eq!(peer.requests().len(), 1);
    }
}
