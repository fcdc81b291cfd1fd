//! `ropeway put` against a real nginx, form receivers, and a peer that hashes what it gets.

use std::fs;

use ropeway_testkit::{Nginx, Pattern, Peer, peer::Answer};

use crate::support::{FormReceiver, GIB, Home, MIB, Server, assert_same_bytes, big_file, memory_folder, stamped_file};

/// What an upload of any size may have resident.
const MOST_MEMORY: u64 = 40 * MIB;

#[test]
fn heavy_a_gibibyte_put_to_nginx_arrives_in_constant_memory() {
    let memory = memory_folder();
    let source = big_file(memory.path());
    let nginx = Nginx::start();
    let home = Home::new();
    let finished = home.run(["put", "--json", source.to_str().unwrap(), "--to", &nginx.url("in/")]).expect(0);
    assert_same_bytes(&nginx.root().join("in/big.bin"), &source);
    assert_eq!(finished.results()[0]["bytes"], GIB);
    assert!(finished.peak_memory < MOST_MEMORY, "{} MiB", finished.peak_memory / MIB);
}

#[test]
fn heavy_a_gibibyte_form_to_python_arrives_in_constant_memory() {
    let memory = memory_folder();
    let source = big_file(memory.path());
    let arrived = memory_folder();
    let receiver = FormReceiver::start(arrived.path());
    let home = Home::new();
    let finished = home.run(["put", "--json", source.to_str().unwrap(), "--to", &receiver.target()]).expect(0);
    assert_same_bytes(&arrived.path().join("big.bin"), &source);
    assert!(finished.peak_memory < MOST_MEMORY, "{} MiB", finished.peak_memory / MIB);
}

#[test]
fn heavy_a_gibibyte_form_to_our_own_service_arrives_in_constant_memory() {
    let memory = memory_folder();
    let source = big_file(memory.path());
    let arrived = memory_folder();
    let home = Home::new();
    let server = Server::start(&home, arrived.path(), &[]);
    let target = format!("form+{}#field=file", server.url(""));
    let finished = home.run(["put", "--json", source.to_str().unwrap(), "--to", &target]).expect(0);
    assert_same_bytes(&arrived.path().join("big.bin"), &source);
    assert!(finished.peak_memory < MOST_MEMORY, "{} MiB", finished.peak_memory / MIB);
}

#[test]
fn a_folder_is_sent_with_every_file_below_it() {
    let nginx = Nginx::start();
    let home = Home::new();
    fs::create_dir_all(home.work("pictures/summer")).unwrap();
    stamped_file(&home.work("pictures/a.bin"), 3000);
    stamped_file(&home.work("pictures/summer/b.bin"), 5000);
    let finished = home.run(["put", "--json", "pictures", "--to", &nginx.url("in/")]).expect(0);
    assert_eq!(finished.results().len(), 2);
    let mut arrived: Vec<_> =
        nginx.access_log().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    arrived.dedup();
    assert_eq!(arrived, ["PUT"]);
    let found: u64 = sizes(&nginx.root().join("in"));
    assert_eq!(found, 8000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_at_the_end_is_what_arrived() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    let source = home.work("a.bin");
    Pattern::new(9).write_file(&source, 700_001);
    let finished = home.run(["put", "--json", "--checksum", "sha256", "a.bin", "--to", &peer.url("in/")]).expect(0);
    let request = &peer.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/in/a.bin"));
    assert_eq!(request.content_length(), Some(700_001));
    let result = &finished.results()[0];
    assert_eq!(result["sha256"], request.files[0].sha256);
    assert_eq!((&result["url"], result["bytes"].as_u64()), (&peer.url("in/a.bin").into(), Some(700_001)));
    assert_eq!(result["path"], source.to_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_carries_the_field_the_name_and_the_bytes() {
    let peer = Peer::start(|_| Answer::status(200)).await;
    let home = Home::new();
    Pattern::new(9).write_file(&home.work("a b.bin"), 100_000);
    let target = format!("form+{}#field=upload", peer.url("up?x=1"));
    home.run(["put", "a b.bin", "--to", &target]).expect(0);
    let request = &peer.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/up?x=1"));
    let file = &request.files[0];
    assert_eq!((file.field.as_str(), file.name.as_deref(), file.length), ("upload", Some("a b.bin"), 100_000));
    assert_eq!(file.sha256, Pattern::new(9).sha256(100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_the_server_refuses_fails_with_its_code() {
    for (status, code) in [(403, "HTTP_FORBIDDEN"), (401, "HTTP_UNAUTHORIZED"), (413, "HTTP_REFUSED")] {
        let peer = Peer::start(move |_| Answer::status(status)).await;
        let home = Home::new();
        Pattern::new(9).write_file(&home.work("a.bin"), 1000);
        let finished = home.run(["put", "a.bin", "--to", &peer.url("in/")]).expect(1);
        assert!(finished.stderr.contains(code) && finished.stderr.contains("hint: "), "{}", finished.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_stops_no_other_upload() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    Pattern::new(9).write_file(&home.work("a.bin"), 1000);
    let finished = home.run(["put", "missing.bin", "a.bin", "--to", &peer.url("in/")]).expect(1);
    assert!(
        finished.stderr.contains("missing.bin") && finished.stderr.contains("SOURCE_MISSING"),
        "{}",
        finished.stderr
    );
    assert_eq!(peer.requests()[0].path, "/in/a.bin");
    home.run(["put", "missing.bin", "--to", &peer.url("in/")]).expect(1);
}

/// Bytes of all files below `folder`.
fn sizes(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { sizes(&entry.path()) } else { meta.len() }
        })
        .sum()
}
