//! JavaScript packages of the UI and of the tests that drive a page.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::shell;

/// The oldest Node.js that Vite runs on.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Kept inside `node_modules`, so that it goes with the folder it speaks of: the lock file it was installed from.
const STAMP: &str = "node_modules/.installed-from-lock.json";

/// Installs a folder's packages exactly as its lock file says, if that has not been done. A folder without a lock
/// file needs none.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let Ok(lock) = fs::read(folder.join("package-lock.json")) else {
        return Ok(());
    };
    require_node()?;
    if fs::read(folder.join(STAMP)).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    println!("Installing JavaScript packages in {}", folder.display());
    shell::run(&mut shell::npm(folder, &["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    fs::create_dir_all(folder.join("node_modules"))?;
    fs::write(folder.join(STAMP), lock).context("cannot note what was installed")
}

fn require_node() -> Result<()> {
    let (major, minor) = OLDEST_NODE;
    let advice = format!(
        "Node.js {major}.{minor} or newer is needed for the web UI (Debian 12's own package is older). Run:\n\n  \
         curl -fsSL https://deb.nodesource.com/setup_22.x | sudo -E bash - && sudo apt-get install -y nodejs\n\n\
         or take it from https://nodejs.org/en/download"
    );
    let Some(version) = shell::output(shell::command("node").arg("--version")) else {
        bail!("Node.js was not found. {advice}");
    };
    if parse(&version).is_none_or(|found| found < OLDEST_NODE) {
        bail!("Node.js {} is too old. {advice}", version.trim());
    }
    if !shell::has("npm") {
        bail!("npm was not found beside Node.js. {advice}");
    }
    Ok(())
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_nonsense_is_none() {
        assert!(parse("v18.20.4\n").unwrap() < OLDEST_NODE);
        assert!(parse("v20.9.0").unwrap() < OLDEST_NODE);
        assert!(parse("v22.1.0").unwrap() > OLDEST_NODE);
        for nonsense in ["", "20.1.0", "v20", "vx.y"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_folder_without_a_lock_file_needs_nothing() {
        install(tempfile::tempdir().unwrap().path()).unwrap();
    }
}
