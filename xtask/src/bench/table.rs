//! The figures as a page shows them.

use super::{clients::Scenario, measure::Figures};

/// A scenario's table: the fastest first, and how Ropeway stands to the best of the others.
pub(super) fn of(scenario: Scenario, rows: &[(&str, Figures)]) -> String {
    let mut sorted: Vec<_> = rows.to_vec();
    sorted.sort_by(|one, other| one.1.wall.total_cmp(&other.1.wall));
    let lines: String = sorted.iter().map(|(name, figures)| line(name, *figures)).collect();
    let head = "| Client | Wall s | CPU s | Peak RSS MiB |\n| --- | ---: | ---: | ---: |\n";
    format!("\n{}\n\n{head}{lines}{}", scenario.title(), ratio(rows).unwrap_or_default())
}

fn line(name: &str, Figures { wall, cpu, memory }: Figures) -> String {
    format!("| {name} | {wall:.2} | {cpu:.2} | {memory:.1} |\n")
}

fn ratio(rows: &[(&str, Figures)]) -> Option<String> {
    let (_, ours) = rows.iter().find(|(name, _)| *name == "ropeway")?;
    let others: Vec<&Figures> =
        rows.iter().filter(|(name, _)| *name != "ropeway").map(|(_, figures)| figures).collect();
    let best = |of: fn(&Figures) -> f64| others.iter().map(|figures| of(figures)).min_by(f64::total_cmp);
    let (wall, cpu, memory) = (best(|it| it.wall)?, best(|it| it.cpu)?, best(|it| it.memory)?);
    Some(format!(
        "| *ropeway to the best of the others* | {:.2} × | {:.2} × | {:.2} × |\n",
        ours.wall / wall,
        ours.cpu / cpu,
        ours.memory / memory
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ropeway_is_compared_with_the_best_in_each_figure() {
        let figures = |wall, cpu, memory| Figures { wall, cpu, memory };
        let rows =
            [("ropeway", figures(1.0, 2.0, 9.0)), ("curl", figures(2.0, 1.0, 10.0)), ("axel", figures(4.0, 4.0, 3.0))];
        let text = of(Scenario::Loop, &rows);
        assert!(text.ends_with("| 0.50 × | 2.00 × | 3.00 × |\n"), "{text}");
        assert!(text.find("| ropeway |") < text.find("| curl |"), "the fastest comes first");
    }

    #[test]
    fn without_ropeway_there_is_no_ratio() {
        assert!(ratio(&[("curl", Figures { wall: 1.0, cpu: 1.0, memory: 1.0 })]).is_none());
    }
}
