//! Claims side by side for several initial weights: as text, as Markdown, and as a drawing.

use std::{fmt::Write as _, path::Path};

use serde::Serialize;
use snn_plot::{Anchor, BLACK, Canvas, Color, GREEN, LIGHT_GRAY, ORANGE, Rect, VERMILION};

use super::claim::{Claim, Verdict};
use crate::{
    Error,
    figures::{FirstWeights, Reproduction, Scale},
    replace::{Durability, replace_shared},
};

/// The claims as tested with networks from some initial weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimColumn {
    /// The initial weights.
    pub initialization: FirstWeights,
    /// The claims; the same ones in every column.
    pub claims: Vec<Claim>,
}

impl ClaimColumn {
    /// Tests the claims with the runs in `figures`, in the folders of these scales; claims that cannot be tested at one scale are tested at
    /// the next. `batches` as for [`Reproduction::claims`].
    ///
    /// # Errors
    /// Those of [`Reproduction::claims`].
    pub fn of(
        figures: &Path,
        initialization: FirstWeights,
        scales: &[Scale],
        batches: u32,
    ) -> Result<Self, Error> {
        let mut claims: Vec<Claim> = Vec::new();
        for &scale in scales {
            let out = figures.join(initialization.directory(scale));
            let found = Reproduction::new(out, scale).from(initialization).batches(batches)?.claims()?;
            if claims.is_empty() {
                claims = found;
                continue;
            }
            for (claim, found) in claims.iter_mut().zip(found) {
                if claim.verdict == Verdict::NotTested && found.verdict != Verdict::NotTested {
                    *claim = found;
                }
            }
        }
        Ok(Self { initialization, claims })
    }

    /// Whether anything was tested.
    #[must_use]
    pub fn is_tested(&self) -> bool {
        self.claims.iter().any(|claim| claim.verdict != Verdict::NotTested)
    }
}

impl Verdict {
    /// Its symbol: a check mark, a cross, a question mark or a dot.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::DoesNotHold => "✗",
            Self::Undecided => "?",
            Self::NotTested => "·",
        }
    }

    fn color(self) -> Color {
        match self {
            Self::Holds => GREEN,
            Self::DoesNotHold => VERMILION,
            Self::Undecided => ORANGE,
            Self::NotTested => LIGHT_GRAY,
        }
    }
}

/// At most this many characters of a text; an ellipsis replaces the rest.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The legend of the symbols.
const LEGEND: &str = "✓ holds, ✗ does not hold, ? undecided, · not tested; r reduced scale, q quick; * other data than the paper's";

/// A claim's verdict, its scale unless it is the full scale, and a star if other data replace those of the paper.
fn cell(claim: &Claim) -> String {
    let scale = match claim.scale {
        _ if claim.verdict == Verdict::NotTested => "",
        Scale::Full => "",
        Scale::Reduced => "r",
        Scale::Quick => "q",
        Scale::Smoke => "s",
    };
    let star = if claim.stands_in && claim.verdict != Verdict::NotTested { "*" } else { "" };
    format!("{}{scale}{star}", claim.verdict.symbol())
}

/// One line per claim, one column per choice of initial weights, for a terminal.
#[must_use]
pub fn columns_to_text(columns: &[ClaimColumn], width: usize) -> String {
    let mut text = String::from("claims by initial weights\n");
    // Writing to a string cannot fail.
    let names: Vec<String> = columns.iter().map(|column| column.initialization.to_string()).collect();
    for (number, name) in names.iter().enumerate() {
        let _ = writeln!(text, "  {}: {name}", number + 1);
    }
    let head: String = (1..=columns.len()).map(|number| format!("{number:<4}")).collect();
    let _ = writeln!(text, "    {head}");
    for (place, claim) in columns.first().map_or(&[][..], |column| &column.claims).iter().enumerate() {
        let cells: String =
            columns.iter().map(|column| format!("{:<4}", cell(&column.claims[place]))).collect();
        let line = format!("{:<3} {cells} {}", claim.id, claim.statement);
        let _ = writeln!(text, "{}", cut(&line, width).trim_end());
    }
    text + LEGEND + "\n"
}

/// Like [`columns_to_text`], in Markdown, with the number of claims that hold in each column.
#[must_use]
pub fn columns_to_markdown(columns: &[ClaimColumn]) -> String {
    let mut text = String::from("| claim | the paper says |");
    for column in columns {
        let _ = write!(text, " {} |", column.initialization);
    }
    let _ = writeln!(text, "\n|---|---|{}", ":-:|".repeat(columns.len()));
    for (place, claim) in columns.first().map_or(&[][..], |column| &column.claims).iter().enumerate() {
        let _ = write!(text, "| {} | {} |", claim.id, claim.statement.replace('|', "\\|"));
        for column in columns {
            let _ = write!(text, " {} |", cell(&column.claims[place]));
        }
        text.push('\n');
    }
    text.push_str("| | hold, do not, undecided |");
    for column in columns {
        let count = |verdict| column.claims.iter().filter(|claim| claim.verdict == verdict).count();
        let (yes, no, open) = (count(Verdict::Holds), count(Verdict::DoesNotHold), count(Verdict::Undecided));
        let _ = write!(text, " {yes}, {no}, {open} |");
    }
    text + "\n\n" + LEGEND + ".\n"
}

