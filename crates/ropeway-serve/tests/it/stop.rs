//! How a server starts after a crash and how it stops.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::fixture::{eventually, pattern, put, serve, serve_with};

#[tokio::test]
async fn a_running_request_may_finish_after_the_server_was_asked_to_stop() {
    let mut server = serve().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("PUT /a.txt HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\r\n01234", server.address);
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the upload has begun", || !server.files().is_empty()).await;
    server.ask_to_stop();
    eventually("nothing listens", || std::net::TcpStream::connect(server.address).is_err()).await;
    stream.write_all(b"56789").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 201"));
    server.stopped().await;
    assert_eq!(server.files(), ["a.txt"]);
}

#[tokio::test]
async fn an_upload_that_does_not_finish_in_time_is_cut_and_leaves_nothing() {
    let mut server = serve().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("PUT /new/a.txt HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\r\n01234", server.address);
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the upload has begun", || server.files().len() == 1).await;
    server.ask_to_stop();
    eventually("nothing listens", || std::net::TcpStream::connect(server.address).is_err()).await;
    tokio::time::pause();
    server.stopped().await;
    assert_eq!(server.files(), [""; 0]);
}

#[tokio::test]
async fn what_a_killed_server_left_is_removed_at_the_next_start() {
    let mut root = None;
    let server = serve_with(|config| {
        std::fs::create_dir(config.root.join("below")).unwrap();
        put(&config.root.join("below/.a.iso.upload-00000000deadbeef"), &pattern(1000));
        put(&config.root.join("below/.a.iso"), b"");
        root = Some(config.root.clone());
    })
    .await;
    eventually("the draft is gone", || server.files() == ["below", "below/.a.iso"]).await;
}
