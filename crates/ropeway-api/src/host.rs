//! What only a host can do: dialogs and file managers belong to the desktop, not to the engine.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use crate::{
    command::PickKind,
    error::{ApiCode, ApiError},
    view::HostCapability,
};

/// The program around the engine. Every question has the answer "cannot", so that a host is nothing but what it can.
#[async_trait]
pub trait Host: Send + Sync + fmt::Debug {
    /// What works here.
    fn capability(&self) -> HostCapability {
        HostCapability::default()
    }

    /// Asks the user for files or a folder; empty when dismissed.
    async fn pick(&self, _kind: PickKind) -> Result<Vec<PathBuf>, ApiError> {
        Err(unsupported("choose files with a dialog"))
    }

    /// Opens a file with the program that the desktop has for it.
    async fn open(&self, _path: &Path) -> Result<(), ApiError> {
        Err(unsupported("open a file"))
    }

    /// Shows a file in its folder.
    async fn reveal(&self, _path: &Path) -> Result<(), ApiError> {
        Err(unsupported("show a file in its folder"))
    }
}

fn unsupported(what: &str) -> ApiError {
    ApiError::new(ApiCode::Unsupported, format!("this program cannot {what}"), "Use the desktop window for it.")
}

/// A host without a desktop: the daemon, the command line, a test.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headless;

impl Host for Headless {}
