//! `cargo xtask fetch-data`: from the catalog to data sets on disk that are known to be the published ones.
//!
//! A program of its own, so that `cargo xtask` starts without HTTP, TLS and archives.
//!
//! - `sources`: where a file may come from, in order.
//! - `transport`, `proxy`: one request to a server; `patience`: when to ask again; `download`: a file, in as many pieces as it
//!   takes.
//! - `digest`: checksums; `unpack`: archives that may be hostile.
//! - `store`: the data directory with its locks and records; `inspect`: what is there.
//! - `acquire`: one file from one source, checked; `fetcher`: a data set.
//! - `display`, `report`, `error`: what the user sees.
//!
//! Every step may be cut off, by a signal or by the power: what is in place has been checked, what is under way is gone on
//! with or made anew.

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
use inspect::State;
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
    /// The folder that holds data sets, each in a folder of its name [default: SNN_DATA_DIR, or `snn` in the user's data
    /// folder]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// A folder or an address to try before the servers, with files packed or unpacked, such as MIRROR/mnist/*.gz
    #[arg(long, value_name = "URL_OR_DIR")]
    mirror: Option<Mirror>,
    /// Fetch nothing: read every byte of what is there, and hold it against the checksums
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
    Err(format!("there is no such data set; there are {} (and `{ALL}`)", names.join(", ")))
}

/// The command line. What is wrong with it is told with colors, unless it quotes what a terminal should not see.
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
    let mut tell = |done: Done| {
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
            tell(if state == State::Absent && all {
                Done::skipped(name, &store, "not here")
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
                tell(Done::skipped(name, &store, "only mirrors have it (--mirror URL_OR_DIR)"));
                continue;
            }
            tell(match fetcher.fetch(data_set) {
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

/// Ends the program on Ctrl-C or a request to end, and says what that means. Nothing needs to be put in order: a process that
/// is killed leaves the same behind.
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
