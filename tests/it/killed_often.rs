//! Kill -9 every half second: downloads get on, and a kill costs its last moment.
//!
//! No checkpoint that waits for the disk comes as soon.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use ropeway_testkit::{Peer, peer::ServedFile};

use crate::support::{Daemon, Home, MIB, Running, wait_until};

const LENGTH: u64 = 64 * MIB;
/// Bytes a second that the peer gives each connection.
const RATE: u64 = 6 * MIB;
const CONNECTIONS: u64 = 2;
/// Life of a process from its first request on.
const LIFE: Duration = Duration::from_millis(500);
/// Lives in which a download that gets on is over: one that keeps a fifth of each is.
const MOST_LIVES: u64 = 60;
/// Bytes that a kill may cost: those of 300 ms, and what is on its way in the buffers of two connections.
const COST: u64 = CONNECTIONS * (RATE * 3 / 10 + MIB / 4);

/// A peer whose answers take their time.
async fn paced(file: &ServedFile) -> Peer {
    let served = file.clone();
    Peer::start(move |request| served.answer(request).drip(RATE)).await
}

/// Lets a process live for half a second; `true` if it had to be killed. It counts from the first request, or from where it
/// needs none.
fn live(peer: &Peer, home: &Home, mut running: Running, ends: bool) -> bool {
    let before = peer.requests().len();
    wait_until("something is asked for, or all is here", || {
        (peer.requests().len() > before || running.has_ended() || home.work("a.bin").exists()).then_some(())
    });
    let born = Instant::now();
    while born.elapsed() < LIFE && !running.has_ended() {
        thread::sleep(Duration::from_millis(5));
    }
    // A `get` whose file has its name is about to end, and one more would save another.
    if running.has_ended() || (ends && home.work("a.bin").exists()) {
        running.wait().expect(0);
        return false;
    }
    running.kill();
    true
}

/// Asserts that no more was sent twice than `kills` may cost.
fn assert_cost(peer: &Peer, kills: u64) {
    let sent: u64 = peer.requests().iter().map(|request| request.bytes_sent).sum();
    let again = sent.saturating_sub(LENGTH);
    println!("{kills} kills cost {again} bytes, {} each; {COST} are allowed", again / kills.max(1));
    assert!(kills >= 5, "{kills} kills show nothing");
    assert!(again <= kills * COST, "{kills} kills cost {again} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_get_that_is_killed_every_half_second_gets_to_its_end() {
    let file = ServedFile::new(51, LENGTH);
    let peer = paced(&file).await;
    let home = Home::new();
    let connections = CONNECTIONS.to_string();
    let mut kills = 0;
    while live(&peer, &home, home.start(["get", "-n", &connections, &peer.url("a.bin")]), true) {
        kills += 1;
        assert!(kills < MOST_LIVES, "it does not get on");
    }
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    assert_eq!(home.work_names(), ["a.bin"]);
    let soft = home.data("once.db-soft");
    assert_eq!(fs::read_dir(&soft).unwrap().count(), 0, "nothing is left in {}", soft.display());
    assert_cost(&peer, kills);
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_daemon_that_is_killed_every_half_second_gets_to_its_end() {
    let file = ServedFile::new(52, LENGTH);
    let peer = paced(&file).await;
    let home = Home::new();
    let connections = CONNECTIONS.to_string();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-n", &connections, "-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    thread::sleep(LIFE);
    daemon.kill();
    let mut kills = 1;
    while !home.work("a.bin").exists() {
        live(&peer, &home, home.start(["daemon"]), false);
        kills += 1;
        assert!(kills < MOST_LIVES, "it does not get on");
    }
    let daemon = Daemon::start(&home);
    daemon.wait_for_phase(&id, "completed");
    daemon.stop().expect(0);
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    assert_eq!(home.work_names(), ["a.bin"]);
    let soft = home.data("queue.db-soft");
    assert_eq!(fs::read_dir(&soft).unwrap().count(), 0, "nothing is left in {}", soft.display());
    assert_cost(&peer, kills);
}
