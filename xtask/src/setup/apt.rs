//! System packages. Looked for by what they bring rather than by name, so that a hand-installed nginx counts;
//! installed through apt where that is allowed, else named in the exact line to run.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::shell;

/// What a package is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// To compile the engine, the command line and the service.
    Build,
    /// To compile and open the window.
    Window,
    /// To check the sources.
    Check,
    /// To run the tests.
    Test,
    /// To measure Ropeway beside other clients.
    Bench,
    /// To play the faults against other clients.
    Faults,
}

/// How a package shows that it is there.
enum Sign {
    Program(&'static str),
    PkgConfig(&'static str),
    /// One of these files; `*` stands for one folder, such as the machine's architecture.
    File(&'static [&'static str]),
}

struct Package {
    name: &'static str,
    need: Need,
    sign: Sign,
}

const fn package(need: Need, name: &'static str, sign: Sign) -> Package {
    Package { name, need, sign }
}

/// The certificate authorities, where Debian, Fedora and Alpine keep them.
const CERTIFICATES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Every system package, with the sign that it is there. Names are Debian's.
const PACKAGES: &[Package] = &[
    package(Need::Build, "build-essential", Sign::Program("cc")),
    package(Need::Build, "ca-certificates", Sign::File(CERTIFICATES)),
    package(Need::Window, "pkg-config", Sign::Program("pkg-config")),
    package(Need::Window, "libwebkit2gtk-4.1-dev", Sign::PkgConfig("webkit2gtk-4.1")),
    package(Need::Window, "libayatana-appindicator3-dev", Sign::PkgConfig("ayatana-appindicator3-0.1")),
    package(Need::Window, "librsvg2-dev", Sign::PkgConfig("librsvg-2.0")),
    package(Need::Window, "libxdo-dev", Sign::File(&["/usr/include/xdo.h"])),
    package(Need::Test, "git", Sign::Program("git")),
    package(Need::Test, "nginx", Sign::Program("nginx")),
    package(Need::Test, "curl", Sign::Program("curl")),
    package(Need::Test, "openssl", Sign::Program("openssl")),
    package(Need::Test, "util-linux", Sign::Program("unshare")),
    package(Need::Test, "iproute2", Sign::Program("ip")),
    package(Need::Test, "chromium", Sign::Program("chromium")),
    package(Need::Test, "fonts-dejavu-core", Sign::File(&["/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"])),
    package(Need::Test, "webkit2gtk-driver", Sign::Program("WebKitWebDriver")),
    package(Need::Test, "xvfb", Sign::Program("Xvfb")),
    package(Need::Test, "dbus", Sign::Program("dbus-run-session")),
    package(Need::Test, "dbus-x11", Sign::Program("dbus-launch")),
    package(Need::Test, "at-spi2-core", Sign::File(&["/usr/libexec/at-spi-bus-launcher"])),
    package(Need::Test, "openbox", Sign::Program("openbox")),
    package(Need::Test, "xdotool", Sign::Program("xdotool")),
    package(Need::Test, "wmctrl", Sign::Program("wmctrl")),
    package(Need::Test, "imagemagick", Sign::Program("import")),
    package(Need::Test, "librsvg2-bin", Sign::Program("rsvg-convert")),
    package(Need::Check, "python3", Sign::Program("python3")),
    package(Need::Test, "python3-gi", Sign::File(&["/usr/lib/python3/dist-packages/gi/__init__.py"])),
    package(Need::Test, "gir1.2-gtk-3.0", Sign::File(&["/usr/lib/*/girepository-1.0/Gtk-3.0.typelib"])),
    package(Need::Test, "gir1.2-atspi-2.0", Sign::File(&["/usr/lib/*/girepository-1.0/Atspi-2.0.typelib"])),
    package(Need::Test, "strace", Sign::Program("strace")),
    package(Need::Faults, "wget", Sign::Program("wget")),
    package(Need::Faults, "wget2", Sign::Program("wget2")),
    package(Need::Faults, "aria2", Sign::Program("aria2c")),
    package(Need::Bench, "aria2", Sign::Program("aria2c")),
    package(Need::Bench, "wget2", Sign::Program("wget2")),
    package(Need::Bench, "axel", Sign::Program("axel")),
    package(Need::Bench, "rclone", Sign::Program("rclone")),
    package(Need::Bench, "time", Sign::Program("time")),
];

/// Installs what is missing for these needs.
///
/// # Errors
/// If something is missing that cannot be installed from here; the message is the exact line to run.
pub(crate) fn install(needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    if !shell::has("apt-get") {
        bail!("these are missing: {}\nInstall them (the names are Debian's) and run this again.", missing.join(" "));
    }
    let Some(privilege) = privilege() else {
        bail!("system packages are missing and this user may not install them. Run:\n\n  {}\n", by_hand(&missing));
    };
    println!("Installing system packages: {}", missing.join(" "));
    let had_nginx = !missing.contains(&"nginx");
    shell::run(&mut apt_get(privilege, &["update", "-q"]))?;
    let install = ["install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
    shell::run(apt_get(privilege, &install).args(&missing)).context("Debian could not install the packages")?;
    if !had_nginx {
        keep_nginx_quiet(privilege);
    }
    let still = self::missing(needs);
    if !still.is_empty() {
        bail!("installed, and yet not found: {}", still.join(" "));
    }
    Ok(())
}

fn missing(needs: &[Need]) -> Vec<&'static str> {
    PACKAGES.iter().filter(|package| needs.contains(&package.need) && !there(&package.sign)).map(|it| it.name).collect()
}

fn there(sign: &Sign) -> bool {
    match sign {
        Sign::Program(name) => shell::has(name),
        Sign::PkgConfig(name) => {
            shell::has("pkg-config") && shell::output(shell::command("pkg-config").args(["--exists", name])).is_some()
        }
        Sign::File(patterns) => patterns.iter().any(|pattern| file_there(pattern)),
    }
}

fn file_there(pattern: &str) -> bool {
    let Some((before, behind)) = pattern.split_once("/*/") else {
        return Path::new(pattern).exists();
    };
    let folders = std::fs::read_dir(before).into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join(behind)).any(|file| file.exists())
}

