//! Many small files over one connection (HTTP/2), from a real nginx.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use ropeway_testkit::{Nginx, NginxSettings, Pattern};

use crate::support::Home;

const FILES: u64 = 100;
const LENGTH: u64 = 40_000;

/// The version and the connection of each request in nginx's log.
fn carriers(log: &[String]) -> BTreeSet<(&str, &str)> {
    let words = log.iter().filter_map(|line| line.rsplit_once(' '));
    words.map(|(rest, connection)| (rest.rsplit(' ').next().unwrap(), connection)).collect()
}

fn lay_out(nginx: &Nginx, home: &Home) {
    let mut list = String::new();
    for number in 0..FILES {
        let name = format!("{number}.bin");
        Pattern::new(number).write_file(&nginx.root().join(&name), LENGTH);
        writeln!(list, "{}", nginx.url(&name)).unwrap();
    }
    fs::write(home.work("list"), list).unwrap();
}

fn assert_all_there(home: &Home) {
    for number in 0..FILES {
        Pattern::new(number).assert_file(&home.work(format!("{number}.bin")), LENGTH);
    }
}

#[test]
fn a_hundred_files_of_one_server_come_over_one_connection() {
    let nginx = Nginx::start_h2(NginxSettings::default());
    let home = Home::new();
    lay_out(&nginx, &home);
    let list = home.work("list");
    home.run(["get", "--jobs", "16", "--ca-cert", nginx.ca_file().to_str().unwrap(), "-i", list.to_str().unwrap()])
        .expect(0);
    assert_all_there(&home);
    let log = nginx.access_log_of(usize::try_from(FILES).unwrap());
    let carriers = carriers(&log);
    assert_eq!((carriers.len(), carriers.first().unwrap().0), (1, "HTTP/2.0"), "{carriers:?}");
}

#[test]
fn a_limit_holds_over_connections_of_their_own() {
    let nginx = Nginx::start_h2(NginxSettings::default());
    let home = Home::new();
    Pattern::new(1).write_file(&nginx.root().join("a.bin"), LENGTH);
    home.run(["get", "-l", "1M", "--ca-cert", nginx.ca_file().to_str().unwrap(), &nginx.url("a.bin")]).expect(0);
    Pattern::new(1).assert_file(&home.work("a.bin"), LENGTH);
    assert!(carriers(&nginx.access_log_of(1)).iter().all(|(version, _)| *version == "HTTP/1.1"));
}

#[test]
fn the_segments_of_a_large_file_come_over_connections_of_their_own() {
    const LARGE: u64 = 24 << 20;
    let nginx = Nginx::start_h2(NginxSettings { limit_rate: Some(4 << 20), ..NginxSettings::default() });
    let home = Home::new();
    Pattern::new(1).write_file(&nginx.root().join("a.bin"), LARGE);
    let ca_file = nginx.ca_file();
    home.run(["get", "-n", "4", "--ca-cert", ca_file.to_str().unwrap(), &nginx.url("a.bin")]).expect(0);
    Pattern::new(1).assert_file(&home.work("a.bin"), LARGE);
    let log = nginx.access_log_of(2);
    let carriers = carriers(&log);
    let count = |version| carriers.iter().filter(|(had, _)| *had == version).count();
    assert_eq!(count("HTTP/2.0"), 1, "{log:#?}");
    assert!(count("HTTP/1.1") >= 2, "{log:#?}");
}
