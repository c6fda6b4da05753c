//! The presets that ship inside the binary.

/// An experiment that ships with the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// The name by which `snn train` finds it.
    pub name: &'static str,
    /// What it trains, in a line.
    pub about: &'static str,
    /// Its file.
    pub toml: &'static str,
}

/// All presets.
#[must_use]
pub fn presets() -> &'static [Preset] {
    &[Preset {
        name: "randman",
        about: "10 smooth random manifolds, 20-100-10 units: the paper's default network and task",
        toml: include_str!("../../presets/randman.toml"),
    }]
}
