//! Startup: reads the runs and checks the command line against them.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use snn_run::{EpochRecord, Losses, Record, RunDir, scalars::GRADIENT_NORMS};

use crate::{
    arguments::Arguments,
    data::{History, Run, Tailer},
    screens::{self, curves},
    state::UiState,
};

/// How much of a history to read for the names of its metrics (bytes).
const RECENT: u64 = 64 << 10;
/// Maximum number of names that an error lists.
const NAMES: usize = 12;

/// Reads all data that the screen needs, repeatedly, since data may lead to further needs.
pub(crate) fn settle(tailer: &mut Tailer, state: &mut UiState) {
    for _ in 0..3 {
        loop {
            let mut messages = Vec::new();
            let settled = tailer.step(&screens::wants(state), &mut messages);
            messages.into_iter().for_each(|message| state.update(message));
            if settled {
                break;
            }
        }
        screens::settle(state);
    }
}

/// Reads what [`check`] needs: a filter needs all runs, everything else only their names.
pub(crate) fn read(tailer: &mut Tailer, state: &mut UiState, arguments: &Arguments) {
    if arguments.filter().is_some() {
        return settle(tailer, state);
    }
    let mut messages = Vec::new();
    tailer.step(&screens::wants(state), &mut messages);
    messages.into_iter().for_each(|message| state.update(message));
    screens::settle(state);
}

/// Checks the command line against the runs: unknown runs, metrics, epochs and filter keys are errors that list the known ones. Then
/// applies `--mark all`.
///
/// # Errors
/// The first error.
pub(crate) fn check(state: &mut UiState, arguments: &Arguments) -> Result<()> {
    if let Some(missing) = arguments.named_runs().find(|id| !state.model.runs.contains_key(*id)) {
        let known = nearest(missing, state.model.runs.keys().map(String::as_str));
        bail!("there is no run `{missing}` in {}; {known}", state.model.source);
    }
    if let (Some(filter), Some(mistake)) = (arguments.filter(), &state.list.mistake) {
        bail!("--filter {filter}: {mistake}");
    }
    if arguments.marks_all() {
        state.marked = state.list.order().iter().cloned().collect();
    }
    if let Some(metric) = arguments.metric() {
        let chosen = state.chosen();
        check_metric(metric, &chosen.iter().filter_map(|id| state.model.runs.get(id)).collect::<Vec<_>>())?;
    }
    if let (Some(epoch), Some(run)) = (arguments.epoch(), state.subject()) {
        check_epoch(epoch, run)?;
    }
    Ok(())
}

/// A metric that the runs have recorded; `loss` stands for `train.loss` and `valid.loss`. Before the first epoch, only the metrics that
/// every run has are known, and those of layers and matrices are accepted unchecked.
fn check_metric(metric: &str, runs: &[&Run]) -> Result<()> {
    let mut history = History::default();
    for run in runs {
        for record in RunDir::open(&run.path).and_then(|run| run.recent(RECENT)).unwrap_or_default() {
            if let Record::Epoch(epoch) = record {
                history.push(epoch);
            }
        }
    }
    let begun = history.last().is_some();
    if !begun {
        history.push(EpochRecord { valid: Some(Losses::default()), ..EpochRecord::default() });
    }
    let mut known: BTreeSet<String> = history.metrics().map(str::to_owned).collect();
    let short =
        |name: &String| name.strip_prefix("train.").or(name.strip_prefix("valid.")).map(str::to_owned);
    let shorts: Vec<String> = known.iter().filter_map(short).collect();
    known.extend(shorts);
    known.insert(curves::ALL.to_owned());
    let may_come = ["layers.", GRADIENT_NORMS].iter().any(|first| metric.starts_with(first));
    if known.contains(metric) || (!begun && may_come) {
        return Ok(());
    }
    let names = known.iter().filter(|name| short(name).is_none()).map(String::as_str);
    bail!("there is no metric `{metric}`; {}", nearest(metric, names))
}

