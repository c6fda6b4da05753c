//! `snn claims`

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use serde_json::json;
use snn_train::figures::{
    CLAIM_METHOD, Claim, Reproduction, Scale, Verdict, claims_to_markdown, claims_to_text,
};

use crate::figure::HowMuch;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Scale of the runs; given again, what one cannot tell is asked of the next
    #[arg(long = "scale", value_enum, default_values_t = [HowMuch::Full, HowMuch::Quick])]
    scales: Vec<HowMuch>,
    /// Where the figures of each scale are, in folders `smoke`, `quick` and `full`
    #[arg(long, value_name = "DIR", default_value = "figures")]
    figures: PathBuf,
    /// How the claims are written
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
    let mut claims: Vec<Claim> = Vec::new();
    for &scale in &arguments.scales {
        let scale = Scale::from(scale);
        let reproduction = Reproduction::new(arguments.figures.join(scale.to_string()), scale);
        let found = reproduction.claims()?;
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
    let mut out = snn_terminal::stdout();
    match if arguments.json { Format::Json } else { arguments.format } {
        Format::Json => {
            let table = json!({"version": 1, "kind": "claims", "method": CLAIM_METHOD, "claims": claims});
            writeln!(out, "{table}")?;
        }
        Format::Markdown => write!(out, "{}", claims_to_markdown(&claims))?,
        Format::Text => {
            let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
            write!(out, "{}", claims_to_text(&claims, width.clamp(40, 120)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
