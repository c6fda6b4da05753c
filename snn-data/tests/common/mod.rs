//! Files that tests write: the formats, by hand, without the readers' libraries.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod flac;
pub mod wav;
