//! What `snn-gpu bench` and `torch_steps.py` have measured, as one table.
//!
//! Each writes a line of JSON for every measurement ([`Line`]). The floor of a job is the time that a training step takes at
//! least on a GPU, by the larger of two bounds ([`Job::floor`]).

use serde::Deserialize;

/// One line of a program that measures.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    /// What the GPU can do at most.
    Gpu {
        /// 32-bit multiply-adds count as two.
        gflop_per_s: f64,
        /// To and from main memory.
        gb_per_s: f64,
    },
    Job(Job),
    /// Median time of a training step.
    Step {
        job: String,
        batch: usize,
        program: Program,
        ms: f64,
    },
    /// A whole run: preset `randman`, 50 epochs with validation.
    Run {
        epochs: u32,
        seconds: f64,
        test_accuracy: f64,
    },
    /// Hashes of the loss and of all gradients of the same step, made twice.
    Repeat {
        job: String,
        loss: [String; 2],
        gradients: [String; 2],
    },
    /// Something that was not measured, and why.
    Skipped {
        what: String,
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Program {
    Snn,
    /// PyTorch, a plain loop over the steps.
    Loop,
    /// PyTorch, the body of that loop compiled.
    Compiled,
}

/// The shape of a job at one size of the batch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Job {
    pub(super) job: String,
    pub(super) batch: usize,
    steps: usize,
    inputs: usize,
    hidden: usize,
    recurrent: bool,
    outputs: usize,
    /// Spikes of the input in the whole batch; none where it is analog.
    events: Option<usize>,
    /// Of the hidden units.
    spikes_per_sample: f64,
}

/// The least time of a training step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Floor {
    ms: f64,
    by_memory: bool,
}

impl Job {
    /// With B samples, T steps, I inputs, H hidden units and O outputs:
    ///
    /// - arithmetic: products with adjoint currents, `V a` (H x H) and `W_out a` (H x O), and those with analog input, forward
    ///   and backward (2 I x H), are dense whatever spikes: `2 B T H (H if recurrent + O + 2 I if analog)` operations. Sums of
    ///   weight rows picked by spikes are not counted, they become fewer with the spikes.
    /// - memory: the backward pass needs every potential of the forward pass, 4 B T H bytes written and 4 B T H read; and both
    ///   passes read the input, 2 bytes an event and 4 a row of events, or 4 B T I where it is analog. Nothing else is counted:
    ///   it could stay on chip. So could all of a batch that fits the second-level cache, for which this floor is too high.
    fn floor(&self, gflop_per_s: f64, gb_per_s: f64) -> Floor {
        let rows = (self.batch * self.steps) as f64;
        let [inputs, hidden, outputs] = [self.inputs, self.hidden, self.outputs].map(|units| units as f64);
        let own = if self.recurrent { hidden } else { 0.0 };
        let analog = if self.events.is_none() { 2.0 * inputs } else { 0.0 };
        let operations = 2.0 * rows * hidden * (own + outputs + analog);
        let input = self.events.map_or(4.0 * rows * inputs, |events| 2.0 * events as f64 + 4.0 * rows);
        let bytes = 2.0 * (4.0 * rows * hidden + input);
        let (arithmetic, memory) = (operations / gflop_per_s / 1e6, bytes / gb_per_s / 1e6);
        Floor { ms: arithmetic.max(memory), by_memory: memory > arithmetic }
    }
}

/// The lines of a program in the order in which they came; what is no JSON is for people, and left out.
pub(super) fn parse(line: &str) -> Option<Line> {
    serde_json::from_str(line).ok()
}

