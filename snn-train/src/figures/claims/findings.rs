//! Details of a claim: the properties of the compared models, and the details that the paper leaves open.

use std::collections::BTreeSet;

use crate::{
    figures::{Runs, Setting as _, same, statistics::median},
    sweep::Row,
};

/// The models of one condition.
pub(super) fn of_one(models: &Runs) -> Vec<String> {
    vec![describe("models", models)]
}

/// The models of two conditions, each named by the settings that differ.
pub(super) fn of_two(a: &Runs, b: &Runs) -> Vec<String> {
    vec![describe(&name(a, b, "the first"), a), describe(&name(b, a, "the second"), b)]
}

/// The runs of a curve of accuracy against spikes, and their accuracy two decades below the spikes of networks without the
/// regularizer.
pub(super) fn of_cut(fitted: &Runs, most: f64, classes: f64) -> String {
    let left = most / 100.0;
    let enough = if left < classes { "fewer than classes" } else { "no fewer than classes" };
    let (lost, all) = (fitted.with_a_lost_class(), fitted.rows().len());
    format!(
        "without the regularizer, {most:.0} spikes per input; two decades below, {left:.1}, {enough} ({classes}); of the {all} \
         runs in the fit of the curve, {lost} never predict one of the classes"
    )
}

/// The accuracy at each slope, of the learning rate and seed that are best there on validation.
pub(super) fn by_slope(name: &str, runs: &Runs) -> String {
    let mut slopes: Vec<f64> = runs.rows().iter().map(Row::beta).filter(|it| it.is_finite()).collect();
    slopes.sort_by(f64::total_cmp);
    slopes.dedup_by(|a, b| same(*a, *b));
    let at = slopes.iter().map(|&beta| {
        let best = runs.of(|row| same(row.beta(), beta)).best(1);
        format!("{:.1} % at {}", best.mean_accuracy(), rounded(beta))
    });
    format!(
        "{name} by slope, with the best learning rate on validation: {}",
        at.collect::<Vec<_>>().join(", ")
    )
}

/// The settings that all of these models share and that differ in the others.
fn name(of: &Runs, other: &Runs, otherwise: &str) -> String {
    let values = |runs: &Runs, key: &str| -> BTreeSet<String> {
        runs.rows().iter().filter_map(|row| Some(row.settings.get(key)?.to_string())).collect()
    };
    let keys: BTreeSet<&String> = of.rows().iter().flat_map(|row| row.settings.keys()).collect();
    let differing = keys.into_iter().filter_map(|key| {
        let own = values(of, key);
        let single = own.first().filter(|_| own.len() == 1)?;
        values(other, key).iter().all(|value| value != single).then(|| format!("{key}={single}"))
    });
    let names: Vec<_> = differing.collect();
    if names.is_empty() { otherwise.to_owned() } else { names.join(" ") }
}

/// The most common explanations of an accuracy: its spread, silent layers, incomplete learning, and the position of the models on the
/// grid of learning rates and slopes.
fn describe(name: &str, models: &Runs) -> String {
    let rows = models.rows();
    let accuracies = models.accuracies();
    let mut text = format!(
        "{name}: {} {}, {} %, median {:.1}",
        accuracies.len(),
        if accuracies.len() == 1 { "model" } else { "models" },
        range(accuracies.iter().copied(), |it| format!("{it:.1}")),
        median(&accuracies),
    );
    for (what, value) in [("learning rate", Row::eta as fn(&Row) -> f64), ("slope", Row::beta)] {
        let values = rows.iter().map(value).filter(|it| it.is_finite());
        if values.clone().next().is_some() {
            text += &format!(", {what} {}", range(values, |it| rounded(it).to_string()));
        }
    }
    let is_silent = |row: &&Row| row.spikes.as_ref().is_some_and(|layers| layers.contains(&0.0));
    let silent = rows.iter().filter(is_silent).count();
    if silent > 0 {
        text += &format!(", {silent} with a silent hidden layer");
    }
    let lost = models.with_a_lost_class();
    if lost > 0 {
        text +=
            &format!(", {lost} that never predict{} one of the classes", if lost == 1 { "s" } else { "" });
    }
    let gains: Vec<f64> = rows.iter().filter_map(|row| row.late_gain).collect();
    if !gains.is_empty() {
        let gain = 100.0 * gains.iter().sum::<f64>() / gains.len() as f64;
        text += &format!(", {gain:.1} points gained on validation in the last quarter of the epochs");
    }
    text
}

