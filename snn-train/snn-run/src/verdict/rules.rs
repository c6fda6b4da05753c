//! The rules by which a verdict is drawn. All bounds are here, each with its reason.

use super::{
    Verdict,
    evidence::{Evidence, judged},
    subject::Subject,
    trend::{counted, duration, short_number},
};
use crate::{
    judge::Judgement,
    record::{EpochRecord, Losses},
    state::RunState,
};

/// Guessing among C classes costs ln(C) nats. A network that saves less than a twentieth of that has learned nothing to speak of.
const CHANCE_LOSS: f64 = 0.95;
/// So much of the way from guessing to perfection is still guessing, if the samples are many; of few samples, what three
/// standard deviations of a guess allow.
const CHANCE_ACCURACY: f64 = 0.05;
/// Samples that are assumed where their number is not recorded.
const FEW_SAMPLES: f64 = 400.0;
/// A tenth of all samples or more is held out, so that the noise on them is that of so many fewer.
const HELD_OUT: f64 = 8.0;
/// A loss of so many times ln(C) is that of a network that is sure of wrong answers.
const EXPLODED_LOSS: f64 = 2.0;
/// A loss that has been so many times ln(C) was no bad start: weights were thrown far off.
const THROWN_OFF: f64 = 10.0;
/// Who had come so much of the way from guessing to perfection, and guesses now, has lost what was learned.
const HAD_LEARNED: f64 = 0.25;
/// A loss is past its start if it is so many times the lowest one.
const RISEN: f64 = 1.5;
/// From this step size on, Adam throws weights about; below it, it may simply be slow.
pub(super) const LARGE_RATE: f64 = 0.05;
/// Networks may guess for some epochs before they learn: at least so many, and this share of those planned.
const PATIENCE: u32 = 5;
/// See [`PATIENCE`].
const PATIENT_SHARE: f64 = 0.2;
/// Past so much of the way from guessing to perfection, a network learns in spite of a gradient or a layer that looks bad.
const WELL_ON_ITS_WAY: f64 = 0.5;
/// Classes are learned one after the other; past so much of the epochs they should have been.
const SHOULD_KNOW_ALL: f64 = 0.5;
/// Accuracy on training less that on validation: so much, and the noise on the samples held out, is more than the usual gap ..
const GAP: f64 = 0.1;
/// .. if the loss on validation has also risen by so much over its lowest ..
const VALID_RISEN: f64 = 1.1;
/// .. which lies so many epochs back, or this share of all; without that ..
const RISES_FOR: u32 = 5;
/// See [`RISES_FOR`].
const RISES_SHARE: f64 = 0.1;
/// .. it takes so large a gap.
const LARGE_GAP: f64 = 0.3;
/// Less gain than this an epoch is none: it takes five hundred epochs to get from nothing to all.
const NO_GAIN: f64 = 2e-3;

/// A verdict, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on, in short.
    pub detail: String,
}

fn finding(verdict: Verdict, detail: impl Into<String>) -> Finding {
    Finding { verdict, detail: detail.into() }
}

/// What is to be said of a run.
#[must_use]
pub fn judge(evidence: &Evidence, subject: &Subject) -> Finding {
    match subject.state {
        RunState::Damaged => finding(Verdict::Damaged, subject.error.as_deref().unwrap_or_default()),
        RunState::Failed => failed(evidence, subject),
        RunState::Stalled => stalled(evidence, subject),
        RunState::Pending => finding(Verdict::Pending, "not begun"),
        RunState::Unknown => finding(Verdict::Unknown, ""),
        RunState::Running | RunState::Stopped | RunState::Done => training(evidence, subject),
    }
}

/// What guessing among so many classes costs, in nats.
#[must_use]
pub fn chance_loss(classes: usize) -> f64 {
    (classes as f64).ln()
}

/// Whether an epoch does no better than guessing among so many classes; `samples` are those of training, 0 if unknown.
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
        // Slightly above the bound: whole samples fall onto it.
        let is_cheap = is_cross_entropy && losses.cross_entropy < CHANCE_LOSS * chance_loss(classes);
        losses.accuracy <= bound(samples) + 1e-9 && !is_cheap
    };
    guesses(record.train, samples) && record.valid.is_none_or(|valid| guesses(valid, samples / HELD_OUT))
}

/// Whether a cross-entropy on training samples is that of weights that were thrown far off.
#[must_use]
pub fn has_exploded(cross_entropy: f64, classes: usize) -> bool {
    classes > 1 && cross_entropy > THROWN_OFF * chance_loss(classes)
}

/// Whether a network with this accuracy has learned something that it can lose.
#[must_use]
pub fn had_learned(accuracy: f64, classes: usize) -> bool {
    classes > 1 && way(accuracy, classes) > HAD_LEARNED
}

/// How far an accuracy is on the way from guessing (0) to perfection (1).
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
    let heard = subject.silence.map_or_else(String::new, |it| format!(", not heard of for {}", duration(it)));
    let after = format!("after {}{heard}", epochs(evidence));
    if subject.is_dead {
        let process = subject.status.as_ref().map_or(0, |status| status.pid);
        return finding(Verdict::Dead, format!("process {process} is gone {after}"));
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
    // What says more comes first: a layer that is saturated tells why a loss is large.
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

/// A run of which at least one epoch is known.
struct Case<'a> {
    evidence: &'a Evidence,
    subject: &'a Subject,
    last: &'a EpochRecord,
    /// 0 if unknown.
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

    /// Whether it may still be too early to say that nothing is learned.
    fn is_early(&self) -> bool {
        let patience = f64::from(PATIENCE).max(PATIENT_SHARE * f64::from(self.planned()));
        self.subject.state != RunState::Done && f64::from(self.last.epoch) < patience
    }

    fn is_well_on_its_way(&self) -> bool {
        self.classes > 1 && way(judged(self.last).accuracy, self.classes) > WELL_ON_ITS_WAY
    }

    /// What guessing costs: `ln 10 = 2.30`.
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
        // With large steps a smaller excess is no bad start either.
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
            let since = if has_risen { format!(", loss rises since epoch {epoch}") } else { String::new() };
            let detail =
                format!("train {}, valid {}{since}", percent(train.accuracy), percent(valid.accuracy));
            finding(Verdict::Overfitting, detail)
        })
    }

    /// Nothing is wrong with it.
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

    /// Rate of gain, and time to go.
    fn progress(&self) -> String {
        let accuracy = percent(judged(self.last).accuracy);
        let gain = match self.evidence.gain() {
            None => String::new(),
            Some(gain) if gain.abs() < NO_GAIN => ", no gain lately".to_owned(),
            Some(gain) => format!(", {:+.1} points an epoch", 100.0 * gain),
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
