//! Without a terminal: a screen as text or SVG, or the runs as JSON.

use std::{borrow::Cow, collections::BTreeMap, io::Write as _, time::Duration};

use anyhow::Result;
use ratatui::{buffer::Buffer, layout::Rect};
use serde::Serialize;
use snn_run::{Configuration, Diagnosis, EpochRecord, Naming, News, Record, RunState, Status};

use crate::{
    arguments::{Arguments, Size},
    data::{BEAT, Msg, Source, Tailer, Wants},
    export::{self, What},
    screens,
    start::{check, settle},
    state::{Screen, UiState},
};

/// One run, as documented for `--json`.
#[derive(Serialize)]
struct Row<'a> {
    run: &'a str,
    name: String,
    /// Characters that are not Unicode are replaced: JSON cannot contain them, and one such path must not prevent all output.
    path: Cow<'a, str>,
    state: &'static str,
    stalled: bool,
    seconds_left: Option<f64>,
    status: Option<&'a Status>,
    last_epoch: Option<&'a EpochRecord>,
    warnings: usize,
    #[serde(flatten)]
    diagnosis: Option<JsonDiagnosis<'a>>,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonDiagnosis<'a> {
    verdict: &'static str,
    detail: &'a str,
    remedy: &'a str,
    command: Option<&'a str>,
}

impl<'a> JsonDiagnosis<'a> {
    fn of(diagnosis: &'a Diagnosis) -> Self {
        let Diagnosis { verdict, detail, remedy, command, .. } = diagnosis;
        Self { verdict: verdict.name(), detail, remedy, command: command.as_deref() }
    }
}

/// Writes all runs as JSON.
pub(crate) fn json(source: Source) -> Result<()> {
    Ok(writeln!(snn_terminal::stdout(), "{}", to_json(source)?)?)
}

fn to_json(source: Source) -> Result<String> {
    let mut tailer = Tailer::new(source, Duration::from_secs(3600));
    let wants = Wants { all_verdicts: true, all_facts: true, ..Wants::default() };
    let mut messages = Vec::new();
    while !tailer.step(&wants, &mut messages) {}
    if tailer.has_doubts() {
        std::thread::sleep(BEAT);
        tailer.look_again();
        while !tailer.step(&wants, &mut messages) {}
    }
    let facts = |message: Msg| match message {
        Msg::ConfigSummary(id, facts) => Some((id, facts.configuration)),
        _ => None,
    };
    let settings: BTreeMap<String, Configuration> = messages.into_iter().filter_map(facts).collect();
    let naming = Naming::of(settings.iter().map(|(id, settings)| (id.as_str(), settings)));
    let mut rows = Vec::new();
    for (run, dir) in tailer.runs() {
        let mut warnings = 0;
        if let Some(dir) = dir {
            // A history that cannot be read is reported in `error`.
            let _ = dir.follow().poll(|news| match news {
                News::Restart => warnings = 0,
                News::Record(record) => warnings += usize::from(matches!(*record, Record::Warning(_))),
            });
        }
        rows.push(Row {
            run: &run.id,
            name: settings.get(&run.id).map_or_else(|| run.id.clone(), |it| naming.name(&run.id, it)),
            path: run.path.to_string_lossy(),
            state: run.state_name(),
            stalled: run.is(RunState::Stalled),
            seconds_left: run.remaining(),
            status: run.status.as_ref(),
            last_epoch: run.last.as_ref(),
            warnings,
            diagnosis: run.diagnosis.as_deref().map(JsonDiagnosis::of),
            error: run.error.as_deref(),
        });
    }
    Ok(serde_json::to_string_pretty(&rows)?)
}

/// Writes a screen once.
pub(crate) fn screen(source: Source, mut state: UiState, arguments: &Arguments) -> Result<()> {
    // Processor loads are differences, so they need two looks.
    let looks = if state.screen == Screen::SYSTEM { 2 } else { 1 };
    let mut tailer = Tailer::new(source, Duration::from_secs(3600));
    for look in 0..looks {
        if look > 0 {
            std::thread::sleep(Duration::from_millis(250));
            tailer.look_again();
        }
        settle(&mut tailer, &mut state);
    }
    if tailer.has_doubts() {
        std::thread::sleep(BEAT);
        tailer.look_again();
        settle(&mut tailer, &mut state);
    }
    check(&mut state, arguments)?;
    let Size(width, height) = arguments.size().unwrap_or_else(|| default_size(&state));
    // Screens request what they have space for. Everything that is written must be read, not only what a terminal would show.
    state.size.set((width, height));
    state.list.page.set(usize::from(height));
    settle(&mut tailer, &mut state);
    if let Some(target) = &arguments.export {
        let what = if arguments.once { What::Screen(width, height) } else { What::Plots };
        export::write(&mut state, what, (width, height), target)?;
        return Ok(());
    }
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    screens::draw(&state, area, &mut buffer);
    let mut out = snn_terminal::stdout();
    for y in 0..height {
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// As wide as the terminal; a list is as high as it needs to be, so that all runs are printed.
fn default_size(state: &UiState) -> Size {
    let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
    let width = width.clamp(50, 400);
    match state.screen {
        Screen::RUNS => Size(width, (screens::height_of_runs(state, width).min(60_000) as u16).max(12)),
        _ => Size(width, height.clamp(12, 200)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn runs_with_any_path_are_written() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join(OsStr::from_bytes(b"x\xff"));
        crate::fixture::runs(&runs);
        let json: serde_json::Value =
            serde_json::from_str(&to_json(Source::open(&runs).unwrap()).unwrap()).unwrap();
        assert_eq!((&json[2]["run"], &json[2]["name"]), (&"randman-c".into(), &"randman-c lr .01 s0".into()));
        assert!(json[0]["path"].as_str().unwrap().ends_with("x\u{fffd}/randman-a"), "{json}");
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_instead_of_records_do_not_block() {
        use std::{fs, os::unix::fs::symlink, process::Command};

        for name in
            ["status.json", "metrics.jsonl", "env.json", "config.toml", "probes/0000001.json", "trainer.log"]
        {
            let folder = tempfile::tempdir().unwrap();
            crate::fixture::runs(folder.path());
            let (pipe, device) = (folder.path().join("randman-a"), folder.path().join("randman-b"));
            for run in [&pipe, &device] {
                fs::create_dir_all(run.join("probes")).unwrap();
                let _ = fs::remove_file(run.join(name));
            }
            assert!(Command::new("mkfifo").arg(pipe.join(name)).status().unwrap().success());
            symlink("/dev/zero", device.join(name)).unwrap();
            let begin = std::time::Instant::now();
            let json = to_json(Source::open(folder.path()).unwrap()).unwrap();
            assert!(json.contains("randman-c"), "the other runs are listed: {json}");
            assert!(begin.elapsed() < Duration::from_secs(10), "{name}: {:?}", begin.elapsed());
        }
    }
}
