//! What the growth makes of lines that are played to it.

use proptest::prelude::*;

use super::*;

const MB: f64 = 1e6;

/// A line with slow start, a cap for each connection and fair shares of the rest.
#[derive(Clone, Copy, Debug)]
struct Line {
    round_trip: f64,
    cap: f64,
    together: f64,
    /// Connections the server bears; it leaves the others unanswered.
    bears: usize,
    /// Caps hold from this moment on.
    capped_from: f64,
    /// After so many bytes a connection loses its window, waits for its timer and begins slowly again.
    stall: f64,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            round_trip: 0.1,
            cap: 4.0 * MB,
            together: 125.0 * MB,
            bears: 100,
            capped_from: 0.0,
            stall: f64::INFINITY,
        }
    }
}

struct Connection {
    number: u64,
    begins: f64,
    /// When its window began to grow, and how many bytes it may bring until it stalls.
    grows_from: f64,
    until_stall: f64,
    is_served: bool,
    bytes: f64,
    reads: u64,
}

/// A download over a line, as long as it takes.
struct Play {
    line: Line,
    growth: Growth,
    open: Vec<Connection>,
    opened: u64,
    most: usize,
    moved: f64,
    size: f64,
    now: f64,
}

impl Play {
    fn new(line: Line, size: u64, learned: Option<Worth>) -> Self {
        let growth = Growth::new(size, MOST, learned);
        #[expect(clippy::cast_precision_loss, reason = "a size of a test")]
        let size = size as f64;
        let mut play = Self { line, growth, open: Vec::new(), opened: 0, most: 0, moved: 0.0, size, now: 0.0 };
        play.open_to(1);
        (play.open[0].begins, play.open[0].grows_from) = (0.0, 0.0);
        play.open[0].is_served = true;
        let verdict = play.look(Growth::begin);
        play.obey(verdict);
        play
    }

    fn way(&self) -> Way {
        let round_trip = Duration::from_secs_f64(self.line.round_trip);
        Way { round_trip, opening: round_trip * 2 }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a test")]
    fn look(&mut self, see: impl FnOnce(&mut Growth, Look<'_>) -> Verdict) -> Verdict {
        let flow = |one: &Connection| Flow {
            connection: one.number,
            bytes: one.bytes as u64,
            reads: one.reads,
            answered: one.is_served.then(|| (Duration::from_secs_f64(one.begins), 0, 0)),
        };
        let flows: Vec<Flow> = self.open.iter().map(flow).collect();
        let (left, moved) = ((self.size - self.moved).max(0.0) as u64, self.moved as u64);
        let look = Look { now: Duration::from_secs_f64(self.now), left, moved, way: self.way(), flows: &flows };
        see(&mut self.growth, look)
    }

    fn open_to(&mut self, count: usize) {
        while self.open.len() < count {
            self.opened += 1;
            let (number, begins) = (self.opened, self.now + 2.0 * self.line.round_trip);
            #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
            let until_stall = self.line.stall * (0.3 + (number as f64 * 0.37) % 1.0);
            let (grows_from, is_served) = (begins, false);
            self.open.push(Connection { number, begins, grows_from, until_stall, is_served, bytes: 0.0, reads: 0 });
        }
        self.most = self.most.max(self.open.len());
    }

    fn obey(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Wait => {}
            Verdict::Grow(count) => self.open_to(count),
            Verdict::Shrink(count, go) | Verdict::Bears(count, go) => {
                self.open.retain(|one| !go.contains(&one.number));
                assert!(self.open.len() <= count, "{} of {count}", self.open.len());
            }
        }
    }

    /// A tenth of a window passes.
    fn step(&mut self, seconds: f64) {
        self.now += seconds;
        let (now, line) = (self.now, self.line);
        for one in 0..self.open.len() {
            let served = self.open.iter().filter(|one| one.is_served).count();
            let one = &mut self.open[one];
            one.is_served |= one.begins <= now && served < line.bears;
        }
        let cap = if now < line.capped_from { f64::INFINITY } else { line.cap };
        let wants = |one: &Connection| {
            let window = FIRST_WINDOW * ((now - one.grows_from) / line.round_trip).min(40.0).exp2();
            if one.is_served && one.grows_from <= now { cap.min(window / line.round_trip) } else { 0.0 }
        };
        // Whoever wants less than its share gets that.
        let mut wanted: Vec<f64> = self.open.iter().map(wants).collect();
        wanted.sort_by(f64::total_cmp);
        let (mut rest, mut share) = (line.together, f64::INFINITY);
        for (number, want) in wanted.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "at most 64 connections")]
            let fair = rest / (wanted.len() - number) as f64;
            (rest, share) = if *want <= fair { (rest - want, share) } else { (rest - fair, share.min(fair)) };
        }
        for one in &mut self.open {
            let bytes = wants(one).min(share) * seconds;
            one.bytes += bytes;
            one.reads += 1;
            self.moved += bytes;
            if one.bytes >= one.until_stall {
                one.until_stall += line.stall;
                one.grows_from = now + (2.0 * line.round_trip).max(0.2);
            }
        }
    }

    /// Plays to the end, or for so many seconds.
    fn run(&mut self, longest: f64) {
        let period = Growth::period(self.way()).as_secs_f64();
        while self.moved < self.size && self.now < longest {
            (0..10).for_each(|_| self.step(period / 10.0));
            let verdict = self.look(Growth::window);
            self.obey(verdict);
        }
    }
}

