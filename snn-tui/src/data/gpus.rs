//! GPUs, by NVIDIA's program `nvidia-smi`.
//!
//! The library that it uses would need unsafe code here. The program takes up to a second, so each call of `look` starts it and returns
//! the answer of the previous one.

use std::{
    io::{self, Read as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PROGRAM: &str = "nvidia-smi";
/// The name is last, since it may contain commas.
const QUERY: &str = "--query-gpu=utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw,name";
const FORMAT: &str = "--format=csv,noheader,nounits";
/// How long the first call waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A GPU.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Gpu {
    pub(crate) name: String,
    /// Load, 0 to 1.
    pub(crate) load: Option<f64>,
    /// Used and all (bytes).
    pub(crate) memory: Option<(u64, u64)>,
    /// Degrees Celsius.
    pub(crate) temperature: Option<u32>,
    /// Watts.
    pub(crate) power: Option<f64>,
}

/// The state of the GPUs.
pub(super) struct Gpus {
    /// `nvidia-smi` or, in tests, a mock, with its arguments.
    program: String,
    arguments: Vec<String>,
    asked: Option<Child>,
    answer: Option<Result<Vec<Gpu>, String>>,
}

impl Gpus {
    pub(super) fn new() -> Self {
        Self::by(PROGRAM, &[QUERY, FORMAT])
    }

    fn by(program: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { program: program.to_owned(), arguments, asked: None, answer: None }
    }

    /// The last answer, or the reason why there is none. Waits only for the first answer.
    pub(super) fn look(&mut self) -> Result<Vec<Gpu>, String> {
        let begin = Instant::now();
        loop {
            let mut asked = match self.asked.take() {
                Some(asked) => asked,
                None => match self.ask() {
                    Ok(asked) => asked,
                    Err(error) => return Err(self.failure(&error)),
                },
            };
            match asked.try_wait() {
                Ok(None) if self.answer.is_none() && begin.elapsed() < PATIENCE => {
                    self.asked = Some(asked);
                    thread::sleep(Duration::from_millis(10));
                }
                Ok(None) => {
                    self.asked = Some(asked);
                    return self
                        .answer
                        .clone()
                        .unwrap_or_else(|| Err(format!("{} has not answered yet", self.program)));
                }
                Ok(Some(_)) => {
                    let answer = read(asked).unwrap_or_else(|error| Err(self.failure(&error)));
                    // The next call finds a new answer.
                    self.asked = self.ask().ok();
                    self.answer = Some(answer.clone());
                    return answer;
                }
                Err(error) => return Err(self.failure(&error)),
            }
        }
    }

    fn ask(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    }

    fn failure(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::NotFound => format!("{} was not found", self.program),
            _ => format!("cannot run {}: {error}", self.program),
        }
    }
}

impl Drop for Gpus {
    fn drop(&mut self) {
        if let Some(mut asked) = self.asked.take() {
            // It may have ended already.
            let _ = asked.kill();
            let _ = asked.wait();
        }
    }
}

/// The output of a program that has ended.
fn read(mut program: Child) -> io::Result<Result<Vec<Gpu>, String>> {
    let mut text = String::new();
    if let Some(mut output) = program.stdout.take() {
        output.read_to_string(&mut text)?;
    }
    let ended = program.wait()?;
    // Errors are in the output, too.
    Ok(if ended.success() {
        parse(&text)
    } else {
        Err(text.lines().next().unwrap_or("it failed").trim().to_owned())
    })
}

/// GPUs, one per line. Unknown values are in brackets, such as `[N/A]`.
fn parse(text: &str) -> Result<Vec<Gpu>, String> {
    let gpu = |line: &str| {
        let mut fields = line.splitn(6, ',').map(str::trim);
        let mut number = || fields.next().map(|field| field.parse::<f64>().ok());
        let [load, used, all, temperature, power] = [number()?, number()?, number()?, number()?, number()?];
        let bytes = |mebibytes: f64| (mebibytes * f64::from(1 << 20)) as u64;
        Some(Gpu {
            name: fields.next()?.to_owned(),
            load: load.map(|percent| percent / 100.0),
            memory: used.zip(all).map(|(used, all)| (bytes(used), bytes(all))),
            temperature: temperature.map(|degrees| degrees as u32),
            power,
        })
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty() && *line != "No devices were found");
    lines.map(|line| gpu(line).ok_or_else(|| format!("unexpected output of {PROGRAM}: `{line}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_parsed() {
        let gpu = |name: &str| Gpu {
            name: name.to_owned(),
            load: Some(0.37),
            memory: Some((1 << 30, 80 << 30)),
            temperature: Some(41),
            power: Some(76.5),
        };
        let unknown = Gpu { name: "Tesla, old".to_owned(), ..Gpu::default() };
        assert_eq!(
            parse(
                "37, 1024, 81920, 41, 76.50, NVIDIA H100\n[N/A], [N/A], [N/A], [N/A], [Not Supported], Tesla, old\n"
            ),
            Ok(vec![gpu("NVIDIA H100"), unknown])
        );
        assert_eq!(parse("No devices were found\n"), Ok(vec![]));
        assert_eq!(parse("1, 2\n"), Err("unexpected output of nvidia-smi: `1, 2`".to_owned()));
    }

    #[test]
    fn without_the_program_there_is_a_reason() {
        let reason = Gpus::by("no-such-program", &[]).look();
        assert_eq!(reason, Err("no-such-program was not found".to_owned()));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_started_for_every_look() {
        let program = |script: &str| Gpus::by("sh", &["-c", script]);
        let directory = tempfile::tempdir().unwrap();
        let count = directory.path().join("count");
        let count = count.to_string_lossy();
        // It counts how often it was started.
        let mut gpus = program(&format!("echo x >> {count}; echo \"$(wc -l < {count}), 1, 2, 3, 4, GPU\""));
        assert_eq!(gpus.look().unwrap()[0].load, Some(0.01));
        let begin = Instant::now();
        while gpus.look().unwrap()[0].load < Some(0.04) {
            assert!(begin.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(5));
        }
        let failing = program("echo NVIDIA-SMI has failed; exit 9").look();
        assert_eq!(failing, Err("NVIDIA-SMI has failed".to_owned()));
        // A program that hangs is waited for only once, and killed when its `Gpus` is dropped.
        let hanging = program("exec sleep 1000").look();
        assert_eq!(hanging, Err("sh has not answered yet".to_owned()));
    }
}