/// One row for every job and size of the batch, and under the table what concerns no single row.
pub(super) fn render(lines: &[Line]) -> String {
    let limits = lines.iter().find_map(|line| match line {
        Line::Gpu { gflop_per_s, gb_per_s } => Some((*gflop_per_s, *gb_per_s)),
        _ => None,
    });
    let mut text = format!(
        "{:<4}{:>6} {:>10} {:>12} {:>10} {:>10} {:>9} {:>12} {:>7} {:>14} {:>7}\n",
        "job",
        "batch",
        "ms a step",
        "samples/s",
        "spikes",
        "floor ms",
        "% of it",
        "torch loop",
        "ratio",
        "torch compiled",
        "ratio"
    );
    for line in lines {
        let Line::Job(job) = line else { continue };
        let time = |program: Program| {
            lines.iter().find_map(|line| match line {
                Line::Step { job: name, batch, program: by, ms }
                    if *name == job.job && *batch == job.batch && *by == program =>
                {
                    Some(*ms)
                }
                _ => None,
            })
        };
        let ours = time(Program::Snn);
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let floor = limits.map(|(gflop_per_s, gb_per_s)| job.floor(gflop_per_s, gb_per_s));
        let mark = match floor {
            Some(Floor { by_memory: true, .. }) => "m",
            Some(_) => "a",
            None => "",
        };
        let ratio = |other: Option<f64>| {
            other.zip(ours).map_or_else(|| "-".to_owned(), |(other, ours)| format!("{:.1}x", other / ours))
        };
        let [plain, compiled] = [Program::Loop, Program::Compiled].map(time);
        text += &format!(
            "{:<4}{:>6} {:>10} {:>12} {:>10.0} {:>9}{mark:1} {:>9} {:>12} {:>7} {:>14} {:>7}\n",
            job.job,
            job.batch,
            number(ours, 3),
            number(ours.map(|ms| 1e3 * job.batch as f64 / ms), 0),
            job.spikes_per_sample,
            number(floor.map(|floor| floor.ms), 3),
            number(floor.zip(ours).map(|(floor, ms)| 100.0 * floor.ms / ms), 1),
            number(plain, 2),
            ratio(plain),
            number(compiled, 2),
            ratio(compiled),
        );
    }
    text += "spikes: of the hidden units, a sample; floor: a arithmetic, m memory, the larger of both";
    if let Some((gflop_per_s, gb_per_s)) = limits {
        text += &format!(", at {:.1} TFLOP/s and {:.2} TB/s", gflop_per_s / 1e3, gb_per_s / 1e3);
    }
    text.push('\n');
    for line in lines {
        match line {
            Line::Run { epochs, seconds, test_accuracy } => {
                let accuracy = 100.0 * test_accuracy;
                text += &format!("Randman, {epochs} epochs: {seconds:.2} s, test accuracy {accuracy:.2} %\n");
            }
            Line::Repeat { job, loss, gradients } => {
                let same = |[one, other]: &[String; 2]| if one == other { "same" } else { "DIFFERENT" };
                let (loss, gradients) = (same(loss), same(gradients));
                text += &format!(
                    "{job}, a step made twice: {loss} bits of the loss, {gradients} bits of gradients\n"
                );
            }
            Line::Skipped { what, reason } => text += &format!("skipped: {what} ({reason})\n"),
            Line::Gpu { .. } | Line::Job(_) | Line::Step { .. } => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB_S: &str = r#"{"kind":"job","job":"S","batch":256,"steps":500,"inputs":700,"hidden":256,"recurrent":true,
        "outputs":20,"events":2048000,"spikes_per_sample":2000.4}"#;

    fn job(text: &str) -> Job {
        match parse(text) {
            Some(Line::Job(job)) => job,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn floors_follow_their_formulas() {
        // 2 x 128,000 rows x 256 x (256 + 20) operations; 8 x 128,000 x 256 + 2 (2 x 2,048,000 + 4 x 128,000) bytes
        let shd = job(JOB_S);
        let floor = shd.floor(1000.0, 1000.0);
        assert!((floor.ms - 18.087_936).abs() < 1e-6 && !floor.by_memory, "{floor:?}");
        let floor = shd.floor(1e9, 1000.0);
        assert!((floor.ms - 0.271_36).abs() < 1e-6 && floor.by_memory, "{floor:?}");
        let analog = Job { events: None, recurrent: false, ..shd };
        let floor = analog.floor(1000.0, 1e9);
        assert!((floor.ms - 2.0 * 128.0 * 256.0 * 1420.0 / 1e6).abs() < 1e-6, "{floor:?}");
        let floor = analog.floor(1e9, 1000.0);
        assert!((floor.ms - 8.0 * 128.0 * 956.0 / 1e6).abs() < 1e-6, "{floor:?}");
    }

    #[test]
    fn both_programs_meet_in_one_row() {
        let lines = [
            r#"{"kind":"gpu","gflop_per_s":60000,"gb_per_s":3350}"#,
            JOB_S,
            r#"{"kind":"step","job":"S","batch":256,"program":"snn","ms":5.0}"#,
            r#"{"kind":"step","job":"S","batch":256,"program":"loop","ms":150.0}"#,
            r#"{"kind":"step","job":"S","batch":1024,"program":"compiled","ms":1.0}"#,
            r#"{"kind":"run","epochs":50,"seconds":2.5,"test_accuracy":0.996}"#,
            r#"{"kind":"skipped","what":"S compiled","reason":"no time left"}"#,
            r#"{"kind":"repeat","job":"S","loss":["a","b"],"gradients":["c","c"]}"#,
            "golden cases: all well",
        ];
        let lines: Vec<_> = lines.iter().filter_map(|line| parse(line)).collect();
        assert_eq!(lines.len(), 8);
        let text = render(&lines);
        let row: Vec<_> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["S", "256", "5.000", "51200", "2000", "0.301a", "6.0", "150.00", "30.0x", "-", "-"]);
        assert!(text.contains("Randman, 50 epochs: 2.50 s, test accuracy 99.60 %"), "{text}");
        assert!(text.contains("skipped: S compiled (no time left)"), "{text}");
        assert!(text.contains("DIFFERENT bits of the loss, same bits of gradients"), "{text}");
        assert!(text.contains("60.0 TFLOP/s and 3.35 TB/s"), "{text}");
    }

    #[test]
    fn a_row_without_measurements_says_so() {
        let text = render(&[Line::Job(job(JOB_S))]);
        let row: Vec<_> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["S", "256", "-", "-", "2000", "-", "-", "-", "-", "-", "-"]);
    }
}
