//! The choice of stores.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parbuckle_blob::{Clock, LocalStore};
use parbuckle_engine::{Backends, Environment};
use parbuckle_kv::{EmbeddedOptions, EmbeddedStore};

/// Why a store did not open. The text names its folder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendError {
    #[error("cannot open the key-value store in {}: {}", path.display(), with_causes(source))]
    Kv {
        path: PathBuf,
        source: parbuckle_kv::Error,
    },
    #[error("cannot open the blob store in {}: {}", path.display(), with_causes(source))]
    Blobs {
        path: PathBuf,
        source: parbuckle_blob::Error,
    },
}

/// Opens both stores. Blocks while the key-value store replays what it had not yet sorted in.
pub(crate) fn open(
    data: &Path,
    kv_path: Option<&Path>,
    environment: &Arc<dyn Environment>,
) -> Result<Backends, BackendError> {
    let path = self::kv_path(data, kv_path);
    let kv = EmbeddedStore::open(&path, EmbeddedOptions::default())
        .map_err(|source| BackendError::Kv { path, source })?;
    let path = data.join("blobs");
    let blobs = LocalStore::open(&path, blob_clock(environment))
        .map_err(|source| BackendError::Blobs { path, source })?;
    Ok(Backends { kv, blobs })
}

/// Where the key-value store is: as configured, or in the data folder.
pub(crate) fn kv_path(data: &Path, configured: Option<&Path>) -> PathBuf {
    configured.map_or_else(|| data.join("kv"), Path::to_owned)
}

/// The environment's clock in the form that blob stores take.
fn blob_clock(environment: &Arc<dyn Environment>) -> Clock {
    let environment = environment.clone();
    Arc::new(move || SystemTime::from(environment.now()))
}

/// An error with the errors beneath it, outermost first.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
