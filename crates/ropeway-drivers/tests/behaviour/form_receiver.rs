//! Forms at a real receiver: the implementation of `FormData` that Node shares with browsers' rules.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use ropeway_testkit::Pattern;

use crate::ground::Upload;

/// Node with the script beside this file; stopped when dropped.
struct Receiver {
    process: Child,
    port: u16,
}

impl Receiver {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/form_receiver.mjs");
        let started = Command::new("node").arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = started.expect("these tests need Node: apt-get install nodejs");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn a_form_is_read_by_a_real_receiver_with_its_names_and_every_byte() {
    let receiver = Receiver::start();
    let target = format!("form+http://127.0.0.1:{}/up#field=my \"file\"", receiver.port);
    let pattern = Pattern::new(5);
    for (name, length) in [("plain.bin", 0), ("a\"b; c=d.bin", 1), ("ä 100%.bin", 3_000_000)] {
        let receipt = Upload::to(&target).named(name).send(pattern, length).await.unwrap();
        assert_eq!(receipt.evidence[0].digest().hex(), pattern.sha256(length), "{name}");
        let location = receipt.location.as_ref().unwrap();
        let told: Vec<_> = location.expose().path_segments().unwrap().map(decoded).collect();
        assert_eq!(told, ["my \"file\"", name]);
    }
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned()
}
