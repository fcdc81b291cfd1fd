use ropeway_model::{EntityTag, Validation};

use super::*;

fn mirrors(count: usize, with_digest: bool) -> Arc<Mirrors> {
    let url = |number: usize| format!("http://mirror-{number}.example/f").parse::<SafeUrl>().unwrap();
    let mut spec = JobSpec::new(Transfer::Download { from: url(0), into: "/".into(), name: None });
    spec.mirrors = (0..count).map(url).collect();
    spec.checksum = with_digest.then(|| "md5:00000000000000000000000000000000".parse().unwrap());
    Mirrors::of(&spec)
}

fn version(tag: &str, length: u64) -> Validator {
    Validator { entity_tag: EntityTag::parse(tag), length: Some(length), ..Validator::default() }
}

fn range(start: u64, end: u64) -> ByteRange {
    ByteRange::new(start, end).unwrap()
}

#[test]
fn requests_are_spread_and_a_mirror_that_breaks_is_left_for_another() {
    let mirrors = mirrors(3, true);
    let leases: Vec<MirrorLease> = (0..6).map(|_| mirrors.take(|_| true)).collect();
    let mut places: Vec<usize> = leases.iter().map(|lease| lease.at).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 0, 1, 1, 2, 2]);
    drop(leases);
    mirrors.lost(0);
    assert!((0..4).map(|_| mirrors.take(|_| true)).all(|lease| lease.at != 0));
    assert!(mirrors.take(|_| true).yields_to_another(&WorkerError::Short));
    assert!(mirrors.take(|_| true).yields_to_another(&WorkerError::Short));
    assert_eq!(mirrors.take(|_| true).at, 0, "the last one left is asked, whatever it did");
    assert!(!mirrors.take(|_| true).yields_to_another(&WorkerError::Short));
}

#[test]
fn the_one_that_is_asked_alone_is_the_lead_unless_that_is_of_no_use() {
    let three = mirrors(3, false);
    assert!(three.keep_to_one());
    assert_eq!(three.candidates().len(), 1);
    assert_eq!(three.take(|_| true).at, 0);
    assert!(!three.keep_to_one(), "it is the only one");
    // The lead is left: there is still somebody to ask.
    for count in [2, 3] {
        let mirrors = mirrors(count, false);
        mirrors.leave(&mirrors.candidates()[0]);
        assert_eq!(mirrors.keep_to_one(), count == 3);
        assert_eq!(mirrors.candidates().len(), 1);
        assert_eq!(mirrors.take(|_| true).at, 1);
    }
}

#[test]
fn bytes_of_two_servers_are_mixed_only_where_it_can_be_told_that_they_are_the_same() {
    let lead = version("\"1\"", 10);
    for (now, with_digest, expected) in [
        (version("\"1\"", 10), false, Some(Validation::StrongTag)),
        (version("\"2\"", 10), false, None),
        (version("\"2\"", 10), true, Some(Validation::Unverifiable)),
        (version("W/\"1\"", 10), false, None),
        (version("\"1\"", 11), true, None),
        (Validator::default(), true, None),
    ] {
        let mirrors = mirrors(2, with_digest);
        let _first = mirrors.take(|_| true);
        let other = mirrors.take(|_| true);
        assert!(!other.is_lead);
        assert_eq!(other.accept(&now, &lead).ok(), expected, "{now} {with_digest}");
    }
    // Once taken, a mirror must keep its own version.
    let mirrors = mirrors(2, true);
    let _first = mirrors.take(|_| true);
    mirrors.take(|_| true).accept(&version("\"2\"", 10), &lead).unwrap();
    assert!(mirrors.take(|_| true).accept(&version("\"3\"", 10), &lead).is_err());
}

#[test]
fn the_mirror_whose_every_byte_is_wrong_is_blamed_before_one_that_shares_a_piece_with_it() {
    let mirrors = mirrors(3, true);
    // The first served more of the damaged pieces, in more stretches, but right bytes too.
    for (start, end, at) in [(0, 50, 0), (50, 52, 0), (54, 58, 0), (58, 60, 1), (52, 54, 1), (60, 70, 2)] {
        mirrors.record(range(start, end), at);
    }
    let damaged = [range(50, 60)];
    assert_eq!(mirrors.blame(&damaged).unwrap().host(), "mirror-1.example");
    assert_eq!(mirrors.candidates().len(), 2);
    assert!(mirrors.settle_after_mismatch());
    assert_eq!(mirrors.candidates().len(), 1);
    mirrors.forget_served();
    mirrors.record(range(0, 70), 0);
    assert_eq!(mirrors.blame(&damaged).unwrap().host(), "mirror-0.example");
    assert_eq!(mirrors.lead().unwrap().0.host(), "mirror-2.example", "it was left, but for no wrong byte");
    mirrors.forget_served();
    mirrors.record(range(50, 60), 2);
    assert_eq!(mirrors.blame(&damaged).unwrap().host(), "mirror-2.example", "the first one was only suspected");
    mirrors.forget_served();
    mirrors.record(range(50, 60), 1);
    assert_eq!(mirrors.blame(&damaged), None, "there is no other");
}

