//! A call is the same call whichever way it comes: `POST /rpc` from a browser or a verb of the command line. And
//! nobody else gets in.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use ropeway_testkit::{Peer, peer::ServedFile};
use serde_json::{Value, json};

use crate::support::{Daemon, Home};

#[test]
fn what_rpc_adds_the_command_line_lists_and_the_other_way_round() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let folder = home.work("").to_str().unwrap().trim_end_matches('/').to_owned();
    let added = daemon.add(["--paused", "-d", &folder, "-n", "3", "-l", "1M", "http://127.0.0.1:9/same.bin"]);
    let options = json!({ "connections": 3, "rate_limit": 1 << 20, "paused": true });
    let params = json!({ "text": "http://127.0.0.1:9/same.bin", "folder": folder, "options": options });
    let reply = rpc(&daemon, "job_add", &params).expect("added");
    assert_eq!(reply["refused"], json!([]));
    let same = |row: &Value| {
        let mut row = row.clone();
        for of_its_own in ["id", "position", "created_ms", "progress"] {
            row[of_its_own] = Value::Null;
        }
        row
    };
    assert_eq!(same(&daemon.job(&added)), same(&reply["jobs"][0]));

    let snapshot = rpc(&daemon, "snapshot", &json!({})).expect("snapshot");
    assert_eq!(snapshot["jobs"], Value::Array(daemon.list()));
    let id: i64 = added.parse().unwrap();
    let detail = rpc(&daemon, "job_detail", &json!({ "id": id })).expect("detail");
    assert_eq!(detail, daemon.run(["show", "--json", &added]).expect(0).json()[0]);
}

#[test]
fn a_change_made_one_way_is_seen_the_other_way() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let added = daemon.add(["--paused", "http://127.0.0.1:9/a.bin"]);
    let id: i64 = added.parse().unwrap();
    rpc(&daemon, "job_change", &json!({ "ids": [id], "rate_limit": 500 })).expect("changed");
    assert_eq!(daemon.job(&added)["rate_limit"], 500);
    daemon.run(["limit", &added, "none"]).expect(0);
    daemon.run(["limit", "--global", "--up", "2M"]).expect(0);
    let snapshot = rpc(&daemon, "snapshot", &json!({})).expect("snapshot");
    assert_eq!(
        (&snapshot["jobs"][0]["rate_limit"], &snapshot["settings"]["upload_limit"]),
        (&Value::Null, &json!(2 << 20))
    );
    rpc(&daemon, "job_remove", &json!({ "ids": [id] })).expect("removed");
    assert!(daemon.list().is_empty());
}

