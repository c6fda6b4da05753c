//! Progress bars on a terminal. Their text is escaped, like all other output.

use std::ops::Deref;

use indicatif::{ProgressBar, ProgressStyle};
use snn_terminal::escape;

/// A bar on standard error.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// With a constant `template`, which a test parses.
    pub(crate) fn new(length: u64, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(length).with_style(style))
    }

    /// An invisible bar.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Prints a line above the bar.
    pub(crate) fn println(&self, line: &str) {
        self.0.println(escape(line));
    }

    pub(crate) fn set_message(&self, text: &str) {
        self.0.set_message(escape(text).into_owned());
    }

    pub(crate) fn set_prefix(&self, text: &str) {
        self.0.set_prefix(escape(text).into_owned());
    }
}

/// The other methods of the bar, which take no text.
impl Deref for Bar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.0
    }
}
