//! What fetching works with, and what its first part hands to the second.

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

/// The content of a file of the catalog, known to be right, not yet in place.
pub(super) struct Ready {
    /// The unpacked file, or the folder.
    pub(super) path: PathBuf,
    pub(super) files: Vec<Written>,
    pub(super) from: String,
    pub(super) proof: String,
    pub(super) first_use: Option<FirstUse>,
}

/// The strongest checksum that is published.
pub(super) fn kind(published: &Checksums) -> &'static str {
    if published.sha256.is_some() { "SHA-256" } else { "MD5" }
}
