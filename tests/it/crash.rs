//! Kill -9 of the daemon at random moments: every acknowledged job ends once, whole, and almost nothing is fetched
//! twice.

use std::{collections::BTreeMap, thread, time::Duration};

use ropeway_testkit::{Nginx, NginxSettings, sha256_of_file};

use crate::support::{Daemon, Home, MIB, Moments, assert_same_bytes, stamped_file, wait_at_most};

/// Queues that are killed side by side, so that the rounds take a fraction of the time.
const QUEUES: u32 = 5;
/// What nginx gives each connection, in bytes a second.
const RATE: u64 = MIB / 4;
/// Connections of a job.
const CONNECTIONS: u64 = 3;
/// Longest life of a daemon; the disk is waited for every two seconds at most, so some die before that.
const LONGEST_LIFE: Duration = Duration::from_secs(4);
/// A life this short ends while the queue is being recovered.
const RECOVERY: Duration = Duration::from_millis(80);
/// Longest the rest may take at nginx's pace, once nobody kills any more.
const LONGEST_END: Duration = Duration::from_secs(600);
/// Bytes of one segment that a kill may cost: 300 ms between soft checkpoints, more than a second for a busy machine and
/// nginx's late look at its clock, and what one connection holds on its way.
const WINDOW: u64 = RATE * 2 + MIB / 4;

#[test]
fn heavy_a_hundred_kills_lose_nothing_and_refetch_no_more_than_a_window() {
    kills(100);
}

#[test]
#[ignore = "ten minutes; the hundred rounds are the same test"]
fn heavy_a_thousand_kills_lose_nothing_and_refetch_no_more_than_a_window() {
    kills(1000);
}

fn kills(rounds: u32) {
    let mut seeds = Moments::new();
    thread::scope(|scope| {
        for _ in 0..QUEUES {
            let mut moments = seeds.fork();
            scope.spawn(move || kill_one_queue(rounds / QUEUES, &mut moments));
        }
    });
}

fn kill_one_queue(rounds: u32, moments: &mut Moments) {
    let nginx = Nginx::start_with(NginxSettings { limit_rate: Some(RATE), ..NginxSettings::default() });
    let home = Home::new();
    // Some end between kills, and some live through all of them.
    let longest = u64::from(rounds) * LONGEST_LIFE.as_secs() / 3 * RATE * CONNECTIONS / 2;
    let lengths = [1, 700_001, 2 * MIB + 1, longest / 4, longest / 2, longest];
    let names: Vec<_> = (0..lengths.len()).map(|number| format!("{number}.bin")).collect();
    for (name, length) in names.iter().zip(lengths) {
        stamped_file(&nginx.root().join(name), length);
    }
    let daemon = Daemon::start(&home);
    let connections = CONNECTIONS.to_string();
    for name in &names {
        daemon.add(["-n", &connections, "-d", home.work("").to_str().unwrap(), &nginx.url(name)]);
    }
    daemon.kill();
    for round in 0..rounds {
        // Every third one dies during recovery, where the second kill of a kill lives.
        let longest = if round % 3 == 0 { RECOVERY } else { LONGEST_LIFE };
        let running = home.start(["daemon"]);
        thread::sleep(moments.within(longest));
        running.kill();
    }
    finish(&home, &nginx, &names);
    assert_refetched_within_a_window(&nginx.access_log());
}

/// Lets the jobs end in peace and looks at every one of them.
fn finish(home: &Home, nginx: &Nginx, names: &[String]) {
    let daemon = Daemon::start(home);
    let jobs = wait_at_most(LONGEST_END, "every job is complete", || {
        let jobs = daemon.list();
        let phases = || jobs.iter().map(|job| job["phase"]["kind"].as_str().unwrap());
        assert!(phases().all(|phase| phase != "failed" && phase != "canceled"), "{jobs:#?}");
        phases().all(|phase| phase == "completed").then_some(jobs)
    });
    assert_eq!(jobs.len(), names.len(), "one row a job");
    for (job, name) in jobs.iter().zip(names) {
        let source = nginx.root().join(name);
        assert_eq!(job["digest"], format!("sha256:{}", sha256_of_file(&source)), "{name}");
        assert_same_bytes(&home.work(name), &source);
    }
    assert_eq!(home.work_names(), names, "no second copy, no part file");
    daemon.stop().expect(0);
}

/// No two requests for one file brought more than a window of the same bytes.
fn assert_refetched_within_a_window(log: &[String]) {
    let mut brought: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for line in log {
        let Some((name, start, end)) = bytes_of(line) else { continue };
        brought.entry(name).or_default().push((start, end));
    }
    assert!(!brought.is_empty(), "nothing in the log");
    let mut most = 0;
    for (name, spans) in brought {
        for (place, left) in spans.iter().enumerate() {
            for right in &spans[place + 1..] {
                let twice = left.1.min(right.1).saturating_sub(left.0.max(right.0));
                assert!(twice <= WINDOW, "{name}: {twice} bytes fetched twice, by {left:?} and {right:?}");
                most = most.max(twice);
            }
        }
    }
    println!("at most {most} bytes of a segment were fetched twice, {WINDOW} are allowed");
}

/// The file and the bytes a request brought, from nginx's log: method, path, status, bytes sent with the head,
/// `Range`.
fn bytes_of(line: &str) -> Option<(&str, u64, u64)> {
    let words: Vec<_> = line.split(' ').collect();
    let ["GET", path, "200" | "206", sent, range, ..] = words[..] else { return None };
    let start = range.strip_prefix("bytes=").and_then(|range| range.split('-').next()?.parse().ok()).unwrap_or(0);
    // The head counts as bytes sent too; it only makes the window a little stricter.
    Some((path, start, start + sent.parse::<u64>().ok()?))
}
