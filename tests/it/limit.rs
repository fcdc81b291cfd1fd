//! Limits of whole programs, counted at the server. Real time passes here, so only what holds on a machine of any speed
//! is asserted: never more than the limit, and under a wider one at some time more than under the narrower. How near a
//! limit is reached is a figure (`cargo xtask limits`), and in virtual time a test (`flow/throttle`).

use std::{
    thread,
    time::{Duration, Instant},
};

use ropeway_testkit::{
    Pattern, Peer,
    peer::{Answer, ServedFile},
};

use crate::support::{Daemon, Home, MIB, wait_until};

/// Bytes that no test here gets to the end of.
const ENDLESS: u64 = 8 << 30;
/// A start has its buffers to fill.
const SETTLING: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_download_limit_holds_follows_a_change_and_survives_a_restart() {
    let file = ServedFile::new(1, ENDLESS);
    let peer = Peer::serve(file).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-l", "1M", "-n", "4", &peer.url("endless.bin")]);
    daemon.wait_for_bytes(&id, 1);
    thread::sleep(SETTLING);
    expect_at_most(&sent(&peer), MIB, Duration::from_secs(10));

    daemon.run(["limit", &id, "4M"]).expect(0);
    expect_more_than(&sent(&peer), MIB);
    expect_at_most(&sent(&peer), 4 * MIB, Duration::from_secs(5));
    daemon.run(["limit", &id, "512K"]).expect(0);
    thread::sleep(SETTLING);
    expect_at_most(&sent(&peer), MIB / 2, Duration::from_secs(5));

    daemon.stop().expect(0);
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.job(&id)["rate_limit"], MIB / 2);
    expect_progress(&sent(&peer));
    thread::sleep(SETTLING);
    expect_at_most(&sent(&peer), MIB / 2, Duration::from_secs(5));
    daemon.run(["remove", &id]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_change_a_pause_and_a_resume_let_no_five_seconds_go_over_the_limit() {
    let peer = Peer::serve(ServedFile::new(1, ENDLESS)).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-l", "20M", "-n", "4", &peer.url("endless.bin")]);
    daemon.wait_for_bytes(&id, MIB);
    thread::sleep(SETTLING);
    daemon.run(["limit", &id, "200K"]).expect(0);
    // What had been asked for under the wide limit is on its way.
    thread::sleep(Duration::from_millis(500));
    let sent = sent(&peer);
    let mut marks = Vec::new();
    // Each count with the time before and after it.
    let watch = |marks: &mut Vec<(Duration, u64, Duration)>, start: Instant, seconds| {
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            marks.push((start.elapsed(), sent(), start.elapsed()));
            thread::sleep(Duration::from_millis(50));
        }
    };
    let start = Instant::now();
    watch(&mut marks, start, 4);
    daemon.run(["pause", &id]).expect(0);
    watch(&mut marks, start, 2);
    daemon.run(["resume", &id]).expect(0);
    expect_progress(&sent);
    watch(&mut marks, start, 6);
    daemon.run(["remove", &id]).expect(0);

    let window = Duration::from_secs(5);
    // Three per cent, and the step in which the bytes are asked for.
    let most = 200 * 1024 * 5 * 103 / 100 + 16 * 1024;
    for (at, (from, before, _)) in marks.iter().enumerate() {
        let within = marks.iter().skip(at).take_while(|(_, _, to)| *to <= *from + window).last();
        let bytes = within.map_or(0, |(_, sent, _)| sent - before);
        assert!(bytes <= most, "{bytes} bytes in the five seconds from {from:?}: {marks:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_an_upload_limit_holds_and_follows_a_change() {
    let peer = Peer::start(|_| Answer::status(201)).await;
    let home = Home::new();
    Pattern::new(2).write_file(&home.work("a.bin"), 64 * MIB);
    let daemon = Daemon::start(&home);
    let id = daemon.add(["-l", "1M", "a.bin", "--to", &peer.url("in/")]);
    daemon.wait_for_bytes(&id, 1);
    thread::sleep(SETTLING);
    expect_at_most(&received(&peer), MIB, Duration::from_secs(10));
    daemon.run(["limit", &id, "2M"]).expect(0);
    expect_more_than(&received(&peer), MIB);
    expect_at_most(&received(&peer), 2 * MIB, Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_a_global_limit_is_shared_by_all_downloads() {
    // Room is promised to each of them.
    let peer = Peer::serve(ServedFile::new(1, ENDLESS / 16)).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    daemon.run(["limit", "--global", "--down", "1M"]).expect(0);
    let ids: Vec<_> = (0..3).map(|number| daemon.add([&peer.url(&format!("{number}.bin"))])).collect();
    for id in &ids {
        daemon.wait_for_bytes(id, 1);
    }
    thread::sleep(SETTLING);
    expect_at_most(&sent(&peer), MIB, Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_spends_no_link_that_works_once() {
    let file = ServedFile::new(1, 2 * MIB);
    for second_answer in [404, 200] {
        let served = file.clone();
        let peer = Peer::start(move |request| match (request.number, second_answer) {
            (1, _) => served.whole(),
            (_, 200) => served.whole().without("ETag"),
            (_, status) => Answer::status(status),
        })
        .await;
        let home = Home::new();
        home.run(["get", "-l", "2M", "-n", "1", &peer.url("once.bin")]).expect(0);
        file.pattern().assert_file(&home.work("once.bin"), file.length());
        assert!(peer.requests().len() <= 2, "it asked once whether there are ranges: {}", peer.requests().len());
    }
}

/// Fails the test if `counted` grows by more than `rate` a second, and 5 %, over `window`.
fn expect_at_most(counted: &impl Fn() -> u64, rate: u64, window: Duration) {
    let (bytes, took) = growth(counted, window);
    let most = u128::from(rate) * took.as_millis() * 105 / 100_000;
    assert!(u128::from(bytes) <= most, "{bytes} bytes in {took:?} are over {rate} bytes a second");
}

/// Waits for two seconds in which `counted` grows by half as much again as `rate` allows.
fn expect_more_than(counted: &impl Fn() -> u64, rate: u64) {
    wait_until(&format!("more than {rate} bytes a second"), || {
        let (bytes, took) = growth(counted, Duration::from_secs(2));
        (u128::from(bytes) * 1000 > u128::from(rate) * took.as_millis() * 3 / 2).then_some(())
    });
}

/// Waits until `counted` has grown.
fn expect_progress(counted: &impl Fn() -> u64) {
    let before = counted();
    wait_until("bytes after a pause", || (counted() > before).then_some(()));
}

/// Bytes by which `counted` grows over `window`, and a time that is no shorter than the one they took: the clock is
/// read outside the two counts, however long the machine leaves this thread alone in between.
fn growth(counted: &impl Fn() -> u64, window: Duration) -> (u64, Duration) {
    let (start, before) = (Instant::now(), counted());
    thread::sleep(window);
    let bytes = counted() - before;
    (bytes, start.elapsed())
}

fn sent(peer: &Peer) -> impl Fn() -> u64 {
    move || peer.requests().iter().map(|request| request.bytes_sent).sum()
}

fn received(peer: &Peer) -> impl Fn() -> u64 {
    move || peer.requests().iter().map(|request| request.bytes_received).sum()
}
