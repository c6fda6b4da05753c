//! Whether a run goes on.

/// Whether a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// It does.
    #[default]
    Continue,
    /// It ends after the current batch, with a checkpoint.
    Stop,
}

impl Flow {
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::Stop { self } else { other }
    }
}
