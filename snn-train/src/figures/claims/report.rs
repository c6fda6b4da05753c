//! Claims as text and as Markdown.

use std::fmt::Write as _;

use super::claim::{Check, Claim, Verdict};
use super::topic::ABOVE_0;
use crate::figures::Scale;

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Undecided => "undecided",
            Self::NotTested => "not tested",
        })
    }
}

/// As text for a terminal of this width.
#[must_use]
pub fn claims_to_text(claims: &[Claim], width: usize) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for claim in claims {
        let Claim { id, verdict, figure, data, statement, .. } = claim;
        wrap(&mut text, &format!("{id:<3} "), &format!("{verdict}: {statement}"), width);
        wrap(
            &mut text,
            "    ",
            &format!("figure {figure}, {data}, {} scale{}", claim.scale, batches(claim)),
            width,
        );
        for check in &claim.checks {
            wrap(&mut text, "    ", &describe(check), width);
        }
        for finding in &claim.looked_into {
            wrap(&mut text, "    ", &format!("details: {finding}"), width);
        }
        for line in claim.reason.iter().chain(&claim.next) {
            wrap(&mut text, "    ", line, width);
        }
    }
    let count = |verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
    let summary = format!(
        "{} claims: {} hold, {} do not, {} undecided, {} not tested",
        claims.len(),
        count(Verdict::Holds),
        count(Verdict::DoesNotHold),
        count(Verdict::Undecided),
        count(Verdict::NotTested)
    );
    wrap(&mut text, "", &summary, width);
    wrap(&mut text, "", METHOD, width);
    if is_short(claims) {
        wrap(&mut text, "", SHORT, width);
    }
    text
}

/// The method of all checks, and how they determine a verdict.
pub const METHOD: &str = "[..] is the 95 % interval (two-sided percentile bootstrap; of the share in 4b, exact). A claim holds if all its intervals \
                      are within the expected bounds, does not hold if one is outside of them, and is undecided otherwise.";

/// The meaning of verdicts from quick runs.
const SHORT: &str = "Runs at quick scale end before networks have learned all they can, so equal accuracies and spike counts \
                     describe early learning. Only full scale tests the paper.";

fn is_short(claims: &[Claim]) -> bool {
    claims.iter().any(|claim| claim.scale == Scale::Quick && claim.verdict != Verdict::NotTested)
}

/// As a table in Markdown.
#[must_use]
pub fn claims_to_markdown(claims: &[Claim]) -> String {
    let mut text = String::from(
        "| claim | the paper says | figure | data, scale | measured [95 % interval], expected | verdict |\n\
         |---|---|---|---|---|---|\n",
    );
    for claim in claims {
        let Claim { id, statement, figure, data, scale, verdict, .. } = claim;
        let batches = batches(claim);
        let checks = claim.checks.iter().map(describe);
        let findings = claim.looked_into.iter().map(|finding| format!("details: {finding}"));
        let lines = checks.chain(findings).chain(claim.reason.clone()).chain(claim.next.clone());
        let measured = lines.collect::<Vec<_>>().join("<br>");
        let line =
            [*id, statement, figure, &format!("{data}, {scale}{batches}"), &measured, &verdict.to_string()]
                .map(|cell| cell.replace('|', "\\|"))
                .join(" | ");
        let _ = writeln!(text, "| {line} |");
    }
    let _ = writeln!(text, "\n{METHOD}");
    if is_short(claims) {
        let _ = writeln!(text, "\n{SHORT}");
    }
    text
}

/// The number of batches of seeds, if more than one.
fn batches(claim: &Claim) -> String {
    if claim.batches > 1 { format!(", {} batches", claim.batches) } else { String::new() }
}

fn describe(check: &Check) -> String {
    let Check { what, interval, at_least, at_most, .. } = check;
    let expected = match (at_least, at_most) {
        (Some(least), Some(most)) => format!(", expected {} to {}", short(*least), short(*most)),
        (Some(least), None) if *least == ABOVE_0 => ", expected above 0".to_owned(),
        (Some(least), None) => format!(", expected at least {}", short(*least)),
        (None, Some(most)) => format!(", expected at most {}", short(*most)),
        (None, None) => String::new(),
    };
    format!("{what}: {} [{}, {}]{expected}", short(interval.value), short(interval.low), short(interval.high))
}

/// A number with three digits.
fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 1.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Wraps a paragraph between words; lines after the first are indented by the width of the label.
fn wrap(text: &mut String, label: &str, paragraph: &str, width: usize) {
    let mut line = label.to_owned();
    let mut empty = true;
    for word in paragraph.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > width {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(label.len());
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.0, -0.25, 3.04, 36.0, 1234.5].map(short), ["0", "-0.25", "3", "36", "1234"]);
    }

    #[test]
    fn paragraphs_fit_the_width() {
        let mut text = String::new();
        wrap(&mut text, "1a  ", "one two three four", 12);
        assert_eq!(text, "1a  one two\n    three\n    four\n");
    }
}
