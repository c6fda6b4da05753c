//! Readers of the golden data, and helpers that the tests in `tests/` share.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "test helpers fail like tests")]

pub mod golden;
pub mod measure;
pub mod npz;
pub mod problem;
pub mod random;
pub mod run;
pub mod training;

/// The programs in the README and the guide; they must compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/library.md")]
pub struct Documents;
