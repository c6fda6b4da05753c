//! A terminal of tmux, and a trainer to watch.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

pub(crate) const VIEWER: &str = env!("CARGO_BIN_EXE_snn-tui");

/// The program `snn` if it and tmux are available; otherwise the test is reported as skipped.
pub(crate) fn trainer() -> Option<PathBuf> {
    let snn = Path::new(VIEWER).with_file_name("snn");
    if !snn.exists() {
        snn_test_support::skip("the program snn is not built (cargo build --release builds it)");
        return None;
    }
    if !Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success()) {
        snn_test_support::skip("tmux is not installed");
        return None;
    }
    Some(snn)
}

/// An 80x24 terminal on a separate tmux server.
pub(crate) struct Screen {
    socket: String,
}

impl Screen {
    pub(crate) fn new(name: &str, command: &str) -> Self {
        let screen = Self { socket: format!("snn-{name}-{}", std::process::id()) };
        screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", command]);
        screen
    }

    pub(crate) fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-u", "-L", &self.socket])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX")
            .output()
            .expect("tmux starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    pub(crate) fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until all of these words are on the screen.
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        wait(&format!("{words:?} on the screen"), || {
            let text = self.text();
            words.iter().all(|word| text.contains(word)).then_some(text)
        })
        .unwrap_or_else(|what| panic!("{what}; it shows:\n{}", self.text()))
    }

    /// The process in the terminal.
    pub(crate) fn process(&self) -> u32 {
        self.tmux(&["list-panes", "-F", "#{pane_pid}"]).trim().parse().expect("a process")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T, String> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if start.elapsed() > Duration::from_secs(90) {
            return Err(format!("timed out waiting for {what}"));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// A trainer that ends with the test.
pub(crate) struct Trainer(pub(crate) Child);

impl Trainer {
    /// Starts a run that does not end.
    pub(crate) fn start(snn: &Path, run: &Path) -> Self {
        let small = [
            "data.samples_per_class=40",
            "data.classes=3",
            "training.batch_size=20",
            "training.epochs=100000",
        ];
        let child = Command::new(snn)
            .args(["train", "randman", "--quiet", "--threads", "1", "--run-dir"])
            .arg(run)
            .args(small.iter().flat_map(|change| ["--set", change]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("snn starts");
        Self(child)
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }
}

impl Drop for Trainer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn epoch(run: &Path) -> u64 {
    let status = fs::read(run.join("status.json")).unwrap_or_default();
    let status: serde_json::Value = serde_json::from_slice(&status).unwrap_or_default();
    status["epoch"].as_u64().unwrap_or(0)
}

/// Makes the status of a killed trainer ten minutes older, in its content and its modification time, to avoid waiting for half a minute.
pub(crate) fn grow_old(run: &Path) {
    const AGE: f64 = 600.0;
    let path = run.join("status.json");
    let mut status: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(status["state"], "running", "the trainer was killed before it could say otherwise");
    status["heartbeat"] = (status["heartbeat"].as_f64().unwrap() - AGE).into();
    fs::write(&path, status.to_string()).unwrap();
    let then = SystemTime::now() - Duration::from_secs_f64(AGE);
    fs::File::options().append(true).open(&path).unwrap().set_modified(then).unwrap();
}

pub(crate) fn is_there(process: u32) -> bool {
    Command::new("kill").args(["-0", &process.to_string()]).stderr(Stdio::null()).status().unwrap().success()
}

pub(crate) fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}