/// Draws [`columns_to_text`] as SVG, without the claims that are tested in no column.
///
/// # Errors
/// [`snn_run::Error::Io`] if the file cannot be written.
pub fn draw_columns(columns: &[ClaimColumn], path: &Path) -> Result<(), Error> {
    let claims = columns.first().map_or(&[][..], |column| &column.claims);
    let tested = |place: &usize| columns.iter().any(|it| it.claims[*place].verdict != Verdict::NotTested);
    let places: Vec<usize> = (0..claims.len()).filter(tested).collect();
    let (left, top, cell_width, cell_height) = (300.0, 26.0, 46.0, 13.0);
    let width = left + cell_width * columns.len() as f64 + 10.0;
    let height = top + cell_height * places.len() as f64 + 24.0;
    let mut canvas = Canvas::new(width, height, "Claims of the paper by initial weights");
    for (number, column) in columns.iter().enumerate() {
        let middle = left + cell_width * (number as f64 + 0.5);
        let name = column.initialization.to_string().replace("fluctuation", "fluct.").replace("-driven", "");
        canvas.text(middle, top - 8.0, &name, 7.0, Anchor::Middle, BLACK);
    }
    for (row, &place) in places.iter().enumerate() {
        let y = top + cell_height * row as f64;
        let claim = &claims[place];
        let statement = cut(&claim.statement, 78);
        canvas.text(6.0, y + 9.0, &format!("{}  {statement}", claim.id), 7.0, Anchor::Start, BLACK);
        for (number, column) in columns.iter().enumerate() {
            let x = left + cell_width * number as f64;
            let verdict = column.claims[place].verdict;
            canvas.rect(Rect::new(x + 1.0, y + 1.0, cell_width - 2.0, cell_height - 2.0), verdict.color());
        }
    }
    let y = height - 8.0;
    let mut x = 6.0;
    for verdict in [Verdict::Holds, Verdict::DoesNotHold, Verdict::Undecided, Verdict::NotTested] {
        canvas.rect(Rect::new(x, y - 7.0, 9.0, 9.0), verdict.color());
        canvas.text(x + 13.0, y, &verdict.to_string(), 7.0, Anchor::Start, BLACK);
        x += 76.0;
    }
    replace_shared(path, canvas.to_svg().as_bytes(), Durability::Disk)
        .map_err(Error::io("write the drawing of the claims", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_side_by_side() {
        let directory = tempfile::tempdir().unwrap();
        let column =
            |weights| ClaimColumn::of(directory.path(), weights, &[Scale::Full, Scale::Quick], 1).unwrap();
        let mut columns = [FirstWeights::Active, FirstWeights::Gain(3)].map(column);
        assert!(!columns[0].is_tested());
        columns[1].claims[0].verdict = Verdict::Holds;
        columns[1].claims[0].scale = Scale::Reduced;
        columns[1].claims[1].verdict = Verdict::Undecided;
        columns[1].claims[1].stands_in = true;
        columns[1].claims[2].stands_in = true;
        assert!(columns[1].is_tested());
        let text = columns_to_text(&columns, 60);
        for cells in ["1a  ·   ✓r  ", "1b  ·   ?*  ", "1c  ·   ·   "] {
            assert!(text.lines().any(|line| line.starts_with(cells)), "{text}");
        }
        assert!(text.lines().filter(|line| *line != LEGEND).all(|line| line.chars().count() <= 60));
        assert!(text.lines().any(|line| line.starts_with("2a  ") && line.ends_with('…')), "{text}");
        let markdown = columns_to_markdown(&columns);
        assert!(
            markdown.starts_with("| claim | the paper says | active | gain-3 |\n|---|---|:-:|:-:|\n| 1a |")
        );
        assert!(markdown.contains("| 0, 0, 0 | 1, 0, 1 |"), "{markdown}");
        let path = directory.path().join("claims.svg");
        draw_columns(&columns, &path).unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(svg.contains("1a") && !svg.contains("7n"), "only tested claims are drawn");
        assert!(column(FirstWeights::Printed).claims.iter().all(|claim| {
            claim.reason.as_ref().is_none_or(|reason| {
                !reason.contains("trains the others") || reason.contains("--initialization printed")
            })
        }));
    }
}