#[test]
fn a_refusal_has_the_same_code_message_and_hint_both_ways() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let refused = rpc(&daemon, "job_detail", &json!({ "id": 99 })).expect_err("there is no such job");
    let told = daemon.run(["show", "99"]).expect(1).stderr;
    for field in ["code", "message", "hint"] {
        assert!(told.contains(refused[field].as_str().unwrap()), "{field}: {refused}\n{told}");
    }
    let reply = rpc(&daemon, "job_add", &json!({ "text": "not a url" })).expect("a reply with a refusal");
    let told = daemon.run(["add", "not a url"]).expect(2).stderr;
    for field in ["input", "code", "message", "hint"] {
        assert!(told.contains(reply["refused"][0][field].as_str().unwrap()), "{field}: {reply}\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_token_the_host_and_the_origin_gets_in() {
    let peer = Peer::serve(ServedFile::new(1, 10)).await;
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let port = daemon.origin().rsplit(':').next().unwrap();
    let token = format!("Authorization: Bearer {}", daemon.token());
    let foreign_host = format!("Host: evil.example:{port}");
    let own_origin = format!("Origin: {}", daemon.origin());
    let add = json!({ "call": "job_add", "params": { "text": peer.url("a.bin") } }).to_string();
    let json_type = "Content-Type: application/json";
    let attempts: [(&str, &[&str]); 8] = [
        ("no token", &[json_type]),
        ("a wrong token", &[json_type, "Authorization: Bearer 00000000000000000000000000000000"]),
        ("an empty token", &[json_type, "Authorization: Bearer "]),
        ("a foreign host, as after DNS rebinding", &[json_type, &token, &foreign_host]),
        ("a foreign origin", &[json_type, &token, "Origin: https://evil.example"]),
        ("the origin null", &[json_type, &token, "Origin: null"]),
        ("a form's type, which needs no preflight", &[&token, "Content-Type: text/plain"]),
        ("a form's type", &[&token, "Content-Type: application/x-www-form-urlencoded"]),
    ];
    for (what, headers) in attempts {
        let (status, answer) = curl(&daemon, "/rpc", headers, Some(&add));
        assert!((400..500).contains(&status), "{what}: {status} {answer}");
        assert!(!answer.contains(daemon.token()), "{what}: the answer gives the token away");
    }
    assert!(daemon.list().is_empty(), "nothing was added");

    for (what, headers) in [("a program", &[json_type, &token][..]), ("the page", &[json_type, &token, &own_origin])] {
        let (status, answer) = curl(&daemon, "/rpc", headers, Some(&add));
        assert_eq!(status, 200, "{what}: {answer}");
    }
    assert_eq!(daemon.list().len(), 2);

    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    let in_address = format!("/events?token={}", daemon.token());
    let protocol = format!("Sec-WebSocket-Protocol: ropeway, token.{}", daemon.token());
    for (what, path, extra) in [
        ("events without a token", "/events", vec![own_origin.as_str()]),
        ("events with the token in their address", &in_address, vec![&own_origin]),
        ("events for a foreign origin", "/events", vec![&protocol, "Origin: https://evil.example"]),
        ("events for a foreign host", "/events", vec![&protocol, &foreign_host]),
    ] {
        let (status, _) = curl(&daemon, path, &[&upgrade[..], &extra].concat(), None);
        assert!((400..500).contains(&status), "{what}: {status}");
    }
    let (status, _) = curl(&daemon, "/rpc", &[&token], None);
    assert!((400..500).contains(&status), "a GET changes nothing: {status}");
}

#[test]
fn the_page_tells_nobody_where_it_was_and_runs_nothing_foreign() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let head = Command::new("curl")
        .args(["-s", "--noproxy", "*", "-D", "-", "-o", "/dev/null", daemon.origin()])
        .output()
        .map(|output| String::from_utf8(output.stdout).unwrap().to_lowercase())
        .unwrap();
    for expected in ["content-security-policy:", "x-content-type-options: nosniff"] {
        assert!(head.contains(expected), "{expected}\n{head}");
    }
    assert!(!head.contains("unsafe-"), "{head}");
    assert!(!head.contains("access-control-allow-origin"), "{head}");
}

/// A call as the page makes it: the reply, or the refusal.
pub(crate) fn rpc(daemon: &Daemon<'_>, name: &str, params: &Value) -> Result<Value, Value> {
    let body = json!({ "call": name, "params": params }).to_string();
    let token = format!("Authorization: Bearer {}", daemon.token());
    let (status, answer) = curl(daemon, "/rpc", &[&token, "Content-Type: application/json"], Some(&body));
    let answer = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    if status == 200 { Ok(answer) } else { Err(answer) }
}

/// The status and the body curl gets.
fn curl(daemon: &Daemon<'_>, path: &str, headers: &[&str], body: Option<&str>) -> (u16, String) {
    let mut command = Command::new("curl");
    command.args(["-s", "--noproxy", "*", "--max-time", "120", "-w", "\n%{http_code}"]);
    for header in headers {
        command.args(["-H", header]);
    }
    if body.is_some() {
        // Not as an argument, which may not be as long as a list of addresses.
        command.args(["--data-binary", "@-"]);
    }
    command.arg(format!("{}{path}", daemon.origin())).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    input.write_all(body.unwrap_or_default().as_bytes()).unwrap();
    drop(input);
    let output = running.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (answer, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), answer.to_owned())
}
