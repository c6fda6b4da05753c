//! The rules for a verdict. All thresholds are here, each with its reason.

use super::{
    Verdict,
    evidence::{Evidence, judged},
    subject::Subject,
    trend::{duration, short_number},
};
use crate::{
    judge::Judgement,
    numbers::counted,
    record::{EpochRecord, Losses},
    state::RunState,
};

/// Guessing among C classes costs ln(C) nats. A network that saves less than a twentieth of that has learned practically nothing.
const CHANCE_LOSS: f64 = 0.95;
/// This fraction of the way from guessing to perfection still counts as guessing if there are many samples; with few samples, three
/// standard deviations of a guess do.
const CHANCE_ACCURACY: f64 = 0.05;
/// Number of samples assumed if it is not recorded.
const FEW_SAMPLES: f64 = 400.0;
/// A tenth of the samples or more is held out: the noise on them is that of this fraction of the training samples.
const HELD_OUT: f64 = 8.0;
/// A loss this many times ln(C) is that of a network that is confident in wrong answers.
const EXPLODED_LOSS: f64 = 2.0;
/// A loss that has been this many times ln(C) was more than a bad start: the weights have diverged.
const THROWN_OFF: f64 = 10.0;
/// A network that had come this far from guessing to perfection, and guesses now, has lost what it learned.
const HAD_LEARNED: f64 = 0.25;
/// A loss has risen again if it is this many times the lowest one.
const RISEN: f64 = 1.5;
/// From this learning rate on, Adam is unstable; below it, it may simply be slow.
pub(super) const LARGE_RATE: f64 = 0.05;
/// Networks may guess for some epochs before they learn: at least this many, and this fraction of those planned.
const PATIENCE: u32 = 5;
/// See [`PATIENCE`].
const PATIENT_SHARE: f64 = 0.2;
/// Beyond this fraction of the way from guessing to perfection, a network learns despite a gradient or a layer that looks bad.
const WELL_ON_ITS_WAY: f64 = 0.5;
/// Classes are learned one after another; after this fraction of the epochs, all should have been.
const SHOULD_KNOW_ALL: f64 = 0.5;
/// Training accuracy minus validation accuracy: this much plus the noise on the held-out samples is more than the usual gap ..
const GAP: f64 = 0.1;
/// .. if the validation loss has also risen this much above its minimum ..
const VALID_RISEN: f64 = 1.1;
/// .. which is this many epochs back, or this fraction of all; otherwise ..
const RISES_FOR: u32 = 5;
/// See [`RISES_FOR`].
const RISES_SHARE: f64 = 0.1;
/// .. a gap this large is required.
const LARGE_GAP: f64 = 0.3;
/// A smaller gain per epoch counts as none: five hundred epochs from 0 to 1.
const NO_GAIN: f64 = 2e-3;

/// A verdict, and its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The evidence in short.
    pub detail: String,
}

fn finding(verdict: Verdict, detail: impl Into<String>) -> Finding {
    Finding { verdict, detail: detail.into() }
}

/// The verdict on a run.
#[must_use]
pub fn judge(evidence: &Evidence, subject: &Subject) -> Finding {
    match subject.state {
        RunState::Damaged => finding(Verdict::Damaged, subject.error.as_deref().unwrap_or_default()),
        RunState::Failed => failed(evidence, subject),
        RunState::Stalled => stalled(evidence, subject),
        RunState::Pending => finding(Verdict::Pending, "not started"),
        RunState::Unknown => finding(Verdict::Unknown, ""),
        RunState::Running | RunState::Stopped | RunState::Done => training(evidence, subject),
    }
}

/// The loss of guessing among this many classes, in nats.
#[must_use]
pub fn chance_loss(classes: usize) -> f64 {
    (classes as f64).ln()
}

