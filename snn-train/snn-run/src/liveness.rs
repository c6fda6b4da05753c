//! Whether a run that claims to be running still is: one rule for all programs.

use std::{
    env, fs,
    path::Path,
    time::{Instant, SystemTime},
};

use crate::{files::LOCK, regular, status::Status};

/// A trainer writes `status.json` about once per second, or once per batch if batches take longer. After this many seconds
/// without a sign of life, its run counts as stalled.
pub const STALLED_AFTER: f64 = 30.0;

/// The name of this machine, if it has one.
#[must_use]
pub fn host() -> Option<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| env::var("HOSTNAME").ok()).or_else(|| env::var("COMPUTERNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Whether the trainer in `directory` is known to be dead: it ran on this machine, its process no longer exists, and its lock is
/// free. If one of these is unknown, the heartbeat decides.
#[must_use]
pub(crate) fn is_gone(directory: &Path, status: &Status) -> bool {
    let is_here = status.host.is_some() && status.host == host() && Path::new("/proc/self").exists();
    if !is_here || Path::new("/proc").join(status.pid.to_string()).exists() {
        return false;
    }
    // The lock is released with the file.
    regular::open(directory.join(LOCK)).is_ok_and(|file| file.try_lock_shared().is_ok())
}

/// The current time in seconds since 1970-01-01 UTC.
#[must_use]
pub fn unix_time() -> f64 {
    unix(SystemTime::now())
}

fn unix(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        // A clock before 1970 is not set.
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// Seconds since a run's last sign of life, judged by its files: its `heartbeat` (seconds since 1970-01-01 UTC) is by the clock of
/// the trainer, and `modified`, when `status.json` was written, by that of the file system.
///
/// Clocks of other machines may be ahead or behind, so the sign of life nearer to `now` counts, and one in the future counts as
/// one equally far in the past: a dead run appears to be running for at most a minute and a half, instead of until that time.
/// To check repeatedly, use a [`Pulse`].
#[must_use]
pub fn silence(now: SystemTime, heartbeat: f64, modified: Option<SystemTime>) -> f64 {
    let signs = [Some(heartbeat), modified.map(unix)];
    let distances = signs.into_iter().flatten().map(|sign| (unix(now) - sign).abs());
    distances.fold(f64::INFINITY, f64::min)
}

/// Signs of life that are this far apart or in the future (s) come from clocks that differ; writing a file takes less time.
const CLOCKS_DIFFER: f64 = 5.0;
/// How far ahead our own clock may plausibly be (s).
const PLAUSIBLE: f64 = 900.0;

/// Whether a single look may mistake a live run for a stalled one: its clocks differ from ours or from each other, or its last sign of life
/// is so recent that our clock may be wrong. Only a second look decides (see [`beating`](crate::beating)).
#[must_use]
pub fn is_doubtful(now: SystemTime, heartbeat: f64, modified: Option<SystemTime>) -> bool {
    let now = unix(now);
    let written = modified.map_or(heartbeat, unix);
    let is_ahead = heartbeat.max(written) > now + CLOCKS_DIFFER;
    is_ahead || (heartbeat - written).abs() > CLOCKS_DIFFER || now - heartbeat.max(written) < PLAUSIBLE
}

/// Tracks the signs of life of a run over time: once they have changed, only this process's monotonic clock counts.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Option<Beat>);

#[derive(Debug, Clone)]
struct Beat {
    sign: (f64, Option<SystemTime>),
    since: Instant,
    /// The age of the sign when it was first seen, if there was none before.
    before: f64,
}

impl Pulse {
    /// Updates with the current state of the files, as in [`silence`], and returns the seconds since the last sign of life.
    pub fn observe(&mut self, heartbeat: f64, modified: Option<SystemTime>) -> f64 {
        self.observe_at(Instant::now(), SystemTime::now(), heartbeat, modified)
    }

    fn observe_at(
        &mut self,
        here: Instant,
        now: SystemTime,
        heartbeat: f64,
        modified: Option<SystemTime>,
    ) -> f64 {
        let sign = (heartbeat, modified);
        let before = match &self.0 {
            Some(beat) if beat.sign == sign => {
                return beat.before + here.duration_since(beat.since).as_secs_f64();
            }
            Some(_) => 0.0,
            None => silence(now, heartbeat, modified),
        };
        self.0 = Some(Beat { sign, since: here, before });
        before
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: f64 = 3600.0;

    fn at(seconds: f64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_single_look_uses_the_nearer_time() {
        let now = 100.0 * HOUR;
        let heard = |heartbeat: f64, modified: f64| silence(at(now), heartbeat, Some(at(modified)));
        assert_eq!(heard(now - 2.0, now - 3.0), 2.0, "clocks agree");
        assert_eq!(heard(now - HOUR, now - 3.0), 3.0, "the clock of the trainer is behind");
        assert_eq!(heard(now - 3.0, now + HOUR), 3.0, "the clock of the file server is ahead");
        assert_eq!(silence(at(now), now - 7.0, None), 7.0, "no modification time");
    }

    #[test]
    fn a_future_heartbeat_does_not_hide_a_dead_run() {
        let died = 100.0 * HOUR;
        let ahead = died + HOUR;
        // Ten minutes later, the clock of the trainer is still ahead of ours.
        assert!(silence(at(died + 600.0), ahead, Some(at(died))) > STALLED_AFTER);
        // Both were ahead: the run is not running until then.
        assert!(silence(at(died + 600.0), ahead, Some(at(ahead))) > STALLED_AFTER);
        let fooled = (0..2 * 3600)
            .filter(|&s| silence(at(died + f64::from(s)), ahead, Some(at(died))) <= STALLED_AFTER)
            .count() as f64;
        assert!(fooled <= 3.0 * STALLED_AFTER + 2.0, "{fooled} s");
    }

    #[test]
    fn repeated_looks_depend_only_on_changes() {
        let (here, now) = (Instant::now(), 100.0 * HOUR);
        let mut pulse = Pulse::default();
        let mut look = |after: f64, heartbeat: f64| {
            // Meanwhile, the clock of this machine is set back by an hour.
            let clock = at(now + after - if after > 5.0 { HOUR } else { 0.0 });
            pulse.observe_at(here + Duration::from_secs_f64(after), clock, heartbeat, None)
        };
        let behind = now - 24.0 * HOUR;
        assert!(look(0.0, behind) > STALLED_AFTER, "a clock a day behind, or a day old");
        assert!(look(1.0, behind) > STALLED_AFTER);
        assert_eq!(look(2.0, behind + 1.0), 0.0, "a new heartbeat");
        assert_eq!(look(10.0, behind + 1.0), 8.0);
        assert_eq!(look(40.0, behind + 1.0), 38.0);
        assert_eq!(look(41.0, behind + 2.0), 0.0);
    }
}
