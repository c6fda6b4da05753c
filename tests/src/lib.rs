//! Readers of the golden data, and what the tests in `tests/` share.

pub mod golden;
pub mod measure;