/// Whether an epoch does no better than guessing among this many classes; `samples` is the number of training samples, 0 if unknown.
#[must_use]
pub fn is_at_chance(record: &EpochRecord, classes: usize, samples: u64, is_cross_entropy: bool) -> bool {
    if classes < 2 {
        return false;
    }
    let chance = 1.0 / classes as f64;
    let samples = if samples == 0 { FEW_SAMPLES } else { samples as f64 };
    let bound = |samples: f64| {
        let noise = 3.0 * (chance * (1.0 - chance) / samples).sqrt();
        chance + noise.max(CHANCE_ACCURACY * (1.0 - chance))
    };
    let guesses = |losses: Losses, samples: f64| {
        // Slightly above the bound, which whole numbers of samples can hit exactly.
        let is_cheap = is_cross_entropy && losses.cross_entropy < CHANCE_LOSS * chance_loss(classes);
        losses.accuracy <= bound(samples) + 1e-9 && !is_cheap
    };
    guesses(record.train, samples) && record.valid.is_none_or(|valid| guesses(valid, samples / HELD_OUT))
}

/// Whether a cross-entropy on training samples is that of diverged weights.
#[must_use]
pub fn has_exploded(cross_entropy: f64, classes: usize) -> bool {
    classes > 1 && cross_entropy > THROWN_OFF * chance_loss(classes)
}

/// Whether a network with this accuracy has learned something it can lose.
#[must_use]
pub fn had_learned(accuracy: f64, classes: usize) -> bool {
    classes > 1 && way(accuracy, classes) > HAD_LEARNED
}

/// The position of an accuracy between guessing (0) and perfection (1).
fn way(accuracy: f64, classes: usize) -> f64 {
    let chance = 1.0 / classes.max(1) as f64;
    (accuracy - chance) / (1.0 - chance).max(f64::MIN_POSITIVE)
}

fn failed(evidence: &Evidence, subject: &Subject) -> Finding {
    let message = subject.status.as_ref().and_then(|it| it.message.clone()).unwrap_or_default();
    if message.contains("diverged") {
        // `the loss is NaN in epoch 3 after 5 batches: training has diverged; ..`
        let what = message.split(':').next().unwrap_or_default();
        return finding(Verdict::Diverged, what);
    }
    let message = if message.is_empty() { format!("after {}", epochs(evidence)) } else { message };
    finding(Verdict::Failed, message)
}

fn epochs(evidence: &Evidence) -> String {
    counted(evidence.epochs(), "epoch", "epochs")
}

fn stalled(evidence: &Evidence, subject: &Subject) -> Finding {
    let heard = subject.silence.map_or_else(String::new, |it| format!(", no update for {}", duration(it)));
    let after = format!("after {}{heard}", epochs(evidence));
    if subject.is_dead {
        let process = subject.status.as_ref().map_or(0, |status| status.pid);
        return finding(Verdict::Dead, format!("process {process} ended {after}"));
    }
    finding(Verdict::Stalled, after)
}

fn training(evidence: &Evidence, subject: &Subject) -> Finding {
    let Some(last) = &evidence.last else {
        return match subject.state {
            RunState::Running => finding(Verdict::Starting, "in its first epoch"),
            RunState::Stopped => finding(Verdict::Stopped, "before the end of its first epoch"),
            _ => finding(Verdict::Unknown, "no epoch is recorded"),
        };
    };
    let case = Case { evidence, subject, last, classes: subject.classes.unwrap_or(0) };
    // The more informative verdict comes first: a saturated layer explains a large loss.
    let causes = [
        Case::saturated,
        Case::diverged,
        Case::silent,
        Case::gradients,
        Case::chance,
        Case::lost,
        Case::overfitting,
    ];
    causes.iter().find_map(|cause| cause(&case)).unwrap_or_else(|| case.sound())
}

/// A run with at least one recorded epoch.
struct Case<'a> {
    evidence: &'a Evidence,
    subject: &'a Subject,
    last: &'a EpochRecord,
    /// Number of classes, 0 if unknown.
    classes: usize,
}

