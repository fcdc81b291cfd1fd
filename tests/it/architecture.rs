//! The blueprint's rules about the tree itself: which crate may see which, and how large a source file may grow.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Who may depend on whom, and nobody else on anybody. All edges point down the line
/// shells → control → api → engine → {store, drivers, flow} → model; the reason for each stands beside it.
const ALLOWED: &[(&str, &[&str])] = &[
    // The vocabulary knows nobody: that is what makes it pure.
    ("ropeway-model", &[]),
    // What both ends say over HTTP, read and written in one place; it moves no byte.
    ("ropeway-wire", &["ropeway-model"]),
    // Reads and replaces small files of the user; everybody who names one goes through it.
    ("ropeway-files", &[]),
    // Store and drivers never see each other: what is durable does not depend on how bytes travel.
    ("ropeway-store", &["ropeway-files", "ropeway-model"]),
    ("ropeway-drivers", &["ropeway-files", "ropeway-model", "ropeway-wire"]),
    // Bytes between a file and a stream are the same for whoever fetches, sends or receives; it knows no protocol.
    ("ropeway-flow", &["ropeway-files", "ropeway-model"]),
    // The engine joins the three.
    ("ropeway-engine", &["ropeway-drivers", "ropeway-files", "ropeway-flow", "ropeway-model", "ropeway-store"]),
    // The contract turns the engine's values into the wire's; it knows no transport.
    ("ropeway-api", &["ropeway-engine", "ropeway-files", "ropeway-model"]),
    // Sockets, and what both servers stand on; it knows neither.
    ("ropeway-net", &["ropeway-flow", "ropeway-model", "ropeway-wire"]),
    // A transport of the contract, which uses names from the model; whoever steers is no concern of whoever shares.
    ("ropeway-control", &["ropeway-api", "ropeway-files", "ropeway-model", "ropeway-net"]),
    // Shares and receives without a queue: a machine that only does that holds no engine, no database and no page.
    ("ropeway-serve", &["ropeway-files", "ropeway-flow", "ropeway-model", "ropeway-net", "ropeway-wire"]),
    // The shells assemble all of it, and never reach past the engine for its store or its drivers.
    (
        "ropeway-cli",
        &["ropeway-api", "ropeway-control", "ropeway-engine", "ropeway-files", "ropeway-model", "ropeway-serve"],
    ),
    ("ropeway-desktop", &["ropeway-api", "ropeway-control", "ropeway-engine", "ropeway-files", "ropeway-model"]),
    // Runs the engine with everything around it replaced: it stands behind each of its seams.
    ("ropeway-sim", &["ropeway-drivers", "ropeway-engine", "ropeway-flow", "ropeway-model", "ropeway-store"]),
    // Peers for tests speak the protocols from outside and must not share our code, nor our mistakes.
    ("ropeway-testkit", &[]),
    // Black-box tests start programs.
    ("ropeway-tests", &[]),
    // Runs before anything is built.
    ("xtask", &[]),
];

/// Who may use the testkit, as a dev-dependency: everyone but the model, whose tests need no peer.
const TESTKIT: &str = "ropeway-testkit";

/// The only package that may name a crate of Tauri's.
const WINDOW: &str = "ropeway-desktop";

/// Crates that do input and output or run a clock; none may be below the model.
const IO_CRATES: &[&str] =
    &["axum", "hyper", "mio", "parking_lot", "reqwest", "rusqlite", "rustix", "socket2", "tokio", "tracing"];

/// What a queue stands on, and the page that shows it; a machine that only shares a folder holds none of it.
const QUEUE_CRATES: &[&str] = &[
    "ropeway-api",
    "ropeway-control",
    "ropeway-drivers",
    "ropeway-engine",
    "ropeway-store",
    "reqwest",
    "rusqlite",
    "rust-embed",
];

/// The longest a source file may grow before it is split by meaning; tests inside the file do not count.
const LINES: usize = 400;

/// Long on purpose: one table each, with the reason.
const TABLES: &[&str] = &[
    // Every text of the window in one language.
    "ui/src/texts/ar.ts",
    "ui/src/texts/de.ts",
    "ui/src/texts/en.ts",
    "ui/src/texts/zh.ts",
];

/// A dependency as a manifest declares it.
#[derive(Clone, Debug)]
struct Edge {
    from: String,
    to: String,
    is_dev: bool,
}

fn edge(from: &str, to: &str, is_dev: bool) -> Edge {
    Edge { from: from.to_owned(), to: to.to_owned(), is_dev }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository").to_owned()
}

fn declared() -> Vec<Edge> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata answers");
    let packages = metadata.packages.iter();
    packages
        .flat_map(|package| {
            package.dependencies.iter().map(|it| edge(&package.name, &it.name, it.kind == DependencyKind::Development))
        })
        .collect()
}

