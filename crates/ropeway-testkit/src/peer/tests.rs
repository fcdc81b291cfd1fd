//! The peer itself, spoken to in plain text.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

async fn exchange(peer: &Peer, octets: &str) -> (String, Option<std::io::ErrorKind>) {
    let mut stream = TcpStream::connect(("127.0.0.1", peer.port())).await.unwrap();
    stream.write_all(octets.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).await.err().map(|error| error.kind());
    (String::from_utf8_lossy(&answer).into_owned(), error)
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn a_served_file_answers_ranges_and_conditions_as_the_standard_says() {
    let file = ServedFile::new(1, 10).header("ETag", "\"1\"");
    let peer = Peer::start(move |request| file.answer(request).then_close()).await;
    for (fields, status, content_range) in [
        ("", "200", None),
        ("Range: bytes=2-4\r\n", "206", Some("bytes 2-4/10")),
        ("Range: bytes=2-\r\n", "206", Some("bytes 2-9/10")),
        ("Range: bytes=2-99\r\n", "206", Some("bytes 2-9/10")),
        ("Range: bytes=10-\r\n", "416", Some("bytes */10")),
        ("Range: bytes=2-4\r\nIf-Range: \"1\"\r\n", "206", Some("bytes 2-4/10")),
        ("Range: bytes=2-4\r\nIf-Range: \"2\"\r\n", "200", None),
        ("Range: bytes=2-4\r\nIf-Range: W/\"1\"\r\n", "200", None),
    ] {
        let (answer, _) = exchange(&peer, &format!("GET /f HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{fields:?}: {answer}");
        let told = answer.lines().find_map(|line| line.strip_prefix("Content-Range: "));
        assert_eq!(told, content_range, "{fields:?}");
    }
}

#[tokio::test]
async fn an_answer_is_cut_where_it_is_told_and_the_record_says_what_went_out() {
    for (cut, error) in [(Cut::End, None), (Cut::Reset, Some(std::io::ErrorKind::ConnectionReset))] {
        let peer = Peer::start(move |_| Answer::status(200).body("0123456789").cut_after(4, cut)).await;
        let (answer, had) = exchange(&peer, "GET /f HTTP/1.1\r\n\r\n").await;
        assert_eq!(had, error);
        assert!(cut == Cut::Reset || body_of(&answer) == "0123", "{answer}");
        assert_eq!(peer.requests()[0].bytes_sent, 4);
    }
}

#[tokio::test]
async fn bodies_are_taken_with_a_length_in_chunks_and_from_forms() {
    let peer = Peer::start(|_| Answer::status(201).then_close()).await;
    exchange(&peer, "PUT /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").await;
    exchange(&peer, "PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n").await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\nhello\r\n--b--\r\n";
    let length = form.len();
    let head = format!("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n");
    exchange(&peer, &format!("POST /c HTTP/1.1\r\n{head}\r\n{form}")).await;
    let requests = peer.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body_complete && request.files[0].start == "hello"), "{requests:?}");
    assert_eq!((requests[2].files[0].field.as_str(), requests[2].files[0].name.as_deref()), ("f", Some("n")));
}

#[tokio::test]
async fn a_body_that_is_cut_is_not_complete() {
    let peer = Peer::start(|_| Answer::status(201).intake(Intake::CutAfter(3, Cut::End))).await;
    let (answer, _) = exchange(&peer, "PUT /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").await;
    assert_eq!(answer, "");
    let request = &peer.requests()[0];
    assert_eq!((request.bytes_received, request.body_complete), (3, false));
}

#[tokio::test(start_paused = true)]
async fn a_dripped_answer_takes_its_time() {
    let before = tokio::time::Instant::now();
    let peer = Peer::start(|_| Answer::status(200).body(vec![b'x'; 1_000]).drip(100).then_close()).await;
    let (answer, _) = exchange(&peer, "GET /f HTTP/1.1\r\n\r\n").await;
    assert_eq!(body_of(&answer).len(), 1_000);
    // Two hundred pieces, and a pause ahead of each.
    assert_eq!(before.elapsed().as_millis(), 200 * 50);
}
