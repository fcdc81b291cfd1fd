//! The settings' file, whatever happens while it is written.

use std::process::Command;

use ropeway_testkit::machine;

use crate::support::{Daemon, Home, Running, has_strace, program, wait_until};

/// The steps of saving: the file beside is opened, written, synced, and renamed.
const STEPS: [&str; 4] = ["openat", "write", "fsync", "rename"];

/// The global limit that the settings' file has.
fn limit(home: &Home) -> Option<u64> {
    let text = std::fs::read_to_string(home.config("settings.toml")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("download_limit = ")?.parse().ok())
}

#[test]
fn settings_are_the_old_ones_or_the_new_ones_wherever_saving_them_was_killed() {
    if !has_strace() {
        return machine::excuse(machine::STRACE);
    }
    for step in STEPS {
        let home = Home::new();
        let daemon = Daemon::start(&home);
        daemon.run(["limit", "--global", "--down", "1M"]).expect(0);
        daemon.stop().expect(0);
        assert_eq!(limit(&home), Some(1 << 20));

        let mut command = Command::new("strace");
        home.dress(&mut command);
        let beside = home.config("settings.toml.new");
        command.args(["-f", "-qq", "-o", "/dev/null", "-P"]).arg(beside);
        command.args(["-e", &format!("trace={step}"), "-e", &format!("inject={step}:signal=KILL")]);
        let mut killed = Running::spawn({
            command.arg(program()).arg("daemon");
            command
        })
        .0;
        killed.first_line();
        home.run(["limit", "--global", "--down", "2M"]).expect(1);
        wait_until("the daemon is dead", || killed.has_ended().then_some(()));
        assert!(matches!(limit(&home), Some(had) if had == 1 << 20 || had == 2 << 20), "{step}");

        // What it left does not stand in the way of the next one.
        let daemon = Daemon::start(&home);
        daemon.run(["limit", "--global", "--down", "3M"]).expect(0);
        assert_eq!(limit(&home), Some(3 << 20), "{step}");
    }
}
