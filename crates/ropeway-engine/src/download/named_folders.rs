//! Folders that a document named below the one the user chose.

use ropeway_model::Transfer;

use crate::attempt::{Attempt, Stop};

/// Makes the folders that a document named, following no link. Looked at again before the file gets its name: whoever
/// may write there may have put a link in their place.
pub(super) async fn make(attempt: &Attempt) -> Result<(), Stop> {
    let Transfer::Download { into, .. } = &attempt.spec.transfer else { return Ok(()) };
    let named = usize::from(attempt.spec.named_folders);
    match into.ancestors().nth(named) {
        Some(chosen) if named > 0 => {
            let (chosen, into) = (chosen.to_owned(), into.clone());
            attempt.on_disk(move |disk| disk.create_below(&chosen, &into)).await
        }
        _ => Ok(()),
    }
}
