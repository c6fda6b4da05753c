//! `snn data cache`

use std::{io::Write, process::ExitCode};

use clap::Args;
use serde_json::json;
use snn_data::cache_files;
use snn_train::experiment::feature_cache;

use crate::common::path_text;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Remove all files of the cache
    #[arg(long)]
    clear: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = feature_cache()?;
    let used = if arguments.clear { cache_files::clear(&folder)? } else { cache_files::usage(&folder)? };
    let mut out = snn_terminal::stdout();
    if arguments.json {
        let result = json!({
            "version": 1,
            "kind": "cache",
            "path": path_text(&folder),
            "files": used.files,
            "bytes": used.bytes,
            "limit": cache_files::LIMIT,
            "cleared": arguments.clear,
        });
        writeln!(out, "{result}")?;
    } else {
        let what = if arguments.clear { "removed: " } else { "" };
        let (files, size, limit) = (used.files, mebibytes(used.bytes), mebibytes(cache_files::LIMIT));
        writeln!(
            out,
            "{what}features of {files} data sets and settings, {size} of at most {limit}: {}",
            folder.display()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