fn check_epoch(epoch: u32, run: &Run) -> Result<()> {
    let probed = RunDir::open(&run.path).and_then(|run| run.probed_epochs()).unwrap_or_default();
    if probed.contains(&epoch) {
        return Ok(());
    }
    let id = &run.id;
    let words: Vec<String> = probed.iter().map(u32::to_string).collect();
    match words.as_slice() {
        [] => bail!("--epoch {epoch}: {id} has no probes"),
        words if words.len() <= NAMES => {
            bail!("--epoch {epoch}: {id} has probes of epochs {}", words.join(", "))
        }
        [first, .., last] => {
            let before = probed.iter().rfind(|it| **it < epoch).into_iter();
            let around: Vec<_> =
                before.chain(probed.iter().find(|it| **it > epoch)).map(u32::to_string).collect();
            let number = words.len();
            bail!(
                "--epoch {epoch}: {id} has {number} probes from epoch {first} to {last}, but not of this one; the nearest are {}",
                around.join(" and ")
            )
        }
        [_] => Ok(()),
    }
}

/// The known names, the most similar first, shortened if there are many.
fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    known.sort_by_cached_key(|name| strsim::damerau_levenshtein(wrong, name));
    match known.as_slice() {
        [] => "none is known yet".to_owned(),
        known if known.len() <= NAMES => format!("known: {}", known.join(", ")),
        known => format!("known: {} and {} more", known[..NAMES].join(", "), known.len() - NAMES),
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use clap::Parser as _;

    use super::*;
    use crate::{data::Source, fixture};

    /// The error for these arguments with the runs of the fixture.
    fn mistake(runs: &Path, arguments: &[&str]) -> String {
        let all = [&["snn-tui"], arguments].concat();
        let arguments = Arguments::try_parse_from(all).unwrap();
        let mut state = UiState::new(arguments.theme(), "runs".to_owned(), false);
        if let Err(error) = arguments.apply(&mut state) {
            return error.to_string();
        }
        let mut tailer = Tailer::new(Source::open(runs).unwrap(), Duration::from_secs(3600));
        settle(&mut tailer, &mut state);
        check(&mut state, &arguments).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn unknown_names_are_errors_that_list_the_known_ones() {
        let runs = tempfile::tempdir().unwrap();
        fixture::runs(runs.path());
        for right in [
            &["--mark", "randman-a,randman-c", "--metric", "gradient_norms.W1"][..],
            &["--mark", "all", "--metric", "loss", "--epoch", "8"],
            &["--metric", "valid.accuracy", "--run", "randman-b"],
            &["--metric", "all"],
            &["--metric", "spikes", "--filter", "optimizer.learning_rate>0.01"],
        ] {
            assert_eq!(mistake(runs.path(), right), "", "{right:?}");
        }
        for (wrong, words) in [
            (&["--mark", "randman-a,randman-x"][..], &["`randman-x`", "known: randman-a, randman-b"][..]),
            (&["--run", "mine"], &["`mine`", "randman-d"]),
            (&["--metric", "los"], &["`los`", "known: loss, "]),
            (&["--metric", "gradient_norms.W9"], &["`gradient_norms.W9`", "gradient_norms.W1"]),
            (&["--epoch", "7", "--run", "randman-a"], &["--epoch 7", "randman-a", "0, 4, 8, 12, 16, 20"]),
            (&["--filter", "optimizer.rate>1"], &["no run has the key optimizer.rate"]),
            (&["--filter", "speed>1"], &["there is no column `speed`", "valid_accuracy"]),
        ] {
            let said = mistake(runs.path(), wrong);
            assert!(words.iter().all(|word| said.contains(word)), "{wrong:?}: {said}");
        }
    }

    #[test]
    fn of_many_names_the_most_similar_are_listed() {
        let names: Vec<String> = (0..100).map(|k| format!("run-{k:02}")).collect();
        let text = nearest("run-7x", names.iter().map(String::as_str));
        assert!(text.starts_with("known: run-70, run-71") && text.ends_with("and 88 more"), "{text}");
        assert_eq!(nearest("x", std::iter::empty()), "none is known yet");
    }
}
