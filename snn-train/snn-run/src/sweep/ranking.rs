//! The ranking of the settings of a sweep, and the effect of each key.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use super::{
    manifest::Settings,
    results::{MeanSd, Results, Row},
};
use crate::{configuration::is_seed, numbers::number, state::RunState};

/// The better direction of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Higher is better, as for accuracies.
    Higher,
    /// Lower is better, as for losses.
    Lower,
}

impl Better {
    /// Orders values, the better one first.
    #[must_use]
    pub fn order(self, a: f64, b: f64) -> std::cmp::Ordering {
        match self {
            Self::Higher => b.total_cmp(&a),
            Self::Lower => a.total_cmp(&b),
        }
    }
}

/// Runs that differ only in seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Their common values, of all keys except seeds.
    pub settings: Settings,
    /// Statistics of the finished runs that have a value.
    pub summary: Option<MeanSd>,
    /// All runs: indices in [`Results::rows`].
    pub rows: Vec<usize>,
}

/// The effect of a key on a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The key.
    pub key: String,
    /// Its values, numbers ascending, others in the order of the plan, with the means of their settings.
    pub levels: Vec<Level>,
    /// Whether every level is a mean over the same settings of all other keys, those finished for each of the levels. Otherwise the levels
    /// are means over different settings, and another key may cause the difference.
    pub balanced: bool,
}

/// One value of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The value.
    pub value: Value,
    /// Mean over settings of their means over seeds; `None` if no run is done.
    pub mean: Option<f64>,
    /// The best of those settings.
    pub best: Option<f64>,
    /// Number of settings in the mean.
    pub settings: usize,
}

impl Effect {
    /// The change of the mean along the key: the highest minus the lowest. `None` with fewer than two levels.
    #[must_use]
    pub fn range(&self) -> Option<f64> {
        let means = || self.levels.iter().filter_map(|level| level.mean);
        let (low, high) = (means().reduce(f64::min)?, means().reduce(f64::max)?);
        (means().count() > 1).then_some(high - low)
    }

    /// The level with the best mean.
    #[must_use]
    pub fn best(&self, better: Better) -> Option<&Level> {
        let known = self.levels.iter().filter_map(|level| Some((level, level.mean?)));
        known.min_by(|a, b| better.order(a.1, b.1)).map(|(level, _)| level)
    }
}

