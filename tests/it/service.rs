//! `ropeway serve` with Ropeway itself and with curl at the other end.

use std::{fs, process::Command};

use ropeway_testkit::{Pattern, machine};
use rustix::process::Signal;

use crate::support::{Home, MIB, Server, assert_same_bytes, has_strace, memory_folder, stamped_file};

#[test]
fn what_is_served_is_what_arrives_in_both_directions() {
    let home = Home::new();
    let folder = memory_folder();
    let server = Server::start(&home, folder.path(), &[]);
    let source = folder.path().join("file.bin");
    stamped_file(&source, 20 * MIB + 7);
    home.run(["get", "-n", "4", "-o", "got.bin", &server.url("file.bin")]).expect(0);
    assert_same_bytes(&home.work("got.bin"), &source);
    home.run(["put", "got.bin", "--to", &server.url("")]).expect(0);
    assert_same_bytes(&folder.path().join("got.bin"), &source);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing temporary is left");
}

#[test]
fn a_volume_without_locks_and_permissions_takes_uploads_all_the_same() {
    if !has_strace() {
        return machine::excuse(machine::STRACE);
    }
    let home = Home::new();
    let folder = memory_folder();
    let source = home.work("file.bin");
    stamped_file(&source, MIB);
    let failing = ["flock:error=ENOLCK", "fchmod:error=EPERM"];
    let server = Server::start_failing(&home, folder.path(), &failing);
    home.run(["put", "file.bin", "--to", &server.url("")]).expect(0);
    assert_same_bytes(&folder.path().join("file.bin"), &source);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
}

#[test]
fn a_folder_with_dot_files_arrives_whole_and_comes_back() {
    let home = Home::new();
    let folder = memory_folder();
    let server = Server::start(&home, folder.path(), &[]);
    fs::create_dir_all(home.work("project/.git")).unwrap();
    for name in [".gitignore", ".git/config", "a.txt"] {
        Pattern::new(7).write_file(&home.work("project").join(name), 1000);
    }
    home.run(["put", "project", "--to", &server.url("")]).expect(0);
    for name in [".gitignore", ".git/config", "a.txt"] {
        assert_same_bytes(&folder.path().join("project").join(name), &home.work("project").join(name));
    }
    home.run(["get", "-o", "back", &server.url("project/.gitignore")]).expect(0);
    assert_same_bytes(&home.work("back"), &home.work("project/.gitignore"));
}

#[test]
fn curl_continues_a_cut_download_and_sends_a_form() {
    let home = Home::new();
    let folder = memory_folder();
    let server = Server::start(&home, folder.path(), &[]);
    let source = folder.path().join("file.bin");
    stamped_file(&source, 3 * MIB);
    let half = home.work("half.bin");
    stamped_file(&half, 3 * MIB);
    fs::File::options().write(true).open(&half).unwrap().set_len(MIB).unwrap();
    curl(&["-C", "-", "-o", half.to_str().unwrap(), &server.url("file.bin")]);
    assert_same_bytes(&half, &source);
    let form = format!("file=@{};filename=sent.bin", half.display());
    curl(&["-F", &form, &server.url("")]);
    assert_same_bytes(&folder.path().join("sent.bin"), &source);
}

#[test]
fn nothing_outside_the_folder_is_served_and_nothing_is_written_there() {
    let home = Home::new();
    let outside = memory_folder();
    fs::create_dir(outside.path().join("root")).unwrap();
    Pattern::new(1).write_file(&outside.path().join("secret"), 10);
    std::os::unix::fs::symlink(outside.path().join("secret"), outside.path().join("root/link")).unwrap();
    let server = Server::start(&home, &outside.path().join("root"), &[]);
    for path in ["../secret", "%2e%2e/secret", "..%2fsecret", "link", "...", "a/../../secret"] {
        assert!(matches!(status(&["--path-as-is", &server.url(path)]), 400..=404), "{path}");
    }
    let put = ["--path-as-is", "-T", "/etc/hostname"].map(str::to_owned);
    for path in ["../evil", "%2e%2e/evil", "a/../../evil"] {
        let arguments: Vec<_> = put.iter().map(String::as_str).collect();
        let url = server.url(path);
        assert!(matches!(status(&[&arguments[..], &[&url]].concat()), 400..=404), "{path}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
}

#[test]
fn flags_decide_what_may_be_received() {
    let home = Home::new();
    Pattern::new(1).write_file(&home.work("a.bin"), 2000);
    for (flags, code) in [(&["--read-only"][..], "HTTP_"), (&["--max-size", "1K"], "HTTP_TOO_LARGE")] {
        let folder = memory_folder();
        let server = Server::start(&home, folder.path(), flags);
        let refused = home.run(["put", "a.bin", "--to", &server.url("")]).expect(1);
        assert!(refused.stderr.contains(code), "{flags:?}: {}", refused.stderr);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{flags:?}");
    }
    let folder = memory_folder();
    Pattern::new(2).write_file(&folder.path().join("a.bin"), 10);
    let server = Server::start(&home, folder.path(), &["--overwrite"]);
    home.run(["put", "a.bin", "--to", &server.url("")]).expect(0);
    Pattern::new(1).assert_file(&folder.path().join("a.bin"), 2000);
}

#[test]
fn an_upload_that_is_sent_again_has_arrived_and_another_of_its_name_is_refused() {
    let home = Home::new();
    let folder = memory_folder();
    let server = Server::start(&home, folder.path(), &[]);
    stamped_file(&home.work("a.bin"), MIB);
    let put = ["put", "a.bin", "--to", &server.url("")];
    home.run(put).expect(0);
    home.run(put).expect(0);
    assert_same_bytes(&folder.path().join("a.bin"), &home.work("a.bin"));
    Pattern::new(9).write_file(&home.work("a.bin"), MIB);
    home.run(put).expect(1);
    stamped_file(&home.work("same.bin"), MIB);
    assert_same_bytes(&folder.path().join("a.bin"), &home.work("same.bin"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
}

#[test]
fn every_polite_signal_ends_the_service_well() {
    let home = Home::new();
    let folder = memory_folder();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        Server::start(&home, folder.path(), &[]).stop(signal).expect(0);
    }
}

#[test]
fn a_folder_that_is_not_there_and_a_taken_port_are_said_plainly() {
    let home = Home::new();
    let refused = home.run(["serve", "--root", "/nowhere/at/all", "--bind", "127.0.0.1:0"]).expect(1);
    assert!(refused.stderr.contains("/nowhere/at/all") && refused.stderr.contains("hint: "), "{}", refused.stderr);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = home.run(["serve", "--root", ".", "--bind", &address]).expect(1);
    assert!(refused.stderr.contains(&address) && refused.stderr.contains("hint: "), "{}", refused.stderr);
}

fn curl(arguments: &[&str]) {
    let ended = Command::new("curl").args(["-sS", "--fail", "--noproxy", "*"]).args(arguments).output().unwrap();
    assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// The status curl gets.
fn status(arguments: &[&str]) -> u16 {
    let mut command = Command::new("curl");
    command.args(["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]).args(arguments);
    String::from_utf8(command.output().unwrap().stdout).unwrap().parse().unwrap()
}
