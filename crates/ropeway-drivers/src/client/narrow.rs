//! Connections with a small receive buffer, for answers that a limit holds back: what is not read yet the kernel does
//! not take either.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{
    HeaderMap, HeaderValue, Request,
    header::{ACCEPT, HOST, USER_AGENT as AGENT},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::{Body, Response};
use ropeway_model::{ByteRate, Network, SafeUrl};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::TlsConnector;
use url::{Host, Position};

use super::{Clients, Proxy, Space, USER_AGENT, Way, names};

/// The buffer holds this share of a second's bytes: little beside a window of five seconds, and enough to keep a line
/// busy that takes this long to answer.
const SHARE: u64 = 5;
/// Below this the kernel's own accounting weighs more than the bytes.
const SMALLEST: u64 = 8 * 1024;
/// Above this the kernel begins with less anyway.
const LARGEST: u64 = 512 * 1024;
/// Bytes that the kernel takes before anybody reads, where nobody tells it how many.
const USUAL: u64 = 64 * 1024;
/// Longest wait for such a connection. Where it takes longer, the ordinary way with its two families of addresses is
/// gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// The receive buffer in bytes for an answer that is read at `pace`; `None` where the kernel's own is as good.
fn buffer(pace: ByteRate) -> Option<u64> {
    let bytes = (pace.bytes_per_second() / SHARE).max(SMALLEST);
    (bytes <= LARGEST).then_some(bytes)
}

/// Bytes of an answer that is read at `pace` that are under way or unread when it is left.
pub(crate) fn ahead(pace: ByteRate) -> u64 {
    buffer(pace).unwrap_or(USUAL)
}

impl Clients {
    /// The answer to a `GET` with these fields, on a connection of its own whose receive buffer is right for `pace`.
    ///
    /// `None` where there is no such connection, for whatever reason: the ordinary way may be asked, and says what is
    /// wrong. Proxies, and addresses with a login in them, are left to it.
    pub(crate) async fn get_narrow(
        &self,
        network: &Network,
        url: &SafeUrl,
        nearest: Space,
        pace: ByteRate,
        fields: HeaderMap,
    ) -> Option<Response> {
        let buffer = u32::try_from(buffer(pace)?).ok()?;
        let target = url.expose();
        let has_login = !target.username().is_empty() || target.password().is_some();
        if has_login || network.proxy.is_some() || Proxy::of_the_system(url).is_some() {
            return None;
        }
        let secure = target.scheme() == "https";
        let ca_file = if secure { network.ca_file.clone() } else { None };
        let pair = self.pair(&Way { ca_file, proxy: None, nearest, secure }, url).await.ok()?;
        let request = request(url, fields)?;
        let connecting = async {
            let stream = connect(&addresses(url, nearest).await?, buffer).await?;
            Ok::<_, io::Error>(stream)
        };
        let stream = tokio::time::timeout(PATIENCE, connecting).await.ok()?.ok()?;
        match pair.trust {
            None => send(stream, request).await,
            Some(trust) => {
                let name = ServerName::try_from(target.host_str()?.trim_matches(['[', ']']).to_owned()).ok()?;
                send(TlsConnector::from(trust).connect(name, stream).await.ok()?, request).await
            }
        }
    }
}

/// The addresses of the host that may be reached.
async fn addresses(url: &SafeUrl, nearest: Space) -> io::Result<Vec<SocketAddr>> {
    let mut found: Vec<IpAddr> = match url.expose().host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) => names::addresses(name).await?.iter().map(SocketAddr::ip).collect(),
        None => Vec::new(),
    };
    found.retain(|address| Space::of(*address) >= nearest);
    let port = url.expose().port_or_known_default().unwrap_or(80);
    Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

/// The first connection that can be made.
async fn connect(addresses: &[SocketAddr], buffer: u32) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Before the first packet: the buffer is what that one offers the server.
        socket.set_recv_buffer_size(buffer)?;
        socket.set_nodelay(true)?;
        match socket.connect(*address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn request(url: &SafeUrl, fields: HeaderMap) -> Option<Request<Body>> {
    let target = url.expose();
    let mut request = Request::get(&target[Position::BeforePath..Position::AfterQuery]).body(Body::default()).ok()?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&target[Position::BeforeHost..Position::AfterPort]).ok()?);
    headers.insert(AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.extend(fields);
    Some(request)
}

/// Sends the request and returns the answer's head; the connection ends with its body.
async fn send<S>(stream: S, request: Request<Body>) -> Option<Response>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // It ends by itself once the answer's body is read or dropped.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.ok()?;
    Some(answer.map(Body::wrap).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_a_fifth_of_a_second_between_its_bounds() {
        let buffer = |rate| buffer(ByteRate::new(rate).unwrap());
        assert_eq!(buffer(1), Some(8 << 10));
        assert_eq!(buffer(200 << 10), Some(40 << 10));
        assert_eq!(buffer(100 << 20), None);
        assert_eq!(ahead(ByteRate::new(100 << 20).unwrap()), 64 << 10);
    }

    #[test]
    fn the_request_names_the_host_as_the_address_does() {
        let request = request(&"http://[::1]:8080/a%20b?c=d#e".parse().unwrap(), HeaderMap::new()).unwrap();
        assert_eq!(request.uri(), "/a%20b?c=d");
        assert_eq!(request.headers()[HOST], "[::1]:8080");
    }
}
