//! `snn-tui`: looks at the training runs in a directory, and never disturbs them.
//!
//! On a terminal the table is drawn anew every second, until Ctrl-C; otherwise, or with `--once`, it is written once.
//! `--json` writes one array with an object for each run:
//!
//! | field | meaning |
//! |---|---|
//! | `run` | name of the run |
//! | `path` | its directory |
//! | `stalled` | claims to be running, but has not been heard of for ten seconds |
//! | `status` | `status.json` as the trainer writes it; null if it is not there yet |
//! | `last_epoch` | the last epoch of `metrics.jsonl`; null before the first one |
//! | `warnings` | number of warnings so far |
//! | `error` | why the run cannot be read, otherwise null |

#![allow(clippy::print_stderr, reason = "a command-line program talks to its user")]

mod overview;
mod table;

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::Result;
use clap::Parser;
use overview::{Overview, seconds_since_1970};

/// Watch training runs in the terminal; Ctrl-C ends the watching, not the runs
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Directory that holds the runs, or one run's own directory
    #[arg(default_value = "runs")]
    runs: PathBuf,
    /// Write the table once and exit, as happens anyway if the output is no terminal
    #[arg(long)]
    once: bool,
    /// Write the runs as JSON once and exit
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match watch(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has read enough, as in `snn-tui | head`.
        Err(error)
            if error.downcast_ref().is_some_and(|it: &io::Error| it.kind() == io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // The reader's messages hold their causes already.
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn watch(arguments: &Arguments) -> Result<()> {
    let mut screen = io::stdout().lock();
    let mut overview = Overview::new(&arguments.runs);
    overview.refresh()?;
    if arguments.json {
        let json = serde_json::to_string_pretty(overview.rows())?;
        return Ok(writeln!(screen, "{json}")?);
    }
    if arguments.once || !screen.is_terminal() {
        return Ok(write!(screen, "{}", table::draw(overview.rows(), seconds_since_1970()))?);
    }
    write!(screen, "\x1b[2J")?;
    loop {
        // Over the old picture line by line, so that nothing flickers: home, each line to its end, then the rest.
        let picture = table::draw(overview.rows(), seconds_since_1970()).replace('\n', "\x1b[K\n");
        write!(screen, "\x1b[H{picture}\x1b[J")?;
        screen.flush()?;
        thread::sleep(Duration::from_secs(1));
        overview.refresh()?;
    }
}
