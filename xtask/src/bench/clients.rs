//! Who is measured, at what, and how each is told to do it.

use std::{ffi::OsString, path::PathBuf};

use super::{lists, server::Server};
use crate::place;

/// The name of the client that all others are compared with.
pub(super) const OURS: &str = "ropeway";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scenario {
    /// The large file on loopback, memory to memory, four connections.
    Loop,
    /// The same, with its SHA-256 compared.
    Verify,
    /// 2,000 files of 64 KiB, 16 at once.
    Many,
    /// The same over TLS 1.3, from a server that speaks HTTP/2.
    ManyTls,
    /// 128 MiB from a server that gives 8 MB/s a connection; eight connections.
    Capped,
    /// 48 MiB over eight connections of which one or two are twenty times slower than the others.
    Uneven,
    /// The large file over TLS 1.3.
    Tls,
    /// The large file on loopback, one connection.
    One,
    /// The same, sixteen connections.
    Sixteen,
    /// One file of 16 MiB out of a list.
    Jobs1,
    /// Ten files of 16 MiB at once.
    Jobs10,
    /// Fifty files of 16 MiB at once.
    Jobs50,
}

/// A client that is ready to run.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) command: Vec<OsString>,
    /// What must be there afterwards, and what it must equal.
    pub(super) results: Vec<(PathBuf, PathBuf)>,
}

/// Collects a command line from words and paths.
macro_rules! words {
    ($($word:expr),* $(,)?) => { vec![$(std::ffi::OsString::from($word)),*] };
}
pub(super) use words;

impl Scenario {
    /// One sentence for the page.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Loop => "`loop`: one large file on loopback, four connections",
            Self::Verify => "`verify`: the same, its SHA-256 compared",
            Self::Many => "`many`: 2,000 files of 64 KiB, 16 at once",
            Self::ManyTls => "`many-tls`: the same over TLS 1.3 from a server that speaks HTTP/2",
            Self::Capped => "`capped`: 128 MiB at 8 MB/s a connection, eight connections",
            Self::Uneven => "`uneven`: 48 MiB, eight connections, of ten connections two are twenty times slower",
            Self::Tls => "`tls`: one large file over TLS 1.3, four connections",
            Self::One => "`one`: one large file on loopback, one connection",
            Self::Sixteen => "`sixteen`: one large file on loopback, sixteen connections",
            Self::Jobs1 => "`jobs1`: a list of one file of 16 MiB",
            Self::Jobs10 => "`jobs10`: ten files of 16 MiB, all at once",
            Self::Jobs50 => "`jobs50`: fifty files of 16 MiB, all at once",
        }
    }

    /// The clients that can do this, Ropeway last.
    pub(super) fn clients(self, server: &Server) -> Vec<Client> {
        match self {
            Self::Many => lists::clients(server, &server.small_list(), 16),
            Self::ManyTls => lists::clients(server, &server.small_tls_list(), 16),
            Self::Jobs1 => lists::clients(server, &server.job_list(1), 1),
            Self::Jobs10 => lists::clients(server, &server.job_list(10), 10),
            Self::Jobs50 => lists::clients(server, &server.job_list(50), 50),
            Self::Uneven => single(server, &server.uneven("part.bin"), "part.bin", 8, &["aria2c", "axel", "ropeway"]),
            Self::One => single(server, &server.plain("big.bin"), "big.bin", 1, &[]),
            Self::Sixteen => single(server, &server.plain("big.bin"), "big.bin", 16, &[]),
            Self::Loop => single(server, &server.plain("big.bin"), "big.bin", 4, &[]),
            Self::Capped => single(server, &server.capped("middle.bin"), "middle.bin", 8, &[]),
            Self::Tls => {
                single(server, &server.tls("big.bin"), "big.bin", 4, &["curl", "wget2", "aria2c", "rclone", "ropeway"])
            }
            Self::Verify => verify(server),
        }
    }
}

/// The clients on one file; `only` names those that can do it, none meaning all.
fn single(server: &Server, url: &str, source: &str, connections: u8, only: &[&str]) -> Vec<Client> {
    let file = server.out().join("file");
    let certificate = server.certificate();
    let is_tls = url.starts_with("https:");
    let trust = |flag: &str| if is_tls { words![flag, &certificate] } else { Vec::new() };
    let joined = |flag: &str| {
        let mut word = OsString::from(flag);
        word.push(&certificate);
        if is_tls { vec![word] } else { Vec::new() }
    };
    let number = connections.to_string();
    let output = |flag: &str| {
        let mut word = OsString::from(flag);
        word.push(&file);
        word
    };
    let commands = [
        ("curl", words!["curl", "-sf", "-o", &file, url], trust("--cacert")),
        (
            "wget2",
            words![
                "wget2",
                "-q",
                "--chunk-size=16M",
                format!("--max-threads={number}"),
                output("--output-document="),
                url
            ],
            joined("--ca-certificate="),
        ),
        (
            "aria2c",
            words![
                "aria2c",
                "-q",
                "--no-conf",
                format!("-x{number}"),
                format!("-s{number}"),
                "-k1M",
                "--file-allocation=none",
                "-d",
                server.out(),
                "-o",
                "file",
                url
            ],
            joined("--ca-certificate="),
        ),
        ("axel", words!["axel", "-q", "-n", &number, "-o", &file, url], Vec::new()),
        (
            "rclone",
            words!["rclone", "copyurl", url, &file, "--multi-thread-streams", &number, "-q"],
            trust("--ca-cert"),
        ),
        (
            "ropeway",
            words![ropeway(), "get", "--quiet", "--connections", &number, "-o", &file, url],
            trust("--ca-cert"),
        ),
    ];
    let wanted = commands.into_iter().filter(|(name, ..)| only.is_empty() || only.contains(name));
    wanted
        .map(|(name, command, more)| Client {
            name,
            command: command.into_iter().chain(more).collect(),
            results: vec![(file.clone(), server.source(source))],
        })
        .collect()
}

fn verify(server: &Server) -> Vec<Client> {
    let digest = server.digest();
    let mut clients = single(server, &server.plain("big.bin"), "big.bin", 4, &["curl", "aria2c", "ropeway"]);
    for client in &mut clients {
        match client.name {
            "curl" => {
                let script = "curl -sf -o \"$1\" \"$2\" && echo \"$3  $1\" | sha256sum --check --quiet";
                let url = server.plain("big.bin");
                client.command = words!["sh", "-c", script, "sh", server.out().join("file"), url, digest];
            }
            "aria2c" => client.command.push(format!("--checksum=sha-256={digest}").into()),
            _ => client.command.extend(words!["--checksum", format!("sha256:{digest}")]),
        }
    }
    clients
}

pub(super) fn ropeway() -> PathBuf {
    place::built("release", "ropeway")
}
