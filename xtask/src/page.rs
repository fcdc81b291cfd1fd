//! A page with figures that a command makes again.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// What stands around the figures in a page.
pub(crate) struct Marks {
    pub(crate) begin: &'static str,
    pub(crate) end: &'static str,
}

/// Puts `figures` between the page's two marks.
///
/// # Errors
/// If the page cannot be read or written, or has lost a mark.
pub(crate) fn write(page: &Path, marks: &Marks, figures: &str) -> Result<()> {
    let old = fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
    let new = insert(&old, marks, figures).with_context(|| format!("in {}", page.display()))?;
    fs::write(page, new).with_context(|| format!("cannot write {}", page.display()))?;
    println!("Written into {}", page.display());
    Ok(())
}

fn insert(page: &str, Marks { begin, end }: &Marks, figures: &str) -> Result<String> {
    let (before, rest) = page.split_once(begin).with_context(|| format!("{begin} is lost"))?;
    let (_, behind) = rest.split_once(end).with_context(|| format!("{end} is lost"))?;
    Ok(format!("{before}{begin}\n{figures}{end}{behind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_replace_what_was_between_the_marks_and_nothing_else() {
        let marks = Marks { begin: "<!-- a -->", end: "<!-- /a -->" };
        let once = insert("# Head\n<!-- a -->\nold\n<!-- /a -->\nTail\n", &marks, "new\n").unwrap();
        assert_eq!(once, "# Head\n<!-- a -->\nnew\n<!-- /a -->\nTail\n");
        assert_eq!(insert(&once, &marks, "new\n").unwrap(), once);
        assert!(insert("no marks", &marks, "new").is_err());
    }
}
