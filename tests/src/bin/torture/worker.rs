//! The worker process, which parses: it may panic, abort or hang.

use std::{
    fs, panic,
    path::Path,
    time::{Duration, Instant},
};

use snn_test_support::mutation::mutated;

use crate::targets::TARGETS;

/// The first argument of a worker.
pub(crate) const WORD: &str = "--worker";

/// The time limit for a damaged file.
pub(crate) const LONGEST: Duration = Duration::from_secs(1);

/// Files per line to the parent.
const STEP: u64 = 200;

/// Parses damaged files for a while, from the seed `first` on, and reports in lines: `done TRIED ACCEPTED NANOSECONDS`,
/// `failed SEED FILE WHY`. Seed `n` damages the file `n` modulo their number.
pub(crate) fn work(target: &str, folder: &Path, first: u64, time: Duration) {
    let target = TARGETS.iter().find(|it| it.name == target).expect("a target");
    let files = corpus(&folder.join(target.name));
    panic::set_hook(Box::new(|_| ()));
    let begin = Instant::now();
    let (mut accepted, mut slowest) = (0_u64, Duration::ZERO);
    for seed in first.. {
        let file = &files[(seed % files.len() as u64) as usize];
        let bytes = mutated(file, seed);
        let start = Instant::now();
        match panic::catch_unwind(|| (target.parse)(&bytes)) {
            Ok(was_accepted) => accepted += u64::from(was_accepted),
            Err(reason) => {
                let text = reason.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| reason.downcast_ref::<&str>().copied()).unwrap_or("a panic");
                println!("failed {seed} panic: {}", text.replace('\n', " "));
            }
        }
        let took = start.elapsed();
        // On a busy machine, elapsed time misleads: measure again, in processor time.
        if took > LONGEST {
            let (begin, before) = (Instant::now(), processor_time());
            let _ = panic::catch_unwind(|| (target.parse)(&bytes));
            let used = processor_time().zip(before).map_or(begin.elapsed(), |(after, before)| after - before);
            if used > LONGEST {
                println!("failed {seed} it took {took:?}, {used:?} of processor time");
            }
        }
        slowest = slowest.max(took);
        if (seed - first) % STEP == STEP - 1 || begin.elapsed() >= time {
            println!("done {} {accepted} {}", seed + 1 - first, slowest.as_nanos());
            if begin.elapsed() >= time {
                return;
            }
        }
    }
}

/// Processor time of this thread, where the kernel reports it (Linux).
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}

/// The files of a folder, by name.
pub(crate) fn corpus(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a corpus");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file of the corpus")).collect()
}
