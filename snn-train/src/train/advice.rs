//! Advice about hidden layers that do not learn and networks that guess; settings already in use are not recommended.

use snn_core::{ActivityWarning, LossKind, Readout};
use snn_run::{
    Best, EpochRecord,
    verdict::{chance_loss, had_learned, has_exploded, is_at_chance, short_number},
};

use crate::experiment::{Distribution, Experiment};

/// The results of an epoch.
pub(super) struct Look<'a> {
    pub(super) record: &'a EpochRecord,
    /// The best epoch so far.
    pub(super) best: Option<Best>,
    pub(super) classes: usize,
    /// The training results.
    pub(super) samples: u64,
    /// Whether it is time to conclude that nothing is learned: networks may guess for some epochs first.
    pub(super) is_due: bool,
}

/// The warning about a network whose loss has exploded, or that does no better than guessing.
pub(super) fn guesses(look: &Look<'_>, experiment: &Experiment) -> Option<String> {
    let is_cross_entropy = experiment.loss.name == LossKind::CrossEntropy;
    let rate = experiment.optimizer.learning_rate;
    let slower =
        format!("Lower optimizer.learning_rate (now {rate:?}), or clip gradients (training.clip_norm)");
    let cost = format!("guessing costs ln {} = {}", look.classes, short_number(chance_loss(look.classes)));
    let loss = look.record.train.cross_entropy;
    if is_cross_entropy && has_exploded(loss, look.classes) {
        // Without the loss itself, which changes from epoch to epoch, to warn only once.
        return Some(format!("the loss has exploded: {cost}, and it is more than ten times that. {slower}"));
    }
    if !is_at_chance(look.record, look.classes, look.samples, is_cross_entropy) {
        return None;
    }
    if look.best.is_some_and(|best| had_learned(best.accuracy, look.classes)) {
        return Some(format!(
            "training has diverged: what was learned is lost, and the network only guesses. {slower}"
        ));
    }
    let beta = experiment.surrogate.beta;
    look.is_due.then(|| {
        format!(
            "the network does no better than guessing: {cost}. Check whether gradients reach every matrix (snn-tui, Learning); \
             change optimizer.learning_rate (now {rate:?}), lower surrogate.beta (now {beta:?}), or give it more epochs"
        )
    })
}

/// The warning about a layer. `input_is_empty`: in the whole epoch, the input had no spikes, or only zeros.
pub(super) fn advice(warning: ActivityWarning, experiment: &Experiment, input_is_empty: bool) -> String {
    match warning {
        ActivityWarning::Silent { layer } if input_is_empty => format!(
            "hidden layer {layer} was silent, because the input is: no training sample has a spike. Inspect the data with `snn \
             data info`: are times in the unit that is expected, and within data.steps x data.dt?"
        ),
        ActivityWarning::Silent { layer } => silent(layer, experiment),
        ActivityWarning::Saturated { layer } => saturated(layer, experiment),
        // Other warnings are passed on unchanged.
        other => other.to_string(),
    }
}

fn silent(layer: usize, experiment: &Experiment) -> String {
    let (regularizer, readout) = (&experiment.regularizer, &experiment.readout);
    let mut remedies = vec![format!("draw larger weights ({})", width(experiment))];
    if regularizer.lower_strength > 0.0 && regularizer.lower_threshold > 0.0 {
        remedies.push(format!(
            "give the lower regularizer, which is enabled, more epochs or a larger regularizer.lower_strength (now {:?})",
            regularizer.lower_strength
        ));
    } else {
        remedies.push(
            "enable the lower regularizer (regularizer.lower_strength=100, regularizer.lower_threshold=0.001)".to_owned(),
        );
    }
    let mut cause = String::new();
    if readout.head == Readout::Max && readout.start >= 0.0 {
        cause = format!(
            ", and a silent layer passes no gradient to a Max readout that starts at {:?}",
            readout.start
        );
        remedies.push("start the readout slightly below 0 (readout.start=-0.001)".to_owned());
    }
    format!(
        "hidden layer {layer} was silent: none of its units spiked. Its drive probably never reaches the threshold \
         (network.threshold, {:?}){cause}. What helps: {}",
        experiment.network.threshold,
        remedies.join("; or ")
    )
}

/// The setting that scales the initial weights, and its value.
fn width(experiment: &Experiment) -> String {
    let section = &experiment.initialization;
    match section.distribution {
        Distribution::FluctuationDriven => format!("initialization.deviation, now {:?}", section.deviation),
        _ => format!("initialization.gain, now {:?}", section.gain),
    }
}

fn saturated(layer: usize, experiment: &Experiment) -> String {
    let strength = experiment.regularizer.upper_strength;
    let regularizer = if strength > 0.0 {
        format!(
            "raise the upper regularizer, which is enabled (regularizer.upper_strength, now {strength:?})"
        )
    } else {
        "enable the upper regularizer (regularizer.upper_strength, regularizer.upper_threshold)".to_owned()
    };
    format!(
        "hidden layer {layer} was saturated: every unit spiked in nearly every step that the reset allows, so its spikes carry no \
         information. Its weights are probably too large: lower optimizer.learning_rate (now {:?}), draw smaller ones \
         ({}), or {regularizer}",
        experiment.optimizer.learning_rate,
        width(experiment)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::keys;

    #[test]
    fn enabled_settings_are_not_recommended_and_keys_exist() {
        let silent = ActivityWarning::Silent { layer: 2 };
        let with = |changes: &[&str]| {
            let mut experiment = Experiment::default();
            experiment.set(changes).unwrap();
            experiment
        };
        let on = advice(silent, &with(&[]), false);
        assert!(on.starts_with("hidden layer 2 was silent: none") && on.contains("which is enabled"), "{on}");
        assert!(!on.contains("enable the") && on.contains("initialization.gain, now 1.0"), "{on}");
        let off = advice(silent, &with(&["regularizer.lower_strength=0", "readout.start=-0.1"]), false);
        assert!(off.contains("enable the lower regularizer") && !off.contains("readout"), "{off}");
        let empty = advice(silent, &with(&[]), true);
        assert!(empty.contains("because the input is") && !empty.contains("gain"), "{empty}");
        let saturated = ActivityWarning::Saturated { layer: 1 };
        let (plain, upper) = (
            advice(saturated, &with(&[]), false),
            advice(saturated, &with(&["regularizer.upper_strength=2"]), false),
        );
        assert!(plain.contains("enable the upper") && upper.contains("which is enabled"), "{plain} {upper}");
        let driven =
            with(&["initialization.distribution=fluctuation-driven", "initialization.deviation=0.5"]);
        let driven = [silent, saturated].map(|warning| advice(warning, &driven, false));
        assert!(
            driven
                .iter()
                .all(|text| text.contains("initialization.deviation, now 0.5") && !text.contains("gain"))
        );
        for text in [on, off, empty, plain, upper].into_iter().chain(driven) {
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
            for word in words.filter(|word| word.contains('_') || word.contains(".g") || word.contains(".s"))
            {
                let word = word.trim_end_matches('.');
                assert!(keys().any(|key| key.path == word), "`{word}` in: {text}");
            }
        }
    }
}
