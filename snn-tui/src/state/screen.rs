//! Which screen is shown.

/// A screen, by the word with which the command line calls it. `screens` has the table of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen(pub(crate) &'static str);

/// Those that others lead to.
impl Screen {
    pub(crate) const RUNS: Self = Self("runs");
    pub(crate) const CURVES: Self = Self("curves");
    pub(crate) const SWEEP: Self = Self("sweep");
    pub(crate) const SYSTEM: Self = Self("system");
    pub(crate) const CONFIG: Self = Self("config");
}
