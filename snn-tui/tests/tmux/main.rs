//! The dashboard in a real terminal, over a real trainer. The tests send keys, read the screen, and kill either of the two.
//!
//! They need tmux, and the program `snn` next to `snn-tui`, as a build of the workspace creates it. Otherwise they report that
//! they were skipped.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "test helpers fail like tests"
)]

mod terminal;

use std::{fs, path::Path, process::Command, time::SystemTime};

use terminal::{Screen, Trainer, VIEWER, epoch, grow_old, is_there, signal, trainer, wait};

#[test]
fn screens_follow_a_trainer_and_either_outlives_the_other() {
    let Some(snn) = trainer() else { return };
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    fs::create_dir(&runs).unwrap();
    let viewer = format!("{VIEWER} {}", runs.display());
    let screen = Screen::new("follow", &viewer);
    screen.wait_for(&["No runs in", "q quit"]);

    let run = runs.join("mine");
    let mut trainer = Trainer::start(&snn, &run);
    screen.wait_for(&["1 run, 1 running", "mine", "/100000", "randman"]);
    screen.press(&["Enter"]);
    screen.wait_for(&["loss", "accuracy", "epoch", "mine"]);
    screen.press(&["3"]);
    screen.wait_for(&["mine", "epoch"]);
    screen.press(&["4"]);
    screen.wait_for(&["W1", "Wout"]);
    screen.press(&["6"]);
    screen.wait_for(&["machine", "backward", "forward"]);
    screen.press(&["?"]);
    screen.wait_for(&["Everywhere", "quit; runs continue"]);
    // A narrower terminal, and back.
    screen.tmux(&["resize-window", "-x", "40", "-y", "10"]);
    screen.wait_for(&["scroll the log", "Everywhere"]);
    screen.press(&["Escape"]);
    screen.wait_for(&["1 running", "mine"]);
    screen.press(&["/", "mine"]);
    screen.wait_for(&["/mine_   1 of 1 runs"]);
    screen.press(&["Escape"]);
    screen.tmux(&["resize-window", "-x", "80", "-y", "24"]);
    screen.wait_for(&["machine", "backward"]);

    // The connection drops: the viewer ends, training continues.
    let process = screen.process();
    drop(screen);
    wait("the end of the viewer", || (!is_there(process)).then_some(())).unwrap();
    let before = epoch(&run);
    wait("another epoch", || (epoch(&run) > before).then_some(())).unwrap();
    assert!(trainer.is_alive());

    // It also continues if the viewer is killed.
    let screen = Screen::new("again", &viewer);
    screen.wait_for(&["1 running"]);
    signal("-KILL", screen.process());
    let before = epoch(&run);
    wait("another epoch", || (epoch(&run) > before).then_some(())).unwrap();
    assert!(trainer.is_alive());
    drop(screen);

    // The trainer is killed: the viewer reports that it shows no sign of life.
    let screen = Screen::new("stall", &viewer);
    screen.wait_for(&["1 running"]);
    drop(trainer);
    drop(screen);
    grow_old(&run);
    let screen = Screen::new("later", &viewer);
    screen.wait_for(&["stalled", "no update for"]);
    fs::remove_dir_all(&run).unwrap();
    screen.wait_for(&["No runs in"]);
}

#[test]
fn a_run_is_stopped_after_a_question() {
    let Some(snn) = trainer() else { return };
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("mine");
    let mut trainer = Trainer::start(&snn, &run);
    let screen = Screen::new("stop", &format!("{VIEWER} {}", directory.path().display()));
    screen.wait_for(&["1 running"]);
    screen.press(&["x"]);
    screen.wait_for(&["Stop mine after this batch"]);
    screen.press(&["n"]);
    screen.press(&["x"]);
    screen.press(&["y"]);
    screen.wait_for(&["1 stopped"]);
    assert_eq!(wait("the trainer's end", || trainer.0.try_wait().unwrap()).unwrap().code(), Some(3));
    assert!(run.join("checkpoints/last.safetensors").exists());
}

/// `snn train --watch`: the trainer outlives the dashboard, and the terminal.
#[test]
fn a_watched_trainer_outlives_the_terminal() {
    let Some(snn) = trainer() else { return };
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("mine");
    let train = |change: &str| {
        let small =
            "--set data.samples_per_class=40 --set data.classes=3 --set training.batch_size=20 --threads 1";
        let (snn, run) = (snn.display(), run.display());
        format!("{snn} train randman --watch --run-dir {run} {small} --set {change}")
    };
    let screen = Screen::new("watch", "env PS1='ready> ' sh");
    screen.wait_for(&["ready>"]);
    screen.press(&[&train("training.epohcs=3"), "Enter"]);
    screen.wait_for(&["did you mean", "unknown key"]);
    assert!(!run.exists(), "a wrong key starts nothing");

    screen.press(&["clear", "Enter"]);
    screen.press(&[&train("training.epochs=100000"), "Enter"]);
    screen.wait_for(&["1 run, 1 running", "mine"]);
    screen.press(&["q"]);
    screen.wait_for(&["training continues in", "ready>"]);
    let on = |when: &str| {
        let before = epoch(&run);
        wait(&format!("another epoch {when}"), || (epoch(&run) > before).then_some(())).unwrap();
    };
    on("after the dashboard");
    drop(screen);
    on("after the terminal");
    assert!(fs::read_to_string(run.join("trainer.log")).unwrap().contains("epoch"));
    fs::write(run.join("stop"), "").unwrap();
    let stopped = || {
        let status = fs::read_to_string(run.join("status.json")).unwrap_or_default();
        status.contains("\"stopped\"").then_some(())
    };
    wait("the trainer's end", stopped).unwrap();
}

