use proptest::prelude::*;

use super::*;

/// Small enough that a bitmap of it is the model the map is held against.
const LENGTH: u64 = 300;

#[derive(Clone, Debug)]
enum Act {
    Advance { which: usize, count: u64 },
    Halve { which: usize, smallest: u64 },
    Split { which: usize, middle: u64 },
    GiveBack { which: usize },
    Coalesce,
    StoreAndLoad,
    Lose { start: u64, count: u64 },
    Have { start: u64, count: u64 },
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..16_usize, 1..80_u64).prop_map(|(which, count)| Act::Advance { which, count }),
        3 => (0..16_usize, 1..20_u64).prop_map(|(which, smallest)| Act::Halve { which, smallest }),
        2 => (0..16_usize, 0..LENGTH).prop_map(|(which, middle)| Act::Split { which, middle }),
        1 => (0..16_usize).prop_map(|which| Act::GiveBack { which }),
        1 => Just(Act::Coalesce),
        1 => Just(Act::StoreAndLoad),
        1 => (0..LENGTH, 1..40_u64).prop_map(|(start, count)| Act::Lose { start, count }),
        1 => (0..LENGTH, 1..40_u64).prop_map(|(start, count)| Act::Have { start, count }),
    ]
}

fn start_of(map: &SegmentMap, which: usize) -> u64 {
    map.segments()[which % map.segments().len()].range().start()
}

proptest! {
    #[test]
    fn segments_stay_disjoint_and_cover_the_file(acts in prop::collection::vec(any_act(), 0..120)) {
        let mut map = SegmentMap::whole(LENGTH);
        let mut bitmap = vec![false; LENGTH as usize];
        for act in acts {
            match act {
                Act::Advance { which, count } => {
                    let start = start_of(&map, which);
                    if let Some(missing) = map.missing(start) {
                        for byte in missing.start()..(missing.start() + count).min(missing.end()) {
                            prop_assert!(!bitmap[byte as usize], "byte {byte} recorded twice");
                            bitmap[byte as usize] = true;
                        }
                    }
                    map.advance(start, count).unwrap();
                }
                Act::Halve { which, smallest } => {
                    let start = start_of(&map, which);
                    let before = map.missing(start);
                    if let Some(middle) = map.halve(start, smallest) {
                        prop_assert!(map.missing(middle).unwrap().len() >= smallest);
                        prop_assert!(map.missing(start).unwrap().len() >= smallest);
                        prop_assert!(before.unwrap().contains(middle));
                    }
                }
                Act::Split { which, middle } => {
                    let start = start_of(&map, which);
                    let before = map.missing(start);
                    if map.split(start, middle).is_some() {
                        prop_assert!(before.unwrap().contains(middle));
                        prop_assert_eq!(map.missing(middle).unwrap().end(), before.unwrap().end());
                    }
                }
                Act::GiveBack { which } => {
                    let start = start_of(&map, which);
                    let pieces = map.segments().len();
                    let given_back = map.give_back(start);
                    prop_assert_eq!(map.segments().len() + usize::from(given_back), pieces);
                }
                Act::Coalesce => map = map.coalesced(),
                Act::StoreAndLoad => {
                    let text = serde_json::to_string(map.segments()).unwrap();
                    map = SegmentMap::from_segments(serde_json::from_str(&text).unwrap()).unwrap();
                }
                Act::Lose { start, count } => {
                    let hole = ByteRange::new(start, (start + count).min(LENGTH)).unwrap();
                    map = map.without(&[hole]);
                    (hole.start()..hole.end()).for_each(|byte| bitmap[byte as usize] = false);
                }
                Act::Have { start, count } => {
                    let had = ByteRange::new(start, (start + count).min(LENGTH)).unwrap();
                    map = map.with(&[had]);
                    (had.start()..had.end()).for_each(|byte| bitmap[byte as usize] = true);
                }
            }
            let ranges = map.written_ranges();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end() < pair[1].start()), "{ranges:?}");
            let is_inside = |byte: u64| ranges.iter().any(|range| range.contains(byte));
            prop_assert!((0..LENGTH).all(|byte| is_inside(byte) == bitmap[byte as usize]));
            prop_assert!(SegmentMap::from_segments(map.segments().to_vec()).is_ok());
            prop_assert_eq!(map.length(), Some(LENGTH));
            prop_assert_eq!(map.written(), bitmap.iter().filter(|byte| **byte).count() as u64);
            prop_assert_eq!(map.contiguous_prefix(), bitmap.iter().take_while(|byte| **byte).count() as u64);
            prop_assert_eq!(map.is_complete(), bitmap.iter().all(|byte| *byte));
            for segment in map.segments() {
                for byte in segment.range().start()..segment.range().end() {
                    prop_assert_eq!(bitmap[byte as usize], byte < segment.range().start() + segment.written());
                }
            }
        }
    }
}

