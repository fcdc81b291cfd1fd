//! Embeds the page of `ui/dist`, the icons and the page's permissions.

use std::{fs, io, path::Path};

/// What the page may call; each becomes a permission that `capabilities/main.json` names.
const COMMANDS: &[&str] = &["rpc", "subscribe", "speak"];

/// Stands in where the real page has not been built, so that the shell can still be compiled and checked.
const PLACEHOLDER: &str = "<!doctype html>
<meta charset=\"utf-8\">
<title>Ropeway</title>
<h1>The page is not in this build</h1>
<p>Build it with <code>npm --prefix ui ci</code> and <code>npm --prefix ui run build</code>, then build
<code>ropeway-desktop</code> again. <code>cargo xtask run</code> does all of it.</p>
";

fn main() -> io::Result<()> {
    let page = Path::new("../ui/dist");
    if !page.join("index.html").exists() {
        println!(
            "cargo::warning=ui/dist is missing: the window will only say how to build it (npm --prefix ui run build)"
        );
        fs::create_dir_all(page)?;
        #[expect(clippy::disallowed_methods, reason = "a build product, not the user's file")]
        fs::write(page.join("index.html"), PLACEHOLDER)?;
    }
    println!("cargo::rerun-if-changed={}", page.display());
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)).map_err(io::Error::other)
}
