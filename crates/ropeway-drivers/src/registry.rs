//! Which driver speaks which address.

use std::sync::Arc;

use ropeway_model::{SafeUrl, UploadTarget};

use crate::{Driver, DriverError, FormDriver, HttpDriver, PutDriver, TusDriver};

/// The drivers of this build.
#[derive(Clone, Debug)]
pub struct Drivers(Arc<[Arc<dyn Driver>]>);

impl Default for Drivers {
    /// All of them; a new protocol is one more line.
    fn default() -> Self {
        Self(Arc::new([Arc::new(HttpDriver), Arc::new(PutDriver), Arc::new(FormDriver), Arc::<TusDriver>::default()]))
    }
}

impl Drivers {
    /// The driver that downloads from `from`.
    ///
    /// # Errors
    /// [`DriverError::SchemeUnsupported`] where none does.
    pub fn for_download(&self, from: &SafeUrl) -> Result<Arc<dyn Driver>, DriverError> {
        self.find(from.expose().scheme(), |driver| driver.download().is_some())
    }

    /// The driver that uploads to `to`.
    ///
    /// # Errors
    /// [`DriverError::SchemeUnsupported`] where none does.
    pub fn for_upload(&self, to: &UploadTarget) -> Result<Arc<dyn Driver>, DriverError> {
        self.find(&to.scheme(), |driver| driver.upload().is_some())
    }

    fn find(&self, scheme: &str, can: impl Fn(&dyn Driver) -> bool) -> Result<Arc<dyn Driver>, DriverError> {
        let found = self.0.iter().find(|driver| driver.schemes().contains(&scheme) && can(&***driver));
        found.cloned().ok_or_else(|| DriverError::SchemeUnsupported { scheme: scheme.to_owned() })
    }
}
