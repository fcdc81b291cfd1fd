//! Calls that compare bytes: with their recorded block digests, and with checksums found beside the file.

use ropeway_engine::BlockReport;
use ropeway_model::{ByteRange, JobId};

use crate::{
    core::Core,
    error::ApiError,
    view::{ChecksumOffer, ChecksumOffers, DamagedBlock, VerifyReport},
};

pub(super) async fn verify(core: &Core, id: i64) -> Result<VerifyReport, ApiError> {
    Ok(report(&core.engine.verify(JobId::from_row(id)).await?))
}

pub(super) async fn repair(core: &Core, id: i64) -> Result<VerifyReport, ApiError> {
    Ok(report(&core.engine.repair(JobId::from_row(id)).await?))
}

pub(super) async fn checksum_search(core: &Core, id: i64) -> Result<ChecksumOffers, ApiError> {
    let found = core.engine.find_checksums(JobId::from_row(id)).await?;
    let offers = found.into_iter().map(|offer| ChecksumOffer {
        source: offer.source.to_string(),
        checksum: offer.checksum.map(|checksum| checksum.to_string()),
    });
    Ok(ChecksumOffers { offers: offers.collect() })
}

fn report(found: &BlockReport) -> VerifyReport {
    let block = |range: &ByteRange| DamagedBlock { start: range.start(), end: range.end() };
    VerifyReport {
        id: found.id.row(),
        path: found.path.to_string_lossy().into_owned(),
        block_size: found.block_size,
        compared: found.compared,
        length: found.length,
        damaged: found.damaged.iter().map(block).collect(),
    }
}
