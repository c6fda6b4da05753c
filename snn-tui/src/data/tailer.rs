//! Reads runs in small steps: in a directory of ten thousand runs, the first are shown before the last have been read, and a finished
//! run costs next to nothing afterwards.

#[cfg(test)]
mod tests;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    io, thread,
    time::{Duration, Instant},
};

use snn_run::{
    Configuration, Configurations, RunDir, RunState,
    files::TRAINER_LOG,
    sweep::{Results, Row},
};

use super::{
    Log, Msg, Source, SweepView, Wants,
    source::{Findings, Found},
    system::Machine,
    tracked_run::TrackedRun,
};

/// Approximate maximum duration of a step, so that a request for another run is answered soon.
const BUDGET: Duration = Duration::from_millis(80);
/// Number of runs read in one batch, maximum number of threads for it, and minimum number of runs per thread.
const BATCH: usize = 128;
const MOST_THREADS: usize = 8;
const LEAST_SHARE: usize = 8;
/// Time within which a live trainer writes its status, which it does about once a second.
pub(crate) const BEAT: Duration = Duration::from_millis(2500);
/// Number of finished runs checked again in one step.
const PORTION: usize = 256;

/// Reads runs.
pub(crate) struct Tailer {
    source: Source,
    interval: Duration,
    known: BTreeMap<String, TrackedRun>,
    /// Runs not read yet.
    unread: BTreeSet<String>,
    /// Runs whose settings have not been read yet.
    without_facts: BTreeSet<String>,
    /// Sections of experiments that runs share, for each reading thread.
    configurations: Vec<Configurations>,
    /// Settings of the runs of a sweep that have not started.
    planned: Planned,
    /// Number of classes in the data of each sweep, once known.
    classes: Vec<OnceCell<usize>>,
    listed: Option<Instant>,
    /// The finished run after which checking continues.
    reread_after: Option<String>,
    /// Runs whose histories are kept up to date.
    followed: BTreeSet<String>,
    probed: Option<String>,
    machine: Option<(Machine, Option<Instant>)>,
    environment: Option<String>,
    sweep_changed: bool,
    /// The index of the sweep sent last.
    swept: usize,
    trouble: Option<String>,
}

impl Tailer {
    /// Checks for changes at most every `interval`.
    pub(crate) fn new(source: Source, interval: Duration) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let classes = source.sweeps().iter().map(|_| OnceCell::new()).collect();
        Self {
            source,
            interval,
            known: BTreeMap::new(),
            unread: BTreeSet::new(),
            without_facts: BTreeSet::new(),
            configurations: (0..threads).map(|_| Configurations::default()).collect(),
            planned: Planned::default(),
            classes,
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

    /// Reads a little more. Returns whether everything has been read until something changes.
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

    /// Checks everything in the next step, regardless of the interval.
    pub(crate) fn look_again(&mut self) {
        self.listed = None;
        if let Some((_, looked)) = &mut self.machine {
            *looked = None;
        }
    }

    /// Whether a run that looks stalled may not be. A program that looks only once should look again after [`BEAT`].
    pub(crate) fn has_doubts(&self) -> bool {
        self.known.values().any(TrackedRun::is_doubtful)
    }

    /// All runs, as last read.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (&super::Run, Option<&RunDir>)> {
        self.known.values().map(|known| (&known.run, known.dir.as_ref()))
    }

