//! The dashboard on a terminal: one thread reads files, one reads keys, one draws.

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use crossterm::event::{self, KeyEvent, KeyEventKind, MouseEvent};
#[cfg(unix)]
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP},
    iterator::Signals,
};
use snn_run::{RunDir, RunState};

use crate::{
    data::{Msg, Tailer, Wants},
    export::{self, What},
    notify::Notify,
    screens::{self, Action},
    state::UiState,
    terminal::{Heard, Listener, Terminal},
    theme::Ground,
};

/// Options of the dashboard on a terminal.
pub(crate) struct Manner {
    /// Time between reads of the files.
    pub(crate) interval: Duration,
    /// Maximum number of frames per second.
    pub(crate) frames: f64,
    /// Whether to use the mouse.
    pub(crate) mouse: bool,
    /// Whether to ask the terminal for its background color.
    pub(crate) asks_background: bool,
    /// What to send when a run ends.
    pub(crate) notify: Option<Notify>,
}

/// Messages to the drawing thread.
enum Input {
    Key(KeyEvent),
    Mouse(MouseEvent),
    /// The terminal has reported its background.
    Background(Ground),
    /// The size has changed, or the picture may be damaged.
    Redraw,
    Data(Vec<Msg>),
    /// Ctrl-Z.
    Suspend,
    /// The process was continued.
    Resume,
    /// A signal, or the end of the terminal.
    End,
}

/// How long the first frame waits for the background color; a local terminal answers within milliseconds.
const FIRST_FRAME: Duration = Duration::from_millis(100);

/// Shows the dashboard until the user quits.
pub(crate) fn run(tailer: Tailer, mut state: UiState, manner: &Manner) -> Result<()> {
    state.is_watched = true;
    let (sender, inputs) = mpsc::channel();
    // Before the terminal is taken over, so any signal restores it.
    watch_signals(&sender)?;
    let mut terminal = Terminal::take(manner.mouse).context("cannot take over the terminal")?;
    let (wants, wanted) = mpsc::channel();
    let mut known = screens::wants(&state);
    wants.send(known.clone())?;
    let (to_main, interval) = (sender.clone(), manner.interval);
    thread::spawn(move || tail(tailer, interval, &wanted, &to_main));
    thread::spawn(move || read_keys(&sender));

    let pause = Duration::from_secs_f64(1.0 / manner.frames);
    let (mut drawn, mut dirty) = (Instant::now(), true);
    screens::settle(&mut state);
    let mut first = manner.asks_background.then(|| Instant::now() + FIRST_FRAME);
    match first {
        Some(_) => terminal.ask_background()?,
        None => terminal.draw(|area, buffer| screens::draw(&state, area, buffer))?,
    }
    loop {
        let wait = match first {
            Some(until) => until.saturating_duration_since(Instant::now()),
            None if dirty => pause.saturating_sub(drawn.elapsed()),
            None => Duration::from_secs(3600),
        };
        let mut now = false;
        let mut act = |state: &mut UiState, action: Option<Action>| {
            match action {
                Some(Action::Quit) => return Ok(true),
                Some(Action::Redraw) => terminal.forget(),
                Some(Action::Suspend) => suspend(&mut terminal, state)?,
                Some(Action::Stop(runs)) => stop(state, &runs),
                Some(Action::Export) => export(state),
                None => {}
            }
            anyhow::Ok(false)
        };
        match inputs.recv_timeout(wait) {
            Ok(Input::Data(messages)) => {
                messages.into_iter().for_each(|message| state.update(message));
                dirty = true;
                let ended = std::mem::take(&mut state.ended);
                if let Some(notify) = manner.notify.filter(|_| !ended.is_empty()) {
                    terminal.send(&notify.bytes(&ended))?;
                }
            }
            Ok(Input::Key(key)) => {
                let action = screens::key(&mut state, key);
                if act(&mut state, action)? {
                    return Ok(());
                }
                // Draw at once after a key.
                (now, dirty) = (true, true);
            }
            Ok(Input::Mouse(event)) => {
                let action = screens::mouse(&mut state, event);
                if act(&mut state, action)? {
                    return Ok(());
                }
                (now, dirty) = (true, true);
            }
            Ok(Input::Background(ground)) => {
                state.theme = state.theme.on(ground);
                (now, dirty, first) = (true, true, None);
            }
            Ok(Input::Suspend) => {
                suspend(&mut terminal, &mut state)?;
                (now, dirty) = (true, true);
            }
            Ok(Input::Resume) => {
                if terminal.resume()? {
                    (now, dirty) = (true, true);
                }
            }
            Ok(Input::Redraw) => {
                terminal.forget();
                (now, dirty) = (true, true);
            }
            Ok(Input::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                now |= first.take().is_some();
            }
        }
        screens::settle(&mut state);
        if first.is_none() && dirty && (now || drawn.elapsed() >= pause) {
            terminal.draw(|area, buffer| screens::draw(&state, area, buffer))?;
            (drawn, dirty) = (Instant::now(), false);
        }
        // After drawing: what a screen needs depends on the room that it has found.
        let wanted = screens::wants(&state);
        if wanted != known {
            // The tailer is only gone when the process ends.
            let _ = wants.send(wanted.clone());
            known = wanted;
        }
    }
}

