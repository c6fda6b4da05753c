//! The result of reading a camera file.

use crate::fingerprint::Hasher;
use crate::{Fingerprint, Reason, Split};

/// A brightness change at a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Microseconds.
    pub(crate) time: u64,
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) on: bool,
}

/// A sample of a file.
#[derive(Debug)]
pub(super) struct Recording {
    /// Its file within the folder, and its index in a file of several.
    pub(super) name: String,
    pub(super) label: u16,
    pub(super) speaker: Option<String>,
    pub(super) split: Split,
    /// Events, with times from the beginning of the sample.
    pub(super) events: Vec<Event>,
}

/// The number of items left out of a file, for each reason.
pub(super) type LeftOut = Vec<(Reason, usize)>;

impl Recording {
    /// Of all events.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Hasher::default();
        let mut bytes = Vec::with_capacity(13 * self.events.len());
        for &Event { time, x, y, on } in &self.events {
            bytes.extend_from_slice(&time.to_le_bytes());
            bytes.extend_from_slice(&x.to_le_bytes());
            bytes.extend_from_slice(&y.to_le_bytes());
            bytes.push(on.into());
        }
        hash.add(&bytes);
        hash.finish()
    }
}
