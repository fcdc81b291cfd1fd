//! A form receiver that was not written by us.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The script around the standard library's form parser.
const SCRIPT: &str = include_str!("form_receiver.py");
/// Pythons to try: the parser left the standard library with 3.13, and Debian 12 has 3.11.
const PYTHONS: [&str; 3] = ["/usr/bin/python3", "python3", "python3.11"];

/// Python's form parser behind Python's HTTP server; stopped when dropped.
#[derive(Debug)]
pub(crate) struct FormReceiver {
    process: Child,
    port: u16,
}

impl FormReceiver {
    /// Starts one that receives into `folder`; fails the test where no Python has the parser.
    pub(crate) fn start(folder: &Path) -> Self {
        let has_parser = |python: &&&str| {
            let probe = Command::new(python).args(["-W", "ignore", "-c", "import cgi"]).stderr(Stdio::null()).status();
            probe.is_ok_and(|status| status.success())
        };
        let python =
            PYTHONS.iter().find(has_parser).expect("this test needs a Python before 3.13: apt-get install python3");
        let mut process = Command::new(python).args(["-c", SCRIPT]).arg(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }

    /// The upload target.
    pub(crate) fn target(&self) -> String {
        format!("form+http://127.0.0.1:{}/#field=file", self.port)
    }
}

impl Drop for FormReceiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