impl Results {
    /// All settings, the best first, by the mean over their finished runs; those without finished runs last, in the order of the plan.
    pub fn ranking(&self, better: Better, value: impl Fn(&Row) -> Option<f64>) -> Vec<Standing> {
        let parameters: Vec<&String> = self.parameters().collect();
        let mut places: BTreeMap<Vec<Option<String>>, usize> = BTreeMap::new();
        let mut standings: Vec<Standing> = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let values = parameters.iter().map(|&key| row.settings.get(key).map(Value::to_string)).collect();
            let place = *places.entry(values).or_insert_with(|| {
                let shared =
                    parameters.iter().filter_map(|&key| Some((key.clone(), row.settings.get(key)?.clone())));
                standings.push(Standing { settings: shared.collect(), summary: None, rows: Vec::new() });
                standings.len() - 1
            });
            standings[place].rows.push(index);
        }
        for standing in &mut standings {
            let done =
                standing.rows.iter().map(|&row| &self.rows[row]).filter(|row| row.state == RunState::Done);
            standing.summary =
                MeanSd::of(&done.filter_map(&value).filter(|it| it.is_finite()).collect::<Vec<_>>());
        }
        // The sort is stable: equal settings stay in the order of the plan.
        standings.sort_by(|a, b| match (a.summary, b.summary) {
            (Some(a), Some(b)) => better.order(a.mean, b.mean),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
        standings
    }

    /// The effect of each key except seeds, by [`Self::ranking`].
    #[must_use]
    pub fn effects(&self, ranking: &[Standing], better: Better) -> Vec<Effect> {
        self.parameters().map(|key| effect(key, ranking, better)).collect()
    }

    /// The keys except seeds. A manual plan may list seeds among the others.
    fn parameters(&self) -> impl Iterator<Item = &String> {
        self.keys.iter().filter(|key| !self.seeds.contains(key) && !is_seed(key))
    }
}

/// The standard deviation between repetitions with other seeds: the root of the mean variance over settings, weighted by their degrees of
/// freedom. `None` if no setting has two finished runs.
#[must_use]
pub fn seed_deviation(ranking: &[Standing]) -> Option<f64> {
    let (mut squares, mut freedom) = (0.0, 0.0);
    for MeanSd { n, sd, .. } in ranking.iter().filter_map(|standing| standing.summary) {
        if let Some(sd) = sd {
            let degrees = (n - 1) as f64;
            squares += degrees * sd * sd;
            freedom += degrees;
        }
    }
    (freedom > 0.0).then(|| (squares / freedom).sqrt())
}

fn effect(key: &str, ranking: &[Standing], better: Better) -> Effect {
    // For every combination of the other keys, the mean at each value of this one.
    let mut combinations: BTreeMap<Vec<String>, BTreeMap<String, f64>> = BTreeMap::new();
    let (mut values, mut seen): (Vec<Value>, _) = (Vec::new(), BTreeSet::new());
    let mut rows: Vec<&Standing> = ranking.iter().collect();
    rows.sort_by_key(|standing| standing.rows.first().copied());
    for standing in rows {
        let Some(value) = standing.settings.get(key) else { continue };
        let text = value.to_string();
        if seen.insert(text.clone()) {
            values.push(value.clone());
        }
        if let Some(summary) = standing.summary {
            let others = standing.settings.iter().filter(|(other, _)| *other != key);
            let others = others.map(|(key, value)| format!("{key}={value}")).collect();
            combinations.entry(others).or_default().insert(text, summary.mean);
        }
    }
    if values.iter().all(|value| number(value).is_some()) {
        values.sort_by(|a, b| number(a).unwrap_or(f64::NAN).total_cmp(&number(b).unwrap_or(f64::NAN)));
    }
    let texts: Vec<String> = values.iter().map(Value::to_string).collect();
    let known: Vec<&String> =
        texts.iter().filter(|text| combinations.values().any(|means| means.contains_key(*text))).collect();
    let is_whole = |means: &BTreeMap<String, f64>| known.iter().all(|text| means.contains_key(*text));
    let whole = combinations.values().filter(|means| is_whole(means)).count();
    // Only combinations with finished runs for every value are comparable; if there are none, use all combinations.
    let balanced = whole > 0 || combinations.is_empty();
    let counted: Vec<_> = combinations.values().filter(|means| !balanced || is_whole(means)).collect();
    let level = |(value, text): (Value, &String)| {
        let means: Vec<f64> = counted.iter().filter_map(|means| means.get(text).copied()).collect();
        let all = combinations.values().filter_map(|means| means.get(text).copied());
        Level {
            value,
            mean: (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64),
            best: all.min_by(|a, b| better.order(*a, *b)),
            settings: means.len(),
        }
    };
    Effect { key: key.to_owned(), levels: values.into_iter().zip(&texts).map(level).collect(), balanced }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accuracies of runs by rate, slope and seed; those below 0 are not done.
    fn results(runs: &[(f64, i64, i64, f64)]) -> Results {
        let row = |&(rate, slope, seed, accuracy): &(f64, i64, i64, f64)| {
            let settings = [
                ("rate".to_owned(), Value::from(rate)),
                ("slope".to_owned(), Value::from(slope)),
                ("seed".to_owned(), Value::from(seed)),
            ];
            let mut row = Row::read("x", settings.into(), None);
            row.valid_accuracy = Some(accuracy.abs());
            row.state = if accuracy < 0.0 { RunState::Running } else { RunState::Done };
            row
        };
        let keys = ["rate", "slope", "seed"].map(str::to_owned).into();
        Results { keys, seeds: vec!["seed".to_owned()], rows: runs.iter().map(row).collect() }
    }

    fn of(settings: &Settings) -> String {
        settings.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn settings_are_ranked_by_the_mean_of_finished_runs() {
        let results = results(&[
            (0.1, 1, 0, 0.5),
            (0.1, 1, 1, 0.7),
            (0.1, 1, 2, -1.0),
            (0.2, 1, 0, -0.99),
            (0.2, 2, 0, 0.8),
        ]);
        let ranking = results.ranking(Better::Higher, |row| row.valid_accuracy);
        let names: Vec<_> = ranking.iter().map(|it| of(&it.settings)).collect();
        assert_eq!(names, ["rate=0.2 slope=2", "rate=0.1 slope=1", "rate=0.2 slope=1"]);
        let MeanSd { n, mean, sd } = ranking[1].summary.unwrap();
        assert!(n == 2 && (mean - 0.6).abs() < 1e-12 && (sd.unwrap() - 0.02_f64.sqrt()).abs() < 1e-12);
        assert_eq!((ranking[1].rows.as_slice(), ranking[2].summary), (&[0, 1, 2][..], None));
        let lowest = results.ranking(Better::Lower, |row| row.valid_accuracy);
        assert_eq!(of(&lowest[0].settings), "rate=0.1 slope=1");
        assert!((seed_deviation(&ranking).unwrap() - 0.02_f64.sqrt()).abs() < 1e-12);
        assert_eq!(seed_deviation(&ranking[..1]), None);
    }

    #[test]
    fn effects_compare_settings_tried_with_every_value() {
        // Slope 2 is better by 0.2, but was not trained with the worse rate.
        let mut runs =
            vec![(0.1, 1, 0, 0.1), (0.2, 1, 0, 0.7), (0.2, 2, 0, 0.9), (0.1, 3, 0, -0.5), (0.2, 3, 0, -0.5)];
        let effects = |runs: &[(f64, i64, i64, f64)]| {
            let results = results(runs);
            let ranking = results.ranking(Better::Higher, |row| row.valid_accuracy);
            results.effects(&ranking, Better::Higher)
        };
        let [rate, slope] = <[Effect; 2]>::try_from(effects(&runs)).unwrap();
        assert_eq!((rate.key.as_str(), slope.key.as_str()), ("rate", "slope"));
        assert!(slope.balanced && (slope.range().unwrap() - 0.2).abs() < 1e-12, "{slope:?}");
        assert!((rate.range().unwrap() - 0.6).abs() < 1e-12, "{rate:?}");
        assert_eq!(slope.best(Better::Higher).unwrap().value, Value::from(2));
        assert_eq!(slope.best(Better::Lower).unwrap().value, Value::from(1));
        let levels: Vec<_> = slope.levels.iter().map(|it| (it.mean, it.best, it.settings)).collect();
        assert_eq!(levels, [(Some(0.7), Some(0.7), 1), (Some(0.9), Some(0.9), 1), (None, None, 0)]);

        // No combination is finished for both values.
        runs[1].3 = -0.7;
        let [_, slope] = <[Effect; 2]>::try_from(effects(&runs)).unwrap();
        assert!(!slope.balanced && (slope.range().unwrap() - 0.8).abs() < 1e-12, "{slope:?}");
        let [rate, _] = <[Effect; 2]>::try_from(effects(&runs[3..])).unwrap();
        assert_eq!((rate.range(), rate.balanced, rate.levels.len()), (None, true, 2), "nothing is done");
    }
}
