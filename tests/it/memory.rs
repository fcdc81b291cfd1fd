//! How much memory a long queue takes. Sizes are the same in a debug build and in a release.

use std::net::TcpListener;

use serde_json::json;

use crate::{
    ipc_parity::rpc,
    support::{Daemon, Home, MIB},
};

/// Jobs that one call adds.
const CALL: u64 = 10_000;
/// Calls that are measured, after one that touches what any call needs.
const CALLS: u64 = 3;
/// With a hundred thousand of them and fifty running, less than 64 MiB: 35 for the queue, the rest for the program and
/// for the bytes on their way.
const MOST_PER_JOB: u64 = 350;

/// Addresses of a server that takes connections and never answers.
fn list(server: &TcpListener, call: u64) -> String {
    let address = server.local_addr().unwrap();
    let jobs = call * CALL..(call + 1) * CALL;
    jobs.map(|number| format!("http://{address}/collection/part-{number:06}.tar.gz\n")).collect()
}

#[test]
fn a_queued_job_takes_few_bytes_when_added_when_shown_and_after_a_restart() {
    let home = Home::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let daemon = Daemon::start(&home);
    let (empty, _) = daemon.memory();
    let add = |call| {
        let added = rpc(&daemon, "job_add", &json!({ "text": list(&server, call) })).expect("added");
        assert_eq!(added["jobs"].as_array().map(Vec::len), Some(10_000));
        daemon.memory()
    };
    let (before, _) = add(0);
    let (after, peak) = (1..=CALLS).fold((0, 0), |_, call| add(call));
    let jobs = CALLS * CALL;
    assert!(after - before <= jobs * MOST_PER_JOB, "{} bytes a job", (after - before) / jobs);
    // A reply with ten thousand rows is written row by row.
    assert!(peak - before <= jobs * MOST_PER_JOB + 2 * MIB, "a peak of {} bytes a job", (peak - before) / jobs);

    let snapshot = rpc(&daemon, "snapshot", &json!({})).expect("a snapshot");
    assert_eq!(snapshot["jobs"].as_array().map(Vec::len), Some(40_000));
    let (_, shown) = daemon.memory();
    assert!(shown - peak <= 2 * MIB, "{} bytes for a snapshot", shown - peak);

    daemon.stop().expect(0);
    let daemon = Daemon::start(&home);
    let (_, restarted) = daemon.memory();
    let jobs = (CALLS + 1) * CALL;
    let most = jobs * MOST_PER_JOB + 4 * MIB;
    assert!(restarted - empty <= most, "{} bytes a job after a restart", (restarted - empty) / jobs);
}
