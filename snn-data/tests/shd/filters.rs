//! Files compressed with filters that are not installed.

use std::fs;

use hdf5::File;
use snn_data::{Error, Shd, ShdConfig, SplitRule};

/// A file whose labels use `shuffle`, a filter that every HDF5 library has, changed to claim a different filter.
#[test]
fn a_missing_filter_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = super::half().write(folder.path(), "packed.h5");
    let file = File::open_rw(&path).unwrap();
    file.unlink("labels").unwrap();
    let labels: Vec<u16> = (0..12).map(|i| i % 3).collect();
    file.new_dataset_builder().chunk(12).shuffle().with_data(&labels).create("labels").unwrap();
    drop(file);
    let config = ShdConfig { test: SplitRule::stratified(0.1), ..ShdConfig::default() };
    assert!(Shd::from_files("shd", &path, None, &config).is_ok(), "a known filter is no obstacle");

    // Number, length of the name, flags, number of values, name: `shuffle`, number 2, becomes LZ4, number 32004.
    let mut bytes = fs::read(&path).unwrap();
    let name = bytes.windows(8).position(|window| window == b"shuffle\0").unwrap();
    assert_eq!(bytes[name - 8..name - 6], [2, 0]);
    bytes[name - 8..name - 6].copy_from_slice(&32_004_u16.to_le_bytes());
    bytes[name..name + 8].copy_from_slice(b"lz4\0\0\0\0\0");
    fs::write(&path, bytes).unwrap();
    let error = Shd::from_files("shd", &path, None, &config).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(&error, Error::File { source, .. } if matches!(**source, Error::Unsupported { .. })),
        "{text}"
    );
    // Some libraries only report that they have no plugin folder.
    let is_named = ["the filter `lz4`", "a filter that is not installed"].iter().any(|it| text.contains(it));
    assert!(is_named && text.contains("h5repack"), "{text}");
}
