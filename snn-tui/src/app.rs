//! The dashboard on a terminal: one thread reads files, one reads keys, one draws.

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use crossterm::event::{self, KeyEvent, KeyEventKind};
#[cfg(unix)]
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use snn_run::RunDir;

use crate::{
    data::{Msg, Source, Tailer, Wants},
    export::{self, What},
    screens::{self, Action},
    state::State,
    terminal::Terminal,
};

/// What reaches the thread that draws.
enum Input {
    Key(KeyEvent),
    /// The room has changed, or the picture may be damaged.
    Redraw,
    Data(Vec<Msg>),
    /// A signal, or the end of the terminal.
    End,
}

/// Shows the dashboard until the user quits. `interval` is the time from one look at the files to the next.
pub(crate) fn run(source: Source, mut state: State, interval: Duration, frames: f64) -> Result<()> {
    state.is_watched = true;
    let (sender, inputs) = mpsc::channel();
    // Before the terminal is taken over, so that no signal finds it without anybody to give it back.
    watch_signals(&sender)?;
    let mut terminal = Terminal::take().context("cannot take over the terminal")?;
    let (wants, wanted) = mpsc::channel();
    let mut known = screens::wants(&state);
    wants.send(known.clone())?;
    let to_main = sender.clone();
    thread::spawn(move || tail(Tailer::new(source, interval), interval, &wanted, &to_main));
    thread::spawn(move || read_keys(&sender));

    let pause = Duration::from_secs_f64(1.0 / frames);
    let (mut drawn, mut dirty) = (Instant::now(), true);
    screens::settle(&mut state);
    terminal.draw(|area, buffer| screens::draw(&state, area, buffer))?;
    loop {
        let wait = if dirty { pause.saturating_sub(drawn.elapsed()) } else { Duration::from_secs(3600) };
        let mut now = false;
        match inputs.recv_timeout(wait) {
            Ok(Input::Data(messages)) => {
                messages.into_iter().for_each(|message| state.update(message));
                dirty = true;
            }
            Ok(Input::Key(key)) => {
                match screens::key(&mut state, key) {
                    Some(Action::Quit) => return Ok(()),
                    Some(Action::Redraw) => terminal.forget(),
                    Some(Action::Stop(runs)) => stop(&mut state, &runs),
                    Some(Action::Export) => export(&mut state),
                    None => {}
                }
                // Whoever presses a key waits for what it does.
                (now, dirty) = (true, true);
            }
            Ok(Input::Redraw) => {
                terminal.forget();
                (now, dirty) = (true, true);
            }
            Ok(Input::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        screens::settle(&mut state);
        let wanted = screens::wants(&state);
        if wanted != known {
            // The tailer is only gone when the process ends.
            let _ = wants.send(wanted.clone());
            known = wanted;
        }
        if dirty && (now || drawn.elapsed() >= pause) {
            terminal.draw(|area, buffer| screens::draw(&state, area, buffer))?;
            (drawn, dirty) = (Instant::now(), false);
        }
    }
}

/// Reads files until nobody listens any more.
fn tail(mut tailer: Tailer, interval: Duration, wanted: &Receiver<Wants>, sender: &Sender<Input>) {
    let mut wants = Wants::default();
    let mut settled = false;
    loop {
        let pause = if settled { interval } else { Duration::ZERO };
        match wanted.recv_timeout(pause) {
            Ok(new) => wants = new,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        wants = wanted.try_iter().last().unwrap_or(wants);
        let mut messages = Vec::new();
        settled = tailer.step(&wants, &mut messages);
        if !messages.is_empty() && sender.send(Input::Data(messages)).is_err() {
            return;
        }
    }
}

fn read_keys(sender: &Sender<Input>) {
    loop {
        let input = match event::read() {
            Ok(event::Event::Key(key)) if key.kind != KeyEventKind::Release => Input::Key(key),
            Ok(event::Event::Resize(..)) => Input::Redraw,
            Ok(_) => continue,
            // The terminal is gone.
            Err(_) => Input::End,
        };
        let is_end = matches!(input, Input::End);
        if sender.send(input).is_err() || is_end {
            return;
        }
    }
}

/// A connection that is cut, or somebody who ends us: the terminal is given back in any case.
#[cfg(unix)]
fn watch_signals(sender: &Sender<Input>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGCONT])?;
    let sender = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let input = if signal == SIGCONT { Input::Redraw } else { Input::End };
            if sender.send(input).is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn watch_signals(_: &Sender<Input>) -> io::Result<()> {
    Ok(())
}

fn stop(state: &mut State, runs: &[String]) {
    let mut said =
        format!("asked {} run(s) to stop; they end after their batch, with a checkpoint", runs.len());
    for run in runs.iter().filter_map(|id| state.model.runs.get(id)) {
        if let Err(error) = RunDir::open(&run.path).and_then(|run| run.request_stop()) {
            said = error.to_string();
        }
    }
    state.notice = Some(said);
}

/// Writes what is shown into the working directory, beside what is there.
fn export(state: &mut State) {
    let target = export::free_target();
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    state.notice = Some(match export::write(state, What::Plots, size, &target) {
        Ok(numbers) => format!("written: {}, {}", target.path.display(), numbers.display()),
        Err(error) => format!("nothing written: {}", snn_run::with_causes(&*error)),
    });
}
