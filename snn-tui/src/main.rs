//! `snn-tui`: watches the training runs in a directory, and never disturbs them.
//!
//! A process of its own that reads run directories; training does not know that anybody watches. Elsewhere than on a
//! terminal, or with `--once`, a screen is written once as text. `--json` writes one array with an object for each run:
//!
//! | field | meaning |
//! |---|---|
//! | `run` | the run's id, the name of its directory; of several directories preceded by that of its own |
//! | `name` | its name next to the others: what differs between them, such as `lr .03 b 10 s0` |
//! | `path` | its directory |
//! | `state` | `running`, `stalled`, `pending`, `failed`, `damaged`, `stopped`, `done` or `unknown` |
//! | `verdict`, `detail` | what is to be said of the run, such as `diverged`, and what that rests on |
//! | `remedy`, `command` | what helps, and a command that does it; the latter may be null |
//! | `stalled` | claims to be running, but has not been heard of for thirty seconds |
//! | `seconds_left` | expected until the end of a running run, otherwise null |
//! | `status` | `status.json` as the trainer writes it; null if it is not there yet |
//! | `last_epoch` | the last epoch of `metrics.jsonl`; null before the first one |
//! | `warnings` | number of warnings so far |
//! | `error` | why the run cannot be read, otherwise null |

#![allow(clippy::print_stderr, reason = "a command-line program talks to its user")]

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

/// The command line. What is wrong with it is told with colors, unless it quotes what a terminal should not see.
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
        // Whoever read the output has read enough, as in `snn-tui | head`.
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
    // A terminal that cannot move its cursor gets a screen as text.
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
