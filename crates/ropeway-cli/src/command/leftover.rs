//! What earlier `ropeway get`s and `put`s left: transfers that the same command would go on with, listed and forgotten.

use std::collections::HashSet;

use ropeway_api::{Leftover, Scope};
use serde::Serialize;

use crate::{
    command::{
        control::not_found,
        job_ids::{JobIds, Which},
    },
    error::CommandError,
    exit::Exit,
    output::{
        tell,
        text::{moment, size},
        to_stdout_as_json,
    },
    run::open_once,
    terminal::{plain, to_stderr, to_stdout},
};

/// One of them, for scripts.
#[derive(Serialize)]
struct Row {
    id: i64,
    url: String,
    folder: String,
    part: Option<String>,
    bytes: u64,
    length: Option<u64>,
    created_ms: i64,
    running: bool,
}

/// Prints them, the oldest first.
pub(crate) async fn list(json: bool) -> Result<Exit, CommandError> {
    let api = open_once(Scope::Once).await?;
    api.notices().iter().for_each(tell);
    let leftovers = api.leftovers();
    api.shutdown().await;
    if json {
        leftovers.iter().map(row).try_for_each(|row| to_stdout_as_json(&row))?;
    } else if leftovers.is_empty() {
        to_stdout("nothing unfinished");
    } else {
        leftovers.iter().map(line).for_each(|line| to_stdout(&line));
    }
    Ok(Exit::Complete)
}

/// Forgets those that are named; what another command moves at this moment stays, and that is a failure.
pub(crate) async fn forget(which: Vec<Which>) -> Result<Exit, CommandError> {
    let api = open_once(Scope::Once).await?;
    api.notices().iter().for_each(tell);
    let job_ids = JobIds::from(which);
    let leftovers = api.leftovers();
    let known: HashSet<i64> = leftovers.iter().map(|leftover| leftover.id.row()).collect();
    if let Some(missing) = job_ids.given().into_iter().find(|id| !known.contains(id)) {
        return Err(not_found(missing));
    }
    let wanted = if job_ids.is_all() { known.into_iter().collect() } else { job_ids.given() };
    let forgotten = api.forget(&wanted).await;
    api.shutdown().await;
    let forgotten: HashSet<i64> = forgotten?.iter().map(|leftover| leftover.id.row()).collect();
    let mut exit = Exit::Complete;
    for leftover in leftovers.iter().filter(|leftover| wanted.contains(&leftover.id.row())) {
        if forgotten.contains(&leftover.id.row()) {
            to_stdout(&format!("forgotten {}  {}", leftover.id, plain(&leftover.url.to_string())));
        } else {
            exit = Exit::Failed;
            to_stderr(&format!("{}: another ropeway is moving it", plain(&leftover.url.to_string())));
        }
    }
    Ok(exit)
}

fn row(leftover: &Leftover) -> Row {
    Row {
        id: leftover.id.row(),
        url: leftover.url.to_string(),
        folder: leftover.path.to_string_lossy().into_owned(),
        part: leftover.part_path.as_ref().map(|part| part.to_string_lossy().into_owned()),
        bytes: leftover.durable,
        length: leftover.length,
        created_ms: leftover.created.unix_ms(),
        running: leftover.is_running,
    }
}

fn line(leftover: &Leftover) -> String {
    let place = leftover.part_path.as_ref().unwrap_or(&leftover.path).to_string_lossy().into_owned();
    let of = leftover.length.map(|length| format!(" of {}", size(length))).unwrap_or_default();
    let state = if leftover.is_running { ", running" } else { "" };
    format!(
        "{}  {}  {}  {}{of}, {}{state}",
        leftover.id,
        plain(&leftover.url.to_string()),
        plain(&place),
        size(leftover.durable),
        moment(leftover.created.unix_ms()),
    )
}
