//! Calls: what they take, what they refuse, and that what they changed is durable.

use ropeway_api::{
    command::{Added, Done},
    error::ApiCode,
    view::{JobDetail, PhaseView, Snapshot, TargetView, WishView},
};
use serde_json::{Value, json};

use crate::rig::Rig;

#[tokio::test]
async fn each_line_becomes_a_job_or_a_refusal_that_says_why() {
    let rig = Rig::new().await;
    let text = "# mirror list\nhttps://example.org/a.iso\n\n  nonsense\ngopher://example.org/b\nhttps://u:secret@:99999/?sig=1\n";
    let added: Added = rig.call("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    assert_eq!(added.jobs.len(), 1);
    assert_eq!((added.jobs[0].name.as_str(), &added.jobs[0].phase), ("a.iso", &PhaseView::Paused));
    let codes: Vec<_> = added.refused.iter().map(|refusal| refusal.code.as_str()).collect();
    assert_eq!(codes, ["URL_MALFORMED", "SCHEME_UNSUPPORTED", "URL_MALFORMED"]);
    assert!(added.refused.iter().all(|refusal| refusal.hint.ends_with('.')));
    assert!(!format!("{:?}", added.refused).contains("secret"), "{:?}", added.refused);
}

#[tokio::test]
async fn a_curl_command_brings_its_headers_and_its_name() {
    let rig = Rig::new().await;
    let text = "curl 'https://example.org/x?id=7' -H 'X-Key: hunter2' -u me:pw -o film.mov";
    let added: Added = rig.call("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    assert_eq!(added.jobs[0].name, "film.mov");
    let detail: JobDetail = rig.call("job_detail", json!({ "id": added.jobs[0].id })).await.unwrap();
    assert_eq!(detail.header_names, ["X-Key", "Authorization"]);
    assert!(!serde_json::to_string(&detail).unwrap().contains("hunter2"), "a view never carries a header's value");
}

#[tokio::test]
async fn the_proxys_password_is_in_no_snapshot_and_no_event_and_is_used_all_the_same() {
    let rig = Rig::new().await;
    let mut events = rig.api.subscribe();
    let mut settings = rig.snapshot().await.settings;
    settings.proxy = Some("http://user:hunter2@127.0.0.1:1".to_owned());
    let reply: Value = rig.call("settings_set", serde_json::to_value(&settings).unwrap()).await.unwrap();
    let shown = serde_json::to_string(&rig.snapshot().await).unwrap();
    assert!(!reply.to_string().contains("hunter2") && !shown.contains("hunter2"), "{reply} {shown}");
    // A shell writes back all that it read.
    let mut read = rig.snapshot().await.settings;
    read.running_jobs = 7;
    rig.call::<Value>("settings_set", serde_json::to_value(&read).unwrap()).await.unwrap();
    let batch = serde_json::to_string(&events.next().await.unwrap()).unwrap();
    assert!(batch.contains("proxy") && !batch.contains("hunter2"), "{batch}");
    #[expect(clippy::disallowed_methods, reason = "the file that keeps it")]
    let kept = std::fs::read_to_string(rig.folder.join("config/settings.toml")).unwrap();
    assert!(kept.contains("hunter2") && kept.contains("running_jobs = 7"), "{kept}");
    read.proxy = Some("http://user:********@evil.example:1".to_owned());
    let refused = rig.call::<Value>("settings_set", serde_json::to_value(&read).unwrap()).await.unwrap_err();
    assert_eq!(refused.code, ApiCode::BadParams);
}

#[tokio::test]
async fn what_is_no_call_or_no_parameter_is_refused_without_effect() {
    let rig = Rig::new().await;
    for (name, params, code) in [
        ("format_disk", json!({}), ApiCode::UnknownCall),
        ("job_add", json!({ "text": 7 }), ApiCode::BadParams),
        ("job_add", json!({ "text": "" }), ApiCode::BadParams),
        ("job_add", json!({ "text": "https://a.example/x", "folder": "relative" }), ApiCode::BadParams),
        ("job_add", json!({ "text": "https://a.example/x", "folder": "/tmp/a\u{0}b" }), ApiCode::BadParams),
        ("job_add", json!({ "text": "https://a.example/x", "name": "../x" }), ApiCode::BadParams),
        ("job_add", json!({ "text": "https://a.example/x", "options": { "connections": 65 } }), ApiCode::BadParams),
        ("job_add", json!({ "text": "https://a.example/x", "options": { "rate_limit": 0 } }), ApiCode::BadParams),
        (
            "job_add",
            json!({ "text": "https://a.example/x", "options": { "checksum": "sha256:xy" } }),
            ApiCode::BadParams,
        ),
        (
            "job_add",
            json!({ "text": "https://a.example/x", "options": { "headers": ["a\r\nb: c"] } }),
            ApiCode::BadParams,
        ),
        ("job_add", json!({ "text": "https://a.example/x\nhttps://a.example/y", "name": "one" }), ApiCode::BadParams),
        ("upload_add", json!({ "paths": ["/etc/hostname"], "target": "gopher://a.example/" }), ApiCode::BadParams),
        ("upload_add", json!({ "paths": ["/etc/hostname"], "target_id": 77 }), ApiCode::NotFound),
        ("job_detail", json!({ "id": 77 }), ApiCode::NotFound),
        ("target_save", json!({ "name": "", "address": "https://nas.example/" }), ApiCode::BadParams),
        ("target_remove", json!({ "id": 77 }), ApiCode::NotFound),
        ("host_pick", json!({ "kind": "files" }), ApiCode::Unsupported),
    ] {
        let error = rig.call::<Value>(name, params.clone()).await.unwrap_err();
        assert_eq!(error.code, code, "{name} {params}");
        assert!(!error.message.is_empty() && !error.hint.is_empty());
    }
    assert!(rig.snapshot().await.jobs.is_empty());
}

#[tokio::test]
async fn an_upload_of_a_folder_is_one_job_a_file_below_the_target() {
    let rig = Rig::new().await;
    let shoot = rig.folder.join("day 3");
    for name in ["a.mov", "raw/b.mov"] {
        let path = shoot.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a file to upload")]
        std::fs::write(path, b"x").unwrap();
    }
    let target: TargetView =
        rig.call("target_save", json!({ "name": "NAS", "address": "http://127.0.0.1:1/in/" })).await.unwrap();
    let params = json!({ "paths": [shoot, "/no/such/file"], "target_id": target.id, "options": { "paused": true } });
    let added: Added = rig.call("upload_add", params).await.unwrap();
    let destinations: Vec<_> = added.jobs.iter().map(|job| job.destination.as_str()).collect();
    assert_eq!(destinations, ["http://127.0.0.1:1/in/day%203/", "http://127.0.0.1:1/in/day%203/raw/"]);
    assert_eq!(added.refused[0].code, "SOURCE_MISSING");
}

#[tokio::test]
async fn limits_priority_and_order_change_and_stay() {
    let rig = Rig::new().await;
    let text = "https://example.org/a\nhttps://example.org/b\nhttps://example.org/c";
    let added: Added = rig.call("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    let ids: Vec<_> = added.jobs.iter().map(|job| job.id).collect();
    let change = json!({ "ids": ids, "rate_limit": 1024, "priority": "high" });
    assert_eq!(rig.call::<Done>("job_change", change).await.unwrap().changed, 3);
    rig.call::<Done>("job_change", json!({ "ids": [ids[0]], "rate_limit": null })).await.unwrap();
    rig.call::<Done>("job_move", json!({ "ids": [ids[2]], "before": ids[0] })).await.unwrap();
    let Snapshot { jobs, .. } = rig.snapshot().await;
    let rows: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.rate_limit)).collect();
    assert_eq!(rows, [("c", Some(1024)), ("a", None), ("b", Some(1024))]);
    assert!(jobs.iter().all(|job| job.wish == WishView::Pause));
    assert_eq!(rig.call::<Done>("job_remove", json!({ "ids": ids })).await.unwrap().changed, 3);
    assert!(rig.snapshot().await.jobs.is_empty());
}

#[tokio::test]
async fn a_closed_engine_refuses_calls() {
    let rig = Rig::new().await;
    rig.api.shutdown().await;
    let error = rig.call::<Value>("snapshot", json!({})).await.unwrap_err();
    assert_eq!(error.code, ApiCode::ShuttingDown);
}
