//! `snn train`

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use snn_core::Backend;
use snn_data::{Cancel, Splits};
use snn_run::{Diagnosis, counted};
use snn_terminal::escape;
use snn_train::{
    Device, Error, Event, Experiment, Flow, Observer, Outcome, RunWriter, Trainer,
    experiment::Selection,
    run::{DataRecord, Record, Resume, RunDir, files::CONFIG, new_id},
    shell_word,
};

use crate::{
    common::{STOPPED, UsageError, parse_threads, path_text, percent, use_threads, warn},
    loading, progress,
    stop::{self, StopRequest},
    watch,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Name of a preset (see `snn presets`) or path of a TOML file; with --resume it may be left out
    #[arg(value_name = "PRESET_OR_TOML")]
    experiment: Option<String>,
    /// Change a key of the experiment; may be repeated. `snn presets --keys` documents all keys
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    changes: Vec<String>,
    /// Start from the weights in this file: a checkpoint, an export, a NIR graph, or safetensors or npz with matrices W1, V1, ..
    /// Wout; the same as --set initialization.weights=FILE. initialization.only uses some of them, training.freeze freezes some
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// The directory of this run; by default a new one in `runs`
    #[arg(long, value_name = "DIR")]
    run_dir: Option<PathBuf>,
    /// Resume the run in --run-dir; if there is none yet and an experiment is given, start it
    #[arg(long, requires = "run_dir")]
    resume: bool,
    /// With --resume: continue from the best epoch if the last checkpoint is lost
    #[arg(long, requires = "resume")]
    from_best: bool,
    /// With --resume: continue even if metrics.jsonl lacks some epochs
    #[arg(long, requires = "resume")]
    allow_gaps: bool,
    /// With --resume: continue even if the data are not those that the run was trained on
    #[arg(long, requires = "resume")]
    allow_other_data: bool,
    /// Write scalars and histograms for TensorBoard to the run directory; the same as --set probe.tensorboard=true
    #[arg(long)]
    tensorboard: bool,
    /// Device to compute on
    #[arg(long, value_name = "cpu|cuda[:N]", default_value = "cpu")]
    device: String,
    /// Number of compute threads; by default all cores. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<usize>,
    /// Train in the background, and open the dashboard; training continues if you quit it or close the terminal
    #[arg(long, conflicts_with_all = ["json", "detached"])]
    watch: bool,
    /// With --watch: ring the bell, or send a desktop notification (OSC 9), when the run ends
    #[arg(long, value_parser = ["bell", "osc9"], requires = "watch")]
    notify: Option<String>,
    /// Continue when the terminal hangs up
    #[arg(long, hide = true)]
    detached: bool,
    /// Write every record, and finally the result, as lines of JSON to standard output
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let device = arguments.device.parse::<Device>().map_err(UsageError)?;
    let (name, mut experiment) = experiment(arguments)?;
    if let Some(init) = &arguments.init {
        experiment.initialization.weights.clone_from(init);
    }
    experiment.set(&arguments.changes)?;
    if arguments.watch {
        experiment.validate()?;
        let run = arguments.run_dir.clone().unwrap_or_else(|| Path::new("runs").join(new_id(&name)));
        return watch::train_and_watch(&run, arguments.notify.as_deref());
    }
    experiment.probe.tensorboard |= arguments.tensorboard;
    use_threads(arguments.threads)?;
    // Before loading the data, so that no signal is lost.
    let mut stop = StopOnSignal(stop::on_signals(arguments.detached)?);

    experiment.validate()?;
    experiment.check_memory()?;
    experiment.make_paths_absolute().context("cannot determine the working directory")?;
    let record = recorded(arguments, &experiment)?;
    let known = record.as_ref().map(|record| record.parts(arguments.allow_other_data)).unwrap_or_default();
    // Hashing the data and comparing them with those of the run takes time, too.
    let cancel = Cancel::from(Arc::clone(&stop.0.flag));
    let load = || {
        let dataset = loading::open_until(&experiment.data, arguments.quiet, &stop.0.flag, known)?;
        loading::tell_intake(&*dataset);
        let Some(record) = &record else { return Ok(dataset) };
        let fitted = record.fit(dataset, None, arguments.allow_other_data)?;
        fitted.note.iter().for_each(|note| warn(note));
        Ok(fitted.dataset)
    };
    let dataset = or_leave(cancel.run(load), arguments, &stop)?;
    match device {
        Device::Cpu => {
            let trainer = or_leave(cancel.run(|| Trainer::on(experiment, dataset)), arguments, &stop)?;
            train(arguments, trainer.on_described_data(), &name, &mut stop)
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(ordinal) => {
            let gpu = snn_core::cuda(ordinal).map_err(Error::from)?;
            let trainer = cancel.run(|| Trainer::on_device(gpu, experiment, dataset));
            let trainer = or_leave(trainer, arguments, &stop)?.named(device).on_described_data();
            train(arguments, trainer, &name, &mut stop)
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(_) => Ok(device.check().map(|()| ExitCode::SUCCESS)?),
    }
}

/// The loaded data; a stop meanwhile ends the process.
fn or_leave<T>(loaded: Result<T, Error>, arguments: &Arguments, stop: &StopOnSignal) -> Result<T, Error> {
    if let Err(Error::Interrupted) = loaded {
        stop.0.explain();
        let text = format!("{}: nothing was trained", Error::Interrupted);
        let _ = writeln!(snn_terminal::stderr(), "{text}");
        // An existing run has its checkpoint; a new one has left nothing.
        let is_there = arguments.run_dir.as_ref().is_some_and(|directory| directory.join(CONFIG).exists());
        stop::leave(if arguments.resume && is_there { STOPPED } else { stop.0.code() });
    }
    loaded
}

fn train<D: Backend<f32>>(
    arguments: &Arguments,
    mut trainer: Trainer<D>,
    name: &str,
    stop: &mut StopOnSignal,
) -> anyhow::Result<ExitCode> {
    let mut writer = match &arguments.run_dir {
        Some(directory) if arguments.resume => {
            tell_if_new(directory);
            RunWriter::resume_with(directory, &mut trainer, &how_to_resume(arguments))?
        }
        Some(directory) => RunWriter::create(directory, &trainer)?,
        None => RunWriter::create(Path::new("runs").join(new_id(name)), &trainer)?,
    };
    let directory = writer.directory().to_owned();

    for note in writer.notes() {
        warn(note);
    }
    let mut progress = progress::observer(arguments.quiet);
    let mut lines = JsonLines;
    let mut observers: Vec<&mut dyn Observer> = vec![&mut writer, stop, progress.as_mut()];
    if arguments.json {
        observers.push(&mut lines);
    }
    let outcome = trainer.run(&mut observers)?;
    if outcome.stopped {
        stop.0.explain();
    }
    let status = writer.status();
    for error in [&status.probe_error, &status.tensorboard_error].into_iter().flatten() {
        warn(error);
    }
    let diagnosis = RunDir::open(&directory).map(|run| run.diagnosis()).ok();
    let told = if arguments.json {
        report_json(&outcome, &directory, diagnosis.as_ref())
    } else {
        report(&outcome, trainer.experiment(), trainer.dataset().splits(), &directory)
            .and_then(|()| diagnosis.as_ref().map_or(Ok(()), report_verdict))
    };
    // The terminal is closed.
    if !stop.0.is_hangup() {
        told?;
    }
    Ok(if outcome.stopped { ExitCode::from(STOPPED) } else { ExitCode::SUCCESS })
}

/// The experiment before changes, and a name for its run.
fn experiment(arguments: &Arguments) -> anyhow::Result<(String, Experiment)> {
    let Some(source) = &arguments.experiment else {
        let message = match arguments.run_dir.as_deref().filter(|_| arguments.resume) {
            Some(directory) if directory.join(CONFIG).exists() => {
                return Ok((String::new(), Experiment::load(directory.join(CONFIG))?));
            }
            Some(directory) => format!(
                "there is no run to resume in {}{}",
                directory.display(),
                meant(directory).unwrap_or_default()
            ),
            None => "nothing to train: specify a preset (see `snn presets`) or a TOML file, or the --run-dir of a run to \
                     --resume"
                .to_owned(),
        };
        return Err(UsageError(message).into());
    };
    let experiment = Experiment::find(source)?;
    let stem = Path::new(source).file_stem().unwrap_or_default().to_string_lossy();
    // The file name `config.toml` is not a useful name for a run.
    let name = if stem == "config" { experiment.data.name().into() } else { stem };
    Ok((name.into_owned(), experiment))
}

/// The data record of the resumed run.
fn recorded(arguments: &Arguments, experiment: &Experiment) -> Result<Option<DataRecord>, Error> {
    let Some(directory) = arguments.run_dir.as_deref().filter(|_| arguments.resume) else { return Ok(None) };
    if directory.join(CONFIG).exists() {
        // A different experiment may use different data.
        RunWriter::check_experiment(directory, experiment)?;
    }
    let record = DataRecord::of_run(directory)?;
    record.as_ref().map_or(Ok(()), DataRecord::check_described)?;
    Ok(record)
}

fn how_to_resume(arguments: &Arguments) -> Resume {
    let mut how = Resume::default();
    how.from = if arguments.from_best { Selection::Best } else { Selection::Last };
    how.allow_gaps = arguments.allow_gaps;
    how.allow_other_data = arguments.allow_other_data;
    how
}

/// Warns about a new run under --resume, since the name may be mistyped.
fn tell_if_new(directory: &Path) {
    if !directory.join(CONFIG).exists() {
        let meant = meant(directory).unwrap_or_default();
        warn(&format!("there is no run in {} yet: starting it{meant}", directory.display()));
    }
}

/// The run next to `directory` with the most similar name.
fn meant(directory: &Path) -> Option<String> {
    let name = directory.file_name()?.to_string_lossy().into_owned();
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let runs = snn_train::run::list(parent).ok()?;
    let distances = runs.iter().map(|run| (strsim::damerau_levenshtein(&name, &run.id()), run));
    let (_, run) = distances.min().filter(|(distance, _)| *distance <= 1 + name.chars().count() / 4)?;
    Some(format!("; did you mean {}?", shell_word(directory.with_file_name(run.id()))))
}

/// Requests a stop once the flag is set.
struct StopOnSignal(StopRequest);

impl Observer for StopOnSignal {
    fn observe(&mut self, _: &Event<'_>) -> Result<Flow, Error> {
        Ok(if self.0.is_up() { Flow::Stop } else { Flow::Continue })
    }
}

/// Every record as a line of JSON, as in `metrics.jsonl`.
struct JsonLines;

impl Observer for JsonLines {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        let record = match event {
            Event::EpochFinished { record, .. } => Record::Epoch((*record).clone()),
            Event::Warning(warning) => Record::Warning((*warning).clone()),
            Event::Tested(record) => Record::Test((*record).clone()),
            _ => return Ok(Flow::Continue),
        };
        // Training continues if the reader exits.
        let _ = writeln!(snn_terminal::stdout(), "{}", record.to_line());
        Ok(Flow::Continue)
    }
}

fn report_json(outcome: &Outcome, directory: &Path, diagnosis: Option<&Diagnosis>) -> io::Result<()> {
    let result = json!({
        "version": 1,
        "kind": "result",
        "state": if outcome.stopped { "stopped" } else { "done" },
        "run": path_text(directory),
        "epoch": outcome.epoch,
        "best": outcome.best,
        "test": outcome.test,
        "verdict": diagnosis.map(|it| it.verdict),
        "detail": diagnosis.map(|it| &it.detail),
        "remedy": diagnosis.map(|it| &it.remedy),
        "command": diagnosis.and_then(|it| it.command.as_ref()),
    });
    writeln!(snn_terminal::stdout(), "{result}")
}

/// Prints the diagnosis of the run, and the remedy if something is wrong.
fn report_verdict(diagnosis: &Diagnosis) -> io::Result<()> {
    let mut out = snn_terminal::stdout();
    if diagnosis.verdict.is_bad() {
        writeln!(out, "remedy    {}", escape(&diagnosis.remedy))?;
        if let Some(command) = &diagnosis.command {
            writeln!(out, "try       {command}")?;
        }
    }
    writeln!(out, "verdict   {}", escape(&diagnosis.headline()))
}

fn report(outcome: &Outcome, experiment: &Experiment, splits: &Splits, directory: &Path) -> io::Result<()> {
    let mut out = snn_terminal::stdout();
    let run = shell_word(directory);
    if outcome.stopped {
        writeln!(
            out,
            "stopped after {} of {}",
            outcome.epoch,
            counted(experiment.training.epochs, "epoch", "epochs")
        )?;
        writeln!(out, "resume    snn train --resume --run-dir {run}")?;
    } else if let Some(test) = &outcome.test {
        let accuracy = percent(test.test.accuracy);
        let best = outcome.best.filter(|best| best.epoch == test.selected_epoch);
        let chosen = best.map_or_else(
            || "the last".to_owned(),
            |best| format!("the best of {} on validation with {}", outcome.epoch, percent(best.accuracy)),
        );
        writeln!(
            out,
            "test accuracy {accuracy} on {}, epoch {}, {chosen}",
            counted(test.samples, "sample", "samples"),
            test.selected_epoch
        )?;
    } else {
        writeln!(
            out,
            "trained {}; no samples are held out for a test",
            counted(outcome.epoch, "epoch", "epochs")
        )?;
    }
    writeln!(out, "run       {run}")?;
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    writeln!(out, "watch     snn-tui {}", shell_word(parent))?;
    let part = match splits {
        _ if outcome.stopped && outcome.epoch == 0 => return Ok(()),
        Splits { test, .. } if !test.is_empty() => "",
        Splits { valid, .. } if !valid.is_empty() => " --split valid",
        _ => " --split train",
    };
    let checkpoint = if outcome.stopped && outcome.best.is_none() { " --checkpoint last" } else { "" };
    writeln!(out, "evaluate  snn eval {run}{part}{checkpoint}")
}
