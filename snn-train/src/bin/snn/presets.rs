//! `snn presets`

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use snn_train::{
    Experiment,
    experiment::{keys, presets},
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Show this preset as TOML: every key with its meaning, range and value
    name: Option<String>,
    /// Document every key: meaning, unit, range and default
    #[arg(long, conflicts_with = "name")]
    keys: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
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
                writeln!(out, "{:<10} {}", preset.name, preset.about)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn keys_as_json() -> serde_json::Value {
    let defaults = Experiment::default();
    let keys = keys().map(|key| {
        json!({
            "key": key.path,
            "help": key.help,
            "values": key.values.to_string(),
            "unit": key.unit,
            "default": defaults.get(key.path),
            "data_set": key.data_set,
        })
    });
    keys.collect()
}

fn write_keys(out: &mut impl io::Write) -> io::Result<()> {
    let defaults = Experiment::default();
    let mut open = "";
    for key in keys() {
        let (section, name) = (key.section(), key.name());
        if section != open {
            writeln!(out, "{}[{section}]", if open.is_empty() { "" } else { "\n" })?;
            open = section;
        }
        let default = defaults.get(key.path).map_or_else(String::new, |value| format!("; default {value}"));
        let only = key.data_set.map_or_else(String::new, |name| format!("; {name} only"));
        writeln!(out, "  {name:<20} {}\n  {:<20} {}{default}{only}", key.help, "", key.range())?;
    }
    Ok(())
}