#[test]
fn the_larger_share_of_wrong_bytes_counts_and_not_their_number() {
    for (first, second, blamed) in [(180, 0, "mirror-1.example"), (0, 180, "mirror-0.example")] {
        let mirrors = mirrors(2, true);
        // Each has twenty or a hundred bytes in the damaged pieces; one of them has many right ones beside.
        let (few, many) = if first > 0 { (0, 1) } else { (1, 0) };
        mirrors.record(range(0, 20), few);
        mirrors.record(range(100, 200), many);
        mirrors.record(range(1_000, 1_000 + first + second), few);
        assert_eq!(mirrors.blame(&[range(0, 20), range(100, 200)]).unwrap().host(), blamed);
    }
}

#[test]
fn of_two_mirrors_in_one_wrong_piece_either_may_be_the_wrong_one() {
    let mirrors = mirrors(2, true);
    let piece = range(0, 100);
    mirrors.record(range(0, 60), 0);
    mirrors.record(range(60, 100), 1);
    assert!(mirrors.blame(&[piece]).is_some_and(|url| url.host() == "mirror-0.example"), "it sent more of it");
    mirrors.forget_served();
    // The other one alone is no better: the first is asked again, alone.
    mirrors.record(range(0, 100), 1);
    assert!(mirrors.blame(&[piece]).is_some_and(|url| url.host() == "mirror-1.example"));
    assert!((0..4).map(|_| mirrors.take(|_| true)).all(|lease| lease.at == 0));
    mirrors.forget_served();
    mirrors.record(range(0, 100), 0);
    assert_eq!(mirrors.blame(&[piece]), None, "both are wrong");
}

#[test]
fn what_a_mirror_has_is_held_against_each_new_lead_anew() {
    let mirrors = mirrors(2, true);
    let url = |number: usize| format!("http://mirror-{number}.example/f").parse::<SafeUrl>().unwrap();
    let (one, other) = (version("\"1\"", 10), version("\"2\"", 11));
    mirrors.follow(&url(1), &url(1), &other);
    mirrors.follow(&url(0), &url(0), &one);
    let _lead = mirrors.take_lead();
    let lease = mirrors.take(|_| true);
    assert!(!lease.is_lead);
    assert!(lease.accept(&other, &one).is_err(), "it was the lead, of another file");
}

#[test]
fn a_mirror_that_was_redirected_is_asked_at_the_address_that_was_given() {
    let mirrors = mirrors(1, false);
    let given = mirrors.candidates();
    let led = "http://elsewhere.example/f?signature=1".parse::<SafeUrl>().unwrap();
    mirrors.follow(&given[0], &led, &version("\"1\"", 10));
    assert_eq!((mirrors.candidates(), mirrors.places()), (given, vec![led]));
}

#[test]
fn where_an_earlier_try_was_redirected_to_is_the_jobs_own_address_and_no_mirror_more() {
    let mirrors = mirrors(2, false);
    let given = mirrors.candidates();
    let led = "http://elsewhere.example/f?signature=1".parse::<SafeUrl>().unwrap();
    mirrors.follow(&led, &led, &version("\"1\"", 10));
    assert_eq!(mirrors.candidates(), given);
    assert_eq!(mirrors.lead().map(|(url, _)| url), Some(led.clone()));
    // The signature is over by now, and a plain request is the last resort.
    mirrors.leave(&led);
    mirrors.readmit_lead();
    assert!(mirrors.candidates().contains(&given[0]));
}

#[test]
fn where_nobody_is_left_to_ask_the_jobs_own_address_is_asked_once_more_unless_its_bytes_were_wrong() {
    let mirrors = mirrors(2, true);
    let given = mirrors.candidates();
    mirrors.leave(&given[0]);
    mirrors.readmit_one();
    assert_eq!(mirrors.candidates(), given[1..], "one is left");
    mirrors.leave(&given[1]);
    mirrors.readmit_one();
    assert_eq!(mirrors.candidates(), given[..1]);
    mirrors.begin();
    mirrors.record(range(0, 100), 0);
    assert!(mirrors.settle_after_mismatch(), "the other is asked");
    mirrors.leave(&given[1]);
    mirrors.readmit_one();
    assert_eq!(mirrors.candidates(), given[1..]);
}
