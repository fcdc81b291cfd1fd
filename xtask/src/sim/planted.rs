//! Protections of the engine taken out of a copy of its sources, one at a time: the simulation must miss each of them.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{place, shell};

/// A protection, as the text that is and the text that stands there without it.
struct Fault {
    name: &'static str,
    file: &'static str,
    with: &'static str,
    without: &'static str,
}

/// Every fault there is; `docs/simulation.md` says what each of them would do to a user.
const FAULTS: [Fault; 4] = [
    Fault {
        name: "the part file is not synced before the row that claims its bytes",
        file: "crates/ropeway-engine/src/download/checkpoint.rs",
        with: "        part.sync_data()?;\n",
        without: "",
    },
    Fault {
        name: "a part is believed whatever its Content-Range says",
        file: "crates/ropeway-drivers/src/http/fetch.rs",
        with: "if told.range.start() != self.want.start() {",
        without: "if told.range.start() > u64::MAX - 1 {",
    },
    Fault {
        name: "no answer is of another version",
        file: "crates/ropeway-model/src/validator.rs",
        with: "            return Validation::Changed;\n",
        without: "            return Validation::Unverifiable;\n",
    },
    Fault {
        name: "the new half of a split is saved in a transaction of its own, which a crash takes away",
        file: "crates/ropeway-store/src/table/segment.rs",
        with: "        let range = segment.range();\n        let end",
        without: "        let range = segment.range();\n        if range.start() > 0 && segment.written() == 0 {\n            continue;\n        }\n        let end",
    },
];

/// Plants every fault, and runs up to `seeds` seeds on each until one fails.
///
/// # Errors
/// If a fault is not found, or the sources have changed so that it cannot be planted.
pub(super) fn run(seeds: u64) -> Result<()> {
    let copy = place::target().join("xtask").join("planted");
    let mut missed = Vec::new();
    for fault in FAULTS {
        println!("\n=== {}", fault.name);
        copy_sources(&copy)?;
        let file = copy.join(fault.file);
        let planted = planted(&fault, &fs::read_to_string(&file)?)?;
        fs::write(&file, planted)?;
        let mut build = shell::cargo(&["build", "--quiet", "--package", "ropeway-sim"]);
        shell::run(build.current_dir(&copy).env("CARGO_TARGET_DIR", copy.join("target")))?;
        let mut command = shell::command(copy.join("target/debug/ropeway-sim"));
        command.args(["--seeds", &seeds.to_string(), "--lines", "8"]);
        // The program fails when a seed does: that is what is wanted here.
        if shell::run(&mut command).is_ok() {
            missed.push(fault.name);
        }
    }
    if !missed.is_empty() {
        bail!("{seeds} seeds did not find: {}", missed.join("; "));
    }
    println!("\nevery planted fault was found");
    Ok(())
}

fn planted(fault: &Fault, source: &str) -> Result<String> {
    if source.matches(fault.with).count() != 1 {
        bail!("{} has changed: mend the list of planted faults for '{}'", fault.file, fault.name);
    }
    Ok(source.replace(fault.with, fault.without))
}

/// Copies what git knows of the sources, as it is on the disk. Files that are the same keep their times, so that only
/// what changed is built again.
fn copy_sources(to: &Path) -> Result<()> {
    let listed = shell::output(shell::command("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]));
    for name in listed.context("git does not list the sources")?.lines() {
        let (from, to) = (place::root().join(name), to.join(name));
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|had| had == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::write(&to, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_can_still_be_planted() {
        for fault in FAULTS {
            let source = fs::read_to_string(place::root().join(fault.file)).unwrap();
            assert_ne!(planted(&fault, &source).unwrap(), source);
        }
    }
}
