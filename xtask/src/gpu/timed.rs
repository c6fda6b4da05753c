//! Programs with a deadline.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::process;

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It ended with this exit code.
    Code(u8),
    /// It was ended at its deadline.
    OutOfTime,
}

/// Runs `command` with `input` on its standard input until `deadline`, and passes on every line of its standard output.
pub(super) fn run(
    command: &mut Command,
    input: &str,
    deadline: Instant,
    mut take: impl FnMut(&str),
) -> Result<End> {
    process::announce(command);
    // a separate process group, so that its children end with it
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let start = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = start.with_context(|| format!("cannot start `{}`", process::line(command)))?;
    if let Some(mut stdin) = child.stdin.take() {
        // the program need not read its input
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.stdout.take().context("a program without output")?;
    let (sender, lines) = mpsc::channel();
    // ends with the output, or when the receiver is dropped
    thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).try_for_each(|it| sender.send(it))
    });
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => take(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return end(child);
            }
        }
    }
    // it has closed its output, and may still run
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a program")? {
            return Ok(End::Code(process::exit_code(status)));
        }
        if Instant::now() >= deadline {
            return end(child);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Ends it and all its children.
fn end(mut child: Child) -> Result<End> {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        // all of them may have ended already
        process::succeeds(Command::new("kill").args(["-KILL", "--", &group]));
    }
    child.kill().context("cannot end a program")?;
    child.wait().context("cannot wait for a program")?;
    Ok(End::OutOfTime)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, input: &str, limit: Duration) -> Result<(End, Vec<String>)> {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        let take = |line: &str| lines.push(line.to_owned());
        let end = run(command.args(["-c", script]), input, Instant::now() + limit, take)?;
        Ok((end, lines))
    }

    #[test]
    fn lines_and_exit_codes_come_back() -> Result<()> {
        let (end, lines) = shell("cat; echo end; exit 3", "one\ntwo\n", Duration::from_secs(60))?;
        assert_eq!((end, lines), (End::Code(3), vec!["one".into(), "two".into(), "end".into()]));
        Ok(())
    }

    #[test]
    fn a_program_without_end_is_ended_and_what_it_said_is_kept() -> Result<()> {
        for script in ["echo begun; exec sleep 600", "echo begun; exec >&-; exec sleep 600"] {
            let begin = Instant::now();
            let (end, lines) = shell(script, "", Duration::from_millis(500))?;
            assert_eq!((end, lines), (End::OutOfTime, vec!["begun".into()]));
            assert!(begin.elapsed() < Duration::from_secs(60));
        }
        Ok(())
    }
}
