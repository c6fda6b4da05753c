//! The table of results.

use std::time::Duration;

/// The tests of one kind of file or program.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) tried: u64,
    /// Damaged files that were accepted.
    pub(crate) accepted: u64,
    pub(crate) slowest: Duration,
    /// Failures, each with the seed or call that reproduces it.
    pub(crate) failures: Vec<String>,
    /// Why the tests were skipped.
    pub(crate) skipped: Option<String>,
}

impl Row {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    pub(crate) fn has_failed(&self) -> bool {
        !self.failures.is_empty()
    }

    pub(crate) fn fail(&mut self, failure: String) {
        println!("FAILED: {}: {failure}", self.what);
        self.failures.push(failure);
    }
}

/// As Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = "| what | tried | accepted | slowest | failed |\n|---|--:|--:|--:|--:|\n".to_owned();
    for Row { what, tried, accepted, slowest, failures, skipped } in rows {
        let failed =
            skipped.as_ref().map_or_else(|| failures.len().to_string(), |why| format!("skipped: {why}"));
        let slowest = 1e3 * slowest.as_secs_f64();
        text += &format!("| {what} | {tried} | {accepted} | {slowest:.1} ms | {failed} |\n");
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    text + &format!("| all | {} | | | {} |\n", sum(|row| row.tried), sum(|row| row.failures.len() as u64))
}
