//! How much memory a long queue takes, and many fast connections. Sizes are the same in a debug build and in a release.

use std::net::TcpListener;

use ropeway_testkit::Nginx;
use serde_json::json;

use crate::{
    ipc_parity::rpc,
    support::{Daemon, Home, MIB, stamped_file},
};

/// Jobs that one call adds.
const CALL: u64 = 10_000;
/// Calls that are measured, after one that touches what any call needs.
const CALLS: u64 = 8;
/// With a hundred thousand of them and fifty running, less than 64 MiB: 31 for the queue, 5 for what the allocator keeps in
/// arenas of the threads, the rest for the program and for the bytes on their way.
const MOST_PER_JOB: u64 = 310;

/// Addresses of a server that takes connections and never answers.
fn list(server: &TcpListener, call: u64) -> String {
    let address = server.local_addr().unwrap();
    let jobs = call * CALL..(call + 1) * CALL;
    jobs.map(|number| format!("http://{address}/collection/part-{number:06}.tar.gz\n")).collect()
}

#[test]
fn heavy_a_queued_job_takes_few_bytes_when_added_when_shown_and_after_a_restart() {
    let home = Home::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let daemon = Daemon::start_with_one_arena(&home);
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
    assert_eq!(snapshot["jobs"].as_array().map(Vec::len), Some(90_000));
    let (_, shown) = daemon.memory();
    assert!(shown - peak <= 2 * MIB, "{} bytes for a snapshot", shown - peak);

    daemon.stop().expect(0);
    let daemon = Daemon::start_with_one_arena(&home);
    let (_, restarted) = daemon.memory();
    let jobs = (CALLS + 1) * CALL;
    let most = jobs * MOST_PER_JOB + 4 * MIB;
    assert!(restarted - empty <= most, "{} bytes a job after a restart", (restarted - empty) / jobs);
}

/// Servers, each of which bears sixteen connections at once.
const SERVERS: usize = 3;
/// Files from each of them, all of which are fetched and hashed at the same time.
const FILES: usize = 16;
/// The HTTP library alone would fill 400 KiB and more for each of these connections.
const MOST_FOR_CONNECTIONS: u64 = 14 * MIB;

#[test]
fn heavy_many_fast_connections_share_what_one_may_have_for_itself() {
    let servers: Vec<Nginx> = (0..SERVERS).map(|_| Nginx::start()).collect();
    for server in &servers {
        stamped_file(&server.root().join("one.bin"), MIB);
        (0..FILES).for_each(|number| stamped_file(&server.root().join(format!("{number}.bin")), 4 * MIB));
    }
    let one = Home::new();
    let one = one.run(["get", "--quiet", "--checksum", "sha256", &servers[0].url("one.bin")]);
    let home = Home::new();
    let urls: Vec<String> =
        servers.iter().flat_map(|server| (0..FILES).map(|number| server.url(&format!("{number}.bin")))).collect();
    let mut arguments = vec!["get", "--quiet", "--checksum", "sha256", "-n", "1", "-j", "48"];
    arguments.extend(urls.iter().map(String::as_str));
    let many = home.run(arguments);
    let more = many.expect(0).peak_memory - one.expect(0).peak_memory;
    assert!(more <= MOST_FOR_CONNECTIONS, "{} KiB for {} connections", more / 1024, SERVERS * FILES);
    assert_eq!(home.work_names().len(), SERVERS * FILES);
}
