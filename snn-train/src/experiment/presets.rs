//! The presets included in the binary.

/// An experiment included in the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// Its name for `snn train`.
    pub name: &'static str,
    /// A one-line description.
    pub about: &'static str,
    /// Its file.
    pub toml: &'static str,
    /// Its changes to that file, `section.key=value`.
    pub changes: &'static [&'static str],
}

const RECURRENT: &[&str] = &["network.recurrent=true"];

/// Defines a preset from the file `presets/{name}.toml`, and `{name}-recurrent` with recurrent hidden layers.
macro_rules! presets {
    ($($name:literal: $about:literal;)+) => {
        &[$(
            Preset {
                name: $name,
                about: $about,
                toml: include_str!(concat!("../../presets/", $name, ".toml")),
                changes: &[],
            },
            Preset {
                name: concat!($name, "-recurrent"),
                about: concat!($about, "; recurrent"),
                toml: include_str!(concat!("../../presets/", $name, ".toml")),
                changes: RECURRENT,
            },
        )+]
    };
}

/// All presets.
#[must_use]
pub fn presets() -> &'static [Preset] {
    presets! {
        "randman": "10 smooth random manifolds, 20-100-10 units: the paper's default network and task";
        "mnist": "handwritten digits as spike latencies, 784-100-10 units";
        "shd": "Spiking Heidelberg Digits, 700-256-20 units";
        "ssc": "Spiking Speech Commands, 700-256-35 units";
        "rawhd": "Heidelberg Digits as Mel spectrograms, 40-256-20 units";
        "rawsc": "Speech Commands as Mel spectrograms, 40-256-35 units";
        "fsdd": "Free Spoken Digits as Mel spectrograms, 40-256-10 units: a small real sound data set";
        "fsdd_spikes": "Free Spoken Digits as spikes (create them with `snn data encode fsdd`), 28-256-10 units";
        "speech_commands_ten_words": "ten words of the Speech Commands as Mel spectrograms, 40-256-10 units";
    }
}
