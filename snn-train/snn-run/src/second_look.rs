//! A second look at runs that may only appear stalled because their clocks differ from ours.

use std::{
    thread,
    time::{Duration, Instant, SystemTime},
};

use crate::{directory::RunDir, liveness::is_doubtful, state::RunState, status::Status};

/// How long runs are watched, all at the same time: a trainer writes its status about once per second.
const WATCHED: Duration = Duration::from_millis(2500);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// For each run, whether its heartbeat was observed to change. Only runs that look stalled but may not be (see [`is_doubtful`]) are
/// watched, for up to 2.5 s; without such runs, this returns immediately.
#[must_use]
pub fn beating<'a>(runs: impl IntoIterator<Item = &'a RunDir>) -> Vec<bool> {
    beating_within(runs, WATCHED)
}

fn beating_within<'a>(runs: impl IntoIterator<Item = &'a RunDir>, time: Duration) -> Vec<bool> {
    let sign = |run: &RunDir| -> Option<(Status, Option<SystemTime>)> {
        Some((run.status().ok()?, run.status_written()))
    };
    let watched: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let (status, written) = sign(run)?;
            let seems = run.state_by(&status) == RunState::Stalled && !run.is_gone(&status);
            let is_watched = seems && is_doubtful(SystemTime::now(), status.heartbeat, written);
            is_watched.then_some((run, status.heartbeat, written))
        })
        .collect();
    let mut beat = vec![false; watched.len()];
    let begin = Instant::now();
    loop {
        let mut waits = false;
        for (watched, beat) in watched.iter().zip(&mut beat) {
            let Some((run, heartbeat, written)) = watched else { continue };
            if !*beat {
                *beat = sign(run).is_some_and(|now| (now.0.heartbeat, now.1) != (*heartbeat, *written));
                waits |= !*beat;
            }
        }
        if !waits || begin.elapsed() >= time {
            return beat;
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{
        files::{CONFIG, STATUS},
        status::RecordedState,
        unix_time,
    };

    /// A run whose status was written `ago` seconds ago by the clocks of trainer and file system.
    fn write(path: &Path, trainer: f64, files: f64) {
        let status =
            Status { state: RecordedState::Running, heartbeat: unix_time() - trainer, ..Status::default() };
        fs::write(path.join(STATUS), serde_json::to_vec(&status).unwrap()).unwrap();
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(unix_time() - files);
        fs::File::options().write(true).open(path.join(STATUS)).unwrap().set_modified(written).unwrap();
    }

    #[test]
    fn runs_with_other_clocks_are_recognized_by_their_heartbeat() {
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str, trainer: f64, files: f64| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join(CONFIG), "").unwrap();
            write(&path, trainer, files);
            RunDir::open(path).unwrap()
        };
        const HOUR: f64 = 3600.0;
        let runs = [
            // Both clocks are five minutes behind, or an hour ahead, including those of the dead runs.
            run("alive-behind", 300.0, 300.0),
            run("alive-ahead", -HOUR, -HOUR),
            run("dead-behind", 300.0, 300.0),
            run("dead-ahead", -HOUR, -HOUR),
            // The clock of the file system is a day ahead, that of the trainer a day behind.
            run("alive-apart", 24.0 * HOUR, -24.0 * HOUR),
            // No doubt.
            run("alive", 1.0, 1.0),
            run("dead-long", 24.0 * HOUR, 24.0 * HOUR),
        ];
        let by_one_look: Vec<_> = runs.iter().map(|run| run.state().unwrap()).collect();
        assert!(by_one_look[..5].iter().all(|state| *state == RunState::Stalled), "{by_one_look:?}");
        let paths: Vec<_> = runs.iter().map(|run| run.path().to_owned()).collect();
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            for (path, (trainer, files)) in [
                (&paths[0], (299.0, 299.0)),
                (&paths[1], (-HOUR - 1.0, -HOUR - 1.0)),
                (&paths[4], (24.0 * HOUR - 1.0, -24.0 * HOUR)),
            ] {
                write(path, trainer, files);
            }
        });
        let beat = beating_within(&runs, Duration::from_millis(1200));
        writer.join().unwrap();
        assert_eq!(beat, [true, true, false, false, true, false, false]);
        let begin = Instant::now();
        assert_eq!(beating(&runs[5..]), [false, false], "none is watched");
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
}