fn played(line: Line, mebibytes: u64) -> Play {
    let mut play = Play::new(line, mebibytes << 20, None);
    play.run(120.0);
    play
}

#[test]
fn a_line_that_one_connection_fills_gets_four_and_no_more() {
    for round_trip in [0.001, 0.005, 0.02, 0.1, 0.3] {
        for together in [1.0, 10.0, 50.0, 125.0] {
            for cap in [together, 2.0 * together, 1e6] {
                let line = Line { round_trip, cap: cap * MB, together: together * MB, ..Line::default() };
                let play = played(line, 1024);
                assert!(play.most <= FEW, "{line:?}: {}", play.most);
                assert_eq!(play.growth.worth().map(|worth| (worth.connections, worth.is_full)), Some((4, true)));
            }
        }
    }
}

#[test]
fn where_each_connection_is_capped_as_many_come_as_fill_the_line() {
    for (cap, together, expected) in
        [(4.0, 1000.0, 64..=64), (4.0, 50.0, 12..=30), (1.0, 20.0, 18..=36), (12.0, 50.0, 4..=8)]
    {
        let line = Line { cap: cap * MB, together: together * MB, ..Line::default() };
        let mut play = Play::new(line, 4 << 30, None);
        play.run(6.0);
        assert!(expected.contains(&play.open.len()), "{line:?}: {}", play.open.len());
    }
}

#[test]
fn a_server_that_bears_fewer_refuses_no_more_than_those_and_four() {
    for bears in [1, 2, 4, 5, 8, 10, 12, 16, 20, 32, 48, 60] {
        let mut play = Play::new(Line { bears, together: 1000.0 * MB, ..Line::default() }, 4 << 30, None);
        play.run(20.0);
        assert!(play.most <= 2 * bears + FEW, "{bears} are borne, {} came", play.most);
        assert_eq!(play.open.len(), bears);
        play.run(60.0);
        assert_eq!((play.open.len(), play.opened), (bears, play.most as u64), "and nothing new was opened");
    }
}

#[test]
fn what_is_soon_here_is_worth_no_more_connections() {
    for (mebibytes, most) in [(1, 1..=4), (4, 4..=4), (48, 5..=28), (1024, 64..=64)] {
        let play = played(Line::default(), mebibytes);
        assert!(most.contains(&play.most), "{mebibytes} MiB: {}", play.most);
    }
}

#[test]
fn caps_that_hold_after_a_burst_are_seen() {
    let mut play = Play::new(Line { capped_from: 3.0, ..Line::default() }, 4 << 30, None);
    play.run(2.9);
    assert_eq!(play.open.len(), FEW, "full so far");
    play.run(10.0);
    assert_eq!(play.open.len(), MOST);
}

#[test]
fn connections_that_stall_again_and_again_are_no_word_on_a_line_that_is_idle_between() {
    for round_trip in [0.05, 0.1, 0.2] {
        let line = Line { round_trip, cap: 1e9, stall: 8.0 * MB, ..Line::default() };
        let mut play = Play::new(line, 4 << 30, None);
        play.run(60.0);
        assert!(play.most > FEW, "{line:?}: {}", play.most);
        // Where the others fill the line meanwhile no more come.
        let line = Line { together: 4.0 * MB, ..line };
        let mut play = Play::new(line, 1 << 30, None);
        play.run(60.0);
        assert!(play.most <= FEW, "{line:?}: {}", play.most);
    }
}

#[test]
fn a_full_line_that_carries_less_gets_no_more_connections_because_some_stalled_before() {
    for round_trip in [0.05, 0.1, 0.2] {
        let most = |stall: f64| {
            let line = Line { round_trip, cap: 1e9, together: 10.0 * MB, stall, ..Line::default() };
            let mut play = Play::new(line, 4 << 30, None);
            play.run(10.0);
            play.line.together = 3.0 * MB;
            play.open.iter_mut().for_each(|one| one.until_stall = f64::INFINITY);
            play.run(120.0);
            play.most
        };
        let (stalled, steady) = (most(8.0 * MB), most(f64::INFINITY));
        assert!(stalled <= steady, "{round_trip} s: {stalled}, without stalls {steady}");
    }
}

