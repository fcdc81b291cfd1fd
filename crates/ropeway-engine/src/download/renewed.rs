//! A download whose link the user replaced. The new one must lead to the file whose bytes are here.

use ropeway_drivers::DriverError;
use ropeway_model::{FailureCode, Validation, Validator, counted};
use ropeway_store::Remote;

use super::{
    overlap::{self, Overlap, RangeError},
    source::Source,
};
use crate::attempt::{Attempt, Stop};

/// Compares what the new link leads to with the bytes that are here, and takes its version for the one that is fetched
/// from now on. Another length is another file. Another tag is not: each server has tags of its own.
///
/// # Errors
/// [`FailureCode::RenewedLinkDiffers`] if it is another file; the bytes stay, and so does the need to compare.
pub(super) async fn prove(attempt: &Attempt, source: &mut Source, remote: &Remote) -> Result<(), Stop> {
    let context = attempt.context();
    let place = attempt.range_source(&context, &*source.driver, &source.url);
    let now = match overlap::compare(&place, &*source.part, &source.map).await {
        Ok(Overlap::Same(now)) => now,
        Ok(Overlap::Different { at }) => return Err(differs(&format!("it sends other bytes at {at}"))),
        // Nothing to be wrong about.
        Ok(Overlap::Nothing) => return Ok(()),
        Err(RangeError::Driver(
            error @ (DriverError::RangeIgnored { .. } | DriverError::RangeUnsatisfiable { .. }),
        )) => {
            return Err(differs(&error.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    if let (Some(had), Some(now)) = (source.validator.length, now.length)
        && had != now
    {
        return Err(differs(&format!("it has {} instead of {had}", counted(now, "byte"))));
    }
    let by = match source.validator.compare(&now) {
        Validation::StrongTag => Validation::StrongTag,
        _ => Validation::Overlap,
    };
    source.validator = Validator { length: now.length.or(source.validator.length), ..now };
    source.proved = Some(by);
    let proved = Remote { validator: source.validator.clone(), is_renewed: false, ..remote.clone() };
    let mut change = attempt.change(Some(format!("the new link leads to the same file: {by}")));
    change.remote = Some(Some(proved.clone()));
    change.validation = Some(by);
    attempt.save(change).await?;
    attempt.update(|entry| {
        entry.remote = Some(proved.into());
        entry.state.validation = Some(by);
    });
    Ok(())
}

fn differs(reason: &str) -> Stop {
    Stop::failed(FailureCode::RenewedLinkDiffers, format!("the new link is not the same file: {reason}"))
}
