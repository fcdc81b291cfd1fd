//! `ropeway renew`: a link that expires midway, and another one to the same file.

use ropeway_testkit::{
    Peer,
    peer::{Answer, Cut, Request, ServedFile},
};

use crate::support::{Daemon, Home, MIB, wait_until};

const LENGTH: u64 = 4 * MIB;

/// A link to version `seed` that works for the first half of the file.
async fn expiring(seed: u64) -> Peer {
    Peer::start(move |request| match request.number {
        1 => ServedFile::new(seed, LENGTH).answer(request).cut_after(LENGTH / 2, Cut::End),
        _ => Answer::status(403),
    })
    .await
}

/// A job whose link has expired, with half of its bytes.
fn expired(daemon: &Daemon<'_>, home: &Home, peer: &Peer) -> String {
    let id = daemon.add(["-n", "1", "-d", home.work("").to_str().unwrap(), &peer.url("a.bin?token=old")]);
    let job = daemon.wait_for_phase(&id, "link_expired");
    assert_eq!(job["phase"]["failure"]["code"], "HTTP_FORBIDDEN", "{job:#}");
    assert_eq!(job["progress"]["durable"], LENGTH / 2, "{job:#}");
    id
}

/// What the command line tells its user to do about a job.
fn next_step(daemon: &Daemon<'_>, id: &str) -> String {
    let shown = daemon.run(["show", id]).expect(0).stdout;
    let watched = daemon.run(["watch", "--json", id]).expect(1);
    let hint = watched.results()[0]["hint"].as_str().unwrap().to_owned();
    let next = shown.lines().find_map(|line| line.strip_prefix("next")).unwrap_or_default().trim().to_owned();
    assert!(hint.contains(&next) && watched.stderr.contains(&next), "{next}: {hint}");
    next
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_goes_on_where_the_old_one_expired() {
    let file = ServedFile::new(1, LENGTH);
    let (old, new) = (expiring(1).await, Peer::serve(file.clone()).await);
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = expired(&daemon, &home, &old);
    assert_eq!(next_step(&daemon, &id), format!("ropeway renew {id} URL"));
    let asked = old.requests().len();

    daemon.run(["renew", &id, &new.url("elsewhere?token=new")]).expect(0);
    daemon.wait_for_phase(&id, "completed");
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
    assert_eq!(home.work_names(), ["a.bin"]);
    assert_eq!(old.requests().len(), asked, "the old link is left alone");
    let starts: Vec<_> = new.requests().iter().filter_map(Request::range).map(|(start, _)| start).collect();
    // Some bytes before it come again and are compared.
    assert!(starts.iter().any(|start| (LENGTH / 2 - 4096..=LENGTH / 2).contains(start)), "{starts:?}");
    let sent: u64 = new.requests().iter().map(|request| request.bytes_sent).sum();
    assert!(sent < LENGTH * 3 / 4, "{sent} of {LENGTH} bytes came from the new link");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_to_another_file_is_refused_and_the_bytes_stay_for_the_right_one() {
    let file = ServedFile::new(1, LENGTH);
    let (old, wrong, right) =
        (expiring(1).await, Peer::serve(ServedFile::new(2, LENGTH)).await, Peer::serve(file.clone()).await);
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = expired(&daemon, &home, &old);

    daemon.run(["renew", &id, &wrong.url("a.bin")]).expect(0);
    let job = wait_until("the job fails", || {
        let job = daemon.job(&id);
        (job["phase"]["kind"] == "failed").then_some(job)
    });
    assert_eq!(job["phase"]["failure"]["code"], "RENEWED_LINK_DIFFERS", "{job:#}");
    assert_eq!(job["progress"]["durable"], LENGTH / 2, "{job:#}");
    assert!(next_step(&daemon, &id).contains(&format!("ropeway renew {id} URL")), "the same link leads nowhere else");

    daemon.run(["renew", &id, &right.url("a.bin")]).expect(0);
    daemon.wait_for_phase(&id, "completed");
    file.pattern().assert_file(&home.work("a.bin"), LENGTH);
}
