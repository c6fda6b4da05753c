//! `snn-tui`: a dashboard for the training runs in a directory. It never affects training.
//!
//! A separate process that reads run directories; the trainer does not depend on it. If the output is not a terminal, or with `--once`,
//! it prints one screen as text. `--json` prints an array with an object for each run:
//!
//! | field | meaning |
//! |---|---|
//! | `run` | the id of the run, the name of its directory; with several directories, preceded by the name of its own |
//! | `name` | its name among the others: the settings that differ, such as `lr .03 b 10 s0` |
//! | `path` | its directory |
//! | `state` | `running`, `stalled`, `pending`, `failed`, `damaged`, `stopped`, `done` or `unknown` |
//! | `verdict`, `detail` | the diagnosis of the run, such as `diverged`, and the evidence |
//! | `remedy`, `command` | a remedy, and a command that applies it; the command may be null |
//! | `stalled` | whether it claims to be running, but has shown no sign of life for 30 seconds |
//! | `seconds_left` | expected time until a running run ends, otherwise null |
//! | `status` | `status.json` as written by the trainer; null if it does not exist yet |
//! | `last_epoch` | the last epoch of `metrics.jsonl`; null before the first one |
//! | `warnings` | number of warnings |
//! | `error` | the reason why the run cannot be read, otherwise null |

#![allow(clippy::print_stderr, reason = "a command-line program prints messages")]

mod app;
mod arguments;
mod data;
mod export;
mod figure;
#[cfg(test)]
mod fixture;
mod model;
mod notify;
mod once;
mod screens;
mod shell_support;
mod start;
mod state;
mod terminal;
mod theme;
mod widgets;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::Result;
use app::Manner;
use arguments::Arguments;
use clap::Parser as _;
use data::{Source, Tailer};
use state::UiState;

/// Parses the command line. Errors are printed in color, unless they quote characters that a terminal would interpret.
fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|error| {
        if snn_terminal::arguments_are_safe() {
            error.exit();
        }
        snn_terminal::print_error!("{}", error.to_string().trim_end());
        std::process::exit(error.exit_code())
    })
}

fn main() -> ExitCode {
    match watch(&parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has read enough, as in `snn-tui | head`.
        Err(error)
            if error.downcast_ref().is_some_and(|it: &io::Error| it.kind() == io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            snn_terminal::print_error!("error: {}", snn_terminal::escape(&snn_run::with_causes(&*error)));
            ExitCode::FAILURE
        }
    }
}

fn watch(arguments: &Arguments) -> Result<()> {
    if let Some(shell) = arguments.completions {
        return shell_support::completions(shell);
    }
    if let Some(directory) = &arguments.man {
        return shell_support::manual(directory);
    }
    let source = Source::open_all(&arguments.runs)?;
    if arguments.json {
        return once::json(source);
    }
    let mut state = UiState::new(arguments.theme(), source.name(), source.is_sweep());
    arguments.apply(&mut state)?;
    let on_terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    // A terminal that cannot move its cursor gets text.
    let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if arguments.once || arguments.export.is_some() || !on_terminal || is_dumb {
        return once::screen(source, state, arguments);
    }
    let manner = Manner {
        interval: Duration::from_secs_f64(arguments.interval),
        frames: arguments.fps,
        mouse: arguments.mouse,
        asks_background: arguments.asks_background(),
        notify: arguments.notify,
    };
    let mut tailer = Tailer::new(source, manner.interval);
    if arguments.needs_check() {
        start::read(&mut tailer, &mut state, arguments);
        start::check(&mut state, arguments)?;
    }
    app::run(tailer, state, &manner)
}
