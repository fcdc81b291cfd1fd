//! An HTTP proxy that opens tunnels (`CONNECT`, RFC 9110 §9.3.6) to this machine and remembers what was asked for.

use std::{net::Ipv4Addr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufStream, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A running proxy on a loopback port.
#[derive(Debug)]
pub struct TunnelProxy {
    port: u16,
    asked: Arc<Mutex<Vec<AskedTunnel>>>,
    listening: JoinHandle<()>,
}

/// A tunnel that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedTunnel {
    /// The host and port.
    pub target: String,
    /// `Proxy-Authorization`, as sent.
    pub login: Option<String>,
}

impl TunnelProxy {
    /// Starts a proxy that leads every tunnel to the asked port of 127.0.0.1, whatever the host. With `login` it
    /// refuses (407) whoever does not send that `Proxy-Authorization`.
    pub async fn start(login: Option<&str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<AskedTunnel>>> = Arc::default();
        let (record, wanted) = (Arc::clone(&asked), login.map(str::to_owned));
        let listening = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (record, wanted) = (Arc::clone(&record), wanted.clone());
                // A client that goes away ends its own connection only.
                open.spawn(async move { lead(BufStream::new(client), wanted, &record).await.ok() });
            }
        });
        Self { port, asked, listening }
    }

    /// The proxy's address, with `login` as `user:password@` if it is not empty.
    pub fn url(&self, login: &str) -> String {
        format!("http://{login}127.0.0.1:{}/", self.port)
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<AskedTunnel> {
        self.asked.lock().clone()
    }
}

impl Drop for TunnelProxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn lead(
    mut client: BufStream<TcpStream>,
    wanted: Option<String>,
    record: &Mutex<Vec<AskedTunnel>>,
) -> std::io::Result<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let mut start = head.lines().next().unwrap_or_default().split(' ');
    assert_eq!(start.next(), Some("CONNECT"), "only tunnels are asked for");
    let target = start.next().unwrap_or_default().to_owned();
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let login = fields.find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
    let login = login.map(|(_, value)| value.to_owned());
    let is_welcome = wanted.is_none() || wanted == login;
    let port = target.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(443);
    record.lock().push(AskedTunnel { target, login });
    if !is_welcome {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await?;
        return client.flush().await;
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    client.flush().await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
