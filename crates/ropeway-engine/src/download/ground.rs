//! Folder of a download as it is before the first request. It is there, with so much room, and with the name free or
//! not.
//!
//! A small file is over in less time than the disk takes to be asked thrice: what one visit tells is used as long as it
//! is fresh.

use std::path::Path;

use ropeway_flow::disk::DiskError;
use ropeway_model::{FileName, Transfer};
use tokio::time::Instant;

use super::{
    listing::{FRESH, Found, MOST_NAMES, Sight},
    named_folders::Folder,
};
use crate::attempt::{Attempt, Stop};

/// A folder that is there.
#[derive(Debug)]
pub(super) struct Ground {
    seen: Instant,
    free: u64,
    /// The name that the file will most likely have, where nothing had it.
    vacant: Option<FileName>,
}

impl Ground {
    /// Creates the folder where it is missing, and looks around, unless another download has just done so.
    pub(super) async fn prepare(attempt: &Attempt, into: &Path) -> Result<Self, Stop> {
        let (listings, name) = (&attempt.engine.listings, likely_name(attempt));
        let is_read = match listings.look(into, name.as_ref()) {
            Sight::Known { seen, free, is_vacant } => {
                return Ok(Self { seen, free, vacant: name.filter(|_| is_vacant) });
            }
            sight => sight == Sight::Again,
        };
        let seen = Instant::now();
        let folder = Folder::at(into, attempt.spec.named_folders);
        let looked = attempt.on_disk(move |disk| {
            let (made, folder) = (folder.create(disk)?, folder.path);
            let is_free = |name: &FileName| disk.is_taken(&folder.join(name.as_str())).is_ok_and(|taken| !taken);
            let vacant = name.filter(is_free);
            // Who writes there finds out what is the matter with it.
            let names = if is_read { disk.names_in(&folder, MOST_NAMES).unwrap_or(None) } else { None };
            Ok::<_, DiskError>((Found { free: disk.free_space(&folder).unwrap_or(0), names }, vacant, made))
        });
        let (found, vacant, made) = looked.await?;
        attempt.engine.made_folders.lock().extend(made);
        let free = found.free;
        listings.remember(into, seen, found, is_read);
        Ok(Self { seen, free, vacant })
    }

    /// True where nothing had this name a moment ago.
    pub(super) fn is_vacant(&self, name: &FileName) -> bool {
        self.is_fresh() && self.vacant.as_ref() == Some(name)
    }

    /// Bytes that were free a moment ago.
    pub(super) fn free(&self) -> Option<u64> {
        self.is_fresh().then_some(self.free)
    }

    fn is_fresh(&self) -> bool {
        self.seen.elapsed() < FRESH
    }
}

fn likely_name(attempt: &Attempt) -> Option<FileName> {
    let Transfer::Download { name, from, .. } = &attempt.spec.transfer else { return None };
    Some(name.clone().unwrap_or_else(|| FileName::from_url(from.expose())))
}