#[test]
fn a_line_that_was_slow_while_connections_began_is_not_taken_for_full() {
    for slow in [60.0, 90.0, 120.0] {
        let line = Line { round_trip: 0.02, cap: 12.0 * MB, together: slow * MB, ..Line::default() };
        let mut play = Play::new(line, 4 << 30, None);
        play.run(0.6);
        play.line.together = 400.0 * MB;
        play.run(3.0);
        assert!(play.open.len() >= 28, "{slow} MB/s at first: {}", play.open.len());
    }
}

#[test]
fn a_line_that_few_fill_gets_no_more_when_it_carries_more() {
    let mut play = Play::new(Line { cap: 1e9, together: 5.0 * MB, ..Line::default() }, 4 << 30, None);
    play.run(5.0);
    play.line.together = 50.0 * MB;
    play.run(60.0);
    assert_eq!(play.most, FEW);
}

#[test]
fn a_full_line_is_tested_with_one_fewer_and_never_with_one_more() {
    let mut play = Play::new(Line { cap: 1e9, together: 10.0 * MB, ..Line::default() }, 4 << 30, None);
    let mut fewest = MOST;
    while play.now < 60.0 {
        play.run(play.now + 0.1);
        fewest = if play.now > 1.0 { fewest.min(play.open.len()) } else { fewest };
    }
    assert_eq!((fewest, play.most), (FEW - 1, FEW));
}

#[test]
fn what_was_learned_holds_from_the_first_answer_on() {
    for (learned, together, expected) in [((16, false), 125.0, 64), ((16, true), 64.0, 16)] {
        let learned = Worth { connections: learned.0, is_full: learned.1 };
        let mut play = Play::new(Line { together: together * MB, ..Line::default() }, 4 << 30, Some(learned));
        assert_eq!(play.open.len(), 16);
        play.run(4.0);
        assert_eq!(play.open.len(), expected, "{learned:?}");
    }
    let few = Worth { connections: 4, is_full: true };
    assert_eq!(Play::new(Line::default(), 1 << 20, Some(few)).open.len(), 1, "small files begin with one");
}

#[test]
fn who_waits_for_the_next_answer_is_borne_all_the_same() {
    let way = Way { round_trip: Duration::from_millis(100), opening: Duration::from_millis(200) };
    let mut growth = Growth::new(1 << 30, MOST, None);
    let mut verdicts = Vec::new();
    for step in 1..60_u64 {
        let now = Duration::from_millis(100 * step);
        let count = if verdicts.is_empty() { 4 } else { 12 };
        let flow = |connection| {
            // From the fifth on nobody is served; from 2 s on all but the first of the others are between two answers.
            let is_served = connection <= 4;
            let is_between = connection > 1 && step > 20;
            let answered = (is_served && !is_between).then_some((Duration::ZERO, 0, 0));
            let bytes = if is_served { step.min(20) * 400_000 } else { 0 };
            Flow { connection, bytes, reads: bytes / 10_000, answered }
        };
        let flows: Vec<Flow> = (1..=count).map(flow).collect();
        let look = Look { now, left: 1 << 30, moved: 0, way, flows: &flows };
        let verdict = if step == 1 { growth.begin(look) } else { growth.window(look) };
        match verdict {
            Verdict::Bears(borne, go) => {
                assert_eq!((borne, go.len()), (4, 8));
                return;
            }
            Verdict::Grow(12) => verdicts.push(verdict),
            _ => {}
        }
    }
    panic!("nothing was said of what the server bears: {verdicts:?}");
}

#[test]
fn a_number_that_is_decided_already_is_only_measured() {
    let mut growth = Growth::fixed(1 << 30);
    for second in 1..100_u64 {
        let flow = Flow {
            connection: 1,
            bytes: second * 1_000_000,
            reads: second * 10,
            answered: Some((Duration::ZERO, 0, 0)),
        };
        let way = Way { round_trip: Duration::from_millis(50), opening: Duration::from_millis(100) };
        let look = Look { now: Duration::from_secs(second), left: 1 << 30, moved: 0, way, flows: &[flow] };
        assert_eq!(growth.window(look), Verdict::Wait);
    }
    assert!(growth.usual().is_some_and(|usual| (usual - MB).abs() < 1.0));
    assert_eq!(growth.worth(), None);
}

