//! Whether a run continues.

/// Whether a run continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// It continues.
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
