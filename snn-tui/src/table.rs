//! The table of runs: a pure function of what is known about them.

use snn_train::run::State;

use crate::overview::Row;

const HEADINGS: [&str; 8] = ["run", "state", "epoch", "loss", "valid", "best", "test", "spikes"];

/// Draws the table as lines of text, for the time `now` in seconds since 1970-01-01 UTC.
///
/// `loss` is of the last epoch's training; `valid`, `best` and `test` are accuracies in %; `spikes` counts those of all
/// hidden layers for one sample, on average.
pub(crate) fn draw(rows: &[Row], now: f64) -> String {
    if rows.is_empty() {
        return "no runs here yet\n".to_owned();
    }
    let cells: Vec<_> =
        std::iter::once(HEADINGS.map(str::to_owned)).chain(rows.iter().map(|row| cells(row, now))).collect();
    let width = |column: usize| cells.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEADINGS.len()] = std::array::from_fn(width);

    let mut text = String::new();
    for line in &cells {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            // Words stand at the left of their columns, numbers at the right.
            text += &if column < 2 { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    for row in rows {
        let message = row.status.as_ref().and_then(|status| status.message.as_ref());
        if let Some(reason) = row.error.as_ref().or(message) {
            text += &format!("{}: {reason}\n", row.id);
        }
        if row.warnings > 0 {
            let noun = if row.warnings == 1 { "warning" } else { "warnings" };
            text += &format!(
                "{}: {} {noun}, see {}\n",
                row.id,
                row.warnings,
                row.path.join("metrics.jsonl").display()
            );
        }
    }
    text
}

fn cells(row: &Row, now: f64) -> [String; HEADINGS.len()] {
    let unknown = || "-".to_owned();
    let percent = |share: Option<f64>| share.map_or_else(unknown, |share| format!("{:.2}", 100.0 * share));
    let status = row.status.as_ref();
    let last = row.last_epoch.as_ref();
    let state = match status {
        _ if row.error.is_some() => "unreadable".to_owned(),
        None => "starting".to_owned(),
        Some(status) if row.stalled => format!("silent for {}", duration(now - status.heartbeat)),
        Some(status) => match status.state {
            State::Running => format!("running {}", duration(now - status.started)),
            State::Stopped => "stopped".to_owned(),
            State::Failed => "failed".to_owned(),
            State::Done => "done".to_owned(),
            _ => "unknown".to_owned(),
        },
    };
    [
        row.id.clone(),
        state,
        status.map_or_else(unknown, |status| format!("{}/{}", status.epoch, status.epochs)),
        last.map_or_else(unknown, |epoch| format!("{:.4}", epoch.train.loss)),
        percent(last.and_then(|epoch| Some(epoch.valid?.accuracy))),
        percent(status.and_then(|status| Some(status.best?.accuracy))),
        percent(status.and_then(|status| status.test_accuracy)),
        last.map_or_else(unknown, |epoch| {
            format!("{:.1}", epoch.layers.iter().map(|layer| layer.spikes).sum::<f64>())
        }),
    ]
}

/// A duration in its two largest units, such as `1h 05m`.
fn duration(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; fractions are not shown"
    )]
    let seconds = seconds as u64;
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes:02}m"),
        (days, hours, ..) => format!("{days}d {hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::{Overview, tests::write_run};

    #[test]
    fn a_table_shows_what_is_known_and_leaves_out_what_is_not() {
        let runs = tempfile::tempdir().unwrap();
        let status = r#"{"state":"done","epoch":50,"epochs":50,"test_accuracy":0.985,
            "best":{"epoch":40,"accuracy":0.99,"loss":0.1}}"#;
        let epoch = r#"{"kind":"epoch","epoch":50,"train":{"loss":0.25},"valid":{"accuracy":0.98},
            "layers":[{"spikes":200.0},{"spikes":100.5}]}"#;
        write_run(runs.path(), "demo", status, &(epoch.replace('\n', "") + "\n"));
        write_run(runs.path(), "other", r#"{"state":"failed","epochs":50,"message":"disk full"}"#, "");
        let mut overview = Overview::new(runs.path());
        overview.refresh().unwrap();
        assert_eq!(
            draw(overview.rows(), 0.0),
            "\
run    state   epoch    loss  valid   best   test  spikes
demo   done    50/50  0.2500  98.00  99.00  98.50   300.5
other  failed   0/50       -      -      -      -       -
other: disk full
"
        );
    }

    #[test]
    fn no_runs_are_said_to_be_none() {
        assert_eq!(draw(&[], 0.0), "no runs here yet\n");
    }

    #[test]
    fn durations_are_short() {
        let shown = [-1.0, 5.9, 65.0, 3_900.0, 90_000.0, f64::NAN].map(duration);
        assert_eq!(shown, ["0s", "5s", "1m 05s", "1h 05m", "1d 01h", "0s"]);
    }
}
