//! The other end: a file that does not end meanwhile, and a count of the bytes that a client's machine has taken of it.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use anyhow::{Context, Result};
use socket2::SockRef;

/// Length of the file: more than any client fetches, and less than there is room for, which some ask for first.
const LENGTH: u64 = 8 << 30;
/// Longest head of a request.
const LONGEST_HEAD: usize = 64 * 1024;
/// What one write hands over at most. It is counted once the kernel has taken all of it, so it is smaller where the
/// send buffer is.
const BLOCK: usize = 256 * 1024;

/// An HTTP server on loopback that runs until the process ends.
pub(super) struct Server {
    port: u16,
    sent: Arc<AtomicU64>,
}

impl Server {
    /// Listens. What it has sent is on its way to the client but for `backlog` bytes a connection, which its own kernel
    /// may hold: a count is as true as that is small.
    pub(super) fn start(backlog: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        SockRef::from(&listener).set_send_buffer_size(backlog).context("cannot bound the send buffer")?;
        let (port, sent) = (listener.local_addr()?.port(), Arc::new(AtomicU64::new(0)));
        let (counter, block) = (Arc::clone(&sent), vec![0x5a; (backlog / 4).min(BLOCK)]);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (counter, block) = (Arc::clone(&counter), block.clone());
                // A client that goes away in the middle ends its own connection and nothing else.
                thread::spawn(move || answer(connection, &block, &counter));
            }
        });
        Ok(Self { port, sent })
    }

    /// Where the file is.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/long.bin", self.port)
    }

    /// Bytes of bodies sent so far, to everybody.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(SeqCst)
    }
}

fn answer(mut connection: TcpStream, block: &[u8], sent: &AtomicU64) -> io::Result<()> {
    while let Some(head) = head(&mut connection)? {
        let range = range(&head);
        let (first, end) = range.unwrap_or((0, LENGTH));
        let status = match range {
            Some(_) => {
                format!("206 Partial Content\r\nContent-Range: bytes {first}-{}/{LENGTH}", end - 1)
            }
            None => "200 OK\r\nAccept-Ranges: bytes".to_owned(),
        };
        let length = end - first;
        connection
            .write_all(format!("HTTP/1.1 {status}\r\nETag: \"long\"\r\nContent-Length: {length}\r\n\r\n").as_bytes())?;
        if head.starts_with("HEAD ") {
            continue;
        }
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            let count = connection.write(&block[..most])?;
            sent.fetch_add(count as u64, SeqCst);
            left -= count as u64;
        }
    }
    Ok(())
}

/// The head of the next request; `None` where the client is done.
fn head(connection: &mut TcpStream) -> io::Result<Option<String>> {
    let (mut head, mut byte) = (Vec::new(), [0_u8]);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD || connection.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

/// First byte and end of the range that is asked for.
fn range(head: &str) -> Option<(u64, u64)> {
    let lower = head.to_ascii_lowercase();
    let (_, value) = lower.split_once("\r\nrange: bytes=")?;
    let (first, last) = value.lines().next()?.trim().split_once('-')?;
    let end = if last.is_empty() { LENGTH } else { last.parse::<u64>().ok()?.checked_add(1)?.min(LENGTH) };
    Some((first.parse().ok()?, end)).filter(|(first, end)| first < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_clients_send_them() {
        assert_eq!(range("GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=5-9\r\n\r\n"), Some((5, 10)));
        assert_eq!(range("GET / HTTP/1.1\r\nrange: bytes=5-\r\n\r\n"), Some((5, LENGTH)));
        assert_eq!(range("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
    }

    #[test]
    fn what_a_client_takes_is_counted() {
        let server = Server::start(16 * 1024).unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nRange: bytes=0-999\r\n\r\n").unwrap();
        let mut answer = vec![0; 2000];
        let mut count = 0;
        while !answer[..count].ends_with(&[0x5a; 1000]) {
            count += client.read(&mut answer[count..]).unwrap();
        }
        while server.sent() < 1000 {
            thread::yield_now();
        }
        assert_eq!(server.sent(), 1000);
    }
}
