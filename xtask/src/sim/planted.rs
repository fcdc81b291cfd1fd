//! Protections of the engine taken out of a copy of its sources, one at a time: the simulation must miss each of them.
//!
//! The copy is built once, with every protection behind a variable of the environment that only the copy reads. What is
//! shipped has no such switch.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{place, shell};

/// What the copy reads to know which protection it has not.
const SWITCH: &str = "ROPEWAY_PLANTED";

/// Seeds that must hold with every protection in place.
const HELD: u64 = 200;

/// A protection, as the text that is and the text that stands there in the copy. `MISSING` in the latter becomes the
/// condition under which the protection is missing.
struct Fault {
    name: &'static str,
    /// What is missing.
    without: &'static str,
    file: &'static str,
    text: &'static str,
    copied: &'static str,
}

/// Every fault there is; `docs/simulation.md` says what each of them would do to a user.
const FAULTS: [Fault; 14] = [
    Fault {
        name: "sync",
        without: "the part file is not synced before the row that claims its bytes",
        file: "crates/ropeway-engine/src/download/checkpoint.rs",
        text: "        part.sync_data().inspect_err(",
        copied: "        (if MISSING { Ok(()) } else { part.sync_data() }).inspect_err(",
    },
    Fault {
        name: "boot",
        without: "what was only written is believed after another boot, too",
        file: "crates/ropeway-engine/src/download/soft.rs",
        text: ".filter(|left| left.boot == boot)",
        copied: ".filter(|left| left.boot == boot || MISSING)",
    },
    Fault {
        name: "early",
        without: "a soft checkpoint has bytes whose write has not returned",
        file: "crates/ropeway-engine/src/download/soft/recorder.rs",
        text: "        let map = job.in_place();\n",
        copied: "        let mut map = job.in_place();
        if MISSING {
            let ahead = |range: &ropeway_model::ByteRange| {
                let end = map.length().unwrap_or(u64::MAX).min(range.end() + (64 << 10));
                ropeway_model::ByteRange::new(range.end(), end).ok()
            };
            let ahead: Vec<_> = map.written_ranges().iter().filter_map(ahead).collect();
            map = map.with(&ahead);
        }\n",
    },
    Fault {
        name: "content-range",
        without: "a part is believed whatever its Content-Range says",
        file: "crates/ropeway-drivers/src/http/fetch.rs",
        text: "if told.range.start() != self.want.start() {",
        copied: "if told.range.start() != self.want.start() && !MISSING {",
    },
    Fault {
        name: "validator",
        without: "no answer is of another version",
        file: "crates/ropeway-model/src/validator.rs",
        text: "            return Validation::Changed;\n",
        copied: "            return if MISSING { Validation::Unverifiable } else { Validation::Changed };\n",
    },
    Fault {
        name: "seam",
        without: "what comes again before a seam is not compared",
        file: "crates/ropeway-engine/src/download/seam.rs",
        text: "        if self.holds(job, &lead).await? {\n",
        // What a wrong range and another version are noticed by, too, is taken out with what notices them first.
        copied: "        if self.holds(job, &lead).await? || MISSING || std::env::var_os(\"ROPEWAY_PLANTED\")
            .is_some_and(|name| name == \"content-range\" || name == \"validator\") {\n",
    },
    Fault {
        name: "split",
        without: "the new half of a split is saved in a transaction of its own, which a crash takes away",
        file: "crates/ropeway-store/src/table/segment.rs",
        text: "        let range = segment.range();\n        let end",
        copied: "        let range = segment.range();\n        if range.start() > 0 && segment.written() == 0 && MISSING { continue; }\n        let end",
    },
    Fault {
        name: "retry-after",
        without: "what a server says with Retry-After holds for the connection that it was said to",
        file: "crates/ropeway-engine/src/hosts/retry_after.rs",
        text: "        wait.map_or(Ok(()), |wait| Err(RetryAfter { host: key, wait }))\n",
        copied: "        wait.filter(|_| !MISSING).map_or(Ok(()), |wait| Err(RetryAfter { host: key, wait }))\n",
    },
    Fault {
        name: "journal",
        without: "a change that the queue had no room for is forgotten",
        file: "crates/ropeway-engine/src/journal/writer.rs",
        text: "            Err(error) if error.may_pass() => edits.iter()",
        copied: "            Err(error) if error.may_pass() && !MISSING => edits.iter()",
    },
    Fault {
        name: "offers",
        without: "a server that has no time to say what it takes is sent the upload at once",
        file: "crates/ropeway-drivers/src/tus/mod.rs",
        text: "            Ok(Ok(answer)) if matches!(answer.status(), 429 | 503) =>",
        copied: "            Ok(Ok(answer)) if matches!(answer.status(), 429 | 503) && !MISSING =>",
    },
    Fault {
        name: "receipt",
        without: "a part is recorded as acknowledged when it is handed to the network",
        file: "crates/ropeway-engine/src/upload/append.rs",
        text: "        let began = Instant::now();\n",
        copied: "        if MISSING {
            let mut change = attempt.change(None);
            change.durable = Some(part.offset + part.length);
            attempt.engine.journal.note(change);
        }
        let began = Instant::now();\n",
    },
    Fault {
        name: "guard",
        without: "a source is not compared with itself between its parts",
        file: "crates/ropeway-engine/src/upload/source.rs",
        text: "        if attempt.on_disk(move |_| file.stamp()).await? == self.stamp {\n",
        copied: "        if attempt.on_disk(move |_| file.stamp()).await? == self.stamp || MISSING {\n",
    },
    Fault {
        name: "same-source",
        without: "a source is not compared with the one that an earlier try had",
        file: "crates/ropeway-engine/src/upload/source.rs",
        text: "        saved == self.stamp\n",
        copied: "        saved == self.stamp || MISSING\n",
    },
    Fault {
        name: "offset",
        without: "after a lost answer nobody asks what the server has: it goes on behind what was sent",
        file: "crates/ropeway-engine/src/upload/append.rs",
        text: "            Meaning::NoFile | Meaning::TooLarge | Meaning::Other => {\n",
        copied: "            Meaning::Other if MISSING && matches!(error, DriverError::ConnectionLost { .. }) => {
                self.stand_at(part.offset + part.length, None)
            }
            Meaning::NoFile | Meaning::TooLarge | Meaning::Other => {\n",
    },
];

