//! A trained network and its data: code shared by `eval`, `predict` and `stream`.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use snn_core::Network;
use snn_data::{DataIdentity, Dataset, Split};
use snn_train::{
    Checkpoint, Error, Experiment, Weights,
    experiment::{Data, KnownParts, Selection},
    run::{DataRecord, RunDir},
};

use crate::{
    common::{UsageError, warn},
    loading,
};

#[derive(Args)]
pub(crate) struct ModelArguments {
    /// The directory of the run
    #[arg(value_name = "RUN_DIR", required_unless_present = "weights")]
    pub(crate) run: Option<PathBuf>,
    /// Which model; by default the one selected by the experiment (training.selection)
    #[arg(long, value_enum, conflicts_with = "weights")]
    checkpoint: Option<Which>,
    /// Use the weights in this file instead: a checkpoint, an export, or safetensors or npz with matrices W1, V1, .. Wout
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// With --weights: the network and data, as a preset or a TOML file; by default those of RUN_DIR, or of the file if it has
    #[arg(long, value_name = "PRESET_OR_TOML", requires = "weights", conflicts_with = "run")]
    experiment: Option<String>,
    /// Set the location of data that were moved: data.directory, data.train_file or data.test_file; with --weights, change any
    /// key
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    changes: Vec<String>,
}

impl ModelArguments {
    fn names_data(&self) -> bool {
        self.changes.iter().any(|change| change.trim_start().starts_with("data.name"))
    }

    fn changes_data(&self) -> bool {
        self.changes.iter().any(|change| change.trim_start().starts_with("data."))
    }
}

/// One of the two checkpoints of a run.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Which {
    /// The best epoch on validation
    Best,
    /// The last epoch
    Last,
}

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        match which {
            Which::Best => Self::Best,
            Which::Last => Self::Last,
        }
    }
}

/// The source of the weights.
pub(crate) enum Source {
    Run(Checkpoint, Selection),
    File(Weights),
}

pub(crate) struct Model {
    pub(crate) experiment: Experiment,
    /// The data it was trained on, if known.
    record: Option<DataRecord>,
    pub(crate) source: Source,
    /// Whether the command line specifies the data set.
    names_data: bool,
    /// Whether the command line changes any key of the data.
    changes_data: bool,
}

impl Model {
    pub(crate) fn of(arguments: &ModelArguments) -> anyhow::Result<Self> {
        let run = arguments.run.as_ref().map(RunDir::open).transpose()?;
        match (&run, &arguments.weights) {
            (run, Some(path)) => Self::of_weights(Weights::load(path)?, run.as_ref(), arguments),
            (Some(run), None) => Self::of_run(run, arguments),
            (None, None) => Err(UsageError("specify the directory of a run, or --weights".to_owned()).into()),
        }
    }

    fn of_run(run: &RunDir, arguments: &ModelArguments) -> anyhow::Result<Self> {
        let (checkpoint, which) = match arguments.checkpoint.map(Selection::from) {
            Some(which) => (Checkpoint::of_run(run, which)?, which),
            None => Checkpoint::selected(run)?,
        };
        // The checkpoint has the experiment that was trained; the file in the run directory may have been edited since.
        let mut experiment = checkpoint.experiment().clone();
        experiment.set(&arguments.changes)?;
        if let Some((key, ..)) = checkpoint.experiment().difference(&experiment) {
            return Err(UsageError(format!(
                "--set can only change the location of the data; {key} is part of the trained experiment"
            ))
            .into());
        }
        let record = match DataRecord::of_run(run.path())? {
            Some(record) => Some(record),
            None => checkpoint.data().cloned().map(DataRecord::of_identity),
        };
        let names_data = arguments.names_data();
        let changes_data = arguments.changes_data();
        Ok(Self { experiment, record, source: Source::Run(checkpoint, which), names_data, changes_data })
    }

    fn of_weights(
        weights: Weights,
        run: Option<&RunDir>,
        arguments: &ModelArguments,
    ) -> anyhow::Result<Self> {
        let mut experiment = match (run, &arguments.experiment, weights.experiment()) {
            (Some(run), ..) => Experiment::load(run.path().join(snn_run::files::CONFIG))?,
            (None, Some(name), _) => Experiment::find(name)?,
            (None, None, Some(experiment)) => experiment.clone(),
            (None, None, None) => {
                return Err(UsageError(format!(
                    "{} does not specify the network and data of its weights: use --experiment PRESET_OR_TOML",
                    weights.path().display()
                ))
                .into());
            }
        };
        experiment.set(&arguments.changes)?;
        let record = match run {
            Some(run) => DataRecord::of_run(run.path())?,
            None => None,
        };
        let record = record.or_else(|| weights.data().cloned().map(DataRecord::of_identity));
        let names_data = arguments.names_data();
        let changes_data = arguments.changes_data();
        Ok(Self { experiment, record, source: Source::File(weights), names_data, changes_data })
    }

    /// The data it was trained on, if known.
    pub(crate) fn identity(&self) -> Option<&DataIdentity> {
        self.record.as_ref().map(DataRecord::identity)
    }