#[test]
fn a_fresh_connection_costs_its_opening_and_the_round_trips_of_slow_start() {
    let way = Way { round_trip: Duration::from_millis(100), opening: Duration::from_millis(200) };
    for (usual, milliseconds) in [
        (0.0, 200),
        // A window fills the line at once.
        (FIRST_WINDOW * 10.0, 200),
        // Eight windows a round trip: it doubles three times, and brings the half of it in the last one.
        (FIRST_WINDOW * 80.0, 400),
        (f64::MAX, 10_200),
    ] {
        let mut growth = Growth::new(1 << 30, MOST, None);
        growth.usual = usual;
        assert_eq!(growth.cold(way), Duration::from_millis(milliseconds), "{usual}");
    }
}

#[test]
fn a_fresh_connection_costs_no_slow_start_where_none_was_seen() {
    let way = Way { round_trip: Duration::from_millis(200), opening: Duration::from_millis(400) };
    // What came in each window, in bytes; what a fresh connection costs, in milliseconds.
    for (windows, milliseconds) in [
        ([200_000; 4], 400),
        ([100_000, 200_000, 200_000, 200_000], 400),
        ([25_000, 50_000, 100_000, 200_000], 400 + 2 * 200),
        ([14_600, 116_800, 116_800, 116_800], 400 + 2 * 200),
    ] {
        let mut growth = Growth::new(1 << 30, MOST, None);
        let mut bytes = 0;
        for (window, brought) in windows.into_iter().chain([windows[3]; 4]).enumerate() {
            bytes += brought;
            let number = window as u64 + 1;
            let flow = Flow { connection: 1, bytes, reads: number * 10, answered: Some((Duration::ZERO, 0, 0)) };
            let now = way.round_trip * u32::try_from(number).unwrap();
            growth.measure(Look { now, left: 1 << 30, moved: bytes, way, flows: &[flow] });
        }
        let cold = growth.cold(way).as_millis();
        assert!(cold.abs_diff(milliseconds) <= 40, "{windows:?}: {cold} instead of {milliseconds}");
    }
}

#[test]
fn what_a_connection_brought_that_has_gone_is_remembered_for_ten_seconds() {
    let mut growth = Growth::new(1 << 30, MOST, None);
    growth.gone.push((1.0, MB));
    let way = Way { round_trip: Duration::from_millis(50), opening: Duration::from_millis(100) };
    for (second, remembered) in [(2, 1), (10, 1), (11, 0)] {
        growth.measure(Look { now: Duration::from_secs(second), left: 1 << 30, moved: 0, way, flows: &[] });
        assert_eq!(growth.gone.len(), remembered, "after {second} s");
    }
}

#[test]
fn growth_goes_on_where_those_that_were_there_before_have_gone() {
    // The first one is given up for another job, breaks, or is replaced: only the last batch is left.
    for (cap, kept, expected) in [(4.0, 1, 64..=64), (4.0, 3, 64..=64), (1000.0, 1, 0..=4), (1000.0, 3, 0..=4)] {
        for seconds in [0.3, 3.0] {
            let line = Line { cap: cap * MB, ..Line::default() };
            let mut play = Play::new(line, 16 << 30, None);
            play.run(seconds);
            let newest = play.open.split_off(play.open.len() - kept);
            play.open = newest;
            play.most = 0;
            play.run(30.0);
            assert!(expected.contains(&play.most), "{line:?}, {kept} left after {seconds} s: {}", play.most);
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_seen_no_more_come_than_there_may_be(
        most in 1..=MOST,
        bears in 1..=MOST,
        seen in prop::collection::vec(prop::collection::vec((0..200_u64, 0..50_000_000_u64, any::<bool>()), 0..70), 1..60),
    ) {
        let mut growth = Growth::new(1 << 30, most, None);
        let mut bytes = BTreeMap::<u64, u64>::new();
        let half = seen.len() / 2;
        for (number, flows) in seen.iter().enumerate() {
            if number == half {
                growth.bears(bears);
            }
            let now = Duration::from_millis(50 * (number as u64 + 1));
            let mut flows: Vec<Flow> = flows.iter().map(|(connection, more, is_answered)| {
                let bytes = bytes.entry(*connection).or_default();
                *bytes += more;
                let answered = is_answered.then_some((Duration::ZERO, 0, 0));
                Flow { connection: *connection, bytes: *bytes, reads: *bytes / 1000, answered }
            }).collect();
            flows.dedup_by_key(|flow| flow.connection);
            let way = Way { round_trip: Duration::from_millis(40), opening: Duration::from_millis(80) };
            let verdict = growth.window(Look { now, left: 1 << 29, moved: 1 << 29, way, flows: &flows });
            match verdict {
                Verdict::Wait => {}
                Verdict::Grow(count) | Verdict::Shrink(count, _) | Verdict::Bears(count, _) => {
                    prop_assert!(count <= most && number < half, "{:?} after {:?}", verdict, number);
                }
            }
        }
    }
}
