//! What one client does to the service, and to the daemon, while others want something of them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use ropeway_testkit::Pattern;
use tempfile::TempDir;

use crate::support::{Daemon, Home, MIB, Running, Server, memory_folder};

/// Places of a process that may open 256 files: a flood that needs no more than these fills it.
const FEW_FILES: &str = "256";
/// More connections than such a process has places for.
const FLOOD: usize = 120;
/// Who attacks is somebody else than who is honest, as far as addresses tell.
const HONEST: &str = "127.0.0.2";

/// `ropeway` with these arguments and few files.
fn with_few_files(home: &Home, arguments: &[&str]) -> Running {
    let mut command = Command::new("sh");
    home.dress(&mut command);
    command.args(["-c", &format!("ulimit -n {FEW_FILES}; exec \"$0\" \"$@\"")]);
    command.arg(crate::support::program()).args(arguments);
    Running::spawn(command).0
}

/// A service for a folder with `file.bin`, and its address.
fn service(home: &Home, flags: &[&str]) -> (Running, SocketAddr, TempDir) {
    let folder = memory_folder();
    Pattern::new(1).write_file(&folder.path().join("file.bin"), 1000);
    let root = folder.path().to_str().unwrap();
    let mut running = with_few_files(home, &[&["serve", "--root", root, "--bind", "127.0.0.1:0"], flags].concat());
    let address = address_of(&running.first_line());
    (running, address, folder)
}

fn address_of(line: &str) -> SocketAddr {
    line.split_once("http://").unwrap().1.split('/').next().unwrap().parse().unwrap()
}

/// Connections that have said `words` and wait.
fn flood(address: SocketAddr, words: &str) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        stream
    };
    (0..FLOOD).map(connect).collect()
}

/// The status of a GET from `client`, which comes again so often where it is told that all places are taken.
fn status_from(client: &str, url: &str, again: &str) -> String {
    let output = Command::new("curl")
        .args(["-s", "--noproxy", "*", "--interface", client, "--max-time", "90", "-o", "/dev/null"])
        .args(["--retry", again, "-w", "%{http_code}", url])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_flood_of_idle_connections_keeps_nobody_from_the_service() {
    let home = Home::new();
    let (_running, address, _folder) = service(&home, &[]);
    for words in ["", "GET /file.bin HTTP/1.1\r\nHost: "] {
        let _idle = flood(address, words);
        for client in [HONEST, "127.0.0.1"] {
            assert_eq!(status_from(client, &format!("http://{address}/file.bin"), "0"), "200", "{client}, {words:?}");
        }
    }
}

#[test]
fn a_flood_of_slow_uploads_keeps_nobody_from_the_service() {
    let home = Home::new();
    let (_running, address, _folder) = service(&home, &[]);
    let head =
        |number: usize| format!("PUT /slow-{number} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000\r\n\r\n");
    let mut slow: Vec<TcpStream> = (0..FLOOD)
        .map(|number| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head(number).as_bytes()).unwrap();
            stream
        })
        .collect();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let dripping = std::thread::spawn(move || {
        // Who was asked to leave is gone; the others go on.
        while stopped
            .recv_timeout(Duration::from_millis(500))
            .is_err_and(|end| end == std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            slow.retain_mut(|stream| stream.write_all(&[b'x'; 150]).is_ok());
        }
    });
    // Whoever shares the address of the flood stands behind it in one queue, for longer than anybody is let wait where the
    // machine is slow.
    for (client, again) in [(HONEST, "0"), ("127.0.0.1", "3")] {
        assert_eq!(status_from(client, &format!("http://{address}/file.bin"), again), "200", "{client}");
    }
    drop(stop);
    dripping.join().unwrap();
}

#[test]
fn strangers_do_not_keep_the_user_from_the_daemon() {
    let home = Home::new();
    let mut running = with_few_files(&home, &["daemon"]);
    let address = address_of(&running.first_line());
    let wrong_token = format!(
        "POST /rpc HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer 0\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\n\r\n{{}}"
    );
    for words in [String::new(), "GET / HTTP/1.1\r\n".to_owned(), wrong_token] {
        let _strangers = flood(address, &words);
        home.run(["list", "--json"]).expect(0);
    }
}

/// Connections with a body of single bytes, and how many bytes each of them sends.
const CONNECTIONS: usize = 50;
const BYTES: usize = 2_000;
/// What the program may have resident then.
const MOST_MEMORY: u64 = 64 * MIB;

