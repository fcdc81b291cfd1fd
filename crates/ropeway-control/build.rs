//! Tells the compiler where the built web UI lies, and when it changed.
//!
//! A debug build reads the page from there at run time, so a page that is built later, or again, is served without
//! compiling anything. A release build holds the page, so it is compiled again when the page changes; as long as there
//! is none, that is on every build.

use std::{env, path::Path};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let ui = Path::new(&here).join("../../ui");
    // Resolved here, because a path with `..` in it cannot be compared with a resolved one.
    let ui = ui.canonicalize().unwrap_or(ui);
    println!("cargo::rustc-env=ROPEWAY_UI={}", ui.join("dist").display());
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={}", ui.join("dist").display());
    }
}
