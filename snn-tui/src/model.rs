//! The data about runs: everything the tailer has read, independent of the user interface.

use std::collections::{BTreeMap, HashMap};

use snn_run::{Environment, Record};

use crate::data::{ConfigSummary, History, Log, MachineHistory, Msg, Probes, Run, SweepView, System};

/// All data.
#[derive(Default)]
pub(crate) struct Model {
    /// The source directory.
    pub(crate) source: String,
    /// Whether that is a sweep's.
    pub(crate) is_sweep: bool,
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) facts: HashMap<String, ConfigSummary>,
    /// Details of the visible runs.
    pub(crate) histories: HashMap<String, History>,
    /// Details of one run.
    pub(crate) probes: (String, Probes),
    pub(crate) sweep: Option<SweepView>,
    pub(crate) system: Option<System>,
    /// While it was looked at.
    pub(crate) machine: MachineHistory,
    pub(crate) environment: Option<(String, Environment)>,
    pub(crate) log: Option<(String, Log)>,
    /// Number of runs read so far, and of all runs.
    pub(crate) loading: (usize, usize),
    /// Why nothing can be read.
    pub(crate) trouble: Option<String>,
}

impl Model {
    pub(crate) fn new(source: String, is_sweep: bool) -> Self {
        Self { source, is_sweep, ..Self::default() }
    }

    /// Applies a message of the tailer.
    pub(crate) fn update(&mut self, message: Msg) {
        match message {
            Msg::Runs(runs) => {
                self.runs.extend(runs.into_iter().map(|run| (run.id.clone(), run)));
            }
            Msg::Gone(gone) => {
                for id in gone {
                    self.runs.remove(&id);
                    self.facts.remove(&id);
                    self.histories.remove(&id);
                }
            }
            Msg::Loading { read, all } => self.loading = (read, all),
            Msg::ConfigSummary(id, facts) => {
                self.facts.insert(id, *facts);
            }
            Msg::HistoryRestart(id) => {
                self.histories.insert(id, History::default());
            }
            Msg::History(id, records) => {
                let history = self.histories.entry(id).or_default();
                for record in records {
                    if let Record::Epoch(epoch) = record {
                        history.push(epoch);
                    }
                }
            }
            Msg::ProbedEpochs(id, epochs) => {
                let probes = self.probes_of(id);
                probes.glances.retain(|epoch, _| epochs.contains(epoch));
                probes.epochs = epochs;
            }
            Msg::ProbeSummary(id, glance) => {
                self.probes_of(id).glances.insert(glance.epoch, *glance);
            }
            Msg::Probe(id, epoch, probe) => self.probes_of(id).current = Some((epoch, probe)),
            Msg::Sweep(sweep) => self.sweep = Some(*sweep),
            Msg::System(system) => {
                self.machine.push(&system);
                self.system = Some(*system);
            }
            Msg::Environment(id, environment) => self.environment = Some((id, *environment)),
            Msg::Log(id, log) => self.log = Some((id, *log)),
            Msg::Trouble(trouble) => self.trouble = trouble,
        }
    }

    fn probes_of(&mut self, id: String) -> &mut Probes {
        if self.probes.0 != id {
            self.probes = (id, Probes::default());
        }
        &mut self.probes.1
    }

    /// The settings of a run, if known.
    pub(crate) fn facts(&self, id: &str) -> Option<&ConfigSummary> {
        self.facts.get(id)
    }
}
