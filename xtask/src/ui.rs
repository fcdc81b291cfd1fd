//! The web UI, built once for the window and the daemon.

use std::{fs, path::Path, time::SystemTime};

use anyhow::{Context, Result};

use crate::{place, shell};

/// Folders below `ui/` that are made, not written.
const MADE: [&str; 3] = ["node_modules", "dist", "test-results"];

/// Builds `ui/dist` if a source of the UI is newer than it.
pub(crate) fn build() -> Result<()> {
    let ui = place::ui();
    if is_fresh(&ui)? {
        return Ok(());
    }
    shell::run(&mut shell::npm(&ui, &["run", "build"]))
}

fn is_fresh(ui: &Path) -> Result<bool> {
    let Ok(built) = fs::metadata(ui.join("dist/index.html")).and_then(|page| page.modified()) else {
        return Ok(false);
    };
    Ok(newest(ui)?.is_none_or(|source| source <= built))
}

/// When a source below this folder last changed.
fn newest(folder: &Path) -> Result<Option<SystemTime>> {
    let mut newest = None;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if MADE.iter().any(|made| name == *made) || name.to_string_lossy().starts_with('.') {
            continue;
        }
        let changed = if entry.file_type()?.is_dir() {
            self::newest(&entry.path())?
        } else {
            Some(entry.metadata()?.modified()?)
        };
        newest = newest.max(changed);
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(file: &Path, age: u64) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age);
        fs::File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn the_ui_is_built_again_only_when_a_source_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let ui = folder.path();
        write(&ui.join("src/jobs/Row.svelte"), 10);
        assert!(!is_fresh(ui).unwrap(), "never built");
        write(&ui.join("dist/index.html"), 5);
        assert!(is_fresh(ui).unwrap());
        write(&ui.join("node_modules/a/index.js"), 1);
        assert!(is_fresh(ui).unwrap(), "packages have a stamp of their own");
        write(&ui.join("src/jobs/Row.svelte"), 2);
        assert!(!is_fresh(ui).unwrap());
    }
}
