//! Finding out what there is, a little at a time: in a directory of ten thousand runs the first are shown before the
//! last have been read, and a run that is done costs next to nothing from then on.

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

/// So long one step takes at most, more or less: whoever asks for another run need not wait.
const BUDGET: Duration = Duration::from_millis(80);
/// Runs are read in batches of so many, by so many threads at most, each of which takes no less than so many.
const BATCH: usize = 128;
const MOST_THREADS: usize = 8;
const LEAST_SHARE: usize = 8;
/// Within this time a trainer is seen to write its status, about once a second.
pub(crate) const BEAT: Duration = Duration::from_millis(2500);
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
    /// Sections of experiments that runs share, for each of the threads that read them.
    configurations: Vec<Configurations>,
    /// What determines the runs of a sweep that have not begun.
    planned: Planned,
    /// Number of classes of the data of each sweep, once it is known.
    classes: Vec<OnceCell<usize>>,
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

    /// Whether a run that looks stalled may not be: who looks only once had better look again after [`BEAT`].
    pub(crate) fn has_doubts(&self) -> bool {
        self.known.values().any(TrackedRun::is_doubtful)
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
            // Of a sweep also those that have not begun: the plan says what they will be.
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
        while begin.elapsed() < BUDGET && !self.unread.is_empty() {
            let mut batch = Vec::new();
            while batch.len() < BATCH {
                let first = visible.find(|id| self.unread.contains(*id)).cloned();
                let Some(id) = first.or_else(|| self.unread.first().cloned()) else { break };
                self.unread.remove(&id);
                batch.extend(self.known.remove_entry(&id));
            }
            in_parallel(&mut batch, &mut self.configurations, |(_, known), _| {
                // All of them are told of below, whether or not they have changed.
                let _ = known.refresh();
            });
            read.extend(batch.iter().map(|(_, known)| known.run.clone()));
            self.known.extend(batch);
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
        Some(Msg::Sweep(Box::new(SweepView::of(sweep, results, self.classes(place)))))
    }

    /// Number of classes of the data of a sweep: from its plan, otherwise from one of its runs.
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

/// Does the same to all of them, on as many cores as there are kept sections for.
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

/// What determines the runs of sweeps, by their plans.
#[derive(Default)]
struct Planned {
    /// What the runs of each sweep share.
    bases: Vec<Configuration>,
    /// The sweep and the point of each run.
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
