//! Retry policy for misbehaving servers.

use std::{
    hash::{BuildHasher as _, RandomState},
    thread,
    time::Duration,
};

/// When to retry, and when to give up.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// Consecutive attempts without a new byte.
    pub(crate) attempts: u32,
    /// Pause before the second attempt; doubles with each further one.
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
    /// The longest pause that a server may request.
    pub(crate) longest_request: Duration,
    pub(crate) connect: Duration,
    /// Maximum time without any byte.
    pub(crate) silence: Duration,
    /// Fewer bytes than this within `silence` count as none.
    pub(crate) least: u64,
    pub(crate) sleep: fn(Duration),
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            longest_request: Duration::from_secs(120),
            connect: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            least: 60 << 10,
            sleep: thread::sleep,
        }
    }
}

impl Patience {
    /// The pause before the next attempt, after `failed` consecutive ones; `None` to give up. The pause requested by the server
    /// is the minimum, up to a bound.
    pub(crate) fn pause(&self, failed: u32, requested: Option<Duration>) -> Option<Duration> {
        if failed >= self.attempts || requested.is_some_and(|requested| requested > self.longest_request) {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(16);
        let pause = self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause);
        // Random between half of it and all of it, so that many machines do not retry simultaneously.
        let random = RandomState::new().hash_one(failed) as f64 / u64::MAX as f64;
        let pause = pause.mul_f64(0.5 + 0.5 * random);
        Some(pause.max(requested.unwrap_or_default()))
    }
}

/// The pause in a `Retry-After` header: seconds, or a date.
pub(crate) fn retry_after(value: &str, now: std::time::SystemTime) -> Option<Duration> {
    let value = value.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let date = httpdate::parse_http_date(value).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let patience = Patience::default();
        for (failed, seconds) in [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0)] {
            for _ in 0..20 {
                let pause = patience.pause(failed, None).expect("a pause").as_secs_f64();
                assert!((0.5 * seconds..=seconds).contains(&pause), "{pause} after {failed}");
            }
        }
        assert_eq!(patience.pause(6, None), None);
        let long = Patience { attempts: u32::MAX, ..Patience::default() };
        assert!(long.pause(1_000_000, None).is_some_and(|pause| pause <= Duration::from_secs(30)));
    }

    #[test]
    fn a_delay_requested_by_the_server_is_bounded() {
        let patience = Patience::default();
        let seconds = Duration::from_secs;
        assert_eq!(patience.pause(1, Some(seconds(90))), Some(seconds(90)));
        assert_eq!(patience.pause(1, Some(seconds(3600))), None);
        assert_eq!(patience.pause(6, Some(seconds(1))), None);
    }

    #[test]
    fn both_forms_of_retry_after_are_parsed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
