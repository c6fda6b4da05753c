//! Random numbers.

/// A new number on every call.
pub(crate) fn random() -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one(0)
}
