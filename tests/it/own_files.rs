//! The program's own files and the user's, when they are damaged, odd, full, read-only or planted.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};

use crate::support::{Daemon, Home, Running, Server, on_volume, program, wait_until};

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

fn served(home: &Home) -> Server {
    fs::create_dir_all(home.work("root")).unwrap();
    fs::write(home.work("root/a.bin"), b"some bytes").unwrap();
    Server::start(home, &home.work("root"), &["--read-only"])
}

fn run(home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> crate::support::Finished {
    let mut command = home.command(arguments);
    command.envs(variables.iter().copied());
    Running::spawn(command).0.wait()
}

#[test]
fn pipes_and_devices_in_the_place_of_files_are_refused_at_once() {
    let home = Home::new();
    let server = served(&home);
    let url = server.url("a.bin");
    let odd = home.work("odd");
    pipe(&odd);
    let odd = odd.to_str().unwrap();
    for (arguments, code) in [
        (vec!["get", "--cookies", odd, "-d", "out", &url], "CREDENTIAL_FILE"),
        (vec!["get", "--cookies", "/dev/zero", "-d", "out", &url], "CREDENTIAL_FILE"),
        (vec!["get", "--ca-cert", odd, "-d", "out", "https://127.0.0.1:1/a"], "TLS_FAILED"),
        (vec!["verify", "--checksum", "sha256", odd], "FILE_UNREADABLE"),
    ] {
        let finished = home.run(&arguments);
        assert_ne!(finished.code, Some(0), "{arguments:?}");
        assert!(finished.stderr.contains(code), "{arguments:?}: {}", finished.stderr);
    }
    let named = home.work("pipe.meta4");
    pipe(&named);
    assert!(home.run(["get", named.to_str().unwrap()]).expect(2).stderr.contains("LIST_UNREADABLE"));
    let netrc = run(&home, &[("NETRC", odd)], &["get", "--netrc", "-d", "out", &url]).expect(1);
    assert!(netrc.stderr.contains("CREDENTIAL_FILE"), "{}", netrc.stderr);
}

#[test]
fn a_job_that_names_a_pipe_keeps_no_daemon_from_ending_and_no_pipe_one_from_starting() {
    let home = Home::new();
    let server = served(&home);
    pipe(&home.work("cookies"));
    pipe(&home.config("settings.toml"));
    let daemon = Daemon::start(&home);
    assert!(daemon.run(["add", &server.url("a.bin")]).expect(1).stderr.contains("settings.toml"));
    daemon.stop().expect(0);
    fs::remove_file(home.config("settings.toml")).unwrap();
    let daemon = Daemon::start(&home);
    let id = daemon.add(["--cookies", home.work("cookies").to_str().unwrap(), &server.url("a.bin")]);
    wait_until("it failed", || (daemon.job(&id)["phase"]["kind"] == "failed").then_some(()));
    daemon.stop().expect(0);
    // A pipe in the place of the queue or of its lock.
    for name in ["queue.db", "lock"] {
        fs::remove_file(home.data(name)).unwrap();
        pipe(&home.data(name));
        let refused = home.run(["daemon"]).expect(1);
        assert!(
            refused.stderr.contains("STATE_FAILED") && refused.stderr.contains("not a regular file"),
            "{name}: {}",
            refused.stderr
        );
        fs::remove_file(home.data(name)).unwrap();
    }
}

#[test]
fn links_in_the_place_of_own_files_are_not_followed() {
    let home = Home::new();
    let victim = home.work("victim");
    fs::write(&victim, b"precious").unwrap();
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o644)).unwrap();
    for name in ["queue.db", "lock", "reserve"] {
        // The tries before have made some of them.
        fs::remove_file(home.data(name)).ok();
        symlink(&victim, home.data(name)).unwrap();
        if name == "reserve" {
            Daemon::start(&home).stop().expect(0);
        } else {
            assert!(home.run(["daemon"]).expect(1).stderr.contains("not a regular file"), "{name}");
        }
        fs::remove_file(home.data(name)).unwrap();
    }
    for name in ["settings.toml.new", "settings.toml.old"] {
        symlink(&victim, home.config(name)).unwrap();
    }
    fs::write(home.config("settings.toml"), "odd line\n").unwrap();
    let daemon = Daemon::start(&home);
    daemon.run(["limit", "--global", "--down", "1M"]).expect(0);
    daemon.stop().expect(0);
    // Nor by a single command, which does without what it cannot have.
    symlink(&victim, home.data("once.db")).unwrap();
    symlink(&victim, home.data("once.lock")).unwrap();
    let server = served(&home);
    let got = home.run(["get", "-d", "out", &server.url("a.bin")]).expect(0);
    assert!(got.stderr.contains("cannot be resumed"), "{}", got.stderr);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(fs::metadata(&victim).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn a_damaged_queue_is_set_aside_and_said_and_a_get_does_without() {
    let home = Home::new();
    let server = served(&home);
    let daemon = Daemon::start(&home);
    daemon.add(["--paused", &server.url("a.bin")]);
    daemon.stop().expect(0);
    OpenOptions::new().write(true).open(home.data("queue.db")).unwrap().write_all(&[0x55; 4096]).unwrap();
    let mut running = home.start(["daemon"]);
    running.first_line();
    wait_until("it is said", || running.stderr().contains("was damaged").then_some(()));
    let list = home.run(["list"]).expect(0);
    assert!(home.data("queue.db.damaged").exists(), "{}", list.stdout);
    running.signal(Signal::TERM);
    running.wait().expect(0);

    fs::write(home.data("once.db"), b"no database at all").unwrap();
    let got = home.run(["get", "-d", "out", &server.url("a.bin")]).expect(0);
    assert!(got.stderr.contains("once.db.damaged"), "{}", got.stderr);
    assert_eq!(fs::read(home.work("out/a.bin")).unwrap(), b"some bytes");
}

#[test]
fn a_read_only_home_breaks_no_get_and_says_what_is_lost() {
    let home = Home::new();
    let server = served(&home);
    fs::create_dir(home.work("out")).unwrap();
    let script = format!(
        "mount -o remount,ro \"$folder\" 2>/dev/null; ropeway get -d '{}' {}",
        home.work("out").display(),
        server.url("a.bin")
    );
    let Some(command) = on_volume(&home, "size=1m", &home.data(""), &script) else { return };
    let got = Running::spawn(command).0.wait().expect(0);
    assert!(got.stderr.contains("cannot be resumed") && got.stderr.contains("ROPEWAY_DATA_DIR"), "{}", got.stderr);
    assert_eq!(fs::read(home.work("out/a.bin")).unwrap(), b"some bytes");
    // Neither a config folder that cannot be made nor a home that is no path.
    for variables in [
        [("ROPEWAY_CONFIG_DIR", "/dev/null/x"), ("ROPEWAY_DATA_DIR", "/dev/null/x")],
        [("ROPEWAY_CONFIG_DIR", "/proc/none"), ("ROPEWAY_DATA_DIR", "/proc/none")],
    ] {
        let got = run(&home, &variables, &["get", "-d", "out", &server.url("a.bin")]).expect(0);
        assert!(got.stderr.contains("cannot be resumed"), "{}", got.stderr);
    }
    let refused = run(&home, &[("ROPEWAY_CONFIG_DIR", "/dev/null/x")], &["daemon"]).expect(1);
    assert!(refused.stderr.contains("name another one with ROPEWAY_CONFIG_DIR"), "{}", refused.stderr);
}

#[test]
fn a_full_data_volume_lets_the_daemon_start_and_jobs_be_removed() {
    let home = Home::new();
    let script = "
        start() { PROGRAM daemon >\"$HOME/out\" 2>\"$HOME/err\" & pid=$!
            until grep -q token \"$HOME/out\" 2>/dev/null; do kill -0 $pid || { cat \"$HOME/err\"; exit 9; }; sleep 0.05; done; }
        stop() { kill $pid; wait $pid; }
        start; ropeway add --paused http://127.0.0.1:1/a http://127.0.0.1:1/b >/dev/null || exit 8
        stop || exit 7
        cat /dev/zero >\"$folder/filler\" 2>/dev/null
        start; ropeway list || exit 6; ropeway remove 1 || exit 5; ropeway list --json; stop";
    // A function would run in a shell of its own, which alone would get the signal.
    let script = script.replace("PROGRAM", &program().display().to_string());
    let Some(command) = on_volume(&home, "size=32m", &home.data(""), &script) else { return };
    let finished = Running::spawn(command).0.wait().expect(0);
    assert!(finished.stdout.contains("\"id\":2") && !finished.stdout.contains("\"id\":1,"), "{}", finished.stdout);
    // Where nothing was kept, it says what to do.
    let script = "cat /dev/zero >\"$folder/filler\" 2>/dev/null; ropeway daemon";
    let Some(command) = on_volume(&home, "size=1m", &home.data(""), script) else { return };
    let refused = Running::spawn(command).0.wait().expect(1);
    assert!(refused.stderr.contains("Make room on the volume"), "{}", refused.stderr);
}

#[test]
fn relative_paths_of_the_environment_are_ignored() {
    let home = Home::new();
    let server = served(&home);
    let fake = home.work("fake home");
    fs::create_dir(&fake).unwrap();
    let fake = fake.to_str().unwrap();
    for (variables, place) in [
        (vec![("HOME", fake), ("XDG_DATA_HOME", "relative/data"), ("XDG_CONFIG_HOME", "relative/config")], Some(fake)),
        (
            vec![("HOME", "relative"), ("XDG_DATA_HOME", fake), ("XDG_CONFIG_HOME", fake), ("XDG_DOWNLOAD_DIR", "x")],
            None,
        ),
    ] {
        let mut command = home.command(["get", "-d", "out", &server.url("a.bin")]);
        command.env_remove("ROPEWAY_DATA_DIR").env_remove("ROPEWAY_CONFIG_DIR").envs(variables.clone());
        Running::spawn(command).0.wait().expect(0);
        assert!(!home.work("relative").exists(), "{variables:?}");
        let data =
            place.map_or_else(|| Path::new(fake).join("ropeway"), |home| Path::new(home).join(".local/share/ropeway"));
        assert!(data.join("once.db").exists(), "{variables:?}");
    }
}

#[test]
fn a_misspelt_proxy_is_an_error_and_never_the_direct_way() {
    let home = Home::new();
    for (variable, value) in
        [("http_proxy", "htp://proxy:1"), ("HTTP_PROXY", "sock5://u:secret@proxy:1"), ("all_proxy", "://")]
    {
        let refused = run(&home, &[(variable, value)], &["get", "-d", "out", "http://example.invalid/a"]).expect(1);
        assert!(refused.stderr.contains("PROXY_FAILED") && refused.stderr.contains(variable), "{}", refused.stderr);
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    }
}

#[test]
fn output_that_is_not_taken_is_a_failure() {
    let home = Home::new();
    let server = served(&home);
    for arguments in [
        vec!["get", "--json", "-d", "out", &server.url("a.bin")],
        vec!["get", "-d", "out", &server.url("a.bin")],
        vec!["get", "--list"],
        vec!["verify", "--checksum", "sha256", "root/a.bin"],
        vec!["--help"],
        vec!["--version"],
        vec!["get", "--help"],
    ] {
        let output =
            home.command(&arguments).stdout(OpenOptions::new().write(true).open("/dev/full").unwrap()).output();
        let output = output.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && stderr.contains("OUTPUT_FAILED"), "{arguments:?}: {stderr}");
    }
    // A reader that has seen enough is told nothing.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home.command(["get", "--list"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
}

#[test]
fn what_gets_left_is_listed_and_forgotten_and_holds_no_login() {
    let home = Home::new();
    let big = home.work("root/big.bin");
    let server = served(&home);
    File::create(&big).unwrap().set_len(64 << 20).unwrap();
    let url = server.url("big.bin").replace("http://", "http://ann:hunter2secret@");
    let mut running = home.start(["get", "-l", "1M", "-H", "Authorization: Bearer tokensecret", "-d", "out", &url]);
    wait_until("it has a part file", || {
        assert!(!running.has_ended(), "{}", running.stderr());
        home.work("out/big.bin.part").exists().then_some(())
    });
    wait_until("it moves", || home.run(["get", "--list", "--json"]).expect(0).json().first()?["running"].as_bool());
    let refused = home.run(["get", "--forget", "all"]).expect(1);
    assert!(refused.stderr.contains("another ropeway is moving it"), "{}", refused.stderr);
    running.signal(Signal::INT);
    running.wait().expect(130);
    for entry in fs::read_dir(home.data("")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = Vec::new();
        File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
        for secret in ["hunter2secret", "tokensecret"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} in {path:?}");
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    let left = home.run(["get", "--list", "--json"]).expect(0).json();
    assert_eq!((left.len(), &left[0]["running"]), (1, &false.into()), "{left:?}");
    home.run(["get", "--forget", "7"]).expect(1);
    home.run(["get", "--forget", &left[0]["id"].to_string()]).expect(0);
    assert!(home.run(["get", "--list"]).expect(0).stdout.contains("nothing unfinished"));
    assert!(!home.work("out/big.bin.part").exists());
}

#[test]
fn a_download_that_got_nothing_is_not_kept() {
    let home = Home::new();
    let server = served(&home);
    for _ in 0..2 {
        home.run(["get", "-d", "out", &server.url("/missing.bin")]).expect(1);
    }
    assert_eq!(home.run(["get", "--list"]).expect(0).stdout.trim(), "nothing unfinished");
}

#[test]
fn the_log_tells_of_failed_jobs_without_colours_or_secrets() {
    let home = Home::new();
    let server = served(&home);
    let mut running = home.start(["-v", "daemon"]);
    running.first_line();
    let url = format!("{}?token=hunter2secret", server.url("missing.bin"));
    home.run(["add", &url]).expect(0);
    wait_until("it is logged", || running.stderr().contains("job failed").then_some(()));
    let failed = home.run(["list"]).expect(0).stdout;
    assert!(failed.contains("failed: HTTP_NOT_FOUND"), "{failed}");
    running.signal(Signal::TERM);
    let log = running.wait().expect(0).stderr;
    let line = log.lines().find(|line| line.contains("job failed")).unwrap();
    assert!(line.contains("INFO") && line.contains("HTTP_NOT_FOUND") && line.contains("missing.bin"), "{line}");
    assert!(!log.contains('\u{1b}') && !log.contains("hunter2secret"), "{log}");
}

#[test]
fn a_pause_by_schedule_is_called_so_and_is_not_watched() {
    let home = Home::new();
    let server = served(&home);
    let always = "schedule = [{ days = [1, 2, 3, 4, 5, 6, 7], from_minute = 0, to_minute = 0, pause = true }]\n";
    fs::write(home.config("settings.toml"), always).unwrap();
    let daemon = Daemon::start(&home);
    let id = daemon.add([server.url("a.bin")]);
    for arguments in [vec!["list"], vec!["show", &id]] {
        let shown = wait_until("the pause is known", || {
            let shown = daemon.run(&arguments).expect(0).stdout;
            shown.contains("paused by schedule").then_some(shown)
        });
        assert!(!shown.contains("queued"), "{shown}");
    }
    let watched = daemon.run(["watch", &id]).expect(0);
    assert!(watched.stderr.contains("a.bin: paused by schedule"), "{}", watched.stderr);
    daemon.stop().expect(0);
}

#[test]
fn a_daemon_says_what_is_wrong_with_settings_that_are_edited_while_it_runs() {
    let home = Home::new();
    fs::write(home.config("settings.toml"), "running_jobs = 2\n").unwrap();
    // At a port that no other program can have.
    let mut running = home.start(["daemon", "--bind", "127.0.0.1:0"]);
    running.first_line();
    assert_eq!(running.stderr(), "");
    for (wrong, line) in
        [("running_jobs = 2\nrunning_jbs = 3\n", "line 2"), ("proxy = \"htp://proxy:1\"\n", "line 1: proxy")]
    {
        fs::write(home.config("settings.toml"), wrong).unwrap();
        wait_until(line, || running.stderr().contains(line).then_some(()));
    }
    // An edit that mends nothing is answered, too, and one that mends everything.
    let told = || running.stderr().matches("line 1: proxy").count();
    let before = told();
    fs::write(home.config("settings.toml"), "proxy = \"htps://proxy:1\"\n").unwrap();
    wait_until("it is told again", || (told() > before).then_some(()));
    fs::write(home.config("settings.toml"), "running_jobs = 2\n").unwrap();
    wait_until("it is mended", || running.stderr().contains("settings are in force").then_some(()));
    running.signal(Signal::TERM);
    running.wait().expect(0);
}

#[test]
fn settings_that_protect_and_cannot_be_read_let_nothing_move_and_are_kept() {
    let home = Home::new();
    let server = served(&home);
    let text = "# mine\nproxy = \"htp://u:secret@proxy:1\"\nrunning_jobs = 3\n";
    fs::write(home.config("settings.toml"), text).unwrap();
    let refused = home.run(["get", "-d", "out", &server.url("a.bin")]).expect(1);
    assert!(refused.stderr.contains("settings.toml, line 2: proxy"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("secret") && !home.work("out").exists(), "{}", refused.stderr);
    let refused = home.run(["get", "-o", "-", &server.url("a.bin")]).expect(1);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("STATE_FAILED"), "{}", refused.stderr);

    let mut running = home.start(["daemon"]);
    running.first_line();
    assert!(running.stderr().contains("nothing is transferred"), "{}", running.stderr());
    let refused = home.run(["add", &server.url("a.bin")]).expect(1);
    assert!(refused.stderr.contains("line 2: proxy"), "{}", refused.stderr);
    home.run(["limit", "--global", "--down", "1M"]).expect(0);
    running.signal(Signal::TERM);
    running.wait().expect(0);
    let after = fs::read_to_string(home.config("settings.toml")).unwrap();
    assert_eq!(after, format!("{text}download_limit = 1048576\n"));
    assert_eq!(fs::read_to_string(home.config("settings.toml.old")).unwrap(), text);
    fs::write(home.config("settings.toml"), after.replace("htp", "http")).unwrap();
    home.run(["get", "-d", "out", &server.url("a.bin")]).expect(1);
}
