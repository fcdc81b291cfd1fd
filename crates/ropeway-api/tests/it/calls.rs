//! Calls: what they take, what they refuse, and that what they changed is durable.

#![expect(clippy::disallowed_methods, reason = "a test lays files out and reads what was kept")]

use ropeway_api::{
    command::{Added, Done, Found, FullAddress},
    error::ApiCode,
    event::Event,
    settings::{ScheduleRule, Settings},
    view::{JobDetail, LimitsView, PauseView, PhaseView, Snapshot, TargetView, WishView},
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
        ("job_add", json!({ "text": "https://a.example/x", "options": { "proxy": "ftp://a" } }), ApiCode::BadParams),
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
    let error = rig.call::<Value>("format\u{1b}[2J_disk", json!({})).await.unwrap_err();
    assert_eq!(error.message, "there is no call 'format[2J_disk'", "what controls a terminal is left out");
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
    let paths: Vec<_> = added.jobs.iter().map(|job| job.path.clone().unwrap()).collect();
    assert_eq!(paths, ["a.mov", "raw/b.mov"].map(|name| shoot.join(name).to_string_lossy().into_owned()));
    assert!(added.jobs.iter().all(|job| job.verification.is_none() && job.digest.is_none()), "nothing was proved yet");
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

#[tokio::test]
async fn an_address_is_told_in_full_when_it_is_asked_for_and_never_in_a_list() {
    let rig = Rig::new().await;
    let text = "https://user:secret@example.org/a.iso?token=hunter2";
    let added: Added = rig.call("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    let id = added.jobs[0].id;
    let address: FullAddress = rig.call("job_address", json!({ "id": id })).await.unwrap();
    assert_eq!(address.source, text);
    assert_eq!(format!("{address:?}"), "FullAddress(…)");
    let detail: Value = rig.call("job_detail", json!({ "id": id })).await.unwrap();
    let listed = serde_json::to_string(&rig.snapshot().await).unwrap();
    for shown in [listed, detail.to_string()] {
        assert!(!shown.contains("hunter2") && !shown.contains("secret@"), "{shown}");
    }

    let (file, target) = (rig.folder.join("a.txt"), "form+https://user:secret@example.org/in?sig=hunter2#field=file");
    std::fs::write(&file, "x").unwrap();
    let params = json!({ "paths": [file], "target": target, "options": { "paused": true } });
    let added: Added = rig.call("upload_add", params).await.unwrap();
    let address: FullAddress = rig.call("job_address", json!({ "id": added.jobs[0].id })).await.unwrap();
    assert_eq!((address.source, address.destination), (file.to_string_lossy().into_owned(), target.to_owned()));
}

#[tokio::test]
async fn a_link_that_is_on_the_list_is_found_by_all_of_its_address() {
    let rig = Rig::new().await;
    let text = "https://example.org/a.iso?token=one\nhttps://example.org/b.iso";
    let added: Added = rig.call("job_add", json!({ "text": text, "options": { "paused": true } })).await.unwrap();
    let (a, b) = (added.jobs[0].id, added.jobs[1].id);
    for (text, expected) in [
        ("https://example.org/a.iso?token=one", vec![(0, a)]),
        (
            "# list\nhttps://example.org/c.iso\n\nhttps://example.org/b.iso\nHTTPS://EXAMPLE.org/a.iso?token=one",
            vec![(1, b), (2, a)],
        ),
        ("https://example.org/a.iso?token=two", vec![]),
        ("https://example.org/a.iso", vec![]),
        ("curl -o x https://example.org/b.iso", vec![(0, b)]),
        ("no address at all", vec![]),
        ("", vec![]),
    ] {
        let found: Found = rig.call("job_find", json!({ "text": text })).await.unwrap();
        let found: Vec<_> = found.found.iter().map(|found| (found.line, found.id)).collect();
        assert_eq!(found, expected, "{text}");
    }
    let again: Added = rig
        .call("job_add", json!({ "text": "https://example.org/b.iso", "options": { "paused": true } }))
        .await
        .unwrap();
    let found: Found = rig.call("job_find", json!({ "text": "https://example.org/b.iso" })).await.unwrap();
    assert_eq!(found.found.iter().map(|found| found.id).collect::<Vec<_>>(), [b, again.jobs[0].id]);
}

#[tokio::test]
async fn a_canceled_job_is_downloaded_again_with_all_that_was_asked_for_and_an_unfinished_one_is_not() {
    let rig = Rig::new().await;
    let options = json!({ "paused": true, "headers": ["X-Key: hunter2"], "rate_limit": 1000, "start_at_ms": 9_000_000_000_000_i64 });
    let text = "https://127.0.0.1:9/a.iso?token=one";
    let added: Added = rig.call("job_add", json!({ "text": text, "name": "b.iso", "options": options })).await.unwrap();
    let id = added.jobs[0].id;
    let refused = rig.call::<Added>("job_again", json!({ "ids": [id] })).await.unwrap_err();
    assert_eq!(refused.code, ApiCode::WrongPhase);
    rig.call::<Done>("job_cancel", json!({ "ids": [id] })).await.unwrap();
    let again: Added = rig.call("job_again", json!({ "ids": [id] })).await.unwrap();
    let [job] = &again.jobs[..] else { panic!("{again:?}") };
    assert_eq!(
        (job.name.as_str(), job.rate_limit, job.start_at_ms, job.wish),
        ("b.iso", Some(1000), None, WishView::Run)
    );
    let detail: JobDetail = rig.call("job_detail", json!({ "id": job.id })).await.unwrap();
    assert_eq!(detail.header_names, ["X-Key"]);
    let address: FullAddress = rig.call("job_address", json!({ "id": job.id })).await.unwrap();
    assert_eq!(address.source, text);
    let listed: Vec<_> = rig.snapshot().await.jobs.iter().map(|job| job.id).collect();
    assert_eq!(listed, [job.id], "the canceled one leaves the list");
}

#[tokio::test]
async fn the_limits_in_force_are_told_and_until_when() {
    let rig = Rig::new().await;
    let limits = async || rig.snapshot().await.totals.limits;
    let mut settings = rig.snapshot().await.settings;
    settings.download_limit = Some(5000);
    let set = async |settings: &Settings| {
        rig.call::<Value>("settings_set", serde_json::to_value(settings).unwrap()).await.unwrap()
    };
    set(&settings).await;
    until(async || limits().await == LimitsView { download: Some(5000), ..LimitsView::default() }).await;
    let always = ScheduleRule { days: (1..=7).collect(), pause: true, ..ScheduleRule::default() };
    settings.schedule = vec![always];
    set(&settings).await;
    until(async || rig.snapshot().await.totals.pause == Some(PauseView::Schedule)).await;
    let told = limits().await;
    assert!(told.is_scheduled);
    assert_eq!(told.until, None, "it never ends");
}

#[tokio::test]
async fn settings_that_are_edited_in_their_file_come_into_force_and_are_told() {
    let rig = Rig::new().await;
    let mut heard = rig.api.subscribe();
    let file = rig.folder.join("config").join("settings.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\ndownload_limit = 5000\n")).unwrap();
    until(async || rig.snapshot().await.totals.limits.download == Some(5000)).await;
    loop {
        let batch = heard.next().await.unwrap();
        let told = batch
            .events
            .iter()
            .any(|event| matches!(event, Event::Settings { settings } if settings.download_limit == Some(5000)));
        if told {
            break;
        }
    }
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_saved_target_is_renamed_and_keeps_an_address_that_nobody_types_again() {
    let rig = Rig::new().await;
    let save = async |params: Value| rig.call::<TargetView>("target_save", params).await;
    let target = "https://user:secret@nas.example.org/in/";
    let saved = save(json!({ "name": "NAS", "address": target })).await.unwrap();
    save(json!({ "name": "Other", "address": "https://example.org/" })).await.unwrap();
    let renamed = save(json!({ "id": saved.id, "name": "Attic", "address": "" })).await.unwrap();
    let names = async || rig.snapshot().await.targets.into_iter().map(|target| target.name).collect::<Vec<_>>();
    assert_eq!(names().await, ["Attic", "Other"]);
    let file = rig.folder.join("a.txt");
    std::fs::write(&file, "x").unwrap();
    let params = json!({ "paths": [file], "target_id": renamed.id, "options": { "paused": true } });
    let added: Added = rig.call("upload_add", params).await.unwrap();
    let address: FullAddress = rig.call("job_address", json!({ "id": added.jobs[0].id })).await.unwrap();
    assert_eq!(address.destination, target);
    for (params, code) in [
        (json!({ "id": renamed.id, "name": "Other", "address": "" }), ApiCode::BadParams),
        (json!({ "id": 77, "name": "x", "address": "" }), ApiCode::NotFound),
        (json!({ "name": "x", "address": "" }), ApiCode::BadParams),
    ] {
        assert_eq!(save(params).await.unwrap_err().code, code);
    }
    assert_eq!(names().await, ["Attic", "Other"]);
}

#[tokio::test]
async fn settings_that_protect_and_cannot_be_read_refuse_every_call_that_moves_something() {
    let rig = Rig::with_settings("proxy = \"htp://proxy:1\"\n").await;
    let (ids, id) = (json!({ "ids": [1] }), json!({ "id": 1 }));
    for (call, params) in [
        ("job_add", json!({ "text": "https://example.org/a" })),
        ("job_again", ids.clone()),
        ("job_resume", ids.clone()),
        ("resume_all", json!({})),
        ("job_renew", json!({ "id": 1, "url": "https://example.org/a" })),
        ("job_answer", json!({ "id": 1, "choice": "rename" })),
        ("job_repair", id.clone()),
        ("checksum_search", id),
    ] {
        let refused = rig.call::<Value>(call, params).await.unwrap_err();
        assert!(refused.code == ApiCode::StateFailed && refused.message.contains("proxy"), "{call}: {refused:?}");
    }
    rig.call::<Done>("job_pause", ids).await.unwrap();
}
