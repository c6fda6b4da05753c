//! `cargo xtask fetch-data`: downloads the data sets of the catalog and verifies that they are the published ones.
//!
//! A separate program, so `cargo xtask` does not compile HTTP, TLS and archive code.
//!
//! - `sources`: the sources of a file, in order.
//! - `transport`, `proxy`: one request to a server; `patience`: retries; `download`: a file, resumed as often as needed.
//! - `digest`: checksums; `unpack`: archives, treated as untrusted.
//! - `store`: the data directory with its locks and records; `inspect`: its state.
//! - `acquire`: one verified file from one source; `fetcher`: a data set.
//! - `display`, `report`, `error`: output for the user.
//!
//! A signal or a power failure may interrupt any step: files in their final place are verified, and unfinished ones are
//! resumed or started over.

mod acquire;
mod context;
mod digest;
mod display;
mod download;
mod error;
mod fetcher;
mod inspect;
mod part;
mod patience;
mod proxy;
mod report;
mod sources;
mod store;
#[cfg(test)]
mod tests;
mod transport;
mod unpack;

use std::{
    path::PathBuf,
    process::{self, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use snn_catalog::{Catalog, DataSet};
use snn_terminal::{print_error, print_line};

use context::Fetcher;
use display::Display;
use inspect::Presence;
use patience::Patience;
use report::{Done, Listed};
use sources::Mirror;
use store::Store;
use transport::Client;

/// Fetch data sets, check them against published checksums, and unpack them
///
/// Verified files are not downloaded again, and interrupted downloads resume. Servers and mirrors are tried in order, through
/// the proxies of HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY. Where no checksum is published, the first download is
/// trusted and recorded, and the command says so.
#[derive(Debug, Parser)]
#[command(name = "snn-fetch", bin_name = "cargo xtask fetch-data", version)]
struct Options {
    /// mnist, shd, heidelberg, speech_commands, fsdd, speech_commands_ten_words, or all
    #[arg(value_name = "NAMES|all", required_unless_present_any = ["list", "verify_only"], value_parser = known_name)]
    names: Vec<String>,
    /// The folder of data sets, each in a subfolder with its name [default: SNN_DATA_DIR, or `snn` in the user's data
    /// folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A folder or an address to try before the servers, with files packed or unpacked, such as MIRROR/mnist/*.gz
    #[arg(long, value_name = "URL_OR_DIR")]
    mirror: Option<Mirror>,
    /// Fetch nothing: read every byte of the files on disk and compare it with the checksums
    #[arg(long, conflicts_with_all = ["list", "mirror"])]
    verify_only: bool,
    /// Fetch nothing: show size, license, citation and state of the data sets
    #[arg(long, conflicts_with = "mirror")]
    list: bool,
    /// Report in JSON on standard output
    #[arg(long)]
    json: bool,
}

const ALL: &str = "all";

/// Takes the name of a data set, or `all`.
fn known_name(name: &str) -> Result<String, String> {
    let catalog = Catalog::built_in().map_err(|error| error.to_string())?;
    if name == ALL || catalog.get(name).is_some() {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = catalog.data_sets.iter().map(|it| it.name.as_str()).collect();
    Err(format!("unknown data set; use {}, or `{ALL}`", names.join(", ")))
}

/// The command line. Errors are colored unless they quote text that is unsafe for a terminal.
fn parse() -> Options {
    Options::try_parse().unwrap_or_else(|error| {
        if snn_terminal::arguments_are_safe() {
            error.exit();
        }
        print_error!("{}", error.to_string().trim_end());
        process::exit(error.exit_code())
    })
}

fn main() -> ExitCode {
    let outcome = fetch_data(&parse());
    outcome.map_or_else(
        |error| {
            print_error!("error: {error:#}");
            ExitCode::FAILURE
        },
        ExitCode::from,
    )
}

/// Runs the command; its exit code is 1 if a data set cannot be fetched or is damaged.
fn fetch_data(options: &Options) -> Result<u8> {
    let catalog = Catalog::built_in()?;
    let root = match &options.dir {
        Some(dir) => dir.clone(),
        None => snn_catalog::data_directory()?,
    };
    let store = Store::new(std::path::absolute(&root).with_context(|| format!("{}", root.display()))?);
    let all = options.names.is_empty() || options.names.iter().any(|name| name == ALL);
    let chosen: Vec<&DataSet> =
        catalog.data_sets.iter().filter(|it| all || options.names.contains(&it.name)).collect();
    if options.list {
        let list: Vec<_> =
            chosen.iter().map(|it| Listed::new(it, &store, &inspect::state(&store, it))).collect();
        if options.json {
            print_line!("{}", serde_json::to_string_pretty(&list)?);
        } else {
            list.iter().for_each(|it| print_line!("{it}\n"));
        }
        return Ok(0);
    }

    let display = Arc::new(Display::new());
    leave_on_interrupt(&display, &store)?;
    let mut report = Vec::new();
    let mut failed = false;
    let mut record = |done: Done| {
        failed |= done.is_failure();
        match (done.is_failure(), options.json) {
            (true, _) => display.say(&format!("error: {done}")),
            (false, false) => print_line!("{done}"),
            (false, true) => {}
        }
        report.push(done);
    };
    if options.verify_only {
        for data_set in chosen {
            let name = &data_set.name;
            let state = inspect::state(&store, data_set);
            record(if state == Presence::Absent && all {
                Done::skipped(name, &store, "not downloaded")
            } else {
                match inspect::verify(&store, data_set, &display) {
                    Ok(size) => Done::verified(name, &store, size),
                    Err(error) => Done::failed(name, &store, &error),
                }
            });
        }
    } else {
        let patience = Patience::default();
        let client = Client::new(&patience);
        let fetcher = Fetcher {
            store: &store,
            client: &client,
            mirror: options.mirror.as_ref(),
            patience: &patience,
            display: &display,
        };
        for data_set in chosen {
            let name = &data_set.name;
            let optional = all && !options.names.contains(name);
            if optional && !data_set.has_server() && options.mirror.is_none() {
                record(Done::skipped(name, &store, "available only from mirrors (--mirror URL_OR_DIR)"));
                continue;
            }
            record(match fetcher.fetch(data_set) {
                Ok(outcome) => Done::fetched(name, &store, outcome),
                Err(error) => Done::failed(name, &store, &error),
            });
        }
    }
    if options.json {
        print_line!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(failed.into())
}

/// Ends the program on Ctrl-C or SIGTERM and reports how to resume. No cleanup is needed: a killed process leaves the same
/// files.
fn leave_on_interrupt(display: &Arc<Display>, store: &Store) -> Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("cannot handle interrupts")?;
    }
    let (display, folder) = (Arc::clone(display), store.root().to_owned());
    thread::spawn(move || {
        while !interrupted.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(50));
        }
        display.end();
        display.say(&format!(
            "interrupted: downloads are kept in {}, and the same command resumes",
            folder.display()
        ));
        process::exit(130);
    });
    Ok(())
}