/// How this user becomes root without being asked for a password.
#[derive(Clone, Copy)]
enum Privilege {
    Root,
    Sudo,
}

fn privilege() -> Option<Privilege> {
    if rustix::process::geteuid().is_root() {
        return Some(Privilege::Root);
    }
    shell::output(shell::command("sudo").args(["-n", "true"])).map(|_| Privilege::Sudo)
}

fn privileged(privilege: Privilege, program: &str) -> Command {
    match privilege {
        Privilege::Root => shell::command(program),
        Privilege::Sudo => {
            let mut command = shell::command("sudo");
            command.args(["-n", "--preserve-env=DEBIAN_FRONTEND", program]);
            command
        }
    }
}

fn apt_get(privilege: Privilege, arguments: &[&str]) -> Command {
    let mut command = privileged(privilege, "apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Debian starts a web server on port 80 as soon as nginx is installed. The tests start their own, so the one that
/// nobody asked for is stopped; where systemd does not run, it was not started.
fn keep_nginx_quiet(privilege: Privilege) {
    if Path::new("/run/systemd/system").exists()
        && shell::run(privileged(privilege, "systemctl").args(["disable", "--now", "nginx"])).is_err()
    {
        eprintln!("nginx was installed for the tests and now also serves port 80; stop it if you do not want that.");
    }
}

fn by_hand(missing: &[&str]) -> String {
    format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {}", missing.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_to_run_names_every_missing_package() {
        assert_eq!(
            by_hand(&["nginx", "xvfb"]),
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends nginx xvfb"
        );
    }

    #[test]
    fn a_star_in_a_sign_stands_for_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().to_str().unwrap();
        std::fs::create_dir_all(folder.path().join("x86_64-linux-gnu")).unwrap();
        std::fs::write(folder.path().join("x86_64-linux-gnu/a.typelib"), "").unwrap();
        assert!(file_there(&format!("{base}/*/a.typelib")));
        assert!(!file_there(&format!("{base}/*/b.typelib")));
        assert!(!file_there(&format!("{base}/none/*/a.typelib")));
    }

    #[test]
    fn a_package_is_missing_only_for_those_who_need_it() {
        assert!(!there(&Sign::Program("ropeway-no-such-program")));
        assert!(missing(&[]).is_empty());
    }
}
