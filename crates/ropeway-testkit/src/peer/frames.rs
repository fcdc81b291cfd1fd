//! A server that answers one request over HTTP/2 with frames as a test writes them, again and again.

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::Authority;

/// What a client sends before its first frame (RFC 9113 §3.4).
const PREFACE: usize = 24;
/// Octets before a frame's payload.
const FRAME_HEAD: usize = 9;
const HEADERS: u8 = 0x1;
const SETTINGS: u8 = 0x4;

/// A frame (RFC 9113 §4.1).
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(FRAME_HEAD + payload.len());
    frame.put_uint(payload.len() as u64, 3);
    frame.put_u8(kind);
    frame.put_u8(flags);
    frame.put_u32(stream);
    frame.put_slice(payload);
    frame.freeze()
}

/// A server that floods whoever asks it.
#[derive(Debug)]
pub struct FrameFlood {
    port: u16,
    authority: Authority,
    sent: Arc<AtomicU64>,
    listening: JoinHandle<()>,
}

impl FrameFlood {
    /// Starts a server behind TLS that answers a request with the frames `first`, then with `again` until the client goes
    /// away or has taken `most` octets.
    pub async fn start(first: Bytes, again: Bytes, most: u64) -> Self {
        let authority = Authority::new("localhost");
        let acceptor = authority.acceptor(true);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sent: Arc<AtomicU64> = Arc::default();
        let count = Arc::clone(&sent);
        let listening = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                let frames = (first.clone(), again.clone(), most);
                open.spawn(async move { flood(acceptor, stream, frames, &count).await.ok() });
            }
        });
        Self { port, authority, sent, listening }
    }

    /// The address of the only file.
    pub fn url(&self) -> String {
        format!("https://{}:{}/f", self.authority.host(), self.port)
    }

    /// The PEM file with the authority behind this server's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.authority.file()
    }

    /// Octets of the flood that clients took, over all connections.
    pub fn sent(&self) -> u64 {
        self.sent.load(SeqCst)
    }
}

impl Drop for FrameFlood {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn flood(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    (first, again, most): (Bytes, Bytes, u64),
    count: &AtomicU64,
) -> std::io::Result<()> {
    let (mut reading, mut writing) = tokio::io::split(acceptor.accept(stream).await?);
    writing.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    reading.read_exact(&mut [0; PREFACE]).await?;
    while next_kind(&mut reading).await? != HEADERS {}
    // What the client says from now on is not listened to, but taken: it must not get stuck over it.
    let mut sink = tokio::io::sink();
    let listening = tokio::io::copy(&mut reading, &mut sink);
    let telling = async {
        writing.write_all(&first).await?;
        let mut sent = 0;
        while sent < most {
            writing.write_all(&again).await?;
            writing.flush().await?;
            sent += again.len() as u64;
            count.fetch_add(again.len() as u64, SeqCst);
        }
        Ok(())
    };
    tokio::select! {
        told = telling => told,
        heard = listening => heard.map(drop),
    }
}

/// Takes a frame, and returns its kind.
async fn next_kind(reading: &mut (impl tokio::io::AsyncRead + Unpin)) -> std::io::Result<u8> {
    let mut head = [0; FRAME_HEAD];
    reading.read_exact(&mut head).await?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    reading.read_exact(&mut vec![0; length]).await?;
    Ok(head[3])
}