/// `snn train --watch`: after the end of the run, quitting prints its result.
#[test]
fn a_watched_trainer_that_has_ended_prints_its_result() {
    let Some(snn) = trainer() else { return };
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("mine");
    let small =
        "--set data.samples_per_class=40 --set data.classes=3 --set training.batch_size=20 --threads 1";
    let screen = Screen::new("result", "env PS1='ready> ' sh");
    screen.wait_for(&["ready>"]);
    let train = format!("{} train randman --watch --run-dir {} {small}", snn.display(), run.display());
    screen.press(&[&format!("{train} --set training.epochs=30; echo code $?"), "Enter"]);
    screen.wait_for(&["1 run, 1 done"]);
    screen.press(&["q"]);
    let text = screen.wait_for(&["test accuracy", "verdict", "code 0"]);
    assert!(!text.contains("training continues in"), "{text}");
}

/// Ctrl-Z returns to the shell, with its text, and `fg` to the dashboard; so does a signal from another process.
#[test]
fn ctrl_z_and_fg_work_as_in_any_program() {
    if trainer().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let screen = Screen::new("stop-and-go", "env PS1='ready> ' sh");
    screen.wait_for(&["ready>"]);
    screen.press(&[&format!("{VIEWER} {}", directory.path().display()), "Enter"]);
    screen.wait_for(&["No runs in", "q quit"]);
    for (round, signal) in
        [("key", None), ("key again", None), ("signal", Some("-TSTP")), ("stop", Some("-STOP"))]
    {
        match signal {
            None => screen.press(&["C-z"]),
            Some(signal) => {
                let pattern = format!("snn-tui {}", directory.path().display());
                let sent = Command::new("pkill").args([signal, "-f", &pattern]).status();
                if !sent.is_ok_and(|status| status.success()) {
                    return snn_test_support::skip("the part with signals: pkill is not installed");
                }
            }
        }
        // SIGSTOP comes without a warning, so the terminal stays in raw mode: Enter is not a line break then.
        let enter = if signal == Some("-STOP") { "C-j" } else { "Enter" };
        if signal == Some("-STOP") {
            screen.wait_for(&["Stopped"]);
        } else {
            screen.wait_for(&["ready>", "Stopped"]);
            screen
                .press(&["clear; stty -a | grep -o -w -e -icanon -e icanon; echo $((1000 + 234))", "Enter"]);
            let text = screen.wait_for(&["1234"]);
            assert!(text.contains("icanon") && !text.contains("-icanon\n"), "{round}: {text}");
            assert!(!text.contains("No runs in"), "{round}: {text}");
        }
        screen.press(&["clear", enter]);
        screen.press(&["fg", enter]);
        screen.wait_for(&["1 Runs", "No runs in", "q quit"]);
        screen.press(&["2"]);
        screen.wait_for(&["No run is selected"]);
        screen.press(&["1"]);
        screen.wait_for(&["They appear here"]);
    }
    screen.press(&["q"]);
    screen.wait_for(&["ready>"]);

    // Without a shell that could continue it, it does not stop.
    let alone = Screen::new("alone", &format!("{VIEWER} {}", directory.path().display()));
    alone.wait_for(&["No runs in"]);
    alone.press(&["C-z"]);
    alone.wait_for(&["cannot suspend"]);
}

/// The terminal's answer about its background determines the colors; none of it is mistaken for keys.
#[test]
fn the_background_is_queried() {
    if trainer().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let viewer = format!("{VIEWER} --color 256 {}", directory.path().display());
    // The gray of dim text on either background.
    for (background, options, gray) in [
        ("#ffffff", "", "38;5;241"),
        ("#1e1e1e", "", "38;5;247"),
        ("#ffffff", " --theme dark", "38;5;247"),
        ("#1e1e1e", " --theme light", "38;5;241"),
    ] {
        let screen = Screen::new(&format!("ground{background}{}", options.len()), "env PS1='ready> ' sh");
        screen.wait_for(&["ready>"]);
        screen.tmux(&["set-option", "-g", "window-style", &format!("bg={background}")]);
        screen.press(&[&format!("{viewer}{options}"), "Enter"]);
        screen.wait_for(&["No runs in", "q quit"]);
        let found = wait("the color", || {
            let painted = screen.tmux(&["capture-pane", "-p", "-e"]);
            painted.contains(gray).then_some(())
        });
        found.unwrap_or_else(|what| {
            panic!("{what} on {background}{options}: {}", screen.tmux(&["capture-pane", "-pe"]))
        });
        assert!(screen.text().contains("They appear here"), "still the first screen: {}", screen.text());
    }
}

