//! The tus project's own server, on Node.js, with its files in a folder.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{TempFolder, free_port};

/// The script that starts it; its packages lie beside it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers/tus.mjs");

/// A running tus server on loopback; killed when dropped.
#[derive(Debug)]
pub struct TusNode {
    folder: TempFolder,
    port: u16,
    process: Option<Child>,
}

impl TusNode {
    /// Starts the server; fails the test where Node.js or its packages are not installed.
    pub fn start() -> Self {
        let mut server = Self { folder: TempFolder::new(), port: free_port(), process: None };
        server.launch();
        server
    }

    /// Kills the server at once; what it has stays.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again on the same port and folder.
    pub fn launch(&mut self) {
        let mut command = Command::new("node");
        command.arg(SCRIPT).arg(self.folder.path()).arg(self.port.to_string());
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut process = started.expect("this test needs Node.js");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready "), "this test needs the packages of tests/peers: `npm ci` there");
        self.process = Some(process);
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The upload target.
    pub fn target(&self) -> String {
        format!("tus+http://127.0.0.1:{}/files", self.port)
    }

    /// The files of its uploads, without what it notes beside them.
    pub fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_none_or(|kind| kind != "json")).collect()
    }

    /// Its only upload.
    pub fn file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

impl Drop for TusNode {
    fn drop(&mut self) {
        self.kill();
    }
}