#[test]
fn a_stored_map_that_lies_is_refused() {
    let segment = |start, end, written| Segment::new(ByteRange::new(start, end).unwrap(), written);
    assert_eq!(segment(0, 10, 11), Err(SegmentError::Overfull { range: ByteRange::new(0, 10).unwrap(), written: 11 }));
    for (segments, at) in [
        (vec![segment(1, 10, 0)], 0),
        (vec![segment(0, 10, 0), segment(9, 20, 0)], 9),
        (vec![segment(0, 10, 0), segment(11, 20, 0)], 10),
    ] {
        let segments = segments.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(SegmentMap::from_segments(segments), Err(SegmentError::NotACover { at }));
    }
}

#[test]
fn an_open_ended_file_gets_its_length_from_its_end() {
    let mut map = SegmentMap::open_ended();
    assert_eq!((map.length(), map.is_complete()), (None, false));
    map.advance(0, 40).unwrap();
    assert_eq!(map.halve(0, 1), None, "nothing to halve while the end is unknown");
    assert_eq!(map.close(41), Err(SegmentError::WrongEnd { length: 41, reached: 40 }));
    map.close(40).unwrap();
    assert_eq!((map.length(), map.is_complete()), (Some(40), true));
    let mut empty = SegmentMap::open_ended();
    empty.close(0).unwrap();
    assert_eq!((empty.length(), empty.is_complete()), (Some(0), true));
}

#[test]
fn a_half_is_taken_down_to_the_smallest_and_no_smaller() {
    let map = || SegmentMap::whole(100);
    for (smallest, middle) in [(1, Some(50)), (50, Some(50)), (51, None), (0, Some(50))] {
        assert_eq!(map().halve(0, smallest), middle, "{smallest}");
    }
}

#[test]
fn a_tail_of_which_nothing_is_written_goes_back_to_the_one_before_it() {
    let mut map = SegmentMap::whole(100);
    assert!(!map.give_back(0), "nothing is before the first");
    assert_eq!(map.split(0, 60), Some(60));
    assert!(!map.give_back(50), "no segment begins there");
    assert!(map.give_back(60));
    assert_eq!(map, SegmentMap::whole(100));
    map.split(0, 60);
    map.advance(60, 1).unwrap();
    assert!(!map.give_back(60), "a byte of it is there");
    assert_eq!(map.segments().len(), 2);
}

#[test]
fn only_what_is_complete_is_joined_and_only_with_what_was_begun() {
    let segment = |start, end, written| Segment::new(ByteRange::new(start, end).unwrap(), written).unwrap();
    for (before, after) in [
        (vec![segment(0, 10, 10), segment(10, 20, 5)], vec![segment(0, 20, 15)]),
        (vec![segment(0, 10, 10), segment(10, 20, 10), segment(20, 30, 1)], vec![segment(0, 30, 21)]),
        (vec![segment(0, 10, 10), segment(10, 20, 0)], vec![segment(0, 10, 10), segment(10, 20, 0)]),
        (vec![segment(0, 10, 9), segment(10, 20, 10)], vec![segment(0, 10, 9), segment(10, 20, 10)]),
    ] {
        assert_eq!(SegmentMap::from_segments(before).unwrap().coalesced().segments(), after);
    }
}
