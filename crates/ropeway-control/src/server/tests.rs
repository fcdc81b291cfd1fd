//! The server as browsers and the command line see it: over real sockets, with a stand-in for the engine.

use futures_util::{FutureExt, SinkExt, StreamExt, future::BoxFuture, stream, stream::BoxStream};
use reqwest::{Method, RequestBuilder, Response as Reply};
use ropeway_api::{
    command::{Call, Done, Jobs, Nothing},
    error::{ApiCode, ApiError},
    event::Batch,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{broadcast, oneshot},
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest, protocol::frame::coding::CloseCode};

use super::*;
use crate::{Client, ClientError};

/// Answers by its own rules and says what it is told to.
#[derive(Debug)]
struct StandIn {
    batches: broadcast::Sender<Batch>,
}

impl Contract for StandIn {
    fn call<'a>(&'a self, name: &'a str, params: Value) -> BoxFuture<'a, Result<ropeway_api::Reply, ApiError>> {
        let refused = |code| Err(ApiError::new(code, "refused", "Do not."));
        let outcome = match name {
            "job_pause" => Ok(json!({ "changed": params["ids"].as_array().map(Vec::len) })),
            "snapshot" => Ok(params),
            "job_resume" => refused(ApiCode::WrongPhase),
            "job_detail" => refused(ApiCode::NotFound),
            "host_pick" => refused(ApiCode::Unsupported),
            "settings_set" => refused(ApiCode::StateFailed),
            "job_add" => refused(ApiCode::BadParams),
            "pause_all" => refused(ApiCode::ShuttingDown),
            _ => refused(ApiCode::UnknownCall),
        };
        async { outcome.map(Into::into) }.boxed()
    }

