//! `snn data preview`

use std::{env, io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use serde_json::json;
use snn_data::{Dataset, Split};
use snn_train::figures::{Look, Preview};

use super::selection::Selection;
use crate::{
    common::{UsageError, path_text, split_parser},
    loading,
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Number of samples, from as many classes as possible
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = parse_count)]
    samples: usize,
    /// Only samples of this class, by name or number
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// The part of the data
    #[arg(long, default_value_t = Split::Train, value_parser = split_parser())]
    split: Split,
    /// Show this sample; may be repeated
    #[arg(long = "sample", value_name = "INDEX", conflicts_with_all = ["samples", "class", "split"])]
    indices: Vec<u32>,
    /// Draw to this file, SVG or PNG according to its extension; may be repeated
    #[arg(long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Terminal lines per sample
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = parse_count)]
    height: usize,
    /// Use plain ASCII
    #[arg(long)]
    ascii: bool,
    /// Whether to use colors; `auto` on a terminal unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let data = arguments.selection.data()?;
    let dataset = loading::open(&data, arguments.json)?;
    let split = arguments.split;
    let samples = if arguments.indices.is_empty() {
        let class = arguments.class.as_deref().map(|class| find_class(&*dataset, class)).transpose()?;
        Preview::choose(&*dataset, split, class, arguments.samples)
    } else {
        if let Some(index) = arguments.indices.iter().find(|&&index| index as usize >= dataset.len()) {
            let last = dataset.len().saturating_sub(1);
            return Err(UsageError(format!("there is no sample {index}: the last is {last}")).into());
        }
        arguments.indices.clone()
    };
    if samples.is_empty() {
        return Err(UsageError(format!("no matching sample in the {split} part")).into());
    }
    let preview = Preview { name: data.name().to_owned(), ..Preview::of(&*dataset, &samples)? };
    for path in &arguments.out {
        preview.write(path)?;
    }
    let mut out = snn_terminal::stdout();
    if arguments.json {
        let files: Vec<_> = arguments.out.iter().map(|path| path_text(path)).collect();
        let mut result = json!({"version": 1, "kind": "preview", "files": files});
        if let (Some(result), serde_json::Value::Object(fields)) =
            (result.as_object_mut(), serde_json::to_value(&preview)?)
        {
            result.extend(fields);
        }
        writeln!(out, "{result}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let terminal = out.is_terminal();
    let color = match arguments.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    let look = Look { width, height: arguments.height, ascii: arguments.ascii, color };
    out.write_colored(&preview.to_text(&look))?;
    for path in &arguments.out {
        writeln!(out, "drawn: {}", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// More names than this fill the screen.
const MOST_NAMES: usize = 100;

fn find_class(dataset: &dyn Dataset, wanted: &str) -> Result<u16, UsageError> {
    // There are up to 2^16 classes.
    let last = u16::try_from(dataset.classes().saturating_sub(1)).unwrap_or(u16::MAX);
    let named = (0..=last).find(|&label| dataset.class_name(label) == Some(wanted));
    let numbered = || wanted.parse().ok().filter(|&label| label <= last);
    named.or_else(numbered).ok_or_else(|| {
        let mut names: Vec<_> = (0..=last).filter_map(|label| dataset.class_name(label)).collect();
        if names.len() > MOST_NAMES {
            names.truncate(MOST_NAMES);
            names.push("..");
        }
        let names =
            if names.is_empty() { String::new() } else { format!(", or one of {}", names.join(", ")) };
        UsageError(format!("there is no class `{wanted}`; give a number from 0 to {last}{names}"))
    })
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=100) => Ok(count),
        _ => Err("a whole number from 1 to 100".to_owned()),
    }
}
