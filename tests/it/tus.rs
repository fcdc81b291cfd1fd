//! Uploads to the tus project's own server, through kill -9 of either end: what was acknowledged is not sent again.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use ropeway_testkit::{Pattern, TusNode, sha256_of_file};
use rustix::process::Signal;

use crate::support::{Daemon, Home, MIB, Moments, wait_until};

const LENGTH: u64 = 256 * MIB;
/// Kills of the sending process.
const KILLS: u64 = 20;
/// Kills of the server.
const SERVER_KILLS: usize = 5;
/// Slow enough that all kills hit the file on its way.
const RATE: &str = "48M";
/// Largest part of a file under that limit, and what sockets on both sides hold besides.
const MOST_OF_A_CUT: u64 = 9 * 48 * MIB + 8 * MIB;

/// A way to a server that counts the octets on it.
struct Relay {
    port: u16,
    sent: Arc<AtomicU64>,
}

impl Relay {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay = Self { port: listener.local_addr().unwrap().port(), sent: Arc::default() };
        let sent = Arc::clone(&relay.sent);
        thread::spawn(move || {
            for client in listener.incoming().map(Result::unwrap) {
                // Whoever comes while the server is away is refused as by it.
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
                let (from, to, count) = (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&sent));
                thread::spawn(move || carry(from, to, &count));
                thread::spawn(move || carry(server, client, &AtomicU64::new(0)));
            }
        });
        relay
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut piece = vec![0; 256 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        count.fetch_add(read as u64, SeqCst);
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// The length of the server's only upload so far.
fn arrived(server: &TusNode) -> u64 {
    server.files().iter().filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
}

#[test]
fn heavy_a_put_that_is_killed_twenty_times_goes_on_where_the_server_stands() {
    let home = Home::new();
    let pattern = Pattern::new(3);
    pattern.write_file(&home.work("image.bin"), LENGTH);
    let server = TusNode::start();
    let relay = Relay::to(server.port());
    let target = format!("tus+http://127.0.0.1:{}/files", relay.port);
    let put = || home.start(["put", "--json", "-l", RATE, "image.bin", "--to", &target]);
    let mut moments = Moments::new();
    for kill in 1..=KILLS {
        let mut put = put();
        // Each life brings its share, so that the last one has something left to do.
        let reached = kill * LENGTH / (KILLS + 2);
        wait_until("bytes of this life", || (arrived(&server) >= reached || put.has_ended()).then_some(()));
        thread::sleep(moments.within(Duration::from_millis(50)));
        put.signal(Signal::KILL);
        assert!(put.wait().results().is_empty(), "it was still under way");
    }
    let finished = put().wait().expect(0);
    assert_eq!(finished.results()[0]["verification"], "length");
    assert_eq!(sha256_of_file(&server.file()), pattern.sha256(LENGTH));
    let again = relay.sent.load(SeqCst) - LENGTH;
    assert!(again < KILLS * 2 * MIB, "{again} bytes were sent again over {KILLS} kills");
}

#[test]
fn heavy_a_server_that_is_killed_five_times_costs_an_upload_of_the_daemon_only_time() {
    let home = Home::new();
    let pattern = Pattern::new(3);
    pattern.write_file(&home.work("image.bin"), LENGTH);
    let mut server = TusNode::start();
    let relay = Relay::to(server.port());
    let target = format!("tus+http://127.0.0.1:{}/files", relay.port);
    let daemon = Daemon::start(&home);
    let id = daemon.add(["image.bin", "--to", &target, "-l", RATE]);
    for kill in 1..=SERVER_KILLS {
        let reached = kill as u64 * LENGTH / (SERVER_KILLS as u64 + 1);
        wait_until("bytes of this life", || (arrived(&server) >= reached).then_some(()));
        server.kill();
        thread::sleep(Duration::from_millis(100));
        server.launch();
    }
    daemon.wait_for_phase(&id, "completed");
    assert_eq!(sha256_of_file(&server.file()), pattern.sha256(LENGTH));
    let again = relay.sent.load(SeqCst) - LENGTH;
    assert!(again < SERVER_KILLS as u64 * MOST_OF_A_CUT, "{again} bytes were sent again");
    drop(daemon);
}

#[test]
fn a_folder_goes_to_tus_file_by_file_and_what_is_given_up_leaves_nothing() {
    let home = Home::new();
    std::fs::create_dir_all(home.work("many/below")).unwrap();
    for (name, length) in [("many/a.bin", 0), ("many/b.bin", 100), ("many/below/a.bin", 3 * MIB)] {
        Pattern::new(length).write_file(&home.work(name), length);
    }
    let server = TusNode::start();
    let finished = home.run(["put", "--json", "many", "--to", &server.target()]).expect(0);
    assert_eq!(finished.results().len(), 3);
    let mut lengths: Vec<u64> = server.files().iter().map(|file| file.metadata().unwrap().len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [0, 100, 3 * MIB]);
    let other = TusNode::start();
    let daemon = Daemon::start(&home);
    daemon.add(["many/below/a.bin", "--to", &other.target(), "-l", "1M"]);
    wait_until("bytes of it", || (arrived(&other) > 0).then_some(()));
    daemon.run(["remove", "all"]).expect(0);
    wait_until("the server has nothing left", || other.files().is_empty().then_some(()));
    drop(daemon);
}
