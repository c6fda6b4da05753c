//! Finding out what there is, a little at a time: in a directory of ten thousand runs the first are shown before the
//! last have been read, and a run that is done costs next to nothing from then on.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::{Duration, Instant},
};

use snn_run::{
    RunDir, RunState,
    files::TRAINER_LOG,
    sweep::{Results, Row},
};

use super::{
    Log, Msg, Source, SweepView, Wants,
    source::{Findings, Found},
    system::Machine,
    tracked_run::TrackedRun,
};

/// So long one step takes at most, more or less: whoever asks for another run need not wait.
const BUDGET: Duration = Duration::from_millis(80);
/// Runs that are over are looked at again in portions of so many.
const PORTION: usize = 256;

/// Reads runs.
pub(crate) struct Tailer {
    source: Source,
    interval: Duration,
    known: BTreeMap<String, TrackedRun>,
    /// Those not read yet.
    unread: BTreeSet<String>,
    /// Those whose facts are not read yet.
    without_facts: BTreeSet<String>,
    listed: Option<Instant>,
    /// The run after which those that are over are looked at again.
    reread_after: Option<String>,
    /// Whose histories and probes are kept up to date.
    followed: BTreeSet<String>,
    probed: Option<String>,
    machine: Option<(Machine, Option<Instant>)>,
    environment: Option<String>,
    sweep_changed: bool,
    /// Which sweep was sent last.
    swept: usize,
    trouble: Option<String>,
}

impl Tailer {
    /// Looks for news no more often than every `interval`.
    pub(crate) fn new(source: Source, interval: Duration) -> Self {
        Self {
            source,
            interval,
            known: BTreeMap::new(),
            unread: BTreeSet::new(),
            without_facts: BTreeSet::new(),
            listed: None,
            reread_after: None,
            followed: BTreeSet::new(),
            probed: None,
            machine: None,
            environment: None,
            sweep_changed: true,
            swept: 0,
            trouble: None,
        }
    }

    /// Finds out a little more. Returns whether there is nothing left to find out until something changes.
    pub(crate) fn step(&mut self, wants: &Wants, messages: &mut Vec<Msg>) -> bool {
        let due = self.listed.is_none_or(|listed| listed.elapsed() >= self.interval);
        if due {
            self.list(messages);
            self.reread(messages);
            self.listed = Some(Instant::now());
        }
        let begin = Instant::now();
        self.read_rows(wants, begin, messages);
        self.read_details(wants, due, messages);
        let glancing = self.read_probes(wants, due, messages);
        self.read_facts(wants, begin, messages);
        let diagnosed = self.read_verdicts(wants, begin, messages);
        if wants.sweep && self.unread.is_empty() {
            let place = self.swept(wants);
            if std::mem::take(&mut self.sweep_changed) || place != self.swept {
                messages.extend(self.sweep(place));
                self.swept = place;
            }
        }
        self.read_system(wants, messages);
        let facts_are_there = !wants.all_facts || self.without_facts.is_empty();
        self.unread.is_empty() && facts_are_there && diagnosed && !glancing
    }

    /// Looks at everything again in the next step, whenever the last look was.
    pub(crate) fn look_again(&mut self) {
        self.listed = None;
        if let Some((_, looked)) = &mut self.machine {
            *looked = None;
        }
    }

