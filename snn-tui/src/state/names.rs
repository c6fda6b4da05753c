//! Names of runs: the settings that differ between those in the list, see [`snn_run::Naming`].

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use snn_run::Naming;

use crate::model::Model;

/// Names of runs.
#[derive(Debug, Default)]
pub(crate) struct Names {
    naming: Naming,
    /// Whether settings have been read since the names were made.
    pub(crate) is_stale: bool,
    /// Whether ids are shown instead of names.
    pub(crate) are_ids: bool,
    /// A hash of the runs in the list, which detects changes.
    set: u64,
}

impl Names {
    /// Updates the names if the list or the known settings have changed.
    pub(crate) fn settle(&mut self, model: &Model, runs: &[String]) {
        let set = runs.iter().fold(0_u64, |set, id| {
            let mut hasher = DefaultHasher::new();
            id.hash(&mut hasher);
            set.wrapping_add(hasher.finish())
        });
        if std::mem::take(&mut self.is_stale) || set != self.set {
            self.set = set;
            self.naming = naming(model, runs);
        }
    }

    /// The name of a run; its id until its settings are known.
    pub(crate) fn of(&self, model: &Model, id: &str) -> String {
        match model.facts(id) {
            Some(facts) if !self.are_ids => self.naming.name(id, &facts.configuration),
            _ => id.to_owned(),
        }
    }

    /// A short name, where there is space for one word: chosen names without differences.
    pub(crate) fn short(&self, model: &Model, id: &str) -> String {
        match model.facts(id) {
            Some(facts) if !self.are_ids => self.naming.short(id, &facts.configuration),
            _ => id.to_owned(),
        }
    }

    /// The naming of the runs in the list.
    pub(crate) fn naming(&self) -> &Naming {
        &self.naming
    }

    /// Short names of some of the runs: the settings that differ between them or, if there are none, as in the list.
    pub(crate) fn short_of_some(&self, model: &Model, runs: &[String]) -> Vec<String> {
        let own = naming(model, runs);
        let naming = if own.keys().next().is_some() { &own } else { &self.naming };
        let name = |id: &String| match model.facts(id) {
            Some(facts) if !self.are_ids => naming.short(id, &facts.configuration),
            _ => id.clone(),
        };
        runs.iter().map(name).collect()
    }
}

fn naming(model: &Model, runs: &[String]) -> Naming {
    Naming::of(runs.iter().filter_map(|id| Some((id.as_str(), &model.facts(id)?.configuration))))
}
