//! Whether a run that claims to be running still is: one rule for all programs.

use std::{
    env, fs,
    path::Path,
    time::{Instant, SystemTime},
};

use crate::{files::LOCK, regular, status::Status};

/// A trainer writes `status.json` about once a second, or once a batch where batches take longer. When nothing has been
/// heard of it for more than so many seconds, its run is stalled.
pub const STALLED_AFTER: f64 = 30.0;

/// The name of this machine, if it has one.
#[must_use]
pub fn host() -> Option<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| env::var("HOSTNAME").ok()).or_else(|| env::var("COMPUTERNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Whether the trainer in `directory` is surely gone: it ran on this machine, there is no such process any more, and nobody
/// holds its lock. Where one of these cannot be told, the heartbeat decides.
#[must_use]
pub(crate) fn is_gone(directory: &Path, status: &Status) -> bool {
    let is_here = status.host.is_some() && status.host == host() && Path::new("/proc/self").exists();
    if !is_here || Path::new("/proc").join(status.pid.to_string()).exists() {
        return false;
    }
    // The lock goes with the file.
    regular::open(directory.join(LOCK)).is_ok_and(|file| file.try_lock_shared().is_ok())
}

/// Seconds since 1970-01-01 UTC, now.
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

/// Seconds since a run was last heard of, as one look at its files tells: its `heartbeat` (seconds since 1970-01-01 UTC) is
/// by the clock of the trainer, and `modified`, when `status.json` was written, by that of the file system.
///
/// Clocks of other machines may be ahead or behind, so the sign of life that is nearer to `now` counts, and one from the
/// future counts as one as far in the past: a run that has died passes for one that runs for a minute and
/// a half at most, and not until the future has come. Whoever looks more than once had better use a [`Pulse`].
#[must_use]
pub fn silence(now: SystemTime, heartbeat: f64, modified: Option<SystemTime>) -> f64 {
    let signs = [Some(heartbeat), modified.map(unix)];
    let distances = signs.into_iter().flatten().map(|sign| (unix(now) - sign).abs());
    distances.fold(f64::INFINITY, f64::min)
}

/// Signs that are this far apart or ahead of us (s) are those of clocks that differ; what writing a file takes is less.
const CLOCKS_DIFFER: f64 = 5.0;
/// Without any proof of that, our own clock may be ahead by so much (s).
const PLAUSIBLE: f64 = 900.0;

/// Whether one look may take a run that lives for a stalled one: its clocks are seen to differ from ours or from each other, or it was heard
/// of so short a time ago that ours may be wrong. Only a second look decides (see [`beating`](crate::beating)).
#[must_use]
pub fn is_doubtful(now: SystemTime, heartbeat: f64, modified: Option<SystemTime>) -> bool {
    let now = unix(now);
    let written = modified.map_or(heartbeat, unix);
    let is_ahead = heartbeat.max(written) > now + CLOCKS_DIFFER;
    is_ahead || (heartbeat - written).abs() > CLOCKS_DIFFER || now - heartbeat.max(written) < PLAUSIBLE
}

/// The signs of life of a run, for whoever looks again and again: once they have been seen to change, no clock but our own
/// counts, and that one never jumps.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Option<Beat>);

#[derive(Debug, Clone)]
struct Beat {
    sign: (f64, Option<SystemTime>),
    since: Instant,
    /// How old the sign was when it was first seen, if none was seen before.
    before: f64,
}

impl Pulse {
    /// Takes notice of what the files say now, as [`silence`] does, and returns the seconds since the run was last heard of.
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
    fn one_look_trusts_the_nearer_sign() {
        let now = 100.0 * HOUR;
        let heard = |heartbeat: f64, modified: f64| silence(at(now), heartbeat, Some(at(modified)));
        assert_eq!(heard(now - 2.0, now - 3.0), 2.0, "clocks agree");
        assert_eq!(heard(now - HOUR, now - 3.0), 3.0, "the clock of the trainer is behind");
        assert_eq!(heard(now - 3.0, now + HOUR), 3.0, "that of the file server is ahead");
        assert_eq!(silence(at(now), now - 7.0, None), 7.0, "no time of writing");
    }

    #[test]
    fn a_heartbeat_from_the_future_keeps_no_dead_run_alive() {
        let died = 100.0 * HOUR;
        let ahead = died + HOUR;
        // Ten minutes after, the clock of the trainer is still ahead of ours.
        assert!(silence(at(died + 600.0), ahead, Some(at(died))) > STALLED_AFTER);
        // Both were ahead: the run is not running until then.
        assert!(silence(at(died + 600.0), ahead, Some(at(ahead))) > STALLED_AFTER);
        let fooled = (0..2 * 3600)
            .filter(|&s| silence(at(died + f64::from(s)), ahead, Some(at(died))) <= STALLED_AFTER)
            .count() as f64;
        assert!(fooled <= 3.0 * STALLED_AFTER + 2.0, "{fooled} s");
    }

    #[test]
    fn whoever_watches_goes_by_changes_alone() {
        let (here, now) = (Instant::now(), 100.0 * HOUR);
        let mut pulse = Pulse::default();
        let mut look = |after: f64, heartbeat: f64| {
            // The clock of this machine is set back by an hour meanwhile.
            let clock = at(now + after - if after > 5.0 { HOUR } else { 0.0 });
            pulse.observe_at(here + Duration::from_secs_f64(after), clock, heartbeat, None)
        };
        let behind = now - 24.0 * HOUR;
        assert!(look(0.0, behind) > STALLED_AFTER, "a clock a day behind, or a day old");
        assert!(look(1.0, behind) > STALLED_AFTER);
        assert_eq!(look(2.0, behind + 1.0), 0.0, "it beats");
        assert_eq!(look(10.0, behind + 1.0), 8.0);
        assert_eq!(look(40.0, behind + 1.0), 38.0);
        assert_eq!(look(41.0, behind + 2.0), 0.0);
    }
}