#[test]
fn a_dumb_terminal_gets_text_and_an_error_no_screen() {
    if trainer().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let screen = Screen::new("dumb", "env PS1='ready> ' sh");
    screen.wait_for(&["ready>"]);
    screen.press(&[
        &format!("clear; TERM=dumb {VIEWER} {}; echo code $?", directory.path().display()),
        "Enter",
    ]);
    screen.wait_for(&["No runs in", "code 0", "ready>"]);

    // In interactive use, errors are reported before anything is drawn.
    pretend(&directory.path().join("mine"), "done");
    screen.press(&[
        &format!("clear; {VIEWER} --mark yours {}; echo code $?", directory.path().display()),
        "Enter",
    ]);
    screen.wait_for(&["there is no run `yours`", "known: mine", "code 1", "ready>"]);
}

/// A run as left by a trainer, which claims to be in this state now.
fn pretend(run: &Path, state: &str) {
    fs::create_dir_all(run).unwrap();
    fs::write(run.join("config.toml"), "[data]\nname = \"randman\"\n").unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let status = serde_json::json!({"version": 1, "state": state, "epoch": 3, "epochs": 9, "heartbeat": now});
    fs::write(run.join("status.json"), status.to_string()).unwrap();
}

#[test]
fn clicks_and_notifications_work() {
    if trainer().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    for (how, expected) in
        [("bell", "\x07"), ("osc9", "\x1bPtmux;\x1b\x1b]9;snn-tui: mine is done\x07\x1b\\")]
    {
        pretend(&runs.join("mine"), "running");
        let screen = Screen::new(how, "env PS1='ready> ' sh");
        screen.wait_for(&["ready>"]);
        let bytes = directory.path().join(how);
        screen.tmux(&["pipe-pane", "-o", &format!("cat > {}", bytes.display())]);
        screen.press(&[&format!("{VIEWER} --mouse --notify {how} {}", runs.display()), "Enter"]);
        let text = screen.wait_for(&["1 run, 1 running", "6 System"]);
        let column = text.lines().next().unwrap().find("6 System").unwrap() + 2;
        screen.press(&["-l", &format!("\x1b[<0;{column};1M\x1b[<0;{column};1m")]);
        screen.wait_for(&["machine"]);
        let written = || fs::read_to_string(&bytes).unwrap_or_default();
        assert!(!written().contains(expected), "nothing has ended yet");
        pretend(&runs.join("mine"), "done");
        wait(how, || written().contains(expected).then_some(())).unwrap();
        screen.press(&["q"]);
        screen.wait_for(&["ready>"]);
        assert!(written().contains("\x1b[?1000l"), "mouse reporting is disabled");
    }
}

/// The shell afterwards: its text is restored, input is echoed, and lines end correctly.
#[test]
fn the_terminal_is_restored_after_quitting_and_after_signals() {
    if trainer().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let screen = Screen::new("back", "env PS1='ready> ' sh");
    screen.wait_for(&["ready>"]);
    let normal = |screen: &Screen, round: &str| {
        screen
            .press(&[&format!("stty -a | tr ';' '\\n' | grep -ow -e -echo -e echo; echo {round}"), "Enter"]);
        let text = screen.wait_for(&[&format!("\n{round}")]);
        // The prompt may precede it, if the shell was slow.
        let echoes = |line: &str| ["echo", "ready> echo"].contains(&line.trim_end());
        assert!(text.lines().any(echoes), "the terminal echoes nothing:\n{text}");
    };
    normal(&screen, "before");
    let viewer = format!("{VIEWER} {}", directory.path().display());
    for (round, end) in [("quit", None), ("term", Some("TERM")), ("hup", Some("HUP")), ("int", Some("INT"))] {
        screen.press(&[&viewer, "Enter"]);
        screen.wait_for(&["No runs in"]);
        match end {
            None => screen.press(&["q"]),
            Some(end) => {
                let pattern = format!("snn-tui {}", directory.path().display());
                let killed = Command::new("pkill").args([&format!("-{end}"), "-f", &pattern]).status();
                if !killed.is_ok_and(|status| status.success()) {
                    return snn_test_support::skip("the part with signals: pkill is not installed");
                }
            }
        }
        screen.wait_for(&["ready>"]);
        screen.press(&["clear", "Enter"]);
        normal(&screen, round);
    }
}

/// The data of a screen is only known after drawing it: the curves of the selected run appear without a key.
#[test]
fn the_selected_run_has_curves_at_once() {
    if trainer().is_none() {
        return;
    }
    let runs = tempfile::tempdir().unwrap();
    let recorded =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../snn-train/snn-run/tests/fixtures/verdicts/learned");
    let copy = runs.path().join("learned");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(recorded).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let screen = Screen::new("preview", &format!("{VIEWER} {}", runs.path().display()));
    screen.wait_for(&["LEARNED", "accuracy (%)  dotted: train"]);
}
