//! `snn presets`

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use snn_train::{
    Experiment,
    experiment::{Data, Key, keys, presets},
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Show this preset as TOML, with the meaning, range and value of every key
    name: Option<String>,
    /// Document every key: meaning, unit, range and default
    #[arg(long, conflicts_with = "name")]
    keys: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = snn_terminal::stdout();
    match (&arguments.name, arguments.keys) {
        (Some(name), _) => {
            let preset = Experiment::preset(name)?;
            if arguments.json {
                writeln!(out, "{}", serde_json::to_string(&preset)?)?;
            } else {
                write!(out, "{}", preset.to_documented_toml()?)?;
            }
        }
        (None, true) if arguments.json => writeln!(out, "{}", keys_as_json())?,
        (None, true) => write_keys(&mut out)?,
        (None, false) if arguments.json => {
            let list: Vec<_> = presets().iter().map(|p| json!({"name": p.name, "about": p.about})).collect();
            writeln!(out, "{}", json!(list))?;
        }
        (None, false) => {
            for preset in presets() {
                writeln!(out, "{:<35} {}", preset.name, preset.about)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn keys_as_json() -> serde_json::Value {
    let keys = keys().map(|key| {
        json!({
            "key": key.path,
            "help": key.help,
            "values": key.values.to_string(),
            "unit": key.unit,
            "default": default(key),
            "data_sets": key.data_sets,
        })
    });
    keys.collect()
}

/// The default of a key, in the first data set that has it.
fn default(key: &Key) -> Option<toml::Value> {
    let data = key.data_sets.first().and_then(|name| Data::named(name)).unwrap_or_default();
    Experiment { data, ..Experiment::default() }.get(key.path)
}

fn write_keys(out: &mut impl io::Write) -> io::Result<()> {
    let mut open = "";
    for key in keys() {
        let (section, name) = (key.section(), key.name());
        if section != open {
            writeln!(out, "{}[{section}]", if open.is_empty() { "" } else { "\n" })?;
            open = section;
        }
        let default = default(key).map_or_else(String::new, |value| format!("; default {value}"));
        let only = match key.data_sets {
            [] => String::new(),
            names => format!("; {} only", names.join(", ")),
        };
        writeln!(out, "  {name:<20} {}\n  {:<20} {}{default}{only}", key.help, "", key.range())?;
    }
    Ok(())
}
