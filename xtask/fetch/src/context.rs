//! The context of fetching, and the data passed between its stages.

use std::path::PathBuf;

use snn_catalog::Checksums;

use super::{
    display::Display,
    patience::Patience,
    sources::Mirror,
    store::{FirstUse, Store},
    transport::Client,
    unpack::Written,
};

/// Fetches data sets into a store.
pub(crate) struct Fetcher<'a> {
    pub(crate) store: &'a Store,
    pub(crate) client: &'a Client,
    pub(crate) mirror: Option<&'a Mirror>,
    pub(crate) patience: &'a Patience,
    pub(crate) display: &'a Display,
}

/// The verified content of a catalog file, not yet in place.
pub(super) struct Ready {
    /// The unpacked file, or the folder.
    pub(super) path: PathBuf,
    pub(super) files: Vec<Written>,
    pub(super) from: String,
    pub(super) proof: String,
    pub(super) first_use: Option<FirstUse>,
}

/// The strongest published checksum.
pub(super) fn kind(published: &Checksums) -> &'static str {
    if published.sha256.is_some() { "SHA-256" } else { "MD5" }
}
