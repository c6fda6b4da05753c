//! The results of a sweep as tables (CSV).

use toml::Value;

use super::{
    manifest::Settings,
    results::{Group, MeanSd, Results},
};

impl Results {
    /// One line per run, with a column for every key that varies.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let fixed =
            ["state", "epoch", "valid_accuracy", "test_accuracy", "spikes", "lost_classes", "seconds"];
        let keys = self.keys.iter().map(String::as_str);
        let head = ["id"].into_iter().chain(keys).chain(fixed).chain(["message"]);
        let mut csv = line(head.map(str::to_owned));
        for row in &self.rows {
            let spikes = row.spikes.iter().flatten().map(f64::to_string).collect::<Vec<_>>().join(" ");
            let values = [
                row.state.to_string(),
                row.epoch.to_string(),
                number(row.valid_accuracy),
                number(row.test_accuracy),
                spikes,
                number(row.lost_classes),
                row.seconds.to_string(),
                row.message.clone().unwrap_or_default(),
            ];
            csv += &line([row.id.clone()].into_iter().chain(cells(&self.keys, &row.settings)).chain(values));
        }
        csv
    }

    /// One line per group, with a column for every grouping key.
    #[must_use]
    pub fn groups_to_csv(&self, groups: &[Group]) -> String {
        let keys: Vec<String> = self
            .keys
            .iter()
            .filter(|key| groups.iter().any(|group| group.settings.contains_key(*key)))
            .cloned()
            .collect();
        let fixed = ["runs", "models", "valid_accuracy", "valid_accuracy_sd", "test_accuracy"];
        let fixed = fixed.into_iter().chain(["test_accuracy_sd", "spikes", "spikes_sd", "with_lost_classes"]);
        let mut csv = line(keys.iter().cloned().chain(fixed.map(str::to_owned)));
        for group in groups {
            let summary = |summary: Option<MeanSd>| {
                [number(summary.map(|it| it.mean)), number(summary.and_then(|it| it.sd))]
            };
            let counts = [group.runs.to_string(), group.models.len().to_string()];
            let numbers = [group.valid_accuracy, group.test_accuracy, group.spikes];
            let cells = cells(&keys, &group.settings).chain(counts);
            let cells = cells.chain(numbers.into_iter().flat_map(summary));
            csv += &line(cells.chain([number(group.with_lost_classes)]));
        }
        csv
    }
}

fn cells<'a>(keys: &'a [String], settings: &'a Settings) -> impl Iterator<Item = String> + 'a {
    keys.iter().map(|key| match settings.get(key) {
        None => String::new(),
        Some(Value::String(word)) => word.clone(),
        Some(value) => value.to_string(),
    })
}

fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A line of CSV (RFC 4180), quoted where necessary.
fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_necessary() {
        let cells = ["a", "[1, 2]", "say \"no\"", ""].map(str::to_owned);
        assert_eq!(line(cells.into_iter()), "a,\"[1, 2]\",\"say \"\"no\"\"\",\n");
    }
}
