//! Developer tools that come as crates, installed into the target folder so that nothing outside is touched.

use anyhow::Result;

use crate::{place, shell};

struct Tool {
    name: &'static str,
    /// `None` takes any version that is there, and the newest where none is.
    version: Option<&'static str>,
}

const TOOLS: [Tool; 3] = [
    Tool { name: "cargo-nextest", version: None },
    Tool { name: "cargo-fuzz", version: None },
    // Speaks WebDriver to the window; 3.0 is an alpha of the next Tauri.
    Tool { name: "tauri-driver", version: Some("2.1.0") },
];

/// Installs the tools that are not there.
pub(crate) fn install() -> Result<()> {
    TOOLS.iter().filter(|tool| !there(tool)).try_for_each(|tool| {
        let (root, scratch) = (place::tools(), place::tools().join("build"));
        let mut command = shell::cargo(&["install", "--locked", "--debug", "--root"]);
        command.arg(&root).arg(tool.name).args(tool.version.iter().flat_map(|version| ["--version", version]));
        shell::run(command.env("CARGO_TARGET_DIR", &scratch))?;
        Ok(std::fs::remove_dir_all(scratch)?)
    })
}

fn there(tool: &Tool) -> bool {
    match tool.version {
        None => shell::has(tool.name),
        Some(version) => {
            let ours = shell::output(shell::cargo(&["install", "--list", "--root"]).arg(place::tools()));
            let users = shell::output(&mut shell::cargo(&["install", "--list"]));
            [ours, users].iter().flatten().any(|list| lists(list, tool.name, version)) && shell::has(tool.name)
        }
    }
}

fn lists(list: &str, name: &str, version: &str) -> bool {
    list.lines().any(|line| line.trim_end_matches(':') == format!("{name} v{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_counts_only_in_its_version() {
        let list = "cargo-nextest v0.9.143:\n    cargo-nextest\ntauri-driver v2.0.5:\n    tauri-driver\n";
        assert!(lists(list, "tauri-driver", "2.0.5"));
        assert!(!lists(list, "tauri-driver", "2.1.0"));
        assert!(!lists(list, "nextest", "0.9.143"));
    }
}
