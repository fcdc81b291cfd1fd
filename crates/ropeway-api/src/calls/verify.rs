//! Calls that compare bytes: with their recorded block digests, and with checksums found beside the file.

use crate::{
    core::Core,
    error::{ApiCode, ApiError},
    view::{ChecksumOffers, VerifyReport},
};

pub(super) async fn verify(_core: &Core, _id: i64) -> Result<VerifyReport, ApiError> {
    Err(unready())
}

pub(super) async fn repair(_core: &Core, _id: i64) -> Result<VerifyReport, ApiError> {
    Err(unready())
}

pub(super) async fn checksum_search(_core: &Core, _id: i64) -> Result<ChecksumOffers, ApiError> {
    Err(unready())
}

fn unready() -> ApiError {
    ApiError::new(ApiCode::UnknownCall, "this call has no engine part yet", "Use a newer version.")
}
