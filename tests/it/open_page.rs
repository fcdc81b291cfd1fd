//! The way back to the page after a start, which has another key.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::support::{Daemon, Home};

#[test]
fn the_page_is_opened_in_the_browser_and_its_key_is_in_no_argument() {
    let home = Home::new();
    home.run(["open"]).expect(1);
    let first = Daemon::start(&home).stop();
    let daemon = Daemon::start(&home);
    let address = format!("{}/#token={}", daemon.origin(), daemon.token());
    assert!(!first.stdout.contains(daemon.token()));
    assert_eq!(daemon.run(["open", "--print"]).expect(0).stdout.trim(), address);

    // A browser that takes note of what it is told.
    let programs = home.work("programs");
    fs::create_dir_all(&programs).unwrap();
    let (opener, told) = (programs.join("xdg-open"), home.work("told"));
    fs::write(&opener, format!("#!/bin/sh\nprintf %s \"$*\" > '{}'\n", told.display())).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = home.command(["open"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    crate::support::Running::spawn(command).0.wait().expect(0);
    let told = fs::read_to_string(told).unwrap();
    assert!(!told.contains(daemon.token()), "{told}");
    assert!(fs::read_to_string(&told).unwrap().contains(&address));
    assert_eq!(fs::metadata(&told).unwrap().permissions().mode() & 0o777, 0o600);
}