    fn subscribe(&self) -> BoxStream<'static, Batch> {
        stream::unfold(self.batches.subscribe(), |mut batches| async {
            loop {
                match batches.recv().await {
                    Ok(batch) => return Some((batch, batches)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .boxed()
    }
}

struct Fixture {
    folder: TempDir,
    address: SocketAddr,
    token: String,
    batches: broadcast::Sender<Batch>,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

async fn control() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let (batches, _) = broadcast::channel(4);
    let engine = Arc::new(StandIn { batches: batches.clone() });
    let server = bind_contract(engine, Place::Exactly(ANY_PORT), folder.path()).await.unwrap();
    let address = server.local_addr();
    let token = server.url_with_token().strip_prefix(&format!("http://{address}/#token=")).unwrap().to_owned();
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Fixture { folder, address, token, batches, http, stop, running }
}

impl Fixture {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// A call as the page makes it.
    fn call(&self, call: &Value) -> RequestBuilder {
        let request = self.request(Method::POST, "/rpc").bearer_auth(&self.token);
        request.header("content-type", "application/json").body(call.to_string())
    }

    fn events(&self, query: &str) -> tungstenite::handshake::client::Request {
        format!("ws://{}/events{query}", self.address).into_client_request().unwrap()
    }

    /// The handshake of somebody who knows the token.
    fn known_events(&self) -> tungstenite::handshake::client::Request {
        let mut request = self.events("");
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
        request
    }
}

async fn status_and_json(request: RequestBuilder) -> (u16, Value) {
    let reply: Reply = request.send().await.unwrap();
    let status = reply.status().as_u16();
    (status, serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_call_is_carried_out_and_refusals_have_their_status() {
    let server = control().await;
    for (call, status, code) in [
        (json!({"call": "job_pause", "params": {"ids": [1, 2]}}), 200, Value::Null),
        (json!({"call": "snapshot"}), 200, Value::Null),
        (json!({"call": "nonsense", "params": {}}), 404, json!("UNKNOWN_CALL")),
        (json!({"call": "job_detail", "params": {}}), 404, json!("NOT_FOUND")),
        (json!({"call": "job_add", "params": {}}), 400, json!("BAD_PARAMS")),
        (json!({"call": "job_resume", "params": {}}), 409, json!("WRONG_PHASE")),
        (json!({"call": "host_pick", "params": {}}), 501, json!("UNSUPPORTED")),
        (json!({"call": "settings_set", "params": {}}), 500, json!("STATE_FAILED")),
        (json!({"call": "pause_all", "params": {}}), 503, json!("SHUTTING_DOWN")),
        (json!("job_pause"), 400, json!("BAD_PARAMS")),
        (json!({"params": {}}), 400, json!("BAD_PARAMS")),
    ] {
        let (got, body) = status_and_json(server.call(&call)).await;
        assert_eq!((got, &body["code"]), (status, &code), "{call}");
    }
    let (_, reply) = status_and_json(server.call(&json!({"call": "job_pause", "params": {"ids": [1, 2]}}))).await;
    assert_eq!(reply, json!({"changed": 2}));
    let (_, reply) = status_and_json(server.call(&json!({"call": "snapshot"}))).await;
    assert_eq!(reply, json!({}));
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_before_their_request_is_read() {
    let server = control().await;
    let call = json!({"call": "job_pause", "params": {"ids": [1]}});
    for (name, value, code) in [
        ("host", "evil.example", "FOREIGN_HOST"),
        ("host", "evil.example:80", "FOREIGN_HOST"),
        ("origin", "https://evil.example", "FOREIGN_ORIGIN"),
        ("origin", "null", "FOREIGN_ORIGIN"),
    ] {
        let (status, body) = status_and_json(server.call(&call).header(name, value)).await;
        assert_eq!((status, &body["code"]), (403, &json!(code)), "{name}: {value}");
        // The page itself is not shown under another name either.
        let page = server.request(Method::GET, "/").header(name, value).send().await.unwrap();
        assert_eq!(page.status(), 403, "{name}: {value}");
    }
    let own = format!("http://{}", server.address);
    assert_eq!(server.call(&call).header("origin", own).send().await.unwrap().status(), 200);

    // A form of any page arrives without a question asked before; it is refused with the body still unread.
    let form = server.request(Method::POST, "/rpc").bearer_auth(&server.token).header("content-type", "text/plain");
    assert_eq!(status_and_json(form.body(call.to_string())).await.1["code"], "NOT_JSON");
    let preflight =
        server.request(Method::OPTIONS, "/rpc").header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(preflight.status(), 403);
    assert!(!preflight.headers().keys().any(|name| name.as_str().starts_with("access-control")));
}

#[tokio::test]
async fn without_the_token_nothing_is_done() {
    let server = control().await;
    let call = server.request(Method::POST, "/rpc").header("content-type", "application/json").body("{}");
    let (status, body) = status_and_json(call).await;
    assert_eq!((status, &body["code"]), (401, &json!("BAD_TOKEN")));
    let query = server.request(Method::POST, &format!("/rpc?token={}", server.token)).body("{}");
    assert_eq!(query.send().await.unwrap().status(), 401);
    let get = server.request(Method::GET, "/rpc").bearer_auth(&server.token).send().await.unwrap();
    assert_eq!(get.status(), 405);
}

#[tokio::test]
async fn a_call_that_is_too_large_is_refused_before_it_is_read() {
    let server = control().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /rpc HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n",
        server.address, server.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn the_page_needs_no_token_and_runs_nothing_foreign() {
    let server = control().await;
    let page = server.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(page.status(), 200);
    let headers = page.headers().clone();
    assert_eq!(headers["content-type"], "text/html");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; script-src 'self';"));
    let page = page.text().await.unwrap();
    assert!(page.contains("<title>Ropeway</title>") && !page.contains(&server.token));
    for path in ["/none", "/assets/none.js", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd", "/assets/"] {
        let (status, body) = status_and_json(server.request(Method::GET, path)).await;
        assert_eq!((status, &body["code"]), (404, &json!("NO_PAGE")), "{path}");
    }
    assert_eq!(server.request(Method::POST, "/").send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_listener_gets_every_batch_in_order() {
    let server = control().await;
    let (mut socket, _) = tokio_tungstenite::connect_async(server.known_events()).await.unwrap();
    for seq in 0..3 {
        server.batches.send(Batch { seq, events: Vec::new() }).unwrap();
        let message = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&message).unwrap(), json!({"seq": seq, "events": []}));
    }
    // What it says is ignored, up to a size.
    socket.send("hello".into()).await.unwrap();
    server.batches.send(Batch { seq: 3, events: Vec::new() }).unwrap();
    assert!(socket.next().await.unwrap().unwrap().is_text());
    socket.send("x".repeat(5_000).into()).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test]
async fn a_slow_listener_loses_batches_and_is_not_waited_for() {
    let server = control().await;
    let (mut socket, _) = tokio_tungstenite::connect_async(server.known_events()).await.unwrap();
    // Nothing runs between these on this one thread: more than the channel holds.
    for seq in 0..100 {
        server.batches.send(Batch { seq, events: Vec::new() }).unwrap();
    }
    let first: Value = serde_json::from_str(&socket.next().await.unwrap().unwrap().into_text().unwrap()).unwrap();
    assert_eq!(first["seq"], 96);
}

#[tokio::test]
async fn a_listener_is_admitted_like_a_caller() {
    let server = control().await;
    let status = async |request: tungstenite::handshake::client::Request| match tokio_tungstenite::connect_async(
        request,
    )
    .await
    {
        Ok((_, response)) => response.status().as_u16(),
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    };
    let with = |mut request: tungstenite::handshake::client::Request, name: &'static str, value: &str| {
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let known = || server.known_events();
    assert_eq!(status(known()).await, 101);
    assert_eq!(status(with(known(), "origin", &format!("http://{}", server.address))).await, 101);
    let protocols = format!("ropeway, token.{}", server.token);
    assert_eq!(status(with(server.events(""), "sec-websocket-protocol", &protocols)).await, 101);
    assert_eq!(status(with(known(), "origin", "https://evil.example")).await, 403);
    assert_eq!(status(with(known(), "host", "evil.example")).await, 403);
    assert_eq!(status(server.events("")).await, 401);
    // Addresses end up in histories and logs: the token does not belong there.
    assert_eq!(status(server.events(&format!("?token={}", server.token))).await, 401);
    let plain = server.request(Method::GET, "/events").bearer_auth(&server.token);
    assert_eq!(plain.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_command_line_finds_the_engine_as_long_as_it_runs() {
    let server = control().await;
    let folder = server.folder.path().to_owned();
    let client = Client::connect(&folder).await.unwrap();
    let done: Done = client.call(Call::JobPause(Jobs { ids: vec![1, 2, 3] })).await.unwrap();
    assert_eq!(done.changed, 3);
    let refused = client.call::<Done>(Call::JobResume(Jobs::default())).await.unwrap_err();
    assert_eq!((refused.code, &*refused.hint), (ApiCode::WrongPhase, "Do not."));

    let (mut socket, _) = tokio_tungstenite::connect_async(server.known_events()).await.unwrap();
    server.stop.send(()).unwrap();
    let tungstenite::Message::Close(Some(goodbye)) = socket.next().await.unwrap().unwrap() else {
        panic!("no goodbye")
    };
    assert_eq!(goodbye.code, CloseCode::Away);
    while let Some(Ok(_)) = socket.next().await {}
    server.running.await.unwrap();
    let gone = client.call::<Done>(Call::PauseAll(Nothing {})).await.unwrap_err();
    assert_eq!(gone.code, ApiCode::ShuttingDown);
    assert!(matches!(Client::connect(&folder).await, Err(ClientError::NotRunning)));
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["page.json"], "what a bookmark needs stays, what leads to a running engine does not");
}

#[tokio::test]
async fn a_stranger_on_the_port_of_a_killed_engine_is_told_nothing() {
    let living = control().await;
    // One that listens and takes what comes, one that passes the question on to an engine, one that says nothing.
    for kind in ["takes", "relays", "silent"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let token = serde_json::from_value(json!(living.token)).unwrap();
        Endpoint::new(format!("http://{address}"), token).write(folder.path()).unwrap();
        let (told, engine) = (Arc::new(std::sync::Mutex::new(Vec::new())), living.address);
        let kept = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let count = stream.read(&mut head).await.unwrap();
                kept.lock().unwrap().extend_from_slice(&head[..count]);
                match kind {
                    "takes" => {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"proof\":\"00\"}";
                        stream.write_all(answer).await.unwrap();
                    }
                    "relays" => {
                        let question =
                            String::from_utf8_lossy(&head[..count]).replace(&address.to_string(), &engine.to_string());
                        let mut other = TcpStream::connect(engine).await.unwrap();
                        other.write_all(question.as_bytes()).await.unwrap();
                        let count = other.read(&mut head).await.unwrap();
                        stream.write_all(&head[..count]).await.unwrap();
                    }
                    _ => {}
                }
                // The connection stays open.
                std::mem::forget(stream);
            }
        });
        let error = Client::connect(folder.path()).await.unwrap_err();
        assert!(matches!(error, ClientError::Stranger { .. }), "{kind}: {error}");
        let heard = String::from_utf8_lossy(&told.lock().unwrap()).into_owned();
        assert!(heard.starts_with("GET /proof/") && !heard.contains(&living.token), "{kind}: {heard}");
    }
}

#[tokio::test]
async fn an_endpoint_that_a_killed_engine_left_is_no_engine() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    Endpoint::new(url, Token::random().unwrap()).write(folder.path()).unwrap();
    assert!(matches!(Client::connect(folder.path()).await, Err(ClientError::NotRunning)));
}

#[tokio::test]
async fn an_address_that_is_taken_is_said_to_be() {
    let server = control().await;
    let engine = Arc::new(StandIn { batches: server.batches.clone() });
    let other = tempfile::tempdir().unwrap();
    let error = bind_contract(engine, Place::Exactly(server.address), other.path()).await.unwrap_err();
    assert_eq!(error.code(), "BIND_FAILED");
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
}

async fn bound_as_before(folder: &std::path::Path) -> ControlServer {
    let (batches, _) = broadcast::channel(4);
    bind_contract(Arc::new(StandIn { batches }), Place::AsBefore, folder).await.unwrap()
}

#[tokio::test]
async fn a_port_lives_over_restarts_and_over_a_start_at_another_one_and_a_key_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let parts = |server: &ControlServer| {
        server.url_with_token().split_once("/#token=").map(|(url, token)| (url.to_owned(), token.to_owned())).unwrap()
    };
    let first = bound_as_before(folder.path()).await;
    let (bookmark, key) = parts(&first);
    // Somebody else has the port, as a second queue of this machine would.
    let second = bound_as_before(folder.path()).await;
    assert_ne!(second.local_addr(), first.local_addr());
    drop((first, second));
    let third = bound_as_before(folder.path()).await;
    assert_eq!(parts(&third).0, bookmark);
    // Whoever had the port meanwhile may have taken the key from the browser.
    assert_ne!(parts(&third).1, key);
    assert!(!third.control.guard.proof("question").contains(&key));
    let kept = std::fs::read_to_string(folder.path().join("page.json")).unwrap();
    assert!(!kept.contains(&key) && !kept.contains(&parts(&third).1), "{kept}");
}

#[tokio::test]
async fn a_port_that_was_chosen_is_that_of_the_next_start_and_one_that_is_taken_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let bound_at = async |address| {
        let (batches, _) = broadcast::channel(4);
        bind_contract(Arc::new(StandIn { batches }), Place::Exactly(address), folder.path()).await.unwrap()
    };
    let first = bound_as_before(folder.path()).await.local_addr();
    let free = bound_at(ANY_PORT).await.local_addr();
    assert_eq!(bound_as_before(folder.path()).await.local_addr(), first, "any port is no choice");
    bound_at(free).await;
    let again = bound_as_before(folder.path()).await;
    assert_eq!((again.local_addr(), again.taken()), (free, None));
    let beside = bound_as_before(folder.path()).await;
    assert_eq!(beside.taken(), Some(free));
    drop((again, beside));
    assert_eq!(bound_as_before(folder.path()).await.local_addr(), free);
}

#[tokio::test]
async fn the_server_proves_itself_before_it_is_shown_the_token() {
    let server = control().await;
    let ask = |nonce: &str| status_and_json(server.request(Method::GET, &format!("/proof/{nonce}")));
    let (status, proof) = ask("0123abcd").await;
    let token = Token::clone(&serde_json::from_value(json!(server.token)).unwrap());
    assert_eq!((status, proof["proof"].as_str()), (200, Some(&*token.proof("0123abcd", server.address.port()))));
    assert_ne!(ask("another").await.1, proof);
    assert_eq!(ask(&"x".repeat(LONGEST_NONCE + 1)).await.0, 404);
}

#[tokio::test]
async fn a_file_is_handed_out_for_the_token_alone() {
    let server = control().await;
    let ticket = |token: &str| status_and_json(server.request(Method::POST, "/files/1").bearer_auth(token));
    assert_eq!(ticket("0").await.1["code"], "BAD_TOKEN");
    assert_eq!(ticket(&server.token).await.1["code"], "NOT_FOUND");
    let guessed = format!("/files/{}", "0".repeat(64));
    assert_eq!(status_and_json(server.request(Method::GET, &guessed)).await.1["code"], "NO_PAGE");
    let foreign =
        server.request(Method::POST, "/files/1").bearer_auth(&server.token).header("origin", "https://evil.example");
    assert_eq!(status_and_json(foreign).await.1["code"], "FOREIGN_ORIGIN");
}