impl Case<'_> {
    fn planned(&self) -> u32 {
        self.subject.status.as_ref().map_or(0, |status| status.epochs)
    }

    fn is_at_chance(&self) -> bool {
        let samples = self.subject.status.as_ref().map_or(0, |status| status.samples);
        is_at_chance(self.last, self.classes, samples, self.subject.settings.is_cross_entropy)
    }

    /// Whether it may still be too early to conclude that nothing is learned.
    fn is_early(&self) -> bool {
        let patience = f64::from(PATIENCE).max(PATIENT_SHARE * f64::from(self.planned()));
        self.subject.state != RunState::Done && f64::from(self.last.epoch) < patience
    }

    fn is_well_on_its_way(&self) -> bool {
        self.classes > 1 && way(judged(self.last).accuracy, self.classes) > WELL_ON_ITS_WAY
    }

    /// The loss of guessing: `ln 10 = 2.30`.
    fn guessing(&self) -> String {
        format!("ln {} = {}", self.classes, short_number(chance_loss(self.classes)))
    }

    fn diverged(&self) -> Option<Finding> {
        let guessing = chance_loss(self.classes);
        if self.classes < 2 {
            return None;
        }
        let is_cross_entropy = self.subject.settings.is_cross_entropy;
        let loss = self.last.train.cross_entropy;
        let (worst_epoch, worst) = self.evidence.worst?;
        if is_cross_entropy && loss > EXPLODED_LOSS * guessing {
            let is_risen = loss > RISEN * self.evidence.lowest.unwrap_or(loss);
            let stays = !self.is_early() && !self.is_well_on_its_way();
            if is_risen || stays {
                let (epoch, loss) = if is_risen { (self.last.epoch, loss) } else { (worst_epoch, worst) };
                let detail = format!("epoch {epoch}, loss {} ({})", short_number(loss), self.guessing());
                return Some(finding(Verdict::Diverged, detail));
            }
        }
        if !self.is_at_chance() {
            return None;
        }
        // With large steps, a smaller excess is more than a bad start as well.
        let is_large = self.subject.settings.learning_rate.is_some_and(|rate| rate > LARGE_RATE);
        let is_thrown_off = has_exploded(worst, self.classes) || (is_large && worst > RISEN * guessing);
        if is_cross_entropy && is_thrown_off {
            let detail = format!("epoch {worst_epoch}, loss {}; only guesses since", short_number(worst));
            return Some(finding(Verdict::Diverged, detail));
        }
        let (epoch, peak) = self.evidence.peak?;
        had_learned(peak, self.classes).then(|| {
            let detail = format!(
                "after epoch {epoch}: from {} to {}, loss {}",
                percent(peak),
                percent(judged(self.last).accuracy),
                short_number(judged(self.last).cross_entropy)
            );
            finding(Verdict::Diverged, detail)
        })
    }

    fn silent(&self) -> Option<Finding> {
        let (layer, since) = self.evidence.silent()?;
        if self.is_early() && self.subject.state == RunState::Running && self.last.epoch < 2 {
            return None;
        }
        let threshold = self.subject.settings.threshold.unwrap_or(1.0);
        let potential = self.subject.potentials.get(layer - 1).copied().flatten();
        let potential = potential.map_or_else(String::new, |it| {
            format!(", potential up to {} of {}", short_number(it), short_number(threshold))
        });
        Some(finding(Verdict::Silent, format!("layer {layer} since epoch {since}{potential}")))
    }

    fn saturated(&self) -> Option<Finding> {
        let (layer, since) = self.evidence.saturated()?;
        let detail = format!("layer {layer} since epoch {since}: every unit spikes in every second step");
        (!self.is_well_on_its_way()).then(|| finding(Verdict::Saturated, detail))
    }

    fn gradients(&self) -> Option<Finding> {
        if self.is_well_on_its_way() || self.is_early() {
            return None;
        }
        let (matrix, judgement, why) = self.evidence.worst_gradient()?;
        let verdict = if judgement == Judgement::Exploding { Verdict::Exploding } else { Verdict::Vanishing };
        let why = why.trim_start_matches("vanishing: ").trim_start_matches("exploding: ");
        let norm = self.last.gradient_norms.get(matrix).map_or_else(String::new, |&norm| short_number(norm));
        Some(finding(verdict, format!("{matrix}: gradient {norm}, {why}")))
    }

    fn chance(&self) -> Option<Finding> {
        (self.is_at_chance() && !self.is_early()).then(|| {
            let detail = format!(
                "{} after {}, loss {} ({})",
                percent(judged(self.last).accuracy),
                epochs(self.evidence),
                short_number(judged(self.last).cross_entropy),
                self.guessing()
            );
            finding(Verdict::Chance, detail)
        })
    }

    fn lost(&self) -> Option<Finding> {
        let lost = self.subject.lost.as_ref().filter(|lost| !lost.is_empty())?;
        let is_late = f64::from(self.last.epoch) >= SHOULD_KNOW_ALL * f64::from(self.planned());
        (is_late || self.subject.state == RunState::Done).then(|| {
            const FEW: usize = 5;
            let mut names: Vec<String> = lost.iter().take(FEW).map(ToString::to_string).collect();
            if lost.len() > FEW {
                names.push("..".to_owned());
            }
            let of = if self.classes > 0 { format!(" of {}", self.classes) } else { String::new() };
            let detail = format!("{}{of} never predicted: {}", lost.len(), names.join(", "));
            finding(Verdict::LostClasses, detail)
        })
    }

    fn overfitting(&self) -> Option<Finding> {
        let (valid, train) = (self.last.valid?, self.last.train);
        let (epoch, lowest) = self.evidence.lowest_valid?;
        let samples = self.subject.status.as_ref().map_or(0, |status| status.samples);
        let samples = if samples == 0 { FEW_SAMPLES } else { samples as f64 } / HELD_OUT;
        let noise = (valid.accuracy * (1.0 - valid.accuracy) / samples).sqrt();
        let gap = train.accuracy - valid.accuracy - noise;
        let for_epochs = f64::from(self.last.epoch - epoch);
        let is_lasting = for_epochs >= f64::from(RISES_FOR).max(RISES_SHARE * f64::from(self.last.epoch));
        let has_risen = valid.cross_entropy > VALID_RISEN * lowest && is_lasting;
        ((gap > GAP && has_risen) || gap > LARGE_GAP).then(|| {
            let since = if has_risen { format!(", loss rising since epoch {epoch}") } else { String::new() };
            let detail =
                format!("train {}, valid {}{since}", percent(train.accuracy), percent(valid.accuracy));
            finding(Verdict::Overfitting, detail)
        })
    }

    /// The verdict if nothing is wrong.
    fn sound(&self) -> Finding {
        let best = self.subject.status.as_ref().and_then(|status| status.best);
        let best = best.map(|best| (best.epoch, best.accuracy)).or(self.evidence.peak);
        let best = best.map_or_else(String::new, |(epoch, accuracy)| {
            let of = if self.last.valid.is_some() { "valid" } else { "train" };
            format!("{of} {} in epoch {epoch}", percent(accuracy))
        });
        match self.subject.state {
            RunState::Running if self.is_at_chance() => {
                finding(Verdict::Starting, format!("{}, still guessing", epochs(self.evidence)))
            }
            RunState::Running => finding(Verdict::Learning, self.progress()),
            RunState::Stopped => {
                let detail = format!("after {} of {}, {best}", epochs(self.evidence), self.planned());
                finding(Verdict::Stopped, detail)
            }
            _ => {
                let tested =
                    self.evidence.test.as_ref().map(|test| format!("test {}", percent(test.test.accuracy)));
                let detail = tested.map_or(best.clone(), |test| format!("{test}, {best}"));
                finding(Verdict::Learned, detail)
            }
        }
    }

    /// Rate of gain, and time left.
    fn progress(&self) -> String {
        let accuracy = percent(judged(self.last).accuracy);
        let gain = match self.evidence.gain() {
            None => String::new(),
            Some(gain) if gain.abs() < NO_GAIN => ", no gain lately".to_owned(),
            Some(gain) => format!(", {:+.1} points per epoch", 100.0 * gain),
        };
        let left = f64::from(self.planned().saturating_sub(self.last.epoch));
        let left = self.evidence.epoch_seconds().map(|seconds| seconds * left);
        let left = left.map_or_else(String::new, |left| format!(", {} to go", duration(left)));
        accuracy + &gain + &left
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
