//! The user's choices. The epoch is shared by all screens of probes.

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Choice {
    /// The current view.
    pub(super) view: usize,
    pub(super) layer: usize,
    /// True and predicted class under the cursor; initially the most frequent confusion.
    pub(super) cell: Option<(usize, usize)>,
}
