//! Programs to which tests send signals.

use std::{ffi::OsStr, fs, process::Command};

/// The signals whose default a terminal or a user expects, with their numbers.
const RESET: [(&str, u32); 2] = [("INT", 2), ("HUP", 1)];

/// A command that starts `program` with the default effect of SIGINT and SIGHUP, even if the tests were started so that they ignore
/// them (`nohup cargo test`, or a background job of a script), which processes inherit. If the system does not report this (`/proc`),
/// or nothing is ignored, it is the same as `Command::new`.
#[must_use]
pub fn listening(program: impl AsRef<OsStr>) -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    if ignored.is_empty() {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.arg(format!("--default-signal={}", ignored.join(","))).arg(program);
    command
}

/// The signals that a process with this status ignores.
fn ignored(status: &str) -> Vec<&'static str> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    RESET.into_iter().filter(|(_, number)| mask >> (number - 1) & 1 == 1).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        let none: [&str; 0] = [];
        assert_eq!(ignored(""), none);
        assert_eq!(ignored("SigIgn:\t0000000000001000\n"), none);
        assert_eq!(ignored("SigIgn:\t0000000000001001\n"), ["HUP"]);
        assert_eq!(ignored("Name:\ta\nSigIgn:\t0000000000000007\nSigCgt:\t0\n"), ["INT", "HUP"]);
    }

    /// The test starts itself with ignored signals, as `nohup` and background jobs of scripts do.
    #[cfg(target_os = "linux")]
    #[test]
    fn programs_end_by_signals_that_the_tests_ignore() {
        use std::os::unix::process::ExitStatusExt as _;
        const STARTED: &str = "SNN_TEST_IGNORES_SIGNALS";
        if std::env::var_os(STARTED).is_some() {
            assert_eq!(ignored(&fs::read_to_string("/proc/self/status").unwrap()), ["INT", "HUP"]);
            for (name, number) in RESET {
                let script = format!("kill -{name} $$; exit 7");
                let status = listening("sh").args(["-c", &script]).status().unwrap();
                assert_eq!(status.signal(), Some(number as i32), "{name}");
                let status = Command::new("sh").args(["-c", &script]).status().unwrap();
                assert_eq!(status.code(), Some(7), "{name} is inherited");
            }
            return;
        }
        let name = "signals::tests::programs_end_by_signals_that_the_tests_ignore";
        let script = format!("trap '' INT HUP; exec \"$0\" --exact {name}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(std::env::current_exe().unwrap()).env(STARTED, "1");
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
    }
}
