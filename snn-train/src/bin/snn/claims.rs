//! `snn claims`

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use serde_json::json;
use snn_train::figures::{
    CLAIM_METHOD, ClaimColumn, FirstWeights, Reproduction, Scale, claims_to_markdown, claims_to_text,
    columns_to_markdown, columns_to_text, draw_columns,
};

use crate::figure::HowMuch;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Scale of the runs; if repeated, claims that one cannot decide use the next
    #[arg(long = "scale", value_enum, default_values_t = [HowMuch::Full, HowMuch::Reduced, HowMuch::Quick])]
    scales: Vec<HowMuch>,
    /// The initial weights whose claims are listed in full; a table has the verdicts for all
    #[arg(long, value_name = "NAME", default_value = "active", value_parser = PossibleValuesParser::new(FirstWeights::NAMES))]
    initialization: String,
    /// Maximum number of batches of seeds to use: further ones decide claims that are undecided
    #[arg(long, value_name = "N", default_value_t = Reproduction::MOST_BATCHES)]
    batches: u32,
    /// Draw the table of verdicts to this file (SVG)
    #[arg(long, value_name = "FILE")]
    draw: Option<PathBuf>,
    /// Where the figures of each scale are, in folders such as `full` and `full-printed`
    #[arg(long, value_name = "DIR", default_value = "figures")]
    figures: PathBuf,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scales: Vec<Scale> = arguments.scales.iter().map(|&scale| scale.into()).collect();
    let chosen: FirstWeights = arguments.initialization.parse()?;
    let mut columns = Vec::new();
    for weights in FirstWeights::all() {
        let column = ClaimColumn::of(&arguments.figures, weights, &scales, arguments.batches)?;
        if weights == chosen || column.is_tested() {
            columns.push(column);
        }
    }
    if let Some(path) = &arguments.draw {
        draw_columns(&columns, path)?;
    }
    let claims =
        columns.iter().find(|column| column.initialization == chosen).map_or(&[][..], |it| &it.claims);
    // Armitage, McPherson & Rowe (1969), Table 2: normal means, tested after each of several equal batches.
    let looks_twice = columns.iter().flat_map(|column| &column.claims).any(|claim| claim.batches > 1);
    let note = looks_twice.then_some(
        "Some claims were tested again with more batches of seeds. Looking at 95 % intervals after each batch gives a wrong decision \
         in 8.3 % of cases with two batches, in 10.7 % with three.",
    );
    let mut out = snn_terminal::stdout();
    match if arguments.json { Format::Json } else { arguments.format } {
        Format::Json => {
            let table = json!({
                "version": 1,
                "kind": "claims",
                "method": CLAIM_METHOD,
                "initialization": chosen,
                "batches": arguments.batches,
                "claims": claims,
                "columns": columns,
            });
            writeln!(out, "{table}")?;
        }
        Format::Markdown => {
            if columns.len() > 1 {
                writeln!(out, "{}", columns_to_markdown(&columns))?;
            }
            write!(out, "{}", claims_to_markdown(claims))?;
            if let Some(note) = note {
                writeln!(out, "\n{note}")?;
            }
        }
        Format::Text => {
            let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
            let width = width.clamp(40, 120);
            if columns.len() > 1 {
                writeln!(out, "{}", columns_to_text(&columns, width))?;
            }
            write!(out, "{}", claims_to_text(claims, width))?;
            if let Some(note) = note {
                writeln!(out, "{note}")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
