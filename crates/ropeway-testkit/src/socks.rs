//! A SOCKS5 proxy (RFC 1928, RFC 1929) that leads every connection to one place and remembers what was asked for.

use std::{net::Ipv4Addr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// Octets of the proxy's protocol.
const VERSION: u8 = 5;
const WITH_LOGIN: u8 = 2;
const CONNECT: u8 = 1;
const ADDRESS_V4: u8 = 1;
const ADDRESS_NAME: u8 = 3;

/// A running proxy on a loopback port.
#[derive(Debug)]
pub struct SocksProxy {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    listening: JoinHandle<()>,
}

/// A connection that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The user's name and password.
    pub login: (String, String),
    /// The host as the client gave it: a name only if the client left resolving to the proxy.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl SocksProxy {
    /// Starts a proxy that wants a login, takes any, and leads to the loopback port `target`.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let record = Arc::clone(&asked);
        let listening = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let record = Arc::clone(&record);
                // A client that goes away ends its own connection only.
                open.spawn(async move { lead(client, target, &record).await.ok() });
            }
        });
        Self { port, asked, listening }
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().clone()
    }
}

impl Drop for SocksProxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn lead(mut client: TcpStream, target: u16, record: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    assert_eq!(client.read_u8().await?, VERSION);
    text(&mut client).await?;
    client.write_all(&[VERSION, WITH_LOGIN]).await?;
    client.read_u8().await?;
    let login = (text(&mut client).await?, text(&mut client).await?);
    client.write_all(&[1, 0]).await?;

    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    assert_eq!(request[..2], [VERSION, CONNECT]);
    let host = match request[3] {
        ADDRESS_V4 => Ipv4Addr::from(client.read_u32().await?).to_string(),
        ADDRESS_NAME => text(&mut client).await?,
        other => panic!("an address of type {other}"),
    };
    let port = client.read_u16().await?;
    record.lock().push(Asked { login, host, port });

    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await?;
    client.write_all(&[VERSION, 0, 0, ADDRESS_V4, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// A text behind the octet with its length.
async fn text(client: &mut TcpStream) -> std::io::Result<String> {
    let mut octets = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut octets).await?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}
