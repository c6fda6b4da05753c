//! The results of `cargo test`: counts from the final lines of the test programs, the time of each test, and skipped tests.

use std::fmt;

use crate::usage::Usage;

/// Number of slowest tests to list.
const SLOWEST: usize = 10;

/// The reports of the test programs so far.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    programs: usize,
    passed: usize,
    failed: usize,
    ignored: usize,
    failures: Vec<String>,
    /// The running program, as passed to [`Tally::read`].
    program: String,
    /// Seconds and name of each test, if the harness reports them.
    times: Vec<(f64, String)>,
    /// Tests that were skipped, with the reason. The harness counts them as passed.
    skipped: Vec<(String, String)>,
}

/// The marker of a test program in the output; see `timed`.
pub(crate) const PROGRAM: &str = "test program: ";

impl Tally {
    /// Processes a line of output.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.programs += 1;
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
        } else if let Some(program) = line.strip_prefix(PROGRAM) {
            program.clone_into(&mut self.program);
        } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|it| it.split_once(" ... "))
        {
            let (outcome, time) = outcome.split_once(" <").unwrap_or((outcome, ""));
            let name =
                if self.program.is_empty() { name.to_owned() } else { format!("{}: {name}", self.program) };
            if let Some(seconds) = time.strip_suffix("s>").and_then(|seconds| seconds.parse().ok()) {
                self.times.push((seconds, name.clone()));
            }
            if outcome == "FAILED" {
                self.failures.push(name);
            }
        }
    }

    /// Processes the file in which tests record that they were skipped: `name<TAB>reason` per line.
    pub(crate) fn read_skipped(&mut self, notes: &str) {
        let notes = notes.lines().filter_map(|line| line.split_once('\t'));
        self.skipped.extend(notes.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    }

    /// The time spent, with the slowest tests.
    pub(crate) fn times(&self, build: Usage, tests: Usage) -> String {
        let row = |what: &str, usage: Usage| {
            let processor = usage.processor.map_or_else(|| "-".to_owned(), |it| format!("{it:.0}"));
            format!("  {what:<10} {:>8.0} {processor:>12}\n", usage.wall)
        };
        let mut text = format!("time spent          {:>3} {:>14}\n", "s", "processor s");
        text += &row("building", build);
        text += &row("testing", tests);
        let mut slowest = self.times.clone();
        slowest.sort_by(|a, b| b.0.total_cmp(&a.0));
        if !slowest.is_empty() {
            text += "slowest tests        s\n";
        }
        for (seconds, name) in slowest.iter().take(SLOWEST) {
            text += &format!("  {seconds:>19.1}  {name}\n");
        }
        text
    }
}

/// The number before `what` in `ok. 5 passed; 0 failed; 1 ignored; ...`.
fn count(counts: &str, what: &str) -> usize {
    let mut words = counts.split([' ', ';', '.']).filter(|word| !word.is_empty()).rev();
    words.find(|&word| word == what);
    words.next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, reason) in &self.skipped {
            writeln!(f, "skipped: {name} ({reason})")?;
        }
        for name in &self.failures {
            writeln!(f, "failed: {name}")?;
        }
        // One test may record several skipped parts.
        let mut names: Vec<_> = self.skipped.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        let skipped = self.ignored + names.len();
        write!(f, "total: {} passed, {} failed", self.passed.saturating_sub(names.len()), self.failed)?;
        if skipped > 0 { write!(f, ", {skipped} skipped") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
test program: golden

running 3 tests
test gradients::golden ... ok <0.250s>
test gradients::finite_differences ... FAILED <1.500s>
test slow ... ignored
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s

running 2 tests
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s
";

    fn tally() -> Tally {
        let mut tally = Tally::default();
        OUTPUT.lines().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn summary_lines_add_up() {
        assert_eq!(tally().programs, 2);
        assert_eq!(
            tally().to_string(),
            "failed: golden: gradients::finite_differences\ntotal: 3 passed, 1 failed, 1 skipped"
        );
    }

    #[test]
    fn skipped_tests_do_not_count_as_passed() {
        let mut tally = tally();
        tally.read_skipped("tmux\tnot installed\ntmux\tnor pkill\n\nslurm\tnot Linux\n");
        assert_eq!(
            tally.to_string(),
            "skipped: tmux (not installed)\nskipped: tmux (nor pkill)\nskipped: slurm (not Linux)\n\
             failed: golden: gradients::finite_differences\ntotal: 1 passed, 1 failed, 3 skipped"
        );
    }

    #[test]
    fn the_slowest_tests_come_first() {
        let usage = |wall| Usage { wall, processor: Some(2.0 * wall) };
        let text = tally().times(usage(60.0), usage(3.0));
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["building", "60", "120"]);
        assert_eq!(lines[4], "1.5  golden: gradients::finite_differences");
        assert_eq!(lines[5], "0.2  golden: gradients::golden");
    }

    #[test]
    fn other_lines_are_ignored() {
        let mut tally = Tally::default();
        for line in ["", "test ", "the test result: ok. 5 passed", "test x ... ok"] {
            tally.read(line);
        }
        assert_eq!(tally, Tally::default());
    }
}
