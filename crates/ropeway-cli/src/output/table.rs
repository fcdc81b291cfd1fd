//! The queue as a table.

use ropeway_api::view::{DirectionView, JobView};

use crate::{
    output::{
        text::{clock, percent, rate, shortened, size},
        waits::Waits,
    },
    terminal::plain,
};

/// Columns for a name.
const NAME_WIDTH: usize = 36;
/// What stands where nothing is known.
const NOTHING: &str = "–";

/// A headline and one line per job; one line alone when there is no job.
pub(crate) fn lines(jobs: &[&JobView], waits: &Waits) -> Vec<String> {
    if jobs.is_empty() {
        return vec!["no jobs".to_owned()];
    }
    let headline = [
        "ID".to_owned(),
        String::new(),
        "NAME".to_owned(),
        "SIZE".to_owned(),
        "DONE".to_owned(),
        "SPEED".to_owned(),
        "LEFT".to_owned(),
        "STATE".to_owned(),
    ];
    let rows: Vec<[String; 8]> = std::iter::once(headline).chain(jobs.iter().map(|job| cells(job, waits))).collect();
    let widths = std::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0));
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn cells(job: &JobView, waits: &Waits) -> [String; 8] {
    let progress = &job.progress;
    let nothing = || NOTHING.to_owned();
    let is_moving = progress.rate > 0;
    [
        job.id.to_string(),
        match job.direction {
            DirectionView::Download => "↓".to_owned(),
            DirectionView::Upload => "↑".to_owned(),
        },
        shortened(&plain(&job.name), NAME_WIDTH),
        progress.length.map_or_else(nothing, size),
        percent(job).map_or_else(nothing, |percent| format!("{percent} %")),
        if is_moving { rate(progress.rate) } else { nothing() },
        progress.seconds_left.filter(|_| is_moving).map_or_else(nothing, clock),
        waits.state(job).into_owned(),
    ]
}

/// Text to the left, numbers to the right.
fn line(cells: &[String; 8], widths: &[usize; 8]) -> String {
    let is_number = |column: usize| matches!(column, 0 | 3..=6);
    let aligned = cells.iter().zip(widths).enumerate().map(|(column, (cell, wanted))| {
        let gap = " ".repeat(wanted - width(cell));
        if is_number(column) { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
    });
    aligned.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use ropeway_api::view::PhaseView;

    use super::*;
    use crate::run::tests::row;

    #[test]
    fn columns_stand_under_each_other() {
        let (short, mut long) = (row(1, PhaseView::Running, 50), row(20, PhaseView::Paused, 0));
        long.name = "a much longer name.iso".to_owned();
        long.progress.rate = 0;
        long.progress.length = None;
        let lines = lines(&[&short, &long], &Waits::default());
        let expected = "
ID     NAME                     SIZE  DONE   SPEED  LEFT  STATE
 1  ↓  1.bin                   100 B  50 %  10 B/s     –  running
20  ↓  a much longer name.iso      –     –       –     –  paused";
        assert_eq!(format!("\n{}", lines.join("\n")), expected);
        assert_eq!(super::lines(&[], &Waits::default()), ["no jobs"]);
    }
}
