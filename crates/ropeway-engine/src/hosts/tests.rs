use std::{ops::RangeInclusive, sync::Arc};

use ropeway_drivers::DriverError;
use ropeway_flow::{clock::SystemClock, rng::SystemRng};
use ropeway_model::{Connections, JobId, SafeUrl};
use tokio::sync::Notify;

use super::*;

fn hosts(connections: u8) -> Hosts {
    let policy = ServerPolicy { connections: Connections::new(connections).unwrap(), ..ServerPolicy::default() };
    Hosts::new(policy, Arc::new(SystemClock), Arc::new(SystemRng), Arc::new(Notify::new()))
}

fn key() -> HostKey {
    HostKey::new("files.example:8080")
}

fn take(hosts: &Hosts, count: usize) -> Vec<Permit> {
    (0..count).map_while(|_| hosts.try_permit(&key())).collect()
}

#[tokio::test]
async fn no_more_connections_than_the_user_allows_whatever_the_jobs_want() {
    let hosts = hosts(3);
    let held = take(&hosts, 9);
    assert_eq!(held.len(), 3);
    assert!(hosts.try_permit(&HostKey::new("other.example")).is_some(), "each server has its own");
    drop(held);
    assert_eq!(take(&hosts, 9).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_longest_gets_the_next_connection() {
    let hosts = hosts(1);
    let first = hosts.permit(&key()).await;
    let (order, mut ended) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..5 {
        let (hosts, order) = (hosts.clone(), order.clone());
        tokio::spawn(async move {
            let _permit = hosts.permit(&key()).await;
            order.send(number).unwrap();
        });
        tokio::task::yield_now().await;
    }
    assert!(hosts.try_permit(&key()).is_none(), "nobody passes those who wait");
    drop((first, order));
    let mut seen = Vec::new();
    while let Some(number) = ended.recv().await {
        seen.push(number);
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!(hosts.snapshots()[0].connections, 0);
}

#[tokio::test(start_paused = true)]
async fn one_who_stops_waiting_takes_no_place() {
    let hosts = hosts(1);
    let held = hosts.permit(&key()).await;
    let waiting = tokio::spawn({
        let hosts = hosts.clone();
        async move { hosts.permit(&key()).await }
    });
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.is_err());
    drop(held);
    assert_eq!(take(&hosts, 2).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_fifth_gets_four_and_a_fifth_a_minute_later() {
    let hosts = hosts(16);
    let mut held = take(&hosts, 5);
    held.pop();
    hosts.report(&key(), Outcome::Overloaded);
    assert_eq!(hosts.snapshots()[0].profile.connection_cap, Some(4));
    assert!(hosts.try_permit(&key()).is_none());
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(take(&hosts, 9).len(), 1);
    drop(held);
    assert_eq!(take(&hosts, 9).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_learned_of_a_server_is_kept_while_nobody_uses_it_and_raised_by_minutes_of_use() {
    let hosts = hosts(16);
    let held = take(&hosts, 4);
    hosts.report(&key(), Outcome::Overloaded);
    drop(held);
    tokio::time::advance(Duration::from_secs(3 * 3600)).await;
    assert_eq!(hosts.snapshots()[0].profile.connection_cap, Some(4));
    // Many small files, one behind the other.
    for _ in 0..7 {
        let held = take(&hosts, 1);
        tokio::time::advance(Duration::from_secs(10)).await;
        drop(held);
        tokio::time::advance(Duration::from_secs(600)).await;
    }
    assert_eq!(hosts.snapshots()[0].profile.connection_cap, Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_failure_on_the_only_connection_is_no_sign_of_too_many() {
    let hosts = hosts(16);
    drop(take(&hosts, 1));
    hosts.report(&key(), Outcome::Broken);
    assert_eq!(hosts.snapshots()[0].profile.connection_cap, None);
    assert!(hosts.snapshots()[0].profile.reliability.unwrap() < 0.5);
}

#[tokio::test(start_paused = true)]
async fn changed_rules_are_followed_by_what_opens_from_now_on() {
    let hosts = hosts(4);
    let held = take(&hosts, 4);
    let two = Connections::new(2).unwrap();
    hosts.set_policy(ServerPolicy { connections: two, ..ServerPolicy::default() });
    assert!(hosts.try_permit(&key()).is_none());
    drop(held);
    let held = take(&hosts, 4);
    assert_eq!(held.len(), 2);
    hosts.set_policy(ServerPolicy { connections: Connections::new(6).unwrap(), ..ServerPolicy::default() });
    assert_eq!(take(&hosts, 9).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_serves_others_is_not_left_alone() {
    let hosts = hosts(16);
    let served = hosts.serves(&key());
    fail(&hosts, 1..=20, None);
    assert!(may_start(&hosts, 1));
    drop(served);
    fail(&hosts, 1..=5, None);
    assert!(!may_start(&hosts, 0));
    assert!(hosts.snapshots()[0].rests_until.is_some());
    assert_eq!(hosts.turn("other.example", 0), Turn::Firsts);
}

fn may_start(hosts: &Hosts, running: usize) -> bool {
    hosts.turn(key().as_str(), running) != Turn::Nobodys
}

/// A try of each of these jobs fails at what it asked for.
fn fail(hosts: &Hosts, jobs: RangeInclusive<i64>, after: Option<Duration>) {
    let verdict = Verdict::Ill(Fault::OfAddress { after });
    jobs.for_each(|job| hosts.ended(&key(), JobId::from_row(job), verdict, false));
}

#[tokio::test(start_paused = true)]
async fn what_a_few_addresses_fail_with_is_not_the_servers_fault_however_often_they_do() {
    for after in [None, Some(Duration::from_secs(90))] {
        let hosts = hosts(16);
        for _ in 0..50 {
            fail(&hosts, 1..=4, after);
        }
        assert!(may_start(&hosts, 0) && hosts.snapshots()[0].rests_until.is_none());
        hosts.report(&key(), Outcome::Answered { latency: None });
        fail(&hosts, 5..=8, after);
        assert!(may_start(&hosts, 0), "one answered in between");
        fail(&hosts, 9..=9, after);
        assert!(!may_start(&hosts, 0), "five in a row failed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_is_probed_by_one_within_the_second_and_is_no_others_try() {
    let hosts = hosts(16);
    let refuse = |job| hosts.ended(&key(), JobId::from_row(job), Verdict::Ill(Fault::Refused), true);
    refuse(1);
    for second in 0..59 {
        assert!(!may_start(&hosts, 0));
        let restart = hosts.restart(&key()).unwrap();
        assert!(restart.probed_in <= Duration::from_secs(1) && restart.down <= Duration::from_secs(second));
        tokio::time::advance(restart.probed_in).await;
        assert!(may_start(&hosts, 0) && hosts.start(&key()) && !may_start(&hosts, 0));
        refuse(second.try_into().unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_jobs_start_as_connections_are_allowed_and_those_that_wait_are_seen() {
    let hosts = hosts(4);
    assert!(may_start(&hosts, 3) && !may_start(&hosts, 4));
    let mut held = take(&hosts, 4);
    assert!(may_start(&hosts, 1), "the one that has all four makes room");
    assert!(!hosts.is_awaited(&key()));
    let (waiting, known) = (hosts.clone(), key());
    let waiting = tokio::spawn(async move { waiting.permit(&known).await });
    tokio::task::yield_now().await;
    assert!(hosts.is_awaited(&key()));
    drop(held.pop());
    drop(waiting.await.unwrap());
    assert!(!hosts.is_awaited(&key()));
    let (gone, known) = (hosts.clone(), key());
    let again = take(&hosts, 1);
    let gone = tokio::spawn(async move { gone.permit(&known).await });
    tokio::task::yield_now().await;
    assert!(hosts.is_awaited(&key()));
    gone.abort();
    assert!(gone.await.is_err() && !hosts.is_awaited(&key()), "who gives up waits no more");
    drop((held, again));
}

#[tokio::test]
async fn only_so_many_servers_are_remembered_and_those_in_use_are() {
    let hosts = hosts(4);
    let held = hosts.permit(&key()).await;
    for number in 0..MOST_HOSTS * 2 {
        hosts.report(&HostKey::new(&format!("{number}.example")), Outcome::Answered { latency: None });
    }
    let servers = hosts.snapshots();
    assert!(servers.len() <= MOST_HOSTS);
    assert!(servers.iter().any(|server| server.connections == 1));
    drop(held);
}

fn address(number: u64) -> SafeUrl {
    format!("http://files.example:8080/{number}").parse().unwrap()
}

fn busy(number: u64, after: Option<u64>) -> DriverError {
    DriverError::Status { url: address(number), status: 503, retry_after: after.map(Duration::from_secs), words: None }
}

#[tokio::test(start_paused = true)]
async fn what_one_connection_was_told_to_wait_holds_for_every_request_to_its_address_until_the_user_asks() {
    let hosts = hosts(16);
    let _served = hosts.serves(&key());
    hosts.record_retry_after(&busy(1, None));
    assert_eq!(hosts.check_retry_after(&address(1)), Ok(()));
    hosts.record_retry_after(&busy(1, Some(90)));
    hosts.record_retry_after(&busy(1, Some(2)));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(hosts.check_retry_after(&address(1)).unwrap_err().wait, Duration::from_secs(30), "the longer one holds");
    assert!(hosts.check_retry_after(&address(2)).is_ok() && may_start(&hosts, 1), "others were told nothing");
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(hosts.check_retry_after(&address(1)).is_ok());
    hosts.record_retry_after(&busy(1, Some(1_000_000)));
    let wait = hosts.check_retry_after(&address(1)).unwrap_err().wait;
    assert!(wait <= Duration::from_secs(300), "a wrong header parks nobody for days");
    hosts.forgive(&key());
    assert!(hosts.check_retry_after(&address(1)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_several_addresses_were_told_in_a_row_is_the_servers_word_to_all() {
    let hosts = hosts(16);
    (1..=4).for_each(|number| hosts.record_retry_after(&busy(number, Some(90))));
    hosts.report(&key(), Outcome::Answered { latency: None });
    (5..=8).for_each(|number| hosts.record_retry_after(&busy(number, Some(90))));
    assert!(hosts.check_retry_after(&address(9)).is_ok() && may_start(&hosts, 1));
    hosts.record_retry_after(&busy(9, Some(90)));
    assert_eq!(hosts.check_retry_after(&address(10)).unwrap_err().wait, Duration::from_secs(90));
    assert!(!may_start(&hosts, 1) && hosts.turn("other.example", 1) == Turn::Firsts);
    assert_eq!(hosts.next_rest_end(), Some(Instant::now() + Duration::from_secs(90)));
    tokio::time::advance(Duration::from_secs(90)).await;
    assert!(hosts.check_retry_after(&address(10)).is_ok() && may_start(&hosts, 1));
}

#[tokio::test(start_paused = true)]
async fn repetitions_within_a_try_come_out_of_the_same_budget_as_tries() {
    let hosts = hosts(16);
    let at_once = (0..100).take_while(|_| hosts.may_repeat(&key())).count();
    assert!((10..=30).contains(&at_once), "{at_once}");
    assert!(hosts.retry_wait(&key()) > Duration::ZERO);
    assert!(hosts.retry_wait(&HostKey::new("other.example")).is_zero());
}