/// Builds the copy, sees that it holds with every protection in place, then takes out one at a time and runs up to
/// `seeds` seeds on each until one fails.
///
/// # Errors
/// If a fault is not found, or the sources have changed so that it cannot be planted.
pub(crate) fn run(seeds: u64) -> Result<()> {
    let copy = place::target().join("xtask").join("planted");
    copy_sources(&copy)?;
    // Into the same folder as everything else, and with the features that the tests are built with: what is not of
    // this workspace is there already.
    let mut build = shell::cargo(&["build", "--quiet", "--workspace", "--bin", "ropeway-sim", "--test", "seeds"]);
    shell::run(build.current_dir(&copy))?;
    let program = copy.with_file_name("planted-sim");
    fs::copy(place::built("debug", "ropeway-sim"), &program).context("the copy's program is not where it was built")?;
    // The tests run more of them; these are to show that it is what is missing that is found.
    if !simulate(&program, None, seeds.min(HELD))? {
        bail!("the copy fails with every protection in place");
    }
    let mut missed = Vec::new();
    for fault in FAULTS {
        if simulate(&program, Some(&fault), seeds)? {
            missed.push(fault.name);
        }
    }
    if !missed.is_empty() {
        bail!("{seeds} seeds did not find what is missing: {}", missed.join(", "));
    }
    println!("\nevery planted fault was found");
    Ok(())
}

/// Runs seeds until one fails; `true` if all held.
fn simulate(program: &Path, fault: Option<&Fault>, seeds: u64) -> Result<bool> {
    println!("\n=== {}", fault.map_or("nothing taken out", |fault| fault.without));
    let mut command = shell::command(program);
    command.args(["--seeds", &seeds.to_string(), "--lines", "0"]);
    if let Some(fault) = fault {
        command.env(SWITCH, fault.name);
    }
    let began = Instant::now();
    let output = command.output().context("the copy's program does not start")?;
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        println!("{line}");
    }
    match (output.status.code(), String::from_utf8_lossy(&output.stdout).lines().next()) {
        (Some(code @ (0 | 1)), Some(line)) => {
            println!("{line}; {:.1} s in all", began.elapsed().as_secs_f64());
            Ok(code == 0)
        }
        (code, _) => bail!("the copy's program ended with {code:?}"),
    }
}

/// `source` with every fault of `file` behind the switch.
fn planted(file: &str, source: &str) -> Result<String> {
    FAULTS.iter().filter(|fault| fault.file == file).try_fold(source.to_owned(), |source, fault| {
        if source.matches(fault.text).count() != 1 {
            bail!("{file} has changed: mend the list of planted faults for '{}'", fault.without);
        }
        let missing = format!("std::env::var_os({SWITCH:?}).is_some_and(|name| name == {:?})", fault.name);
        Ok(source.replace(fault.text, &fault.copied.replace("MISSING", &missing)))
    })
}

/// Copies what git knows of the sources, as it is on the disk, with the faults behind their switch. Files that are the
/// same keep their times, so that only what changed is built again.
fn copy_sources(to: &Path) -> Result<()> {
    let listed = shell::output(shell::command("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]));
    let listed = listed.context("git does not list the sources")?;
    let mut copied = BTreeSet::new();
    for name in listed.lines() {
        let (from, to) = (place::root().join(name), to.join(name));
        let Ok(mut bytes) = fs::read(&from) else { continue };
        copied.insert(to.clone());
        if let Ok(source) = std::str::from_utf8(&bytes) {
            bytes = planted(name, source)?.into_bytes();
        }
        if name == "Cargo.toml" {
            bytes = of_its_own_version(&String::from_utf8_lossy(&bytes)).into_bytes();
        }
        if fs::read(&to).is_ok_and(|had| had == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file has a folder")?)?;
        fs::write(&to, bytes)?;
    }
    remove_all_but(&copied, to)
}

/// The workspace's file with another version of the packages: what is built of the copy has other names, and no build of the
/// sources takes it for its own.
fn of_its_own_version(manifest: &str) -> String {
    let line = |line: &str| {
        let version = line.strip_prefix("version = \"").and_then(|rest| rest.strip_suffix('"'));
        version.map_or_else(|| line.to_owned(), |version| format!("version = \"{version}-planted\""))
    };
    manifest.lines().map(line).fold(String::new(), |text, line| text + &line + "\n")
}

/// Removes what the sources do not have any more.
fn remove_all_but(kept: &BTreeSet<PathBuf>, folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_all_but(kept, &path)?;
        } else if !kept.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_a_version_of_its_own() {
        let source = fs::read_to_string(place::root().join("Cargo.toml")).unwrap();
        assert_eq!(of_its_own_version(&source).matches("-planted\"").count(), 1);
    }

    #[test]
    fn every_fault_can_still_be_planted() {
        for fault in FAULTS {
            let source = fs::read_to_string(place::root().join(fault.file)).unwrap();
            let planted = planted(fault.file, &source).unwrap();
            assert!(planted.contains(&format!("name == {:?}", fault.name)), "{}", fault.name);
            assert!(!source.contains(SWITCH), "{} has a switch", fault.file);
        }
    }
}
