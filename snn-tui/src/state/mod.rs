//! Everything that is shown: what is known, and where the user is. Screens draw it and nothing else.

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
    /// Runs that curves and actions are about, beside the one under the cursor.
    pub(crate) marked: BTreeSet<String>,
    pub(crate) list: List,
    pub(crate) names: Names,
    pub(crate) choices: Choices,
    /// Rows that the screen has shown of what it scrolls.
    pub(crate) page: Cell<usize>,
    /// Whether somebody watches, and a screen is not written once.
    pub(crate) is_watched: bool,
    /// Columns and rows of the last drawing, by which screens know what they have room for.
    pub(crate) size: Cell<(u16, u16)>,
    /// Whether the keys are explained.
    pub(crate) help: bool,
    /// The first line of the help that is shown.
    pub(crate) help_line: usize,
    /// The last line that the help can be scrolled to; 0 if all of it fits.
    pub(crate) help_end: Cell<usize>,
    /// The last run that vanished while it was selected.
    pub(crate) gone: Option<String>,
    /// What is asked, and waits for an answer.
    pub(crate) question: Option<Question>,
    /// Something said once, until the next key.
    pub(crate) notice: Option<String>,
    /// What clicks on the screen do.
    pub(crate) clicks: Clicks,
    /// How runs have ended, one sentence each, until they are reported.
    pub(crate) ended: Vec<String>,
}

/// The letter of the `k`-th of the chosen runs: a to z, A to Z, and for all others a sign.
pub(crate) fn letter(k: usize) -> char {
    ('a'..='z').chain('A'..='Z').nth(k).unwrap_or('+')
}

/// A question to be answered with y.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether these runs are to be stopped.
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

    /// What a screen keeps of its own: a type in its file, at first the default of it.
    pub(crate) fn choice<T: Any + Clone + Default>(&self) -> T {
        self.choices.get()
    }

    /// Changes what a screen keeps of its own.
    pub(crate) fn change<T: Any + Clone + Default>(&mut self, change: impl FnOnce(&mut T)) {
        self.choices.change(change);
    }

    /// Takes in what the tailer has found out.
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

    /// Puts everything in order after something has changed.
    pub(crate) fn settle(&mut self) {
        self.list.settle(&self.model);
        self.names.settle(&self.model, self.list.order());
    }

    /// What a run is called: by what it differs in from the others of the list.
    pub(crate) fn name(&self, id: &str) -> String {
        self.names.of(&self.model, id)
    }

    /// The same in a list, whose columns have settings: names that people chose, without differences.
    pub(crate) fn short_name(&self, id: &str) -> String {
        self.names.short(&self.model, id)
    }

    /// Short names of these runs, by what differs between them.
    pub(crate) fn names_of(&self, runs: &[String]) -> Vec<String> {
        self.names.short_of_some(&self.model, runs)
    }

    /// What so many runs are called that differ from this one in seeds alone.
    pub(crate) fn group_name(&self, id: &str, runs: usize) -> String {
        let setting = |facts: &ConfigSummary| self.names.naming().setting(&facts.configuration);
        let setting = self.facts(id).filter(|_| runs > 1 && !self.names.are_ids).map(setting);
        setting.filter(|setting| !setting.is_empty()).unwrap_or_else(|| self.short_name(id))
    }

    /// The run under the cursor of the list.
    pub(crate) fn subject(&self) -> Option<&Run> {
        self.model.runs.get(self.list.selected()?)
    }

    /// What determines a run, as far as that is known.
    pub(crate) fn facts(&self, id: &str) -> Option<&ConfigSummary> {
        self.model.facts(id)
    }

    /// The probes of the run under the cursor.
    pub(crate) fn subject_probes(&self) -> Option<&Probes> {
        let subject = self.subject()?;
        let (of, probes) = &self.model.probes;
        (*of == subject.id).then_some(probes)
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