    /// Finds new runs and those that have vanished.
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
        let is_sweep = self.source.is_sweep();
        for (number, Found { id, path, dir }) in found.into_iter().enumerate() {
            let place = if is_sweep { number } else { 0 };
            gone.remove(&id);
            let is_same = |known: &TrackedRun| known.dir.is_some() == dir.is_ok();
            if self.known.get(&id).is_some_and(is_same) {
                continue;
            }
            let mut known = TrackedRun::new(id.clone(), path, dir);
            known.run.place = place;
            if known.dir.is_some() {
                self.unread.insert(id.clone());
            }
            // In a sweep, runs that have not started have settings, too: the plan contains them.
            if known.dir.is_some() || self.source.is_sweep() {
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

    /// Checks the runs that are being trained, and some of the others.
    fn reread(&mut self, messages: &mut Vec<Msg>) {
        let active = |known: &TrackedRun| known.is_active();
        let mut due: Vec<String> =
            self.known.iter().filter(|(_, known)| active(known)).map(|(id, _)| id.clone()).collect();
        let after = self.reread_after.take().unwrap_or_default();
        let others = self.known.range(after..).map(|(id, _)| id).take(PORTION).cloned().collect::<Vec<_>>();
        // Start over after the last run.
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

    /// Reads runs for the first time, those on the screen first.
    fn read_rows(&mut self, wants: &Wants, begin: Instant, messages: &mut Vec<Msg>) {
        if self.unread.is_empty() {
            return;
        }
        let mut read = Vec::new();
        let mut visible = wants.visible.iter();
        while begin.elapsed() < BUDGET && !self.unread.is_empty() {
            let mut batch = Vec::new();
            while batch.len() < BATCH {
                let first = visible.find(|id| self.unread.contains(*id)).cloned();
                let Some(id) = first.or_else(|| self.unread.first().cloned()) else { break };
                self.unread.remove(&id);
                batch.extend(self.known.remove_entry(&id));
            }
            in_parallel(&mut batch, &mut self.configurations, |(_, known), _| {
                // All of them are reported below, changed or not.
                let _ = known.refresh();
            });
            read.extend(batch.iter().map(|(_, known)| known.run.clone()));
            self.known.extend(batch);
        }
        let all = self.known.len();
        messages.push(Msg::Runs(read));
        messages.push(Msg::Loading { read: all - self.unread.len(), all });
    }

    /// Reads settings: of the runs on the screen, and, if requested, of all others when nothing else is left to do.
    fn read_facts(&mut self, wants: &Wants, begin: Instant, messages: &mut Vec<Msg>) {
        let visible: Vec<_> = wants
            .visible
            .iter()
            .chain(&wants.histories)
            .filter(|id| self.without_facts.contains(*id))
            .cloned()
            .collect();
        let all = wants.all_facts && self.unread.is_empty();
        let mut next = visible.into_iter();
        loop {
            let mut batch = Vec::new();
            while batch.len() < BATCH {
                let visible = next.next();
                let is_late = visible.is_none() && begin.elapsed() >= BUDGET;
                let others = || all.then(|| self.without_facts.first().cloned()).flatten();
                let Some(id) = visible.or_else(others).filter(|_| !is_late) else { break };
                self.without_facts.remove(&id);
                if self.known.get(&id).is_some_and(|known| !known.has_facts)
                    && let Some(known) = self.known.remove(&id)
                {
                    let planned = if known.dir.is_none() { self.planned.of(&self.source, &id) } else { None };
                    batch.push((id, known, planned, None));
                }
            }
            if batch.is_empty() {
                return;
            }
            in_parallel(&mut batch, &mut self.configurations, |(_, known, planned, facts), all| {
                *facts = known.facts(all, planned.take());
            });
            for (id, known, _, facts) in batch {
                self.known.insert(id, known);
                messages.extend(facts);
            }
        }
    }

    /// Updates the verdicts of the runs on the screen and, if requested, of all others when nothing else is left to do. Returns
    /// whether all are up to date.
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
        for (number, ids) in next.chunks(BATCH).enumerate() {
            if number * BATCH >= first && begin.elapsed() >= BUDGET {
                is_complete = false;
                break;
            }
            let mut batch: Vec<_> =
                ids.iter().filter_map(|id| self.known.remove_entry(id)).map(|it| (it, false)).collect();
            in_parallel(&mut batch, &mut self.configurations, |((_, known), has_changed), _| {
                if is_due(known) {
                    let before = known.run.diagnosis.clone();
                    known.diagnose();
                    *has_changed = known.run.diagnosis != before;
                }
            });
            changed.extend(
                batch.iter().filter(|(_, has_changed)| *has_changed).map(|((_, known), _)| known.run.clone()),
            );
            self.known.extend(batch.into_iter().map(|(entry, _)| entry));
        }
        if !changed.is_empty() {
            self.sweep_changed = true;
            messages.push(Msg::Runs(changed));
        }
        is_complete
    }

    /// Reads the histories of the selected runs.
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

    /// Reads the probes of the selected run. Returns whether more remain.
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

    /// The sweep to show: with several, that of the selected run.
    fn swept(&self, wants: &Wants) -> usize {
        let of = |id: &String| self.source.sweeps().iter().position(|(prefix, _)| id.starts_with(prefix));
        wants.subject.as_ref().and_then(of).unwrap_or(self.swept)
    }

    /// A sweep, from the runs read so far.
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
        Some(Msg::Sweep(Box::new(SweepView::of(sweep, results, self.classes(place)))))
    }

    /// Number of classes in the data of a sweep: from its plan, otherwise from one of its runs.
    fn classes(&self, place: usize) -> Option<usize> {
        let sweeps = self.source.sweeps();
        let ((prefix, sweep), classes) = (sweeps.get(place)?, self.classes.get(place)?);
        let manifest = sweep.manifest();
        let planned = manifest.base.get("data").and_then(|data| data.get("classes"));
        let axis = manifest.axes.iter().find(|axis| axis.key == "data.classes");
        let values =
            axis.map_or_else(|| planned.into_iter().collect::<Vec<_>>(), |axis| axis.values.iter().collect());
        let largest = values.into_iter().filter_map(|value| usize::try_from(value.as_integer()?).ok()).max();
        let is_done = |known: &&TrackedRun| known.run.is(RunState::Done) && known.run.id.starts_with(prefix);
        let read = || self.known.values().find(is_done)?.dir.as_ref()?.classes();
        let number = classes.get().copied().or(largest).or_else(read)?;
        Some(*classes.get_or_init(|| number))
    }

    /// Reads the state of this machine, once per interval while it is shown.
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

/// Does the same work for all items, on as many threads as there are `sections`.
fn in_parallel<T: Send>(
    batch: &mut [T],
    sections: &mut [Configurations],
    work: impl Fn(&mut T, &mut Configurations) + Sync,
) {
    let share = batch.len().div_ceil(sections.len().max(1)).max(LEAST_SHARE);
    thread::scope(|scope| {
        for (part, sections) in batch.chunks_mut(share).zip(sections) {
            let work = &work;
            scope.spawn(move || part.iter_mut().for_each(|it| work(it, sections)));
        }
    });
}

/// The settings of the runs of sweeps, from their plans.
#[derive(Default)]
struct Planned {
    /// The settings that the runs of each sweep share.
    bases: Vec<Configuration>,
    /// The index of the sweep and of the point of each run.
    places: HashMap<String, (usize, usize)>,
}

impl Planned {
    fn of(&mut self, source: &Source, id: &str) -> Option<Configuration> {
        let sweeps = source.sweeps();
        let points: usize = sweeps.iter().map(|(_, sweep)| sweep.manifest().points.len()).sum();
        if self.places.len() != points {
            self.bases = sweeps.iter().map(|(_, sweep)| Configuration::of(&sweep.manifest().base)).collect();
            self.places.clear();
            for (number, (prefix, sweep)) in sweeps.iter().enumerate() {
                let points = sweep.manifest().points.iter().zip(0..);
                self.places
                    .extend(points.map(|(point, place)| (format!("{prefix}{}", point.id), (number, place))));
            }
        }
        let &(number, place) = self.places.get(id)?;
        Some(self.bases[number].with(&sweeps[number].1.manifest().points[place].settings))
    }
}
