//! How many connections a ramp allows as things happen.

use super::{
    super::{
        bandwidth_probe::SAMPLE_PERIOD,
        growth::{FEW, Flow},
    },
    *,
};

const MIB: u64 = 1 << 20;
const FAR: Way = Way { round_trip: Duration::from_millis(50), opening: Duration::from_millis(100) };

fn look(now: Duration, moved: u64) -> Look<'static> {
    Look { now, left: 1024 * MIB, moved, way: FAR, flows: &[] }
}

fn plan(connections: usize, is_automatic: bool) -> Plan {
    Plan { connections, first: FIRST_CONNECTIONS, is_automatic }
}

/// A ramp on an ordinary line, with its first body under way.
fn ordinary(connections: usize, is_automatic: bool) -> Ramp {
    let probe = BandwidthProbe::new(FAR.opening, Instant::now(), 0);
    Ramp::new(1024 * MIB, plan(connections, is_automatic), None, true, probe)
}

fn serve(ramp: &mut Ramp) {
    ramp.served(Instant::now(), look(Duration::ZERO, 0));
}

#[test]
fn a_number_that_was_asked_for_comes_at_once_where_ranges_are_served() {
    let mut ramp = ordinary(16, false);
    assert_eq!(ramp.allowed(), FIRST_CONNECTIONS, "one request finds that out");
    serve(&mut ramp);
    assert_eq!(ramp.allowed(), 16);
    let mut ramp = ordinary(64, true);
    serve(&mut ramp);
    assert_eq!(ramp.allowed(), FEW);
    let mut few = ordinary(3, true);
    serve(&mut few);
    assert_eq!(few.allowed(), 3, "never more than wanted");
}

#[test]
fn a_try_that_goes_on_begins_with_one_request() {
    let probe = BandwidthProbe::new(FAR.opening, Instant::now(), 0);
    let mut ramp = Ramp::new(1024 * MIB, plan(16, false), None, false, probe);
    assert_eq!(ramp.allowed(), 1);
    serve(&mut ramp);
    assert_eq!(ramp.allowed(), 16);
}

#[test]
fn where_the_number_was_asked_for_one_more_is_tried_after_a_refusal() {
    let now = Instant::now();
    let mut ramp = ordinary(8, false);
    serve(&mut ramp);
    ramp.on_connection_lost(5, Some(Duration::from_millis(100)), true, now);
    serve(&mut ramp);
    assert_eq!(ramp.allowed(), 5, "answers of the others do not bring it back");
    let mut after = |seconds: u64| {
        ramp.tick(now + Duration::from_secs(seconds), look(Duration::from_secs(seconds), 0), Limit::No);
        ramp.allowed()
    };
    assert_eq!((after(9), after(10)), (5, 6));
    ramp.on_connection_lost(0, Some(Duration::ZERO), false, now);
    assert!(!ramp.is_waiting(), "alone it is not replaced: the whole try waits");
}

#[test]
fn where_it_is_ours_to_choose_a_refusal_is_the_last_word_and_a_break_is_not() {
    let now = Instant::now();
    let mut ramp = ordinary(64, true);
    serve(&mut ramp);
    ramp.on_connection_lost(3, Some(Duration::ZERO), false, now);
    assert_eq!(ramp.allowed(), 3);
    for second in 1..20 {
        ramp.tick(now + Duration::from_secs(second), look(Duration::from_secs(second), 0), Limit::No);
    }
    assert_eq!(ramp.allowed(), FEW, "what broke is replaced, and no more than that");
    ramp.on_connection_lost(3, Some(Duration::ZERO), true, now);
    for second in 20..200 {
        ramp.tick(now + Duration::from_secs(second), look(Duration::from_secs(second), 0), Limit::No);
    }
    assert_eq!(ramp.allowed(), 3);
}

#[test]
fn under_a_limit_of_our_own_nothing_grows() {
    let mut ramp = ordinary(64, true);
    serve(&mut ramp);
    let (start, mut bytes) = (Instant::now(), 0);
    for tick in 1..=200_u32 {
        bytes += 100_000;
        let flow = |connection| Flow { connection, bytes, reads: bytes / 1000, answered: Some((Duration::ZERO, 0, 0)) };
        let flows: Vec<Flow> = (1..=4).map(flow).collect();
        let now = tick * Duration::from_millis(50);
        ramp.window(start + now, Look { flows: &flows, ..look(now, bytes) }, tick < 190);
        assert_eq!(ramp.allowed(), FEW);
    }
}

#[test]
fn one_by_one_they_come_while_a_limit_lets_through_more_than_they_bring() {
    let probe = BandwidthProbe::new(Duration::from_millis(20), Instant::now(), 0);
    let mut ramp = Ramp::new(1024 * MIB, plan(64, true), None, false, probe);
    let near = Way { round_trip: Duration::from_millis(1), opening: Duration::from_millis(1) };
    let (start, mut bytes) = (Instant::now(), 0);
    let mut most = |ticks: std::ops::Range<u32>, limit_of: fn(usize) -> Limit| {
        for tick in ticks {
            let open = ramp.allowed();
            bytes += 30_000 * open as u64;
            let flow = |connection| Flow { connection, bytes, reads: 9, answered: Some((Duration::ZERO, 0, 0)) };
            let flows: Vec<Flow> = (1..=open as u64).map(flow).collect();
            let now = tick * Duration::from_millis(100);
            let seen = Look { flows: &flows, way: near, ..look(now, bytes) };
            if tick == 1 {
                ramp.served(start + now, seen);
            }
            ramp.window(start + now, seen, true);
            ramp.tick(start + now, seen, limit_of(open));
        }
        ramp.allowed()
    };
    assert_eq!(most(1..50, |_| Limit::Felt), 1);
    assert_eq!(most(50..100, |open| if open < 3 { Limit::Slack } else { Limit::Felt }), 3);
}

#[test]
fn where_two_connections_bring_plenty_that_is_enough() {
    let start = Instant::now();
    for (rate, is_automatic, expected) in
        [(1 << 30, true, 2), (1 << 30, false, 2), (1 << 25, true, 2), (1 << 25, false, 16)]
    {
        let probe = BandwidthProbe::new(Duration::from_micros(200), start, 0);
        let mut ramp = Ramp::new(1024 * MIB, plan(16, is_automatic), None, true, probe);
        let near = Way { round_trip: Duration::from_micros(100), opening: Duration::from_micros(200) };
        let seen = |now: Duration, moved| Look { way: near, ..look(now, moved) };
        ramp.served(start, seen(Duration::ZERO, 0));
        ramp.sample(start + SAMPLE_PERIOD, seen(SAMPLE_PERIOD, rate / 100));
        assert_eq!(ramp.allowed(), expected, "{rate} bytes a second");
    }
}

#[test]
fn connections_that_were_given_up_for_other_jobs_come_back_once_none_has_waited_for_a_while() {
    let start = Instant::now();
    for is_automatic in [true, false] {
        let mut ramp = ordinary(4, is_automatic);
        serve(&mut ramp);
        ramp.give_way(4, start);
        ramp.give_way(3, start);
        let mut most = |seconds: u64| {
            let now = Duration::from_secs(seconds);
            ramp.tick(start + now, look(now, 0), Limit::No);
            ramp.window(start + now, look(now, 0), false);
            ramp.allowed()
        };
        assert!((1..30).all(|second| most(second) == 2));
        assert!((30..60).all(|second| most(second) == 4));
    }
}
