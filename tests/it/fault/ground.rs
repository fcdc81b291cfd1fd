//! Faults of what the program stands on that need more than one address and one file.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt, process::Command};

use ropeway_testkit::{
    Peer, free_port,
    peer::{Answer, ServedFile},
};

use crate::support::{Daemon, Home, MIB, Running, program};

#[test]
fn what_is_stored_can_be_read_by_its_user_only() {
    let home = Home::new();
    let url = format!("http://127.0.0.1:{}/a.bin", free_port());
    home.run(["get", "--user", "ann:secret", &url]).expect(1);
    let daemon = Daemon::start(&home);
    daemon.add(["--user", "ann:secret", &url]);
    let open: Vec<_> = fs::read_dir(home.data(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name(), entry.metadata().unwrap().permissions().mode() & 0o077))
        .filter(|(_, others)| *others != 0)
        .collect();
    assert!(open.is_empty(), "others may read {open:?}");
    daemon.stop().expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_256_descriptors_a_long_list_on_many_connections_is_fetched_whole() {
    const FILES: usize = 60;
    let file = ServedFile::new(7, MIB);
    let served = file.clone();
    // Slow enough that connections add up.
    let peer = Peer::start(move |request| served.answer(request).drip(2 * MIB)).await;
    let home = Home::new();
    let urls: Vec<_> = (0..FILES).map(|number| peer.url(&format!("{number}.bin"))).collect();
    let mut command = Command::new("sh");
    home.dress(&mut command);
    let words = ["get", "-j", "32", "-n", "16"].map(OsStr::new);
    command.args(["-c", "ulimit -n 256; exec \"$@\"", "sh"]).arg(program()).args(words).args(&urls);
    Running::spawn(command).0.wait().expect(0);
    assert_eq!(home.work_names().len(), FILES);
    for name in home.work_names() {
        file.pattern().assert_file(&home.work(name), file.length());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_every_job_of_a_long_list_is_asked_less_and_less() {
    const JOBS: usize = 100;
    let peer = Peer::start(|_| Answer::status(503)).await;
    let home = Home::new();
    let urls: Vec<_> = (0..JOBS).map(|number| peer.url(&format!("{number}.bin"))).collect();
    let daemon = Daemon::start(&home);
    daemon.run(["add"].into_iter().map(str::to_owned).chain(urls)).expect(0);
    crate::support::wait_until("a first request", || (!peer.requests().is_empty()).then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(6));
    let asked = peer.requests().len();
    assert!(asked < JOBS / 2, "{asked} requests in six seconds for {JOBS} jobs");
    daemon.stop().expect(0);
}