/// To six decimals.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn range(values: impl Iterator<Item = f64>, show: impl Fn(f64) -> String) -> String {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)));
    if low < high { format!("{} to {}", show(low), show(high)) } else { show(low) }
}

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::*;
    use crate::{
        figures::protocol::{BETA, ETA, SHAPE},
        sweep::{Results, RunState, Settings},
    };

    fn runs(shape: &str, models: &[(f64, f64, f64)]) -> Runs {
        let row = |&(eta, test, spikes): &(f64, f64, f64)| Row {
            id: String::new(),
            settings: Settings::from([
                (SHAPE.to_owned(), shape.into()),
                (ETA.to_owned(), Value::Float(eta)),
                (BETA.to_owned(), Value::Float(10.0)),
            ]),
            state: RunState::Done,
            epoch: 8,
            valid_accuracy: Some(test),
            valid_loss: None,
            late_gain: Some(0.02),
            verdict: None,
            detail: None,
            lost_classes: Some(usize::from(shape == "sigmoid")),
            test_accuracy: Some(test),
            spikes: Some(vec![spikes]),
            seconds: 0.0,
            message: None,
        };
        let rows = models.iter().map(row).collect();
        Runs::new(Results { keys: Vec::new(), seeds: Vec::new(), rows })
    }

    #[test]
    fn models_are_named_by_their_differences_and_described() {
        let ours = runs("esser", &[(0.01, 0.95, 30.0), (0.031_622_8, 0.1, 0.0), (0.01, 0.9, 20.0)]);
        let others = runs("sigmoid", &[(0.01, 1.0, 30.0)]);
        assert_eq!(
            of_two(&ours, &others),
            [
                "surrogate.shape=\"esser\": 3 models, 10.0 to 95.0 %, median 90.0, learning rate 0.01 to 0.031623, slope \
                 10, 1 with a silent hidden layer, 2.0 points gained on validation in the last quarter of the epochs",
                "surrogate.shape=\"sigmoid\": 1 model, 100.0 %, median 100.0, learning rate 0.01, slope 10, 1 that never \
                 predicts one of the classes, 2.0 points gained on validation in the last quarter of the epochs",
            ]
        );
        assert!(of_two(&ours, &ours)[1].starts_with("the second: 3 models"));
    }

    #[test]
    fn slopes_have_the_accuracy_of_their_best_run_on_validation() {
        let steep = runs("esser", &[(0.01, 0.4, 1.0), (0.1, 0.6, 1.0)]);
        let mut flat = runs("esser", &[(0.01, 0.9, 1.0)]).rows()[0].clone();
        flat.settings.insert(BETA.to_owned(), Value::Float(1.0));
        let flat = Runs::new(Results { keys: Vec::new(), seeds: Vec::new(), rows: vec![flat] });
        assert_eq!(
            by_slope("aDR", &steep.and(flat)),
            "aDR by slope, with the best learning rate on validation: 90.0 % at 1, 60.0 % at 10"
        );
    }

    #[test]
    fn remaining_spikes_follow_from_the_runs() {
        let (whole, lost) = (runs("esser", &[(0.01, 1.0, 30.0)]), runs("sigmoid", &[(0.01, 0.9, 3.0); 2]));
        let text = of_cut(&lost, 360.0, 10.0);
        assert!(
            text.contains("below, 3.6, fewer than")
                && text.contains("of the 2 runs")
                && text.contains(", 2 never"),
            "{text}"
        );
        let text = of_cut(&whole, 3600.0, 10.0);
        assert!(
            text.contains("below, 36.0, no fewer than")
                && text.ends_with("0 never predict one of the classes"),
            "{text}"
        );
    }
}