/// Sends `BYTES` single bytes on each of `CONNECTIONS` connections, each as a segment of its own, framed by `frame`.
fn single_bytes(address: SocketAddr, head: &str, frame: fn(u8) -> Vec<u8>) -> Vec<TcpStream> {
    let mut streams: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|number| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.write_all(head.replace("NUMBER", &number.to_string()).as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..BYTES {
        for stream in &mut streams {
            stream.write_all(&frame(b'x')).unwrap();
        }
    }
    streams
}

fn segment(byte: u8) -> Vec<u8> {
    vec![byte]
}

fn chunk(byte: u8) -> Vec<u8> {
    vec![b'1', b'\r', b'\n', byte, b'\r', b'\n']
}

#[test]
fn heavy_bodies_of_single_bytes_take_no_more_memory_than_others() {
    let home = Home::new();
    let folder = memory_folder();
    let form_head = "Content-Type: multipart/form-data; boundary=b\r\n";
    let field = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"NUMBER\"\r\n\r\n";
    for (what, method, fields, begin, frame) in [
        ("segments", "PUT", "Content-Length: 100000\r\n", "", segment as fn(u8) -> Vec<u8>),
        ("chunks", "PUT", "Transfer-Encoding: chunked\r\n", "", chunk),
        ("a form", "POST", &format!("Content-Length: 100000\r\n{form_head}"), field, segment),
    ] {
        let server = Server::start(&home, folder.path(), &[]);
        let address = address_of(&server.url(""));
        let path = if method == "PUT" { "/NUMBER" } else { "/" };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{fields}\r\n{begin}");
        let _streams = single_bytes(address, &head, frame);
        let peak = server.peak_memory();
        assert!(peak < MOST_MEMORY, "{what}: {} MiB", peak / MIB);
    }
}

#[test]
fn heavy_chunks_of_single_bytes_that_come_at_once_take_no_more_memory_than_others() {
    let home = Home::new();
    let folder = memory_folder();
    let server = Server::start(&home, folder.path(), &[]);
    let address = address_of(&server.url(""));
    let body = chunk(b'x').repeat(20_000);
    // The program's own pages are resident already, and depend on how it was built.
    let before = server.peak_memory();
    std::thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            let body = &body;
            scope.spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                let head = format!("PUT /{number} HTTP/1.1\r\nHost: {address}\r\nTransfer-Encoding: chunked\r\n\r\n");
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(body).unwrap();
                stream.write_all(b"0\r\n\r\n").unwrap();
                let mut answer = [0; 12];
                stream.read_exact(&mut answer).unwrap();
                assert_eq!(&answer, b"HTTP/1.1 201");
            });
        }
    });
    let more = server.peak_memory() - before;
    // A million chunks: at 32 bytes for the handle of each, the handles alone would take nearly as much.
    assert!(more < MOST_MEMORY / 2, "{} MiB", more / MIB);
}

#[test]
fn heavy_a_call_of_single_bytes_takes_no_more_memory_than_another() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let address = address_of(daemon.origin());
    let head = format!(
        "POST /rpc HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100000\r\n\r\n",
        daemon.token()
    );
    let (before, _) = daemon.memory();
    let _streams = single_bytes(address, &head, segment);
    let (_, peak) = daemon.memory();
    assert!(peak - before < MOST_MEMORY, "{} MiB", (peak - before) / MIB);
}

#[test]
fn who_may_come_in_is_said_and_other_names_are_not_answered() {
    let home = Home::new();
    let folder = memory_folder();
    Pattern::new(1).write_file(&folder.path().join("file.bin"), 1000);
    let server = Server::start(&home, folder.path(), &["--host", "files.example"]);
    let notice = server.stderr();
    assert!(notice.contains("this machine may read every file") && notice.contains("add files"), "{notice}");
    let url = server.url("file.bin");
    let with_host = |fields: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]);
        for field in fields {
            command.args(["-H", field]);
        }
        String::from_utf8(command.arg(&url).output().unwrap().stdout).unwrap()
    };
    for (fields, status) in [
        (&[][..], "200"),
        (&["Host: files.example"], "200"),
        (&["Host: localhost:9000"], "200"),
        (&["Host: rebound.example"], "403"),
        (&["Host:"], "400"),
    ] {
        assert_eq!(with_host(fields), status, "{fields:?}");
    }
    let put = ["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: rebound.example"];
    let target = server.url("new.bin");
    let output = Command::new("curl").args(put).args(["-T", "/etc/hostname", &target]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "403");
    assert!(!folder.path().join("new.bin").exists());
}
