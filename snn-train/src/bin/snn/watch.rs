//! `snn train --watch`: a trainer that outlives this terminal, and the dashboard.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use snn_run::{RecordedState, regular};
use snn_train::{
    run::{
        RunDir,
        files::{STOP, TRAINER_LOG},
    },
    shell_word,
};

use crate::common::UsageError;

/// How long a trainer takes to exit once its run is over.
const LEAVING: Duration = Duration::from_secs(10);
/// Maximum size of a log to read.
const MOST_SAID: u64 = 1 << 30;

/// Starts the trainer of `run` with the arguments of this process, waits until it trains, and opens the dashboard.
pub(crate) fn train_and_watch(run: &Path, notify: Option<&str>) -> anyhow::Result<ExitCode> {
    if !(snn_terminal::stdout().is_terminal() && io::stdin().is_terminal()) {
        return Err(UsageError(
            "--watch needs a terminal; omit it, and watch with snn-tui elsewhere".to_owned(),
        )
        .into());
    }
    // Before starting anything.
    let viewer = viewer()?;
    let is_new = !run.exists();
    fs::create_dir_all(run).with_context(|| format!("cannot create the run directory: {}", run.display()))?;
    let log = run.join(TRAINER_LOG);
    let file = regular::open_own(File::options().append(true).create(true), &log);
    let file = file.with_context(|| format!("cannot write the output of the trainer: {}", log.display()))?;
    let begin = file.metadata().map_or(0, |metadata| metadata.len());
    let mut trainer = start(run, file).context("cannot start the trainer")?;

    writeln!(
        snn_terminal::stderr(),
        "starting; the output of the trainer is in {}",
        snn_terminal::escape(&log.display().to_string())
    )?;
    if let Some(code) = wait(run, &mut trainer)? {
        snn_terminal::stderr().write_all(&said(&log, begin))?;
        // Leave nothing of a run that has not started, and do not add files to a directory that is not a run.
        if begin == 0 && RunDir::open(run).is_err() {
            let _ = fs::remove_file(&log);
            if is_new {
                let _ = fs::remove_dir_all(run);
            }
        }
        return Ok(ExitCode::from(code));
    }
    let parent = run.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let id = RunDir::open(run)?.id();
    let mut dashboard = Command::new(&viewer);
    dashboard.arg(parent).args(["--run", &id]);
    if let Some(notify) = notify {
        dashboard.args(["--notify", notify]);
    }
    let status = dashboard.status();
    let status = status.with_context(|| format!("cannot start {}", viewer.display()))?;
    if let Some(ended) = end_of(run, &mut trainer)? {
        // The result, as without --watch.
        snn_terminal::stdout().write_all(last_words(said(&log, begin).as_slice()))?;
        return Ok(ExitCode::from(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)));
    }
    let mut out = snn_terminal::stdout();
    writeln!(out, "training continues in {}", run.display())?;
    writeln!(out, "watch     snn-tui {}", shell_word(parent))?;
    writeln!(out, "stop      touch {}", shell_word(run.join(STOP)))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The exit status of the trainer, if it has ended. If its run is over, waits for it.
fn end_of(run: &Path, trainer: &mut Child) -> anyhow::Result<Option<ExitStatus>> {
    let is_over = RunDir::open(run)
        .and_then(|run| run.status())
        .is_ok_and(|status| status.pid == trainer.id() && status.state != RecordedState::Running);
    let until = Instant::now() + if is_over { LEAVING } else { Duration::ZERO };
    loop {
        let ended = trainer.try_wait()?;
        if ended.is_some() || Instant::now() >= until {
            return Ok(ended);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The output of the trainer after the first `begin` bytes of the log.
fn said(log: &Path, begin: u64) -> Vec<u8> {
    let mut said = regular::read(log, MOST_SAID).unwrap_or_default();
    said.drain(..said.len().min(usize::try_from(begin).unwrap_or(usize::MAX)));
    said
}

/// The output after the last epoch: the result, or an error.
fn last_words(said: &[u8]) -> &[u8] {
    let is_epoch = |line: &[u8]| line.starts_with(b"epoch ");
    let mut end = said.len();
    for line in said.split_inclusive(|&byte| byte == b'\n').rev() {
        if is_epoch(line) {
            return &said[end..];
        }
        end -= line.len();
    }
    said
}

/// The dashboard: next to this program, or on the path.
fn viewer() -> anyhow::Result<PathBuf> {
    let name = format!("snn-tui{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().map(|program| program.with_file_name(&name));
    let path = env::var_os("PATH").unwrap_or_default();
    let places = beside.into_iter().chain(env::split_paths(&path).map(|folder| folder.join(&name)));
    match places.into_iter().find(|place| place.is_file()) {
        Some(viewer) => Ok(viewer),
        None => bail!(
            "--watch needs the dashboard, snn-tui, next to this program or on the path: cargo build --release --bin snn-tui"
        ),
    }
}

/// The same command line in a separate process group: signals of this terminal do not reach it.
fn start(run: &Path, log: File) -> io::Result<Child> {
    let mut words = words_for_trainer(env::args_os().skip(1));
    if !words.iter().any(|word| word.to_string_lossy().starts_with("--run-dir")) {
        words.extend(["--run-dir".into(), run.into()]);
    }
    let mut command = Command::new(env::current_exe()?);
    command.args(words).arg("--detached").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// The command line without the options for the dashboard.
fn words_for_trainer(mut all: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words = Vec::new();
    while let Some(word) = all.next() {
        let text = word.to_string_lossy();
        if text == "--notify" {
            all.next();
        } else if text != "--watch" && !text.starts_with("--notify=") {
            words.push(word);
        }
    }
    words
}

/// Waits until the trainer trains; returns its exit code if it ends before.
fn wait(run: &Path, trainer: &mut Child) -> anyhow::Result<Option<u8>> {
    loop {
        // In a resumed run, ignore the status of the previous session.
        let trains =
            RunDir::open(run).and_then(|run| run.status()).is_ok_and(|status| status.pid == trainer.id());
        if trains {
            return Ok(None);
        }
        if let Some(status) = trainer.try_wait()? {
            return Ok(Some(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trainer_is_given_its_own_options() {
        let words = |line: &str| {
            let words = words_for_trainer(line.split(' ').map(OsString::from));
            words.iter().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("train a --watch --notify bell --set b=c"), "train a --set b=c");
        assert_eq!(words("train --notify=osc9 a --watch"), "train a");
        assert_eq!(words("train a --watch --notify"), "train a");
    }

    #[test]
    fn the_result_follows_the_last_epoch() {
        let words = |said: &'static str| str::from_utf8(last_words(said.as_bytes())).unwrap();
        assert_eq!(
            words("loading\nepoch 1/2 loss 1\nepoch 2/2 loss 0.5\ntest accuracy 90 %\nrun x\n"),
            "test accuracy 90 %\nrun x\n"
        );
        assert_eq!(words("error: no room\n"), "error: no room\n", "before the first epoch");
        assert_eq!(words("epoch 1/2 loss 1\n"), "");
        assert_eq!(words("epoch 1/2\nstopped after 1"), "stopped after 1");
        assert_eq!(words(""), "");
    }
}
