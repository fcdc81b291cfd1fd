//! Which driver speaks which address.

use std::sync::Arc;

use ropeway_model::{SafeUrl, UploadProtocol, UploadTarget};

use crate::{Driver, DriverError, FormDriver, HttpDriver, PutDriver};

/// The drivers of this build.
#[derive(Clone, Debug)]
pub struct Drivers {
    http: Arc<dyn Driver>,
    put: Arc<dyn Driver>,
    form: Arc<dyn Driver>,
}

impl Default for Drivers {
    /// The real drivers.
    fn default() -> Self {
        Self::new(Arc::new(HttpDriver), Arc::new(PutDriver), Arc::new(FormDriver))
    }
}

impl Drivers {
    /// Other drivers in place of the real ones: the seam a simulator uses.
    pub fn new(http: Arc<dyn Driver>, put: Arc<dyn Driver>, form: Arc<dyn Driver>) -> Self {
        Self { http, put, form }
    }

    /// The driver that downloads from `from`.
    pub fn for_download(&self, from: &SafeUrl) -> Result<Arc<dyn Driver>, DriverError> {
        match from.expose().scheme() {
            "http" | "https" => Ok(Arc::clone(&self.http)),
            scheme => Err(DriverError::SchemeUnsupported { scheme: scheme.to_owned() }),
        }
    }

    /// The driver that uploads to `to`.
    pub fn for_upload(&self, to: &UploadTarget) -> Arc<dyn Driver> {
        match to.protocol() {
            UploadProtocol::Put => Arc::clone(&self.put),
            UploadProtocol::Form { .. } => Arc::clone(&self.form),
        }
    }
}