/// What is wrong with these edges, one sentence each.
fn violations(edges: &[Edge]) -> Vec<String> {
    let is_ours = |name: &str| ALLOWED.iter().any(|(ours, _)| *ours == name);
    let allowed = |from: &str| ALLOWED.iter().find(|(ours, _)| *ours == from).map_or(&[][..], |(_, to)| *to);
    let mut wrong = Vec::new();
    for Edge { from, to, is_dev } in edges {
        if !is_ours(from) {
            wrong.push(format!("{from} is not in the table of crates: add it, with its reason"));
        } else if to == TESTKIT {
            if !is_dev || from == "ropeway-model" {
                wrong.push(format!("{from} must not depend on {to}: it is for tests of the crates above the model"));
            }
        } else if is_ours(to) && !allowed(from).contains(&to.as_str()) {
            wrong.push(format!("{from} must not depend on {to}"));
        }
        if (to == "tauri" || to.starts_with("tauri-")) && from != WINDOW {
            wrong.push(format!("{from} must not name {to}: only {WINDOW} knows Tauri"));
        }
    }
    wrong
}

#[test]
fn every_dependency_between_our_crates_points_down_the_blueprint() {
    let edges = declared();
    assert!(edges.iter().any(|edge| edge.from == "ropeway-engine" && edge.to == "ropeway-model"), "the tree was read");
    assert_eq!(violations(&edges), Vec::<String>::new());
}

#[test]
fn a_planted_edge_is_found() {
    for (planted, expected) in [
        (edge("ropeway-store", "ropeway-drivers", false), "ropeway-store must not depend on ropeway-drivers"),
        (edge("ropeway-drivers", "ropeway-store", true), "ropeway-drivers must not depend on ropeway-store"),
        (edge("ropeway-model", "ropeway-engine", false), "ropeway-model must not depend on ropeway-engine"),
        (edge("ropeway-cli", "ropeway-store", false), "ropeway-cli must not depend on ropeway-store"),
        (edge("ropeway-api", "tauri", false), "ropeway-api must not name tauri: only ropeway-desktop knows Tauri"),
        (edge("ropeway-cli", "tauri-plugin-dialog", true), "ropeway-cli must not name tauri-plugin-dialog"),
        (edge("ropeway-engine", TESTKIT, false), "ropeway-engine must not depend on ropeway-testkit"),
        (edge("ropeway-new", "serde", false), "ropeway-new is not in the table of crates"),
    ] {
        let wrong = violations(std::slice::from_ref(&planted));
        assert!(wrong.len() == 1 && wrong[0].starts_with(expected), "{planted:?}: {wrong:?}");
    }
    assert!(violations(&[edge("ropeway-engine", TESTKIT, true), edge("ropeway-desktop", "tauri", false)]).is_empty());
}

/// Every crate below `package`, itself included, however deep; `features` are Cargo's arguments that choose them.
fn below(package: &str, edges: &str, features: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--package", package, "--edges", edges, "--prefix", "none", "--format", "{p}"])
        .args(features)
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| line.split(' ').next()).map(ToOwned::to_owned).collect()
}

#[test]
fn model_and_wire_stand_on_no_crate_that_does_input_or_output() {
    for package in ["ropeway-model", "ropeway-wire"] {
        let below = below(package, "normal", &[]);
        assert!(below.iter().any(|name| name == "serde"), "the tree was read: {below:?}");
        let io: Vec<_> = below.iter().filter(|name| IO_CRATES.contains(&name.as_str())).collect();
        assert!(io.is_empty(), "below {package}: {io:?}");
    }
}

#[test]
fn what_only_serves_holds_no_engine_no_database_and_no_page() {
    for (package, features) in
        [("ropeway-serve", &[][..]), ("ropeway-cli", &["--no-default-features", "--features", "serve"])]
    {
        let below = below(package, "normal,build", features);
        assert!(below.iter().any(|name| name == "ropeway-net"), "the tree of {package} was read: {below:?}");
        let queue: Vec<_> = below.iter().filter(|name| QUEUE_CRATES.contains(&name.as_str())).collect();
        assert!(queue.is_empty(), "below {package} {features:?}: {queue:?}");
    }
    let whole = below("ropeway-cli", "normal,build", &[]);
    assert!(QUEUE_CRATES.iter().all(|name| whole.iter().any(|other| other == name)), "the whole program: {whole:?}");
}

/// Lines of a source file that are not its own tests.
pub(crate) fn source_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    tests.unwrap_or(lines.len())
}

/// All sources that people write: not generated, not tests, not packages.
pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_made = ["gen", "node_modules", "dist", "target", "tests", "paraglide"].contains(&name.as_str());
        let is_test = name == "tests.rs" || name.ends_with("_tests.rs") || name.contains(".test.");
        if is_made || is_test || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs" || it == "ts" || it == "svelte" || it == "css") {
            found.push(path);
        }
    }
}

#[test]
fn no_source_file_outgrows_its_room() {
    let mut files = Vec::new();
    for folder in ["crates", "src-tauri", "ui", "xtask"] {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() > 50, "the tree was read: {} files", files.len());
    let long: Vec<String> = files
        .iter()
        .filter(|file| !TABLES.iter().any(|table| file.ends_with(table)))
        .map(|file| (file, source_lines(&fs::read_to_string(file).expect("a source is text"))))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "split by meaning: {long:#?}");
}

#[test]
fn tests_inside_a_file_do_not_count_as_its_length() {
    let code = "fn a() {}\n".repeat(LINES);
    assert_eq!(source_lines(&code), LINES);
    assert_eq!(source_lines(&format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n")), LINES);
    assert_eq!(source_lines(&format!("#[cfg(test)]\nuse x;\n{code}")), LINES + 2, "only a module of tests is left out");
}
