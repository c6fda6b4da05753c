//! Tables of the measurements of `snn-gpu` and `torch_steps.py`.
//!
//! The floor of a job is the minimum time of a training step on a GPU, the larger of two bounds (`Job::work`).

use super::{
    kernels,
    lines::{Ceilings, Job, Line, Program},
    model::Floor,
};

/// The limits of the GPU, and whether they were measured.
fn limits(lines: &[Line]) -> (Option<Ceilings>, bool) {
    let measured = lines.iter().find_map(|line| match line {
        Line::Ceilings(ceilings) => Some(*ceilings),
        _ => None,
    });
    let told = lines.iter().find_map(|line| match line {
        Line::Gpu(gpu) => Some(gpu.ceilings),
        _ => None,
    });
    (measured.or(told), measured.is_some())
}

/// One row per job and batch size, and other measurements below the table.
pub(super) fn render(lines: &[Line]) -> String {
    let (limits, measured) = limits(lines);
    let mut text = format!(
        "{:<4}{:>6} {:>10} {:>12} {:>10} {:>10} {:>9} {:>12} {:>7} {:>14} {:>7} {:>11} {:>7}\n",
        "job",
        "batch",
        "ms/step",
        "samples/s",
        "spikes",
        "floor ms",
        "% of it",
        "torch loop",
        "ratio",
        "torch compiled",
        "ratio",
        "torch graph",
        "ratio"
    );
    // every stage of a job describes it
    let mut jobs: Vec<&Job> = Vec::new();
    for line in lines {
        if let Line::Job(job) = line
            && !jobs.iter().any(|it| it.job == job.job && it.batch == job.batch)
        {
            jobs.push(job);
        }
    }
    for job in jobs {
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
        let floor = limits.map(|limits| job.work().floor(limits));
        let mark = match floor {
            Some(Floor { by_memory: true, .. }) => "m",
            Some(_) => "a",
            None => "",
        };
        let ratio = |other: Option<f64>| {
            other.zip(ours).map_or_else(|| "-".to_owned(), |(other, ours)| format!("{:.1}x", other / ours))
        };
        let [plain, compiled, graph] = [Program::Loop, Program::Compiled, Program::Graph].map(time);
        text += &format!(
            "{:<4}{:>6} {:>10} {:>12} {:>10.0} {:>9}{mark:1} {:>9} {:>12} {:>7} {:>14} {:>7} {:>11} {:>7}\n",
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
            number(graph, 2),
            ratio(graph),
        );
    }
    text += "spikes: of the hidden units, per sample; floor: a arithmetic, m memory, whichever is larger";
    if let Some(Ceilings { gflop_per_s, gb_per_s }) = limits {
        let how = if measured { "measured" } else { "as reported by the GPU" };
        text += &format!(", at {:.1} TFLOP/s and {:.2} TB/s, {how}", gflop_per_s / 1e3, gb_per_s / 1e3);
    }
    text.push('\n');
    text += &kernels::render(lines, limits);
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
                    "{job}, a step computed twice: {loss} bits of the loss, {gradients} bits of gradients\n"
                );
            }
            Line::Skipped { what, reason } => text += &format!("skipped: {what} ({reason})\n"),
            Line::Libraries { paths } => text += &format!("libraries: {}\n", paths.join(", ")),
            Line::Gpu(_)
            | Line::Ceilings(_)
            | Line::Job(_)
            | Line::Step { .. }
            | Line::Kernel(_)
            | Line::Launch(_)
            | Line::Host(_) => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            lines::parse,
            model::tests::{JOB_S, job},
        },
        *,
    };

    #[test]
    fn both_programs_meet_in_one_row() {
        let lines = [
            r#"{"kind":"gpu","gflop_per_s":67000,"gb_per_s":4800,"processors":132,"threads_per_processor":2048}"#,
            r#"{"kind":"libraries","paths":["/usr/local/nvidia/lib64/libcuda.so.1"]}"#,
            JOB_S,
            JOB_S,
            r#"{"kind":"ceilings","gflop_per_s":60000,"gb_per_s":3350}"#,
            r#"{"kind":"step","job":"S","batch":256,"program":"snn","ms":5.0}"#,
            r#"{"kind":"step","job":"S","batch":256,"program":"loop","ms":150.0}"#,
            r#"{"kind":"step","job":"S","batch":1024,"program":"compiled","ms":1.0}"#,
            r#"{"kind":"step","job":"S","batch":256,"program":"graph","ms":40.0}"#,
            r#"{"kind":"run","epochs":50,"seconds":2.5,"test_accuracy":0.996}"#,
            r#"{"kind":"skipped","what":"S compiled","reason":"no time left"}"#,
            r#"{"kind":"repeat","job":"S","loss":["a","b"],"gradients":["c","c"]}"#,
            "golden cases: all well",
        ];
        let lines: Vec<_> = lines.iter().filter_map(|line| parse(line)).collect();
        assert_eq!(lines.len(), 12);
        let text = render(&lines);
        let row: Vec<_> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        let expected = [
            "S", "256", "5.000", "51200", "2000", "0.301a", "6.0", "150.00", "30.0x", "-", "-", "40.00",
            "8.0x",
        ];
        assert_eq!(row, expected);
        assert_eq!(text.matches("150.00").count(), 1, "a job has one row: {text}");
        assert!(text.contains("Randman, 50 epochs: 2.50 s, test accuracy 99.60 %"), "{text}");
        assert!(text.contains("skipped: S compiled (no time left)"), "{text}");
        assert!(text.contains("DIFFERENT bits of the loss, same bits of gradients"), "{text}");
        assert!(text.contains("60.0 TFLOP/s and 3.35 TB/s, measured"), "{text}");
        assert!(text.contains("libraries: /usr/local/nvidia/lib64/libcuda.so.1"), "{text}");
    }

    #[test]
    fn a_row_without_measurements_says_so() {
        let text = render(&[Line::Job(job(JOB_S))]);
        let row: Vec<_> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        assert_eq!(row, ["S", "256", "-", "-", "2000", "-", "-", "-", "-", "-", "-", "-", "-"]);
    }
}
