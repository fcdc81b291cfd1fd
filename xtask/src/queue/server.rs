//! A server whose files come slowly, so that many jobs run for as long as they are looked at.

use std::{
    io::{self, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use anyhow::Result;

/// Length of each file: more than comes while memory is looked at, and little enough to have room for fifty.
const LENGTH: usize = 16 << 20;
/// What comes at once.
const BLOCK: usize = 64 * 1024;
/// How often it does.
const EVERY: Duration = Duration::from_millis(100);
/// Longest head of a request.
const LONGEST_HEAD: u64 = 64 * 1024;

/// An HTTP server on loopback that runs until the process ends.
pub(super) struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (port, connections) = (listener.local_addr()?.port(), Arc::<AtomicUsize>::default());
        let open = Arc::clone(&connections);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let open = Arc::clone(&open);
                thread::spawn(move || {
                    open.fetch_add(1, SeqCst);
                    // A client that goes away ends its own connection and nothing else.
                    let _ = answer(connection);
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        Ok(Self { port, connections })
    }

    /// The address of a file.
    pub(super) fn url(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}/collection/part-{number:06}.tar.gz", self.port)
    }

    /// Connections that are open now.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// One file on each connection: one stream is all that each of these jobs has.
fn answer(mut connection: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    let mut octets = BufReader::new(connection.try_clone()?.take(LONGEST_HEAD)).bytes();
    while !head.ends_with(b"\r\n\r\n") {
        let Some(octet) = octets.next() else { return Ok(()) };
        head.push(octet?);
    }
    let told = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {LENGTH}\r\nConnection: close\r\n\r\n");
    connection.write_all(told.as_bytes())?;
    let block = vec![0x5a; BLOCK];
    for _ in 0..LENGTH / BLOCK {
        connection.write_all(&block)?;
        thread::sleep(EVERY);
    }
    Ok(())
}