    /// All runs, as they were when last read.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (&super::Run, Option<&RunDir>)> {
        self.known.values().map(|known| (&known.run, known.dir.as_ref()))
    }

    /// Finds runs that are new, and those that are gone.
    fn list(&mut self, messages: &mut Vec<Msg>) {
        let known = |id: &str| self.known.get(id).and_then(|known| known.dir.clone());
        let Findings { found, lost } = self.source.find(&known);
        let trouble = lost.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>().join("; ");
        let trouble = Some(trouble).filter(|trouble| !trouble.is_empty());
        if self.trouble != trouble {
            self.trouble.clone_from(&trouble);
            messages.push(Msg::Trouble(trouble));
        }
        let mut gone: BTreeSet<String> = self.known.keys().cloned().collect();
        let mut new = Vec::new();
        for Found { id, path, dir } in found {
            gone.remove(&id);
            let is_same = |known: &TrackedRun| known.dir.is_some() == dir.is_ok();
            if self.known.get(&id).is_some_and(is_same) {
                continue;
            }
            let known = TrackedRun::new(id.clone(), path, dir);
            if known.dir.is_some() {
                self.unread.insert(id.clone());
                self.without_facts.insert(id.clone());
            }
            new.push(known.run.clone());
            self.known.insert(id, known);
            self.sweep_changed = true;
        }
        // A run in a directory that cannot be read may still exist.
        gone.retain(|id| !lost.iter().any(|(prefix, _)| id.starts_with(prefix)));
        for id in &gone {
            self.known.remove(id);
            self.unread.remove(id);
            self.without_facts.remove(id);
        }
        if !gone.is_empty() {
            self.sweep_changed = true;
            messages.push(Msg::Gone(gone.into_iter().collect()));
        }
        if !new.is_empty() {
            messages.push(Msg::Runs(new));
        }
    }

    /// Looks again at runs that are being trained, and at some of the others.
    fn reread(&mut self, messages: &mut Vec<Msg>) {
        let active = |known: &TrackedRun| known.is_active();
        let mut due: Vec<String> =
            self.known.iter().filter(|(_, known)| active(known)).map(|(id, _)| id.clone()).collect();
        let after = self.reread_after.take().unwrap_or_default();
        let others = self.known.range(after..).map(|(id, _)| id).take(PORTION).cloned().collect::<Vec<_>>();
        // From the first again, once the last has been looked at.
        self.reread_after = others.last().filter(|_| others.len() == PORTION).map(|id| format!("{id}\0"));
        due.extend(others);
        let mut changed = Vec::new();
        for id in due {
            if let Some(known) = self.known.get_mut(&id).filter(|known| known.run.state.is_some())
                && known.refresh()
            {
                changed.push(known.run.clone());
            }
        }
        if !changed.is_empty() {
            self.sweep_changed = true;
            messages.push(Msg::Runs(changed));
        }
    }

    /// Reads runs for the first time, those on the screen before all others.
    fn read_rows(&mut self, wants: &Wants, begin: Instant, messages: &mut Vec<Msg>) {
        if self.unread.is_empty() {
            return;
        }
        let mut read = Vec::new();
        let mut visible = wants.visible.iter();
        while begin.elapsed() < BUDGET {
            let first = visible.find(|id| self.unread.contains(*id)).cloned();
            let Some(id) = first.or_else(|| self.unread.first().cloned()) else { break };
            self.unread.remove(&id);
            if let Some(known) = self.known.get_mut(&id) {
                known.refresh();
                read.push(known.run.clone());
            }
        }
        let all = self.known.len();
        messages.push(Msg::Runs(read));
        messages.push(Msg::Loading { read: all - self.unread.len(), all });
    }

    /// Reads what determines runs: those on the screen, and if they are wanted all others when there is nothing else to do.
    fn read_facts(&mut self, wants: &Wants, begin: Instant, messages: &mut Vec<Msg>) {
        let visible: Vec<_> = wants
            .visible
            .iter()
            .chain(&wants.histories)
            .filter(|id| self.without_facts.contains(*id))
            .cloned()
            .collect();
        let mut next = visible.into_iter();
        loop {
            let visible = next.next();
            let all = wants.all_facts && self.unread.is_empty();
            let others = || all.then(|| self.without_facts.first().cloned()).flatten();
            if visible.is_none() && begin.elapsed() >= BUDGET {
                return;
            }
            let Some(id) = visible.or_else(others) else { return };
            self.without_facts.remove(&id);
            if let Some(known) = self.known.get_mut(&id).filter(|known| !known.has_facts) {
                messages.extend(known.facts());
            }
        }
    }

    /// Verdicts of the runs on the screen, and if they are wanted those of all others when there is nothing else to do.
    /// Returns whether none is missing.
    fn read_verdicts(&mut self, wants: &Wants, begin: Instant, messages: &mut Vec<Msg>) -> bool {
        let is_due = |known: &TrackedRun| known.is_undiagnosed && known.run.state.is_some();
        let visible = wants.visible.iter().chain(&wants.histories);
        let mut next: Vec<String> =
            visible.filter(|id| self.known.get(*id).is_some_and(is_due)).cloned().collect();
        let first = next.len();
        if wants.all_verdicts && self.unread.is_empty() {
            next.extend(self.known.iter().filter(|(_, known)| is_due(known)).map(|(id, _)| id.clone()));
        }
        let mut changed = Vec::new();
        let mut is_complete = true;
        for (place, id) in next.iter().enumerate() {
            if place >= first && begin.elapsed() >= BUDGET {
                is_complete = false;
                break;
            }
            if let Some(known) = self.known.get_mut(id).filter(|known| is_due(known)) {
                let before = known.run.diagnosis.clone();
                known.diagnose();
                if known.run.diagnosis != before {
                    changed.push(known.run.clone());
                }
            }
        }
        if !changed.is_empty() {
            self.sweep_changed = true;
            messages.push(Msg::Runs(changed));
        }
        is_complete
    }

    /// Histories of those runs that are looked at.
    fn read_details(&mut self, wants: &Wants, due: bool, messages: &mut Vec<Msg>) {
        let wanted: BTreeSet<String> = wants.histories.iter().cloned().collect();
        for id in self.followed.difference(&wanted) {
            if let Some(known) = self.known.get_mut(id) {
                known.forget_history();
            }
        }
        for id in &wanted {
            if let Some(known) = self.known.get_mut(id)
                && (due || !self.followed.contains(id))
            {
                known.history(messages);
            }
        }
        self.followed = wanted;
    }

    /// Probes of the run that is looked at. Returns whether there are more to be read.
    fn read_probes(&mut self, wants: &Wants, due: bool, messages: &mut Vec<Msg>) -> bool {
        let id = wants.probe.as_ref().map(|(id, _)| id.clone());
        let other = id != self.probed;
        if other && let Some(known) = self.probed.as_ref().and_then(|id| self.known.get_mut(id)) {
            known.forget_probes();
        }
        self.probed.clone_from(&id);
        let Some(known) = id.and_then(|id| self.known.get_mut(&id)) else { return false };
        known.probes(wants.probe.as_ref().and_then(|(_, epoch)| *epoch), messages);
        (due || other || known.is_glancing()) && known.glance(messages)
    }

    /// Which sweep to show: of several, that of the selected run.
    fn swept(&self, wants: &Wants) -> usize {
        let of = |id: &String| self.source.sweeps().iter().position(|(prefix, _)| id.starts_with(prefix));
        wants.subject.as_ref().and_then(of).unwrap_or(self.swept)
    }

    /// A sweep, from what has been read of its runs.
    fn sweep(&self, place: usize) -> Option<Msg> {
        let sweeps = self.source.sweeps();
        let (prefix, sweep) = sweeps.get(place)?;
        let manifest = sweep.manifest();
        let row = |point: &snn_run::sweep::Point| {
            let id = format!("{prefix}{}", point.id);
            let known = self.known.get(&id);
            let run = known.map(|known| &known.run);
            let status = run.and_then(|run| run.status.as_ref());
            let seconds = run.and_then(|run| run.epoch_seconds).unwrap_or(0.0);
            Row {
                id,
                settings: point.settings.clone(),
                state: run.and_then(|run| run.state).unwrap_or(RunState::Pending),
                epoch: status.map_or(0, |status| status.epoch),
                valid_accuracy: status.and_then(|status| Some(status.best?.accuracy)),
                valid_loss: status.and_then(|status| Some(status.best?.loss)),
                test_accuracy: status.and_then(|status| status.test_accuracy),
                spikes: known.and_then(|known| known.test_spikes.clone()),
                late_gain: None,
                verdict: run.and_then(super::Run::verdict),
                detail: run.and_then(|run| Some(run.diagnosis.as_ref()?.detail.clone())),
                lost_classes: None,
                seconds: seconds * f64::from(status.map_or(0, |status| status.epoch)),
                message: status.and_then(|status| status.message.clone()),
            }
        };
        let results = Results {
            keys: manifest.axes.iter().map(|axis| axis.key.clone()).collect(),
            seeds: manifest.axes.iter().filter(|axis| axis.seed).map(|axis| axis.key.clone()).collect(),
            rows: manifest.points.iter().map(row).collect(),
        };
        Some(Msg::Sweep(Box::new(SweepView::of(sweep, results))))
    }

    /// This machine, once in each interval while it is looked at.
    fn read_system(&mut self, wants: &Wants, messages: &mut Vec<Msg>) {
        let Some(run) = &wants.system else {
            (self.machine, self.environment) = (None, None);
            return;
        };
        let (machine, looked) = self.machine.get_or_insert_with(|| (Machine::new(), None));
        if looked.is_some_and(|looked| looked.elapsed() < self.interval) && self.environment == *run {
            return;
        }
        *looked = Some(Instant::now());
        let running = self.known.values().filter(|known| known.run.is(RunState::Running));
        let pids: Vec<u32> = running.filter_map(|known| known.run.status.as_ref()).map(|it| it.pid).collect();
        messages.push(Msg::System(Box::new(machine.look(&pids))));
        if let Some(id) = run
            && let Some(dir) = self.known.get(id).and_then(|known| known.dir.as_ref())
        {
            if let Ok(environment) = dir.environment() {
                messages.push(Msg::Environment(id.clone(), Box::new(environment)));
            }
            let log = Log::read(&dir.path().join(TRAINER_LOG)).unwrap_or_else(|error: io::Error| Log {
                lines: vec![format!("{TRAINER_LOG} cannot be read: {error}")],
            });
            messages.push(Msg::Log(id.clone(), Box::new(log)));
        }
        self.environment.clone_from(run);
    }
}
