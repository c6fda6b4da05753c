//! The screens: each draws the state, and takes the keys that are its own.

pub(crate) mod activity;
pub(crate) mod curves;
mod frame;
mod help;
mod keys;
pub(crate) mod learning;
mod probed;
pub(crate) mod runs;
mod small;
pub(crate) mod sweep;
pub(crate) mod system;
#[cfg(test)]
mod tests;

pub(crate) use frame::draw;
pub(crate) use keys::{Action, key};

/// A screen of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Screen {
    /// All runs and how they stand.
    #[default]
    Runs,
    /// Loss, accuracy and every other number over the epochs.
    Curves,
    /// Spikes and potentials of a probed sample.
    Activity,
    /// Gradients, updates, derivatives, confusions.
    Learning,
    /// A metric over two swept keys.
    Sweep,
    /// This machine, where the time goes, what the trainer says.
    System,
}

impl Screen {
    pub(crate) const ALL: [Self; 6] =
        [Self::Runs, Self::Curves, Self::Activity, Self::Learning, Self::Sweep, Self::System];

    pub(crate) fn name(self) -> &'static str {
        ["Runs", "Curves", "Activity", "Learning", "Sweep", "System"][self as usize]
    }
}

/// Keys and what they do, for the line at the bottom and for the help.
pub(crate) type Hints = &'static [(&'static str, &'static str)];

/// The keys of a screen.
fn hints(screen: Screen) -> Hints {
    match screen {
        Screen::Runs => runs::HINTS,
        Screen::Curves => curves::HINTS,
        Screen::Activity => activity::HINTS,
        Screen::Learning => learning::HINTS,
        Screen::Sweep => sweep::HINTS,
        Screen::System => system::HINTS,
    }
}
