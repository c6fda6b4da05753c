//! What runs are called: by what differs between those of the list, see [`snn_run::Naming`].

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use snn_run::Naming;

use crate::model::Model;

/// What runs are called.
#[derive(Debug, Default)]
pub(crate) struct Names {
    naming: Naming,
    /// Whether more is known of runs since the names were made.
    pub(crate) is_stale: bool,
    /// Whether ids are shown in place of names.
    pub(crate) are_ids: bool,
    /// By which other runs in the list are noticed.
    set: u64,
}

impl Names {
    /// Names the runs of the list again if they or what is known of them have changed.
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

    /// What a run is called; its id until more is known of it.
    pub(crate) fn of(&self, model: &Model, id: &str) -> String {
        match model.facts(id) {
            Some(facts) if !self.are_ids => self.naming.name(id, &facts.configuration),
            _ => id.to_owned(),
        }
    }

    /// The same where there is room for a word: names that people chose, without differences.
    pub(crate) fn short(&self, model: &Model, id: &str) -> String {
        match model.facts(id) {
            Some(facts) if !self.are_ids => self.naming.short(id, &facts.configuration),
            _ => id.to_owned(),
        }
    }

    /// How the runs of the list are called.
    pub(crate) fn naming(&self) -> &Naming {
        &self.naming
    }

    /// Short names of some of the runs: by what differs between them, or as in the list if nothing does.
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
