//! A first answer under a limit, before anybody reads of it.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use ropeway_model::ByteRate;
use rustix::net::sockopt;
use tokio::sync::oneshot;

use crate::ground::{Download, read, url};

/// Length of the file in bytes.
const LENGTH: usize = 1 << 20;
/// What one write hands over.
const BLOCK: usize = 1024;
/// A write that takes longer waits for a reader.
const STUCK: Duration = Duration::from_millis(200);

/// Sends the file to one client from a small send buffer, and tells how many bytes had gone when the first write stuck.
fn serve(listener: &TcpListener, ahead: oneshot::Sender<usize>) {
    let (mut client, _) = listener.accept().unwrap();
    client.set_write_timeout(Some(STUCK)).unwrap();
    read_head(&mut client);
    write!(client, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
    let (mut sent, mut ahead) = (0, Some(ahead));
    while sent < LENGTH {
        match client.write(&[7; BLOCK]) {
            Ok(count) => sent += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if let Some(ahead) = ahead.take() {
                    ahead.send(sent).unwrap();
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn read_head(client: &mut TcpStream) {
    let (mut head, mut octet) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
}

/// Bytes that went before anybody read, where the answer is to be read at `pace`, by a proxy if it `is_proxied`.
async fn ahead(pace: Option<ByteRate>, is_proxied: bool) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    sockopt::set_socket_send_buffer_size(&listener, 4096).unwrap();
    let server = format!("http://{}/", listener.local_addr().unwrap());
    let address = if is_proxied { "http://files.example/a.bin".to_owned() } else { format!("{server}a.bin") };
    let (tell, told) = oneshot::channel();
    let serving = thread::spawn(move || serve(&listener, tell));
    let mut download = Download::of(&address);
    download.context.pace = pace;
    download.context.network.proxy = is_proxied.then(|| url(&server));
    let probe = download.probe().await.unwrap();
    let ahead = told.await.unwrap();
    assert_eq!(read(probe.body).await.0.len(), LENGTH);
    serving.join().unwrap();
    ahead
}

#[tokio::test]
async fn the_kernel_takes_no_more_of_an_answer_under_a_limit_than_a_small_part_of_a_second() {
    for is_proxied in [false, true] {
        let slow = ahead(ByteRate::new(50 << 10), is_proxied).await;
        assert!(slow < 40 << 10, "{slow}, by a proxy: {is_proxied}");
    }
    let usual = ahead(None, false).await;
    assert!(usual > 48 << 10, "the test sees what the usual buffers hold: {usual}");
}
