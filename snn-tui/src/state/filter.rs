//! Filters: words that a run must contain, and conditions with the syntax of `snn runs --where`.

use snn_run::condition::{COLUMNS as COLUMNS_OF_SNN, Cells, Condition};

use super::columns::{self, COLUMNS};
use crate::data::{ConfigSummary, Run};

/// Short names of columns and keys, which are those of the headings, and the full names.
const SHORT: [(&str, &str); 9] = [
    ("run", "id"),
    ("best", "valid_accuracy"),
    ("test", "test_accuracy"),
    ("lr", "optimizer.learning_rate"),
    ("beta", "surrogate.beta"),
    ("seed", "initialization.seed"),
    ("data", "data.name"),
    ("surrogate", "surrogate.shape"),
    ("batch", "training.batch_size"),
];

/// Columns that only this program has.
const OWN: [&str; 5] = ["valid", "loss", "samples/s", "hidden", "device"];

/// A filter such as `randman verdict=diverged lr<=0.02 valid_accuracy>=0.9`: all parts must hold. A word may occur anywhere in the texts
/// of a run; values have the units of `snn runs --where`, where accuracies are from 0 to 1.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    words: Vec<String>,
    conditions: Vec<Condition>,
    mistake: Option<String>,
}

impl Filter {
    pub(crate) fn new(text: &str) -> Self {
        let mut filter = Self::default();
        for word in close_up(text).split_whitespace() {
            if !word.contains(['<', '>', '=']) {
                filter.words.push(word.to_lowercase());
                continue;
            }
            match condition(word) {
                Ok(condition) => filter.conditions.push(condition),
                Err(mistake) => drop(filter.mistake.get_or_insert(mistake)),
            }
        }
        filter
    }

    /// The error in the filter, if any. Keys of the experiment must exist in these runs, as far as those have been read.
    pub(crate) fn mistake<'a>(&self, mut facts: impl Iterator<Item = &'a ConfigSummary>) -> Option<String> {
        if self.mistake.is_some() {
            return self.mistake.clone();
        }
        let unknown: Vec<&str> = self
            .conditions
            .iter()
            .map(|condition| condition.column.as_str())
            .filter(|column| !COLUMNS_OF_SNN.contains(column) && !OWN.contains(column))
            .collect();
        let first = facts.next()?;
        let all: Vec<&ConfigSummary> = std::iter::once(first).chain(facts).collect();
        let column =
            unknown.into_iter().find(|column| all.iter().all(|facts| facts.setting(column).is_none()))?;
        Some(format!("no run has the key {column}"))
    }

    pub(crate) fn takes(&self, run: &Run, facts: Option<&ConfigSummary>) -> bool {
        let texts = || COLUMNS.iter().filter(|column| column.is_text);
        let has = |word: &String| {
            texts().any(|column| (column.text)(run, facts).to_lowercase().contains(word.as_str()))
        };
        let known = Known(run, facts);
        self.words.iter().all(has) && self.conditions.iter().all(|condition| condition.holds(&known))
    }
}

/// The text without spaces around operators: `best >= 0.9` is one condition.
fn close_up(text: &str) -> String {
    let is_sign = |c: char| "<>=!".contains(c);
    let mut closed = String::with_capacity(text.len());
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let space = rest.len() - rest.trim_start().len();
        let (_, behind) = rest.split_at(space);
        if space > 0 && (closed.ends_with(is_sign) || behind.starts_with(is_sign)) {
            rest = behind;
        } else {
            closed.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    closed
}

/// A condition whose column exists.
fn condition(word: &str) -> Result<Condition, String> {
    let at = word.find(['<', '>', '=', '!']).unwrap_or(word.len());
    let (name, rest) = word.split_at(at);
    let full = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full);
    let condition: Condition =
        format!("{full}{rest}").parse().map_err(|it: String| it.replace(full, name))?;
    let is_known = COLUMNS_OF_SNN.contains(&full) || OWN.contains(&full) || full.contains('.');
    if name.is_empty() || is_known {
        return Ok(condition);
    }
    let short = SHORT.iter().map(|(short, _)| *short).chain(OWN);
    let all: Vec<_> = COLUMNS_OF_SNN.into_iter().chain(short).collect();
    Err(format!("there is no column `{name}`: use a key such as data.name, or {}", all.join(", ")))
}

