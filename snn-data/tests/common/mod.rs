//! Files for tests, written by hand without the readers' libraries.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses a part of it")]

#[cfg(feature = "events")]
pub mod camera;
pub mod flac;
#[cfg(feature = "mnist")]
pub mod idx;
pub mod mutation;
pub mod wav;
