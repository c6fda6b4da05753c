//! Exports of screens: plots, or the screen with its numbers.

use crate::widgets::{Histogram, Lanes, Map, Plot};

/// The export of a screen.
pub(crate) enum Figure<'a> {
    /// Plots, which contain their numbers.
    Panels(Vec<Panel<'a>>),
    /// The screen and its numbers.
    Screen(Table),
}

/// A plot.
pub(crate) enum Panel<'a> {
    Plot(Plot),
    Lanes(Lanes),
    Histogram(Histogram<'a>),
    Map(Map),
}

/// A table with named columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Parses CSV with a header.
    pub(crate) fn of_csv(text: &str) -> Self {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
        let mut rows = reader.records().flatten().map(cells);
        Self { head: rows.next().unwrap_or_default(), rows: rows.collect() }
    }
}
