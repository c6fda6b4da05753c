//! Spikes as lines of text.

use std::{
    io::{BufRead, Read as _},
    path::Path,
};

use anyhow::Context as _;
use snn_train::{
    Error,
    stream::{Decision, Stream},
};

use crate::common::UsageError;

/// Maximum length of a line in bytes.
const LONGEST: u64 = 1000;

/// Pushes the spikes of all lines: `TIME UNIT`, separated by spaces, tabs or a comma. Empty lines and those that start with `#`
/// are ignored.
pub(super) fn read(
    mut lines: impl BufRead,
    path: &Path,
    stream: &mut Stream,
    tell: &mut dyn FnMut(&Decision<'_>),
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = (&mut lines).take(LONGEST).read_until(b'\n', &mut line);
        if read.with_context(|| format!("cannot read spikes from {}", path.display()))? == 0 {
            return Ok(());
        }
        let place = || format!("line {number} of {}", path.display());
        match parse(&line).map_err(|reason| UsageError(format!("{}: {reason}", place())))? {
            None => {}
            Some((time, None)) => stream.push_silence(time, tell).map_err(refused).with_context(place)?,
            Some((time, Some(unit))) => {
                stream.push_spike(time, unit, tell).map_err(refused).with_context(place)?
            }
        }
    }
    Ok(())
}

/// The reason why a line is refused: it has no settings that are impossible.
fn refused(error: Error) -> anyhow::Error {
    match error {
        Error::Impossible(reason) => UsageError(reason).into(),
        other => other.into(),
    }
}

/// Time in ms and unit of a line, unless it is empty or a comment.
fn parse(line: &[u8]) -> Result<Option<(f64, Option<u16>)>, String> {
    let expected = "a line has a time in ms and an input unit, such as `3.5 12`";
    let text = std::str::from_utf8(line).map_err(|_| format!("this is not text: {expected}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let words: Vec<&str> =
        text.split(|it: char| it == ',' || it.is_whitespace()).filter(|word| !word.is_empty()).collect();
    let refuse = || format!("`{}` is not a spike: {expected}", text.chars().take(60).collect::<String>());
    let (time, unit) = match words[..] {
        [time] => (time, None),
        [time, unit] => (time, Some(unit)),
        _ => return Err(refuse()),
    };
    let time = time.parse().map_err(|_| refuse())?;
    Ok(Some((time, unit.map(str::parse).transpose().map_err(|_| refuse())?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_spikes_silence_or_ignored() {
        for (line, spike) in [
            ("3.5 12\n", Some((3.5, Some(12)))),
            ("\u{feff}3.5,12\r\n", Some((3.5, Some(12)))),
            (" 1e2\t65535", Some((100.0, Some(u16::MAX)))),
            ("40\n", Some((40.0, None))),
            ("# time unit\n", None),
            ("\n", None),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(spike), "{line:?}");
        }
        for line in ["time,unit", "1 2 3", "1 -2", "1 65536", "one", ","] {
            let error = parse(line.as_bytes()).unwrap_err();
            assert!(error.starts_with(&format!("`{line}` is not a spike")), "{error}");
        }
        assert!(parse(b"RIFF\xff\xfe").unwrap_err().starts_with("this is not text"));
    }
}
