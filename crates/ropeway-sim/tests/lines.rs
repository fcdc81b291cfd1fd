//! Modelled lines in the tests: what was reached stays reached.

use ropeway_sim::lines::{play_all, summary, thinned};

/// Times over the ideal at the first visit: the mean, and what 95 % stay below.
const REACHED: (f64, f64) = (1.247, 2.27);
/// A change by less is none.
const TOLERANCE: f64 = 1.03;

#[test]
fn downloads_over_distant_lines_are_as_fast_as_they_were() {
    let played = play_all(thinned(), 0);
    let (mean, most) = summary(&played);
    assert!(mean <= REACHED.0 * TOLERANCE, "{mean:.3} of the ideal time in the mean, {:.3} were reached", REACHED.0);
    assert!(most <= REACHED.1 * TOLERANCE, "{most:.2} of the ideal time by 95 %, {:.2} were reached", REACHED.1);
    let many = played.iter().filter(|(case, out)| case.is_filled_by_one() && out.peak > 4).count();
    assert_eq!(many, 0, "{many} lines that one connection fills get more than four");
    for (case, out) in played.iter().filter(|(case, _)| !case.line.is_silent && case.line.bears < 64) {
        let bears = case.line.bears as u64;
        assert!(out.refused <= bears + 4, "{case:?}: {out:?}");
    }
}
