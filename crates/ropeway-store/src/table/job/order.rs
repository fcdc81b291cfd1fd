//! The order of the list. Positions have gaps, so that moving a few jobs of many writes a few rows.

use std::collections::{HashMap, HashSet};

use ropeway_model::JobId;
use rusqlite::Connection;

use crate::error::Fault;

/// Distance between neighbours when jobs are appended: room for twenty moves into the same gap before all are spaced anew,
/// and 2³² jobs before positions leave the numbers that the UI's language counts exactly (2⁵³).
pub(super) const POSITION_STEP: i64 = 1 << 20;

/// Moves `ids`, in this order, before `before` or to the end; returns every job with a new position.
pub(crate) fn relocate(
    connection: &Connection,
    ids: &[JobId],
    before: Option<JobId>,
) -> Result<Vec<(JobId, i64)>, Fault> {
    let list = in_order(connection)?;
    let mut seen = HashSet::new();
    let moved: Vec<JobId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    let present: HashSet<JobId> = list.iter().map(|(id, _)| *id).collect();
    if let Some(missing) = moved.iter().chain(&before).find(|id| !present.contains(id)) {
        return Err(Fault::NoSuchJob(*missing));
    }
    let places = places(&list, &moved, before);
    let mut statement = connection.prepare_cached("UPDATE job SET position = ?2 WHERE id = ?1")?;
    for (id, position) in &places {
        statement.execute((id.row(), position))?;
    }
    Ok(places)
}

fn in_order(connection: &Connection) -> Result<Vec<(JobId, i64)>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id, position FROM job ORDER BY position, id")?;
    let rows = statement.query_map([], |row| Ok((JobId::from_row(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The new positions: of the moved jobs alone where the gap has room for them, else of all.
fn places(list: &[(JobId, i64)], moved: &[JobId], before: Option<JobId>) -> Vec<(JobId, i64)> {
    let moving: HashSet<JobId> = moved.iter().copied().collect();
    // Where `before` moves too, the first job behind it that stays marks the place.
    let at = before.and_then(|before| list.iter().position(|(id, _)| *id == before)).unwrap_or(list.len());
    let (front, back) = list.split_at(at);
    let stays = |entry: &&(JobId, i64)| !moving.contains(&entry.0);
    let left = front.iter().rfind(stays).map(|entry| entry.1);
    let right = back.iter().find(stays).map(|entry| entry.1);
    let gaps = i64::try_from(moved.len()).unwrap_or(i64::MAX).saturating_add(1);
    let (first, step) = match (left, right) {
        (Some(left), Some(right)) => (left, right.saturating_sub(left) / gaps),
        (Some(left), None) => (left, POSITION_STEP),
        (None, Some(right)) => (right.saturating_sub(POSITION_STEP.saturating_mul(gaps)), POSITION_STEP),
        (None, None) => (0, POSITION_STEP),
    };
    let spaced = |order: &mut dyn Iterator<Item = JobId>, first: i64, step: i64| {
        let was: HashMap<JobId, i64> = list.iter().copied().collect();
        let places = order.zip(1_i64..).map(|(id, place)| (id, first.saturating_add(step.saturating_mul(place))));
        places.filter(|(id, position)| was.get(id) != Some(position)).collect()
    };
    if step > 0 {
        return spaced(&mut moved.iter().copied(), first, step);
    }
    let front = front.iter().filter(stays).map(|entry| entry.0);
    let back = back.iter().filter(stays).map(|entry| entry.0);
    spaced(&mut front.chain(moved.iter().copied()).chain(back), 0, POSITION_STEP)
}
