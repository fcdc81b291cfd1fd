//! `ropeway answer`: a complete file whose name is taken waits for the user's word.

use std::fs;

use ropeway_testkit::{Peer, peer::ServedFile};

use crate::support::{Daemon, Home, wait_until};

const LENGTH: u64 = 200_000;
const OLD: &[u8] = b"what was there before";

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_does_what_it_says_and_fetches_nothing_again() {
    let file = ServedFile::new(1, LENGTH);
    let right = file.pattern().bytes(0, LENGTH);
    for (answer, phase, names) in [
        ("rename", "completed", &["a (1).bin", "a.bin"][..]),
        ("overwrite", "completed", &["a.bin"]),
        ("fail", "failed", &["a.bin"]),
    ] {
        let peer = Peer::serve(file.clone()).await;
        let home = Home::new();
        fs::write(home.work("a.bin"), OLD).unwrap();
        let daemon = Daemon::start(&home);
        let id = daemon.add(["--on-conflict", "ask", "-d", home.work("").to_str().unwrap(), &peer.url("a.bin")]);
        let asked = daemon.wait_for_phase(&id, "blocked");
        assert_eq!(asked["phase"]["by"], "name_taken", "{asked:#}");
        assert_eq!(fs::read(home.work("a.bin")).unwrap(), OLD, "nothing is overwritten unasked");
        // The question outlives the process that asked it.
        daemon.stop().expect(0);
        let daemon = Daemon::start(&home);
        daemon.wait_for_phase(&id, "blocked");
        let requests = peer.requests().len();

        daemon.run(["answer", &id, answer]).expect(0);
        wait_until(&format!("{answer}: the job is {phase}"), || {
            (daemon.job(&id)["phase"]["kind"] == phase).then_some(())
        });
        assert_eq!(peer.requests().len(), requests, "{answer}: every byte was here");
        assert_eq!(home.work_names().iter().filter(|name| !name.ends_with(".part")).collect::<Vec<_>>(), names);
        let of_a = fs::read(home.work("a.bin")).unwrap();
        match answer {
            "overwrite" => assert!(of_a == right),
            "rename" => assert!(of_a == OLD && fs::read(home.work("a (1).bin")).unwrap() == right),
            _ => assert_eq!(of_a, OLD),
        }
        let again = daemon.run(["answer", &id, "rename"]).expect(1);
        assert!(again.stderr.contains("hint: "), "nothing is asked any more: {}", again.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_where_only_its_user_can_go_on() {
    let file = ServedFile::new(6, LENGTH);
    let peer = Peer::start(move |request| match request.path.as_str() {
        "/slow.bin" => file.answer(request).drip(1_000),
        _ => file.answer(request),
    })
    .await;
    let home = Home::new();
    fs::write(home.config("settings.toml"), "running_jobs = 1\n").unwrap();
    let daemon = Daemon::start(&home);
    let into = home.work("");
    let add = |name: &str| daemon.add(["--on-conflict", "ask", "-d", into.to_str().unwrap(), &peer.url(name)]);
    fs::write(home.work("a.bin"), OLD).unwrap();
    let asked = daemon.run(["watch", &add("a.bin")]).expect(1);
    assert!(asked.stderr.contains("a.bin"), "{}", asked.stderr);

    let slow = add("slow.bin");
    daemon.wait_for_bytes(&slow, 1);
    let queued = add("queued.bin");
    fs::write(home.config("settings.toml"), "proxy = \"htp://proxy:1\"\n").unwrap();
    wait_until("the queue is held", || {
        let list = daemon.run(["list"]).expect(0).stdout;
        list.contains("held: ").then_some(())
    });
    let held = daemon.run(["watch", &queued]).expect(1);
    assert!(held.stderr.contains("queued.bin: held"), "{}", held.stderr);
}
