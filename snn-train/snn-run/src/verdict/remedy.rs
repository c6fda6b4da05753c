//! The meaning of a verdict, the remedy, and a command that applies it.

use std::path::Path;

use super::{Verdict, evidence::Evidence, rules::LARGE_RATE, subject::Subject};
use crate::shell::shell_word;

/// From this slope on, a SuperSpike passes so little of a gradient that several layers learn nothing (figures 2 and 5 of the paper).
const STEEP: f64 = 50.0;
/// A slope with which all presets learn.
const USUAL_SLOPE: f64 = 10.0;
/// Weights this many times larger than usual make a network confident in wrong answers before its first step.
const LARGE_GAIN: f64 = 50.0;
/// A learning rate with which all presets learn.
const USUAL_RATE: f64 = 1e-3;

/// The remedy for a run, and the command for it.
pub(super) struct Remedy {
    pub(super) text: String,
    pub(super) command: Option<String>,
}

pub(super) fn remedy(verdict: Verdict, run: &Path, evidence: &Evidence, subject: &Subject) -> Remedy {
    let again =
        |changes: &[String], text: &str| Remedy {
            text: text.to_owned(),
            command: Some(changes.iter().fold(
                format!("snn train {}", shell_word(run.join(crate::files::CONFIG))),
                |command, change| format!("{command} --set {}", shell_word(change)),
            )),
        };
    let say = |text: &str| Remedy { text: text.to_owned(), command: None };
    let go_on = |text: &str| Remedy {
        text: text.to_owned(),
        command: Some(format!("snn train --resume --run-dir {}", shell_word(run))),
    };
    let settings = &subject.settings;
    let rate = |factor: f64| {
        let rate = settings.learning_rate.unwrap_or(USUAL_RATE) * factor;
        let rate = if factor < 1.0 && rate >= LARGE_RATE { USUAL_RATE } else { rate };
        format!("optimizer.learning_rate={}", plain(rate))
    };
    let slope = || format!("surrogate.beta={USUAL_SLOPE:?}");
    let is_steep = settings.beta.is_some_and(|beta| beta >= STEEP);
    // Whichever of the two the weights are drawn with.
    let (key, drawn) = match settings.deviation {
        Some(deviation) => ("initialization.deviation", deviation),
        None => ("initialization.gain", settings.gain.unwrap_or(1.0)),
    };
    let gain = |factor: f64| format!("{key}={}", plain(drawn * factor));
    let other_seed = || format!("initialization.seed={}", settings.seed.unwrap_or(0).saturating_add(1));
    match verdict {
        Verdict::Diverged if settings.gain.is_some_and(|gain| gain >= LARGE_GAIN) => again(
            &["initialization.gain=5.0".to_owned()],
            "Its initial weights are so large that it is confident in wrong answers: draw smaller ones (initialization.gain).",
        ),
        Verdict::Diverged => again(
            &[rate(0.1)],
            "Steps were too large, and the weights never recovered. Lower the learning rate \
             (optimizer.learning_rate), or clip gradients (training.clip_norm).",
        ),
        Verdict::Chance if is_steep => again(
            &[slope()],
            "It does no better than guessing. Such a steep surrogate passes hardly any gradient: lower its slope \
             (surrogate.beta).",
        ),
        Verdict::Chance if settings.learning_rate.is_some_and(|rate| rate > LARGE_RATE) => again(
            &[rate(0.1)],
            "It does no better than guessing, and its steps are large: lower the learning rate (optimizer.learning_rate).",
        ),
        Verdict::Chance => again(
            &[rate(10.0)],
            "It does no better than guessing. Raise the learning rate (optimizer.learning_rate), train for more epochs, or check on \
             the screen Learning whether gradients reach every matrix.",
        ),
        Verdict::Silent if highest_of_silent(evidence, subject).is_some_and(|potential| potential <= 0.0) => Remedy {
            text: "Its potential never rises above 0: check that its input has spikes before you draw larger weights.".to_owned(),
            command: Some(format!("snn data info {}", shell_word(run.join(crate::files::CONFIG)))),
        },
        Verdict::Silent => {
            let mut changes = vec![gain(growth(evidence, subject))];
            let is_stuck = settings.is_max && settings.readout_start.unwrap_or(0.0) >= 0.0;
            if is_stuck {
                changes.push("readout.start=-0.001".to_owned());
            }
            let stuck = if is_stuck { " and start the readout slightly below 0 (readout.start)" } else { "" };
            let regularizer = if settings.is_raised {
                "raise the lower regularizer (regularizer.lower_strength)"
            } else {
                "enable the lower regularizer (regularizer.lower_strength, regularizer.lower_threshold)"
            };
            let text = format!(
                "Its input never reaches the threshold, and a layer without spikes passes nothing on. Draw larger weights \
                 ({key}){stuck}, or {regularizer}."
            );
            again(&changes, &text)
        }
        Verdict::Saturated => again(
            &[if evidence.saturated().is_some_and(|it| it.1 <= 1) { gain(0.3) } else { rate(0.1) }],
            &format!(
                "Units that always spike carry no information. Draw smaller weights ({key}), lower the learning rate, or {} the \
                 upper regularizer (regularizer.upper_strength, regularizer.upper_threshold).",
                if settings.is_lowered { "adjust" } else { "enable" }
            ),
        ),
        Verdict::Vanishing => again(
            &[if is_steep { slope() } else { gain(2.0) }],
            &format!(
                "The gradient is lost on its way through the layers. Lower the slope of the surrogate (surrogate.beta), or draw larger \
                 weights ({key})."
            ),
        ),
        Verdict::Exploding => again(
            &[if settings.clip_norm.unwrap_or(0.0) > 0.0 {
                rate(0.1)
            } else {
                "training.clip_norm=1.0".to_owned()
            }],
            "With gradients this large, every step overshoots. Clip them (training.clip_norm), or lower the learning rate.",
        ),
        Verdict::LostClasses => again(
            &[if settings.is_max { "readout.head=sum".to_owned() } else { other_seed() }],
            "Their readout units may be stuck: with Max, a potential that never rises above its initial value has no gradient. Use the Sum \
             readout (readout.head), lower the learning rate, or use another seed.",
        ),
        Verdict::Overfitting => again(
            &["training.patience=10".to_owned()],
            "It memorizes the training samples; more epochs do not help, and the test uses the best epoch. Stop early \
             (training.patience), or use more data or fewer units.",
        ),
        Verdict::Failed => go_on("It ended with an error. Fix the cause, then resume from the checkpoint."),
        Verdict::Damaged => say("Its files cannot be read. Restore them, or train it again."),
        Verdict::Dead => go_on("Its process has ended: it was killed. Resume from the checkpoint."),
        Verdict::Stalled => go_on(
            "It was killed, or its machine is down or busy. If it does not recover, resume from the checkpoint.",
        ),
        Verdict::Stopped => go_on("It was stopped on request. Resume from the checkpoint."),
        Verdict::Learned => Remedy {
            text: "Nothing is wrong with it.".to_owned(),
            command: Some(format!("snn eval {}{}", shell_word(run), part(evidence))),
        },
        Verdict::Learning => say("Nothing is wrong with it."),
        Verdict::Starting => say("Too few epochs to judge."),
        Verdict::Pending => say("It has not started."),
        Verdict::Unknown => say("A newer program wrote it, or it has recorded no epoch."),
    }
}

/// The factor by which larger weights make a silent layer spike: its highest potential, if known, then exceeds the threshold.
fn growth(evidence: &Evidence, subject: &Subject) -> f64 {
    let threshold = subject.settings.threshold.unwrap_or(1.0);
    let needed = highest_of_silent(evidence, subject).map_or(0.0, |potential| 1.5 * threshold / potential);
    needed.max(3.0).ceil()
}

/// The highest potential of the silent layer, if known.
fn highest_of_silent(evidence: &Evidence, subject: &Subject) -> Option<f64> {
    let (layer, _) = evidence.silent()?;
    *subject.potentials.get(layer - 1)?
}

/// The option for a part that has samples.
fn part(evidence: &Evidence) -> &'static str {
    match (&evidence.test, &evidence.last) {
        (Some(_), _) => "",
        (None, Some(last)) if last.valid.is_none() => " --split train",
        (None, _) => " --split valid",
    }
}

/// A number as a TOML float.
fn plain(value: f64) -> String {
    // 0.02 / 10 may differ from 0.002.
    let rounded: f64 = format!("{value:.6e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}
