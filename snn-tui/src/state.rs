//! Everything that is shown: what the tailer has found out, and where the user is. Screens draw it and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use snn_run::{Environment, Record};

use crate::{
    data::{ConfigSummary, History, Log, Msg, Probes, Run, SweepView, System, Wants},
    screens::{self, Screen},
    theme::Theme,
};

/// The state of the dashboard.
pub(crate) struct State {
    pub(crate) theme: Theme,
    /// The directory that is looked at.
    pub(crate) source: String,
    /// Whether that is a sweep's.
    pub(crate) is_sweep: bool,
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) facts: HashMap<String, ConfigSummary>,
    /// Of the runs that are looked at.
    pub(crate) histories: HashMap<String, History>,
    /// Of one run.
    pub(crate) probes: (String, Probes),
    pub(crate) sweep: Option<SweepView>,
    pub(crate) system: Option<System>,
    pub(crate) environment: Option<(String, Environment)>,
    pub(crate) log: Option<(String, Log)>,
    /// Runs read so far, and all that there are.
    pub(crate) loading: (usize, usize),
    /// Why nothing can be read at all.
    pub(crate) trouble: Option<String>,
    pub(crate) screen: Screen,
    /// Runs that curves and actions are about, beside the one under the cursor.
    pub(crate) marked: BTreeSet<String>,
    pub(crate) list: screens::runs::List,
    pub(crate) curves: screens::curves::Choice,
    pub(crate) activity: screens::activity::Choice,
    pub(crate) learning: screens::learning::Choice,
    pub(crate) map: screens::sweep::Choice,
    pub(crate) machine: screens::system::Choice,
    /// Whether the keys are explained.
    pub(crate) help: bool,
    /// What is asked, and waits for an answer.
    pub(crate) question: Option<Question>,
    /// Something said once, until the next key.
    pub(crate) notice: Option<String>,
}

/// A question to be answered with y.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether these runs are to be stopped.
    Stop(Vec<String>),
}

impl State {
    pub(crate) fn new(theme: Theme, source: String, is_sweep: bool) -> Self {
        Self {
            theme,
            source,
            is_sweep,
            runs: BTreeMap::new(),
            facts: HashMap::new(),
            histories: HashMap::new(),
            probes: Default::default(),
            sweep: None,
            system: None,
            environment: None,
            log: None,
            loading: (0, 0),
            trouble: None,
            screen: Screen::Runs,
            marked: BTreeSet::new(),
            list: Default::default(),
            curves: Default::default(),
            activity: Default::default(),
            learning: Default::default(),
            map: Default::default(),
            machine: Default::default(),
            help: false,
            question: None,
            notice: None,
        }
    }

    /// Takes in what the tailer has found out.
    pub(crate) fn update(&mut self, message: Msg) {
        match message {
            Msg::Runs(runs) => {
                self.runs.extend(runs.into_iter().map(|run| (run.id.clone(), run)));
                self.list.is_stale = true;
            }
            Msg::Gone(gone) => {
                for id in gone {
                    self.runs.remove(&id);
                    self.facts.remove(&id);
                    self.histories.remove(&id);
                    self.marked.remove(&id);
                }
                self.list.is_stale = true;
            }
            Msg::Loading { read, all } => self.loading = (read, all),
            Msg::ConfigSummary(id, facts) => {
                self.facts.insert(id, *facts);
                self.list.is_stale = true;
            }
            Msg::HistoryRestart(id) => {
                self.histories.insert(id, History::default());
            }
            Msg::History(id, records) => {
                let history = self.histories.entry(id).or_default();
                for record in records {
                    match record {
                        Record::Epoch(epoch) => history.push(epoch),
                        Record::Warning(warning) => history.warn(warning.epoch, warning.message),
                        _ => {}
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
            Msg::System(system) => self.system = Some(*system),
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

    /// Puts the list in order again, if something has changed.
    pub(crate) fn settle(&mut self) {
        screens::runs::settle(self);
        // Histories that nobody follows any more take no memory.
        let followed: BTreeSet<String> = self.wants().histories.into_iter().collect();
        self.histories.retain(|id, _| followed.contains(id));
    }

    /// What the screen needs to know.
    pub(crate) fn wants(&self) -> Wants {
        let subject = self.subject().map(|run| run.id.clone());
        let mut wants =
            Wants { visible: self.list.visible(), all_facts: self.list.needs_facts(), ..Wants::default() };
        match self.screen {
            Screen::Runs => {}
            Screen::Curves => wants.histories = self.chosen(),
            Screen::Activity | Screen::Learning => {
                wants.histories = subject.iter().cloned().collect();
                wants.probe = subject.map(|id| (id, self.activity.epoch));
            }
            Screen::Sweep => wants.sweep = true,
            Screen::System => {
                wants.histories = subject.iter().cloned().collect();
                wants.system = Some(subject);
            }
        }
        wants
    }

    /// The run under the cursor of the list.
    pub(crate) fn subject(&self) -> Option<&Run> {
        self.runs.get(self.list.selected()?)
    }

    /// ConfigSummary of a run, as far as they are known.
    pub(crate) fn facts(&self, id: &str) -> Option<&ConfigSummary> {
        self.facts.get(id)
    }

    /// The probes of the run under the cursor.
    pub(crate) fn subject_probes(&self) -> Option<&Probes> {
        let subject = self.subject()?;
        (self.probes.0 == subject.id).then_some(&self.probes.1)
    }

    /// Marked runs in the order of the list; without any the one under the cursor.
    pub(crate) fn chosen(&self) -> Vec<String> {
        if self.marked.is_empty() {
            return self.list.selected().map(str::to_owned).into_iter().collect();
        }
        let (shown, hidden): (Vec<_>, Vec<_>) =
            self.marked.iter().partition(|id| self.list.place(id).is_some());
        let mut chosen: Vec<String> = shown.into_iter().cloned().collect();
        chosen.sort_by_key(|id| self.list.place(id));
        chosen.extend(hidden.into_iter().cloned());
        chosen
    }
}
