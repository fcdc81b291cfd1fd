//! Certificate authorities that a job trusts beside the system's.

use std::{fs::File, io::Read, path::Path};

use reqwest::Certificate;

use crate::{DriverError, exchange::error::innermost};

/// Largest CA file in bytes. The bundle of all public authorities has a quarter of a megabyte.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// The certificates in a PEM file; at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<Certificate>, DriverError> {
    let refused = |reason: String| DriverError::CaFile { path: file.display().to_string(), reason };
    let mut pem = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(LARGEST_FILE).read_to_end(&mut pem))
        .map_err(|error| refused(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| refused(innermost(&error)))?;
    if certificates.is_empty() {
        return Err(refused("it holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}
