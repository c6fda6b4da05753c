//! The current screen.

/// A screen, by its name on the command line. The table of all screens is in `screens`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen(pub(crate) &'static str);

/// Screens that others link to.
impl Screen {
    pub(crate) const RUNS: Self = Self("runs");
    pub(crate) const CURVES: Self = Self("curves");
    pub(crate) const SWEEP: Self = Self("sweep");
    pub(crate) const SYSTEM: Self = Self("system");
    pub(crate) const CONFIG: Self = Self("config");
}
