//! `ropeway servers`: rules for single servers, and what is learned of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use ropeway_testkit::{
    Peer,
    peer::{Answer, ServedFile},
};

use crate::support::{Daemon, Home, MIB, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_bounds_the_connections_of_all_jobs_with_its_server_and_is_kept() {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let peer = Peer::start(move |request| {
        seen.fetch_max(request.beside + 1, SeqCst);
        ServedFile::new(1, 2 * MIB).answer(request).drip(2 * MIB)
    })
    .await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    daemon.run(["servers", "set", "127.0.0.1", "--connections", "2", "--jobs", "2", "--limit", "100M"]).expect(0);
    daemon.run(["servers", "set", ".example.org", "--limit", "500K"]).expect(0);
    daemon.run(["servers", "set", ".example.org", "--connections", "3"]).expect(0);
    daemon.run(["servers", "set", "127.0.0.1", "--connections", "65"]).expect(2);
    daemon.run(["servers", "set", "not a host", "--jobs", "1"]).expect(2);
    daemon.stop().expect(0);

    let daemon = Daemon::start(&home);
    let rules = daemon.run(["servers", "rules"]).expect(0).stdout;
    assert_eq!(
        rules,
        "127.0.0.1: connections 2, jobs 2, limit 100.00 MiB/s\n.example.org: connections 3, jobs –, limit 500.00 KiB/s\n"
    );
    // One connection each: of several, one may be on its way out while another one is opened in its place.
    let add = |name| daemon.add(["-n", "1", "-d", home.work("").to_str().unwrap(), &peer.url(&format!("{name}.bin"))]);
    let ids: Vec<_> = (0..4).map(add).collect();
    for id in &ids {
        daemon.wait_for_phase(id, "completed");
    }
    assert!((1..=2).contains(&most.load(SeqCst)), "{} connections at once", most.load(SeqCst));
    daemon.run(["servers", "forget", "127.0.0.1"]).expect(0);
    daemon.run(["servers", "forget", "127.0.0.1"]).expect(2);
    assert_eq!(daemon.run(["servers", "rules", "--json"]).expect(0).json().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_bears_is_learned_listed_and_kept() {
    let file = ServedFile::new(2, 8 * MIB);
    let served = file.clone();
    let peer = Peer::start(move |request| match request.beside {
        0 | 1 => served.answer(request).drip(4 * MIB),
        _ => Answer::status(503),
    })
    .await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.run(["servers"]).expect(0).stdout, "no servers\n");
    let id = daemon.add(["-n", "8", "-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
    let host = format!("127.0.0.1:{}", peer.port());
    let learned = |daemon: &Daemon<'_>| {
        let servers = daemon.run(["servers", "--json"]).expect(0).json();
        servers.iter().find(|server| server["host"] == *host)?["connection_cap"].as_u64()
    };
    let cap = wait_until("a cap is learned", || learned(&daemon));
    assert!((1..8).contains(&cap), "{cap}");
    daemon.wait_for_phase(&id, "completed");
    file.pattern().assert_file(&home.work("a.bin"), file.length());
    let shown = daemon.run(["servers"]).expect(0).stdout;
    assert!(shown.starts_with(&format!("{host}: connections 0, bears ")), "{shown}");
    daemon.stop().expect(0);
    assert!(learned(&Daemon::start(&home)).is_some(), "the next process knows it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_server_that_is_left_alone_is_told_so_and_files_it_can_give_come_all_the_same() {
    let file = ServedFile::new(5, 50_000);
    let served = file.clone();
    let peer = Peer::start(move |request| {
        let is_bad = request.path.contains("bad");
        if is_bad { Answer::status(503).header("Retry-After", "2") } else { served.answer(request) }
    })
    .await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let add = |name: String| daemon.add(["-d", home.work("").to_str().unwrap(), &peer.url(&name)]);
    let bad: Vec<_> = (0..3).map(|number| add(format!("bad{number}"))).collect();
    let good: Vec<_> = (0..5).map(|number| add(format!("good{number}"))).collect();
    for id in &good {
        daemon.wait_for_phase(id, "completed");
    }
    (3..8).for_each(|number| drop(add(format!("bad{number}"))));
    let words = "is left alone until ";
    wait_until("the list says why", || daemon.run(["list"]).expect(0).stdout.contains(words).then_some(()));
    wait_until("a job says why", || {
        let shown = daemon.run(["show", "all"]).expect(0).stdout;
        shown.contains(words).then_some(())
    });
    assert!(bad.iter().all(|id| daemon.job(id)["phase"]["kind"] != "completed"));
}