/// Stops this process, if there is a shell that can continue it.
fn suspend(terminal: &mut Terminal, state: &mut UiState) -> io::Result<()> {
    if !terminal.suspend()? {
        state.notice = Some("cannot suspend: there is no shell to return to".to_owned());
    }
    Ok(())
}

/// Reads files until the receiver is gone.
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

/// If nothing else arrives for this long, the beginning of an answer was keys after all.
const ANSWER: Duration = Duration::from_millis(100);

fn read_keys(sender: &Sender<Input>) {
    let mut listener = Listener::default();
    loop {
        let is_late = listener.is_holding() && !event::poll(ANSWER).unwrap_or(false);
        let heard = if is_late {
            listener.release()
        } else {
            match event::read() {
                Ok(event::Event::Key(key)) if key.kind != KeyEventKind::Release => listener.hear(key),
                Ok(other) => {
                    let input = match other {
                        event::Event::Mouse(event) => Input::Mouse(event),
                        event::Event::Resize(..) => Input::Redraw,
                        _ => continue,
                    };
                    if sender.send(input).is_err() {
                        return;
                    }
                    continue;
                }
                // The terminal is gone.
                Err(_) => {
                    let _ = sender.send(Input::End);
                    return;
                }
            }
        };
        let inputs = match heard {
            Heard::Nothing => Vec::new(),
            Heard::Keys(keys) => keys.into_iter().map(Input::Key).collect(),
            Heard::Background(ground) => vec![Input::Background(ground)],
        };
        if inputs.into_iter().any(|input| sender.send(input).is_err()) {
            return;
        }
    }
}

/// A lost connection or a termination signal: the terminal is restored in any case.
#[cfg(unix)]
fn watch_signals(sender: &Sender<Input>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGCONT, SIGTSTP])?;
    let sender = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let input = match signal {
                SIGCONT => Input::Resume,
                SIGTSTP => Input::Suspend,
                _ => Input::End,
            };
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

/// Requests runs to stop, unless they have ended or vanished since the question.
fn stop(state: &mut UiState, runs: &[String]) {
    let mut asked = 0;
    let mut said = Vec::new();
    for id in runs {
        let Some(run) = state.model.runs.get(id) else {
            said.push(format!("{id} is gone"));
            continue;
        };
        match RunDir::open(&run.path).and_then(|run| Ok((run.state()?, run))) {
            Ok((RunState::Running, run)) => match run.request_stop() {
                Ok(()) => asked += 1,
                Err(error) => said.push(error.to_string()),
            },
            Ok((state, _)) => said.push(format!("nothing to stop: {id} is {state}")),
            Err(_) if !run.path.exists() => said.push(format!("{id} is gone")),
            Err(error) => said.push(error.to_string()),
        }
    }
    if asked > 0 {
        let runs = snn_run::counted(asked, "run", "runs");
        said.push(format!("asked {runs} to stop after the current batch, with a checkpoint"));
    }
    state.notice = Some(said.join("; "));
}

/// Exports the screen into the working directory, without replacing files.
fn export(state: &mut UiState) {
    let target = export::free_target();
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    state.notice = Some(match export::write(state, What::Plots, size, &target) {
        Ok(numbers) => format!("written: {}, {}", target.path.display(), numbers.display()),
        Err(error) => format!("nothing written: {}", snn_run::with_causes(&*error)),
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        data::{Run, Source},
        fixture,
        theme::{Colors, Marker, Theme},
    };

    /// The dashboard's state for the runs in a directory.
    fn known(directory: &Path) -> UiState {
        let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
        let mut state = UiState::new(theme, "runs".to_owned(), false);
        let mut tailer = Tailer::new(Source::open(directory).unwrap(), Duration::from_secs(3600));
        crate::start::settle(&mut tailer, &mut state);
        state
    }

    #[test]
    fn only_what_is_still_running_is_asked_to_stop() {
        let directory = tempfile::tempdir().unwrap();
        let path = |id: &str| directory.path().join(id);
        let said = |state: &mut UiState, id: &str| {
            stop(state, &[id.to_owned()]);
            state.notice.take().unwrap()
        };
        fixture::runs(directory.path());
        let mut state = known(directory.path());
        let is_running = |run: &Run| run.is(RunState::Running);
        assert!(is_running(&state.model.runs["randman-c"]));
        assert!(said(&mut state, "randman-c").starts_with("asked 1 run to stop"));
        assert!(path("randman-c/stop").exists());
        std::fs::remove_file(path("randman-c/stop")).unwrap();

        // It ends, or goes, while the question is asked: the dashboard still believes that it is running.
        fixture::end(&path("randman-c"));
        assert!(is_running(&state.model.runs["randman-c"]));
        assert_eq!(said(&mut state, "randman-c"), "nothing to stop: randman-c is done");
        assert!(!path("randman-c/stop").exists());
        std::fs::remove_dir_all(path("randman-c")).unwrap();
        assert_eq!(said(&mut state, "randman-c"), "randman-c is gone");
        assert!(!path("randman-c").exists());
    }
}
