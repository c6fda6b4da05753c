//! The state of the dashboard: its data, and the user's position in it. Screens only draw it.

mod choices;
mod clicks;
pub(crate) mod columns;
mod filter;
pub(crate) mod line;
mod list;
mod names;
mod screen;

use std::{any::Any, cell::Cell, collections::BTreeSet};

use crate::{
    data::{ConfigSummary, Msg, Probes, Run},
    model::Model,
    theme::Theme,
};
use choices::Choices;
use list::List;
use names::Names;

pub(crate) use clicks::{Click, Clicks};
pub(crate) use filter::Filter;
pub(crate) use list::headings;
pub(crate) use screen::Screen;

/// The state of the dashboard.
pub(crate) struct UiState {
    pub(crate) theme: Theme,
    pub(crate) model: Model,
    pub(crate) screen: Screen,
    /// Marked runs, for curves and actions; without any, these apply to the run under the cursor.
    pub(crate) marked: BTreeSet<String>,
    pub(crate) list: List,
    pub(crate) names: Names,
    pub(crate) choices: Choices,
    /// Number of rows shown by the screen that scrolls.
    pub(crate) page: Cell<usize>,
    /// Whether the dashboard is interactive, rather than printed once.
    pub(crate) is_watched: bool,
    /// Columns and rows of the last drawing, which determine the data that screens request.
    pub(crate) size: Cell<(u16, u16)>,
    /// Whether the help is open.
    pub(crate) help: bool,
    /// The first visible line of the help.
    pub(crate) help_line: usize,
    /// The last line to which the help scrolls; 0 if all of it fits.
    pub(crate) help_end: Cell<usize>,
    /// The last run that vanished while it was selected.
    pub(crate) gone: Option<String>,
    /// The open question, if any.
    pub(crate) question: Option<Question>,
    /// A message shown until the next key.
    pub(crate) notice: Option<String>,
    /// The effects of clicks on the screen.
    pub(crate) clicks: Clicks,
    /// Descriptions of how runs have ended, one sentence each, until they are sent as notifications.
    pub(crate) ended: Vec<String>,
}

/// The letter of the `k`-th of the selected runs: a to z, A to Z, and a sign for all others.
pub(crate) fn letter(k: usize) -> char {
    ('a'..='z').chain('A'..='Z').nth(k).unwrap_or('+')
}

/// A question to be answered with y.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether to stop these runs.
    Stop(Vec<String>),
}

impl UiState {
    pub(crate) fn new(theme: Theme, source: String, is_sweep: bool) -> Self {
        Self {
            theme,
            model: Model::new(source, is_sweep),
            screen: Screen::RUNS,
            marked: BTreeSet::new(),
            list: List::default(),
            names: Names::default(),
            choices: Choices::default(),
            page: Cell::new(0),
            is_watched: false,
            size: Cell::default(),
            help: false,
            help_line: 0,
            help_end: Cell::new(0),
            gone: None,
            question: None,
            notice: None,
            clicks: Clicks::default(),
            ended: Vec::new(),
        }
    }

    /// The user's choices of this type, initially the default. Each screen defines a type in its file.
    pub(crate) fn choice<T: Any + Clone + Default>(&self) -> T {
        self.choices.get()
    }

    /// Changes the user's choices of this type.
    pub(crate) fn change<T: Any + Clone + Default>(&mut self, change: impl FnOnce(&mut T)) {
        self.choices.change(change);
    }

    /// Applies a message of the tailer.
    pub(crate) fn update(&mut self, message: Msg) {
        match &message {
            Msg::Gone(gone) => {
                if let Some(id) = self.list.selected().filter(|id| gone.iter().any(|it| it == id)) {
                    self.gone = Some(id.to_owned());
                }
                if let Some(id) = gone.iter().find(|id| self.marked.contains(*id)) {
                    self.notice = Some(format!("{id} is gone and no longer marked"));
                }
                self.marked.retain(|id| !gone.contains(id));
                self.list.is_stale = true;
            }
            Msg::Runs(runs) => {
                self.list.is_stale = true;
                let ended = runs.iter().filter_map(|run| self.model.runs.get(&run.id)?.ended_as(run));
                self.ended.extend(ended);
                self.gone.take_if(|id| runs.iter().any(|run| run.id == *id));
            }
            Msg::ConfigSummary(..) => (self.list.is_stale, self.names.is_stale) = (true, true),
            _ => {}
        }
        self.model.update(message);
    }

    /// The selected run, if it is gone.
    pub(crate) fn gone(&self) -> Option<&str> {
        self.gone.as_deref().filter(|id| self.list.selected() == Some(id))
    }

    /// Updates everything that depends on the data after a change.
    pub(crate) fn settle(&mut self) {
        self.list.settle(&self.model);
        self.names.settle(&self.model, self.list.order());
    }

    /// The name of a run: the settings that differ from others in the list.
    pub(crate) fn name(&self, id: &str) -> String {
        self.names.of(&self.model, id)
    }

    /// Its name in a list, whose columns show settings: chosen names without differences.
    pub(crate) fn short_name(&self, id: &str) -> String {
        self.names.short(&self.model, id)
    }

    /// Short names of these runs: the settings that differ between them.
    pub(crate) fn names_of(&self, runs: &[String]) -> Vec<String> {
        self.names.short_of_some(&self.model, runs)
    }

    /// The name of this number of runs that differ from this one only in seeds.
    pub(crate) fn group_name(&self, id: &str, runs: usize) -> String {
        let setting = |facts: &ConfigSummary| self.names.naming().setting(&facts.configuration);
        let setting = self.facts(id).filter(|_| runs > 1 && !self.names.are_ids).map(setting);
        setting.filter(|setting| !setting.is_empty()).unwrap_or_else(|| self.short_name(id))
    }

    /// The run under the cursor of the list.
    pub(crate) fn subject(&self) -> Option<&Run> {
        self.model.runs.get(self.list.selected()?)
    }

    /// The settings of a run, if known.
    pub(crate) fn facts(&self, id: &str) -> Option<&ConfigSummary> {
        self.model.facts(id)
    }

    /// The probes of the run under the cursor.
    pub(crate) fn subject_probes(&self) -> Option<&Probes> {
        let subject = self.subject()?;
        let (of, probes) = &self.model.probes;
        (*of == subject.id).then_some(probes)
    }

    /// Marked runs in the order of the list; without any, the run under the cursor.
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
