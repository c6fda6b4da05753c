//! Table of the kernels of a training step: time, shape, occupancy, and fraction of the lower bound.

use super::{
    lines::{Ceilings, Gpu, Host, Kernel, Line},
    model::Floor,
};

/// One row per kernel of a step, job by job, and the work of the host. Empty if no kernel was timed.
pub(super) fn render(lines: &[Line], limits: Option<Ceilings>) -> String {
    let gpu = lines.iter().find_map(|line| match line {
        Line::Gpu(gpu) => Some(gpu),
        _ => None,
    });
    let mut text = String::new();
    let kernels: Vec<_> = lines.iter().filter_map(|line| of_line(line)).collect();
    if !kernels.is_empty() {
        text += &format!(
            "\n{:<4}{:<30} {:>2} {:>8} {:>6} {:>16} {:>9} {:>7} {:>4} {:>9} {:>6} {:>7} {:>10}\n",
            "job",
            "kernel",
            "n",
            "ms",
            "%",
            "blocks",
            "threads",
            "shared",
            "reg",
            "occupancy",
            "waves",
            "GB/s",
            "% of floor"
        );
    }
    for kernel in &kernels {
        text += &row(kernel, &kernels, lines, gpu, limits);
    }
    if !kernels.is_empty() {
        text += "n: launches in a step; GB/s and floor: of what all launches of that name must move and compute at least; kernels \
                 without are dfdx's, or do next to nothing\n";
    }
    for line in lines {
        if let Line::Host(Host {
            job,
            batch,
            operations,
            kernels,
            waits,
            upload_bytes,
            upload_ms,
            queue_ms,
            wait_ms,
        }) = line
        {
            text += &format!(
                "{job}, {batch} samples: {operations} operations a step for {kernels} kernels, and {waits} waits; the host \
                 uploads {:.2} MB in {upload_ms:.3} ms, queues for {queue_ms:.3} ms and waits for {wait_ms:.3} ms\n",
                *upload_bytes as f64 / 1e6
            );
        }
    }
    text
}

fn of_line(line: &Line) -> Option<&Kernel> {
    match line {
        Line::Kernel(kernel) => Some(kernel),
        _ => None,
    }
}

fn row(
    kernel: &Kernel,
    all: &[&Kernel],
    lines: &[Line],
    gpu: Option<&Gpu>,
    limits: Option<Ceilings>,
) -> String {
    let Kernel {
        job,
        batch,
        kernel: name,
        calls,
        ms,
        blocks,
        threads,
        shared,
        registers,
        blocks_per_processor,
    } = kernel;
    let of_job = || all.iter().filter(|it| it.job == *job && it.batch == *batch);
    let of_name: f64 = of_job().filter(|it| it.kernel == *name).map(|it| it.ms).sum();
    let of_step: f64 = of_job().map(|it| it.ms).sum();
    let work = lines.iter().find_map(|line| match line {
        Line::Job(shape) if shape.job == *job && shape.batch == *batch => Some(shape.work_of(name)),
        _ => None,
    });
    let work = work.flatten();
    let speed = work.map(|work| format!("{:.0}", work.bytes / of_name / 1e6));
    let share = work.zip(limits).map(|(work, limits)| {
        let Floor { ms, by_memory } = work.floor(limits);
        format!("{:.1}{}", 100.0 * ms / of_name, if by_memory { "m" } else { "a" })
    });
    let block = threads.iter().product::<u32>();
    let grid = blocks.map(u64::from).iter().product::<u64>();
    let occupancy = gpu.map(|gpu| {
        let percent = 100.0 * f64::from(blocks_per_processor * block) / f64::from(gpu.threads_per_processor);
        format!("{percent:.0} %")
    });
    let waves = gpu
        .map(|gpu| format!("{:.2}", grid as f64 / f64::from((blocks_per_processor * gpu.processors).max(1))));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let [x, y, z] = blocks;
    format!(
        "{job:<4}{name:<30} {calls:>2} {ms:>8.4} {:>6.1} {:>16} {:>9} {shared:>7} {registers:>4} {:>9} {:>6} {:>7} {:>10}\n",
        100.0 * ms / of_step,
        format!("{x} x {y} x {z}"),
        format!("{} x {}", threads[0], threads[1]),
        or_none(occupancy),
        or_none(waves),
        or_none(speed),
        or_none(share),
    )
}

#[cfg(test)]
mod tests {
    use super::{
        super::{lines::parse, model::tests::JOB_S},
        *,
    };

    #[test]
    fn kernels_are_held_against_their_floors() {
        let gpu = r#"{"kind":"gpu","gflop_per_s":60000,"gb_per_s":3350,"processors":132,"threads_per_processor":2048}"#;
        let tile = r#"{"kind":"kernel","job":"S","batch":256,"kernel":"lif_backward_recurrent_tile_2","calls":1,"ms":0.6,
            "blocks":[128,1,1],"threads":[64,8,1],"shared":167936,"registers":128,"local":0,"blocks_per_processor":1}"#;
        let small = r#"{"kind":"kernel","job":"S","batch":256,"kernel":"adam_update_f32","calls":3,"ms":0.2,
            "blocks":[512,1,1],"threads":[128,1,1],"shared":0,"registers":32,"local":0,"blocks_per_processor":16}"#;
        let host = r#"{"kind":"host","job":"S","batch":256,"operations":70,"kernels":30,"waits":3,"upload_bytes":4608004,
            "upload_ms":0.5,"queue_ms":0.3,"wait_ms":2.0}"#;
        let lines: Vec<_> = [gpu, JOB_S, tile, small, host].iter().filter_map(|line| parse(line)).collect();
        assert_eq!(lines.len(), 5);
        let limits = Ceilings { gflop_per_s: 60000.0, gb_per_s: 3350.0 };
        let text = render(&lines, Some(limits));
        let rows: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        // 128,000 x 256 x 524 operations at 60 TFLOP/s take 0.286 ms; 397.3 MB in 0.6 ms
        let expected =
            "S lif_backward_recurrent_tile_2 1 0.6000 75.0 128 x 1 x 1 64 x 8 167936 128 25 % 0.97 662 47.7a";
        assert_eq!(rows[2].join(" "), expected);
        assert_eq!(
            rows[3].join(" "),
            "S adam_update_f32 3 0.2000 25.0 512 x 1 x 1 128 x 1 0 32 100 % 0.24 - -"
        );
        assert!(text.contains("70 operations a step for 30 kernels, and 3 waits"), "{text}");
        assert!(text.contains("uploads 4.61 MB in 0.500 ms"), "{text}");
        assert_eq!(render(&lines[..2], Some(limits)), "");
    }
}
