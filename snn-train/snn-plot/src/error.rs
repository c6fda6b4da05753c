//! Errors of rendering.

use std::{error::Error, fmt};

/// The reason why a page could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRendered(pub(super) String);

impl fmt::Display for NotRendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot render the figure: {}", self.0)
    }
}

impl Error for NotRendered {}