    /// The data of the experiment. The samples of `part` must be those that it was trained on, unless other data are allowed; for
    /// weights from a file, other data may be specified.
    pub(crate) fn open_data(
        &self,
        part: Split,
        allow_other: bool,
        quiet: bool,
    ) -> anyhow::Result<Arc<dyn Dataset>> {
        let is_file = matches!(self.source, Source::File(_));
        // Data specified by name are compared with those of the run.
        if !is_file && !self.names_data {
            self.record.as_ref().map_or(Ok(()), DataRecord::check_described)?;
        }
        // Only the evaluated part must be complete.
        let known = self.record.as_ref().map(|record| record.parts(true)).unwrap_or_default();
        let dataset = loading::open_known(&self.experiment.data, quiet, known);
        let dataset = dataset.map_err(|error| self.hint(error))?;
        let dataset = match &self.record {
            None if is_file => dataset,
            None => {
                warn("this run has not recorded the data it was trained on: nothing was compared");
                dataset
            }
            Some(record) => {
                let fitted = record.fit(dataset, Some(part), allow_other || is_file)?;
                fitted.note.iter().for_each(|note| warn(note));
                fitted.dataset
            }
        };
        if dataset.splits().get(part).is_empty() {
            let others = [Split::Test, Split::Valid, Split::Train].into_iter();
            let other = others
                .filter(|&other| !dataset.splits().get(other).is_empty())
                .map(|it| format!("--split {it}"));
            let others = other.collect::<Vec<_>>().join(" or ");
            return Err(
                UsageError(format!("this run has no samples in the {part} part: use {others}")).into()
            );
        }
        Ok(dataset)
    }

    /// Different data than it was trained on, with channels standardized as in training, and classes in the order of the network.
    pub(crate) fn open_other_data(&self, data: &Data, quiet: bool) -> anyhow::Result<Arc<dyn Dataset>> {
        let statistics = self.identity().and_then(|identity| identity.statistics.clone());
        let known = KnownParts { statistics, ..KnownParts::default() };
        let dataset = loading::open_known(data, quiet, known)?;
        let Some(record) = &self.record else { return Ok(dataset) };
        let identity = record.identity();
        if dataset.kind() != identity.kind {
            return Err(UsageError(format!(
                "the network was trained on {}, and {} has {}",
                kind(identity.kind),
                data.name(),
                kind(dataset.kind())
            ))
            .into());
        }
        let dataset = record.order_classes(dataset)?;
        let names = (0..dataset.classes()).map(|label| match dataset.class_name(label as u16) {
            Some(name) => name.to_owned(),
            None => label.to_string(),
        });
        let names: Vec<String> = names.collect();
        if names != identity.classes {
            warn(&format!(
                "the classes of these data ({}) differ from those of the network ({}): labels are those of the data, predictions those of the network",
                names.join(" "),
                identity.classes.join(" ")
            ));
        }
        Ok(dataset)
    }

    /// The trained network.
    pub(crate) fn network(&self) -> anyhow::Result<Network> {
        let shape = |weights: &mut dyn Iterator<Item = (String, usize, usize)>| {
            let all: Vec<_> = weights.collect();
            let first = all.iter().find(|(name, ..)| name == "W1").or(all.first()).map_or(0, |it| it.1);
            let last = all.iter().find(|(name, ..)| name == "Wout").map_or(0, |it| it.2);
            (first, last)
        };
        let (inputs, outputs) = match &self.source {
            Source::Run(checkpoint, _) => {
                let weights = checkpoint.weights();
                shape(&mut weights.map(|(name, [pre, post], _)| (name.to_owned(), pre, post)))
            }
            Source::File(weights) => {
                let matrices = weights.matrices().filter(|(_, shape, _)| shape.len() == 2);
                let found =
                    shape(&mut matrices.map(|(name, shape, _)| (name.to_owned(), shape[0], shape[1])));
                // The data determine both, so that the error for matrices of other shapes is correct.
                let known = self.identity().filter(|_| !self.changes_data);
                known.map_or(found, |identity| (identity.inputs, identity.classes.len()))
            }
        };
        let dt = self.experiment.get("data.dt");
        let dt = dt.and_then(|dt| dt.as_float().or(dt.as_integer().map(|dt| dt as f64))).unwrap_or(1.0);
        let dt = self.identity().map_or(dt, |identity| identity.dt);
        // With an impossible shape, the error names the mismatch.
        let config = self.experiment.network_of(inputs.max(1), outputs.max(1), dt);
        let mut network: Network =
            Network::new(config, self.experiment.initialization(), self.experiment.initialization.seed)?;
        match &self.source {
            Source::Run(checkpoint, _) => checkpoint.restore(&mut network)?,
            Source::File(weights) => weights.put_into(&mut network)?,
        }
        Ok(network)
    }

    /// Old runs have recorded relative paths.
    fn hint(&self, error: Error) -> anyhow::Error {
        let Some(path) = self.experiment.data.relative_path() else { return error.into() };
        let path = path.display();
        anyhow::Error::new(error).context(format!(
            "the run was trained with `{path}` relative to the directory in which `snn train` was started: start there, or \
             set its location with --set"
        ))
    }
}

/// Refuses data whose number of inputs differs from the network's.
pub(crate) fn check_inputs(network: &Network, dataset: &dyn Dataset) -> Result<(), UsageError> {
    let (needed, found) = (network.config().inputs, dataset.inputs());
    if needed == found {
        return Ok(());
    }
    Err(UsageError(format!("the network has {needed} inputs, but {} has {found}", dataset.name())))
}

fn kind(kind: snn_data::InputKind) -> &'static str {
    match kind {
        snn_data::InputKind::Events => "spikes",
        snn_data::InputKind::Frames => "analog values",
    }
}
