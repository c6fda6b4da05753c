//! Experiments with spiking neural networks: definition, training, and run directories.
//!
//! The shortest useful program trains a network on random manifolds and follows it with an observer:
//!
//! ```
//! use snn_train::{Event, Experiment, Trainer};
//!
//! let mut experiment = Experiment::preset("randman")?;
//! experiment.set(&["data.classes=2", "data.samples_per_class=100", "training.batch_size=20"])?;
//! experiment.initialization.gain = 6.0; // there are too few batches to activate a silent network
//! experiment.training.epochs = 5;
//!
//! let mut accuracies = Vec::new();
//! let outcome = Trainer::new(experiment)?.run(&mut [&mut |event: &Event<'_>| {
//!     if let Event::EpochFinished { record, .. } = event {
//!         println!("epoch {}: loss {:.3}, {:.0} spikes", record.epoch, record.train.loss, record.layers[0].spikes);
//!         accuracies.extend(record.valid.map(|valid| valid.accuracy));
//!     }
//! }])?;
//!
//! assert_eq!(accuracies.len(), 5);
//! assert!(outcome.test.unwrap().test.accuracy > 0.8);
//! # Ok::<(), snn_train::Error>(())
//! ```
//!
//! The program `snn` adds a run directory, a progress bar and a way to stop: `snn train randman`.
//!
//! # Data flow
//!
//! An `Experiment` is one value, one TOML file, one run: it specifies the data set, the network and every seed (`experiment`
//! has its keys and presets). A `Trainer` generates or loads the data, draws the weights, and loops over epochs. It prints
//! and writes nothing: it emits `Event`s to `Observer`s, which can also request a stop. `RunWriter` is the observer that
//! saves a run in a directory; [`run`] reads such directories, even while they are being written. A `Checkpoint` is the
//! complete state in one file: after a stop, or a kill at any moment, a run resumes from it and ends bit-identical to an
//! uninterrupted run.
//!
//! # Map of the crate
//!
//! - [`experiment`]: the keys of experiments, their presets, and TOML files.
//! - [`Trainer`], [`Event`], [`Observer`]: training; [`evaluate`] and [`predict`]: trained networks.
//! - [`run`]: run directories; [`Checkpoint`] and [`Weights`]: the files of a network's state.
//! - [`probe`]: the activity of a network for a few samples.
//! - [`sweep`]: grids of runs, on this machine or on Slurm.
//! - [`stream`]: decisions on sound or spikes as they arrive.
//! - `figures`: the figures and claims of the paper; `nir`: networks as NIR graphs.
//!
//! # `snn` for scripts
//!
//! With `--json`, the program writes only the following to standard output:
//! - `snn train`: every [`run::Record`] as it is written to `metrics.jsonl`, then
//!   `{"version":1,"kind":"result","state":"done"|"stopped","run":DIR,"epoch":N,"best":`[`run::Best`]`|null,"test":`[`run::TestRecord`]`|null}`;
//! - `snn eval`: `{"version":1,"kind":"evaluation","run":DIR,"split":"test"|"valid"|"train","classes":[NAME],
//!   "checkpoint":"best"|"last","epoch":N, ..}` with the fields of [`Evaluation`], `confusion` as in [`Confusion`];
//!   with `--weights`, `"weights":FILE` instead of `checkpoint` and `epoch`, and `run` only if given;
//! - `snn stream` (without `--json`): `{"version":1,"kind":"decision","time","window","step","final","label","class","logits"}` for each
//!   [`stream::Decision`]; `snn predict --out FILE.json` writes one document,
//!   `{"version":1,"kind":"predictions","data","classes","samples":[{"index","name","label","prediction","logits",..}]}`;
//! - `snn export --format json` (without `--json`): `{"version":1,"kind":"export","run":ID,"config":..,
//!   "status":`[`run::Status`]`,"records":[`[`run::Record`]`]}`, `config` with every key of the experiment;
//! - `snn runs`: `{"version":1,"kind":"runs","directory":DIR,"keys":[KEY],"runs":[{"id","state","epoch","epochs",
//!   "valid_accuracy","test_accuracy","spikes","seconds","message","settings"}]}`; `state` as in [`run::RunState`], or
//!   `"no_run"`; `settings` has every key of the experiment, `keys` those shown;
//! - `snn data info`: [`snn_data::DatasetSummary`];
//! - `snn data preview`: `{"version":1,"kind":"preview","files":[..], ..}` with the fields of `figures::Preview`;
//! - `snn figure`: a line per figure,
//!   `{"version":1,"kind":"figure","figure":N,"scale":"smoke"|"quick"|"full","state":"done"|"incomplete"|"stopped","files":[..],
//!   "missing":[figures::Missing],"incomplete":[figures::Incomplete]}`, exit code 1 if a figure is incomplete;
//!   with `--plan` `{"version":1,"kind":"figure_plan","scale":..,"figures":[{"figure":N,"plan":figures::Plan}],"all":..}`;
//! - `snn claims`: `{"version":1,"kind":"claims","method":..,"claims":[figures::Claim]}`;
//! - `snn sweep plan`: `{"version":1,"kind":"plan","sweep":DIR,"runs","done","left_out","left_out_done",
//!   "computing_seconds","seconds","kinds","kinds_measured"}`, the last four `null` with `--no-measure`, the seconds also if
//!   all runs tried have diverged; `left_out` counts runs of the previous plan that this one does not list;
//! - `snn sweep run`: for each finished run `{"version":1,"kind":"run","id","settings","state":"done"|"stopped"|"failed"|
//!   "busy","valid_accuracy","test_accuracy","message"}`, then `{"version":1,"kind":"sweep","state":"done"|"stopped"|
//!   "busy","sweep":DIR,"runs","done","reused","failed","busy","seconds"}`; `busy` counts runs that another process was still
//!   training at the end;
//! - `snn sweep status`: `{"version":1,"kind":"status","sweep":DIR,"runs","running","stalled","pending","failed",
//!   "damaged","stopped","done","unknown",
//!   "slurm":{"error","queued","requeued","lost":[ID],"elements":`[`[sweep::slurm::Element]`](sweep::slurm::Element)`},
//!   "rows":`[`[sweep::Row]`](sweep::Row)`,"groups":`[`[sweep::Group]`](sweep::Group)`}`; every run
//!   is counted in one of the states; `slurm.error` is the error of `squeue`, otherwise `null`;
//! - `snn sweep submit`: `{"version":1,"kind":"submit","sweep":DIR,"under_way","arrays":[{"number","job","elements","runs"}],
//!   "refused"}`; `job` is `null` with `--dry-run`, `refused` is Slurm's message if it refused more, otherwise `null`;
//! - `snn sweep retry`: `{"version":1,"kind":"retry","sweep":DIR,"runs":[ID]}`, with `--slurm` also `arrays` and `refused`;
//! - `snn sweep work`: like `snn sweep run`, except that the last line has the kind `work` and no `sweep`;
//! - `snn presets`: `[{"name","about"}]`; with a name, the experiment; with `--keys`,
//!   `[{"key","help","values","unit","default","data_sets"}]`.
//!
//! Invalid UTF-8 in paths is replaced by `U+FFFD`.
//!
//! Exit codes: 0 done; 1 failure; 2 usage or configuration; 3 stopped before the end with a checkpoint, or, for `snn sweep
//! run`, another process is still training some runs; 128 + signal if a signal stopped a new run while loading its data, and
//! there is nothing to resume.
//!
//! # Features
//!
//! - `cli` (default): the program `snn`.
//! - `figures` (with `cli`): the figures of the paper.
//! - `hdf5` (default): data sets in HDF5 files.
//! - `nir` (default): networks as NIR graphs.
//! - `cuda`: training on NVIDIA GPUs.
//!
//! To only read runs, use [`snn_run`], which contains no numerics.

mod checkpoint;
mod device;
mod error;
pub mod experiment;
#[cfg(feature = "figures")]
pub mod figures;
#[doc(hidden)]
pub mod fuzzing;
mod memory;
mod numerics;
pub mod probe;
mod replace;
pub mod run;
pub mod stream;
pub mod sweep;
mod tensorboard;
mod train;
mod weights;

pub use checkpoint::Checkpoint;
pub use device::Device;
pub use error::{Error, Place};
pub use experiment::Experiment;
pub use run::RunWriter;
pub use snn_run::shell_word;
pub use snn_run::with_causes;
pub use train::{
    Confusion, Evaluation, Event, ExpectedActivity, Flow, Goal, Observer, Outcome, Phase, Prediction,
    Progress, Start, Trainer, evaluate, expected_activity, network_input, predict,
};
pub use weights::Weights;
#[cfg(feature = "nir")]
pub use weights::nir;
