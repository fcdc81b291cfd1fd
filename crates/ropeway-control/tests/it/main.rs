//! The control API over the real engine, as the command line and the page use it.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{path::Path, sync::Arc};

use futures_util::StreamExt;
use ropeway_api::{
    Api, ApiConfig, Scope,
    command::{Added, Call, Done, JobAdd, JobNumber, JobOptions, Nothing},
    error::ApiCode,
    host::Headless,
    view::{JobDetail, PhaseView, Snapshot},
};
use ropeway_control::{Client, ControlServer, Place};
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

async fn engine(folder: &Path) -> (Api, ControlServer) {
    let config = ApiConfig {
        data_folder: folder.join("data"),
        config_folder: folder.join("config"),
        scope: Scope::Queue,
        host: Arc::new(Headless),
    };
    let api = Api::open(config).await.unwrap();
    let server = ropeway_control::bind(api.clone(), Place::Exactly(([127, 0, 0, 1], 0).into()), &folder.join("data"))
        .await
        .unwrap();
    (api, server)
}

fn paused_download() -> Call {
    let options = JobOptions { paused: true, ..JobOptions::default() };
    Call::JobAdd(JobAdd { text: "https://example.org/a.iso".to_owned(), options, ..JobAdd::default() })
}

#[tokio::test]
async fn what_one_client_does_another_one_sees() {
    let folder = tempfile::tempdir().unwrap();
    let (api, server) = engine(folder.path()).await;
    let (origin, token) = server.url_with_token().split_once("/#token=").unwrap();
    let mut events = format!("{}/events", origin.replacen("http", "ws", 1)).into_client_request().unwrap();
    events.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let (mut listener, _) = tokio_tungstenite::connect_async(events).await.unwrap();
    let client = Client::connect(&folder.path().join("data")).await.unwrap();

    let added: Added = client.call(paused_download()).await.unwrap();
    let id = added.jobs.first().unwrap().id;
    let told = loop {
        let message = listener.next().await.unwrap().unwrap().into_text().unwrap();
        let batch: Value = serde_json::from_str(&message).unwrap();
        let is_it = |event: &Value| event["kind"] == "jobs" && event["jobs"][0]["id"] == id;
        if batch["events"].as_array().unwrap().iter().any(is_it) {
            break batch["seq"].as_u64().unwrap();
        }
    };
    let snapshot: Snapshot = client.call(Call::Snapshot(Nothing {})).await.unwrap();
    assert!(snapshot.seq >= told);
    assert!(matches!(snapshot.jobs.first().unwrap().phase, PhaseView::Paused));
    let refused = client.call::<JobDetail>(Call::JobDetail(JobNumber { id: 999_999 })).await.unwrap_err();
    assert_eq!(refused.code, ApiCode::NotFound);

    api.shutdown().await;
    // The engine's end is the listeners' end.
    while let Some(Ok(_)) = listener.next().await {}
    let gone = client.call::<Done>(Call::PauseAll(Nothing {})).await.unwrap_err();
    assert_eq!(gone.code, ApiCode::ShuttingDown);
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(!folder.path().join("data/endpoint.json").exists());
}
