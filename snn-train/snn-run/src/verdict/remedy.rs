//! What a verdict means, what helps, and a command that does it.

use std::path::Path;

use super::{Verdict, evidence::Evidence, rules::LARGE_RATE, subject::Subject};
use crate::shell::shell_word;

/// From this slope on, a SuperSpike lets so little through that several layers of it learn nothing (the paper's figure 2 and 5).
const STEEP: f64 = 50.0;
/// A slope at which all of this program's presets learn.
const USUAL_SLOPE: f64 = 10.0;
/// Weights drawn so many times larger than usual make a network sure of wrong answers before its first step.
const LARGE_GAIN: f64 = 50.0;
/// A step size at which all of this program's presets learn.
const USUAL_RATE: f64 = 1e-3;

/// What is to be done about a run, and how.
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
    // The one of both that the weights are drawn with.
    let (key, drawn) = match settings.deviation {
        Some(deviation) => ("initialization.deviation", deviation),
        None => ("initialization.gain", settings.gain.unwrap_or(1.0)),
    };
    let gain = |factor: f64| format!("{key}={}", plain(drawn * factor));
    let other_seed = || format!("initialization.seed={}", settings.seed.unwrap_or(0).saturating_add(1));
    match verdict {
        Verdict::Diverged if settings.gain.is_some_and(|gain| gain >= LARGE_GAIN) => again(
            &["initialization.gain=5.0".to_owned()],
            "Its weights are drawn so large that it is sure of wrong answers: draw smaller ones (initialization.gain).",
        ),
        Verdict::Diverged => again(
            &[rate(0.1)],
            "Steps were too large: the weights were thrown off and did not come back. Lower the learning rate \
             (optimizer.learning_rate), or clip gradients (training.clip_norm).",
        ),
        Verdict::Chance if is_steep => again(
            &[slope()],
            "It does no better than guessing. Such a steep surrogate lets hardly any gradient through: lower its slope \
             (surrogate.beta).",
        ),
        Verdict::Chance if settings.learning_rate.is_some_and(|rate| rate > LARGE_RATE) => again(
            &[rate(0.1)],
            "It does no better than guessing, and its steps are large: lower the learning rate (optimizer.learning_rate).",
        ),
        Verdict::Chance => again(
            &[rate(10.0)],
            "It does no better than guessing. Raise the learning rate (optimizer.learning_rate), give it more epochs, or see in \
             Learning whether gradients reach every matrix.",
        ),
        Verdict::Silent => {
            let mut changes = vec![gain(3.0)];
            let is_stuck = settings.is_max && settings.readout_start.unwrap_or(0.0) >= 0.0;
            if is_stuck {
                changes.push("readout.start=-0.001".to_owned());
            }
            let stuck = if is_stuck { " and start the readout slightly below 0 (readout.start)" } else { "" };
            let text = format!(
                "Its input never reaches the threshold, and nothing goes through a layer without spikes. Draw larger weights \
                 ({key}){stuck}, or switch on the lower regularizer."
            );
            again(&changes, &text)
        }
        Verdict::Saturated => again(
            &[if evidence.saturated().is_some_and(|it| it.1 <= 1) { gain(0.3) } else { rate(0.1) }],
            "Units that always spike say nothing. Draw smaller weights, lower the learning rate, or switch on \
             the upper regularizer (regularizer.upper_strength, regularizer.upper_threshold).",
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
            "Gradients this large make every step a leap. Clip them (training.clip_norm), or lower the learning rate.",
        ),
        Verdict::LostClasses => again(
            &[if settings.is_max { "readout.head=sum".to_owned() } else { other_seed() }],
            "Their readout units may be stuck: under Max, a potential that never rises above its start has no gradient. Use the Sum \
             readout (readout.head), lower the learning rate, or start from another seed.",
        ),
        Verdict::Overfitting => again(
            &["training.patience=10".to_owned()],
            "It memorizes the training samples; more epochs do not help, and the test is that of the best epoch. End early \
             (training.patience), or use more data or fewer units.",
        ),
        Verdict::Failed => go_on("It ended with an error. Remove its cause, then go on from the checkpoint."),
        Verdict::Damaged => say("Its files cannot be read. Restore them, or train it anew."),
        Verdict::Dead => go_on("Its process is gone: it was killed. Go on from the checkpoint."),
        Verdict::Stalled => go_on(
            "It was killed, or its machine is gone or busy. If it does not come back, go on from the checkpoint.",
        ),
        Verdict::Stopped => go_on("It was stopped on request. Go on from the checkpoint."),
        Verdict::Learned => Remedy {
            text: "Nothing is wrong with it.".to_owned(),
            command: Some(format!("snn eval {}", shell_word(run))),
        },
        Verdict::Learning => say("Nothing is wrong with it."),
        Verdict::Starting => say("Too few epochs to tell."),
        Verdict::Pending => say("It has not begun."),
        Verdict::Unknown => say("A newer program wrote it, or it has no epoch."),
    }
}

/// A number as TOML takes it for a float.
fn plain(value: f64) -> String {
    // 0.02 / 10 need not be 0.002.
    let rounded: f64 = format!("{value:.6e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}
