//! What the user has chosen to see. The epoch is that of all screens of probes.

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Choice {
    /// Which of the views is in front.
    pub(super) view: usize,
    pub(super) layer: usize,
    /// True and predicted class under the cursor; at first those that are confused most often.
    pub(super) cell: Option<(usize, usize)>,
}
