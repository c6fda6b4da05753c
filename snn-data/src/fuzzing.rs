//! Every parser of this crate as a function of bytes, for fuzzing.
//!
//! Not part of the public interface: it may change at any time. `tests/mutations.rs` calls these functions with a fixed number of
//! seeded mutations of a corpus; a fuzz target is one line:
//!
//! ```ignore
//! fuzz_target!(|bytes: &[u8]| snn_data::fuzzing::recording(bytes));
//! ```
//!
//! Each function returns whether the bytes were accepted. The HDF5 library reads only files, and runs in a separate process
//! (`isolate_hdf5`); the function here parses the output of that process.

#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
use std::path::Path;

/// A WAV or FLAC file.
#[cfg(feature = "audio")]
pub fn recording(bytes: &[u8]) -> bool {
    match crate::audio::Sound::parse(bytes) {
        Ok(sound) => {
            assert!(sound.samples.iter().all(|sample| sample.is_finite()), "samples are finite");
            true
        }
        Err(_) => false,
    }
}

/// An idx file, compressed or not.
#[cfg(feature = "mnist")]
pub fn idx(bytes: &[u8]) -> bool {
    match crate::Idx::parse(bytes) {
        Ok(idx) => {
            assert_eq!(
                idx.shape.iter().product::<usize>(),
                idx.values.len(),
                "as many entries as the shape implies"
            );
            true
        }
        Err(_) => false,
    }
}

/// A list of samples.
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
pub fn list(bytes: &[u8]) -> bool {
    crate::list::List::parse(bytes, Path::new("list")).is_ok()
}

/// The list of content hashes of a folder's recordings.
#[cfg(feature = "audio")]
pub fn contents(bytes: &[u8]) -> bool {
    crate::speech::parse_contents(bytes)
}

/// The first message of the helper that reads HDF5 files.
#[cfg(feature = "hdf5")]
pub fn hdf5_head(mut bytes: &[u8]) -> bool {
    crate::shd::parse_head(&mut bytes)
}

/// A catalog of data sets.
pub fn catalog(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<snn_catalog::Catalog>().is_ok())
}

/// A CSV spike file.
#[cfg(feature = "events")]
pub fn csv(bytes: &[u8]) -> bool {
    crate::shd::parse_csv(bytes)
}

/// An N-MNIST file.
#[cfg(feature = "events")]
pub fn aer(bytes: &[u8]) -> bool {
    match crate::camera::parse_aer(bytes, 34) {
        Ok((events, marks)) => {
            assert_eq!(5 * (events.len() + marks), bytes.len(), "every event is counted");
            true
        }
        Err(_) => false,
    }
}

/// A recording in AEDAT 3.1.
#[cfg(feature = "events")]
pub fn aedat(bytes: &[u8]) -> bool {
    let Ok(mut file) = crate::camera::Aedat::open(bytes, 128) else { return false };
    let mut events = Vec::new();
    loop {
        match file.packet(&mut events) {
            Ok(true) => assert!(
                events.iter().all(|event| event.x < 128 && event.y < 128),
                "pixels are within the sensor"
            ),
            Ok(false) => return true,
            Err(_) => return false,
        }
    }
}

/// A list of gestures.
#[cfg(feature = "events")]
pub fn gestures(bytes: &[u8]) -> bool {
    crate::camera::parse_labels(bytes)
}
