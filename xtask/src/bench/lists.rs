//! The clients on a list of files, several at once.

use std::ffi::OsString;

use super::{
    clients::{Client, ropeway, words},
    server::{List, Server},
};

/// The clients that take a list, Ropeway last; `at_once` files at a time.
pub(super) fn clients(server: &Server, list: &List, at_once: u16) -> Vec<Client> {
    let out = server.out();
    let results: Vec<_> = list.files.iter().map(|(name, source)| (out.join(name), server.source(source))).collect();
    let client = |name, trust: &str, mut command: Vec<OsString>| {
        if let Some(certificate) = &list.certificate {
            // Some want the file behind the flag, some behind a sign in the same word.
            let mut words = [OsString::from(trust), OsString::new()];
            words[usize::from(!trust.ends_with('='))].push(certificate);
            command.extend(words.into_iter().filter(|word| !word.is_empty()));
        }
        Client { name, command, results: results.clone() }
    };
    let number = at_once.to_string();
    vec![
        client(
            "curl",
            "--cacert",
            words!["curl", "-sf", "--parallel", "--parallel-max", &number, "-K", &list.for_curl],
        ),
        client(
            "wget2",
            "--ca-certificate=",
            words!["wget2", "-q", format!("--max-threads={number}"), "-P", &out, "-i", &list.urls],
        ),
        client(
            "aria2c",
            "--ca-certificate=",
            words![
                "aria2c",
                "-q",
                "--no-conf",
                format!("-j{number}"),
                "--file-allocation=none",
                "-d",
                &out,
                "-i",
                &list.urls
            ],
        ),
        client(
            "ropeway",
            "--ca-cert",
            words![ropeway(), "get", "--quiet", "--jobs", &number, "-d", &out, "-i", &list.urls],
        ),
    ]
}