/// The values of a run for conditions.
struct Known<'a>(&'a Run, Option<&'a ConfigSummary>);

impl Cells for Known<'_> {
    fn cell(&self, column: &str) -> String {
        fn text(value: Option<impl ToString>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        let Self(run, facts) = *self;
        let status = run.status.as_ref();
        match column {
            "id" => run.id.clone(),
            "verdict" => text(run.verdict().map(snn_run::Verdict::name)),
            "detail" => text(run.diagnosis.as_ref().map(|it| &it.detail)),
            "state" => text(run.state),
            "epoch" => text(status.map(|it| it.epoch)),
            "epochs" => text(status.map(|it| it.epochs)),
            "valid_accuracy" => text(run.best_accuracy()),
            "test_accuracy" => text(run.test_accuracy()),
            "spikes" => text(run.spikes()),
            "lost_classes" => text(run.diagnosis.as_ref().and_then(|it| it.lost_classes)),
            "seconds" => text(run.diagnosis.as_ref().map(|it| it.seconds)),
            "message" => text(status.and_then(|it| it.message.as_ref()).or(run.error.as_ref())),
            "valid" => text(run.last_accuracy()),
            "loss" => text(run.last.as_ref().map(|last| last.train.loss)),
            "samples/s" => text(run.samples_per_second()),
            "hidden" => text(facts.map(|facts| &facts.hidden)),
            "device" => text(facts.map(|facts| &facts.device)),
            "optimizer.learning_rate" => text(columns::learning_rate(run, facts)),
            key => text(facts.and_then(|facts| facts.setting(key))),
        }
    }

    fn is_text(&self, column: &str) -> bool {
        self.cell(column).parse::<f64>().is_err()
    }
}

#[cfg(test)]
mod tests {
    use snn_run::{Best, RunState, Status};

    use super::*;

    fn run() -> (Run, ConfigSummary) {
        let mut run = Run::new("randman-7".into(), "".into(), Some(RunState::Done));
        let best = Best { accuracy: 0.95, ..Best::default() };
        run.status = Some(Status { best: Some(best), epoch: 9, ..Status::default() });
        let config =
            "[initialization]\nseed = 3\n[optimizer]\nlearning_rate = 0.01\n[data]\nname = \"randman\"";
        (run, ConfigSummary::of(snn_run::Configuration::of(&config.parse().unwrap())))
    }

    #[test]
    fn words_and_conditions_must_all_hold() {
        let (run, facts) = run();
        let takes = |text: &str| Filter::new(text).takes(&run, Some(&facts));
        assert!(takes("") && takes("RANDMAN done") && takes("best>=0.95 lr<0.02 lr=1e-2 seed=3 epoch<=9"));
        assert!(
            takes("best >= 0.95 randman lr <0.02  seed= 3") && !takes("best >= 0.96") && !takes("seed = 4")
        );
        assert!(takes("valid_accuracy>0.9 optimizer.learning_rate!=0.1 data.name=randman state!=failed"));
        assert!(!takes("mnist") && !takes("randman failed") && !takes("best<0.9") && !takes("seed=4"));
        assert!(!takes("spikes>0"), "an unknown value fulfills no condition");
    }

    #[test]
    fn errors_name_the_problem() {
        let (_, facts) = run();
        let mistake = |text: &str| Filter::new(text).mistake(std::iter::once(&facts)).unwrap_or_default();
        assert_eq!(mistake("randman best>0.9 data.name=x"), "");
        for (wrong, word) in [
            ("no<3", "there is no column `no`"),
            ("best>90", "write best>0.9"),
            ("best>x", "is a number"),
            ("epoch=>5", "epoch>=5"),
            ("verdict=fine", "no verdict `fine`"),
            ("optimizer.rate>1", "no run has the key optimizer.rate"),
        ] {
            assert!(mistake(wrong).contains(word), "{wrong}: {}", mistake(wrong));
        }
    }
}
