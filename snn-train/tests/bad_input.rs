//! Invalid input: `snn` reports the error and the remedy, loses no data and does not panic.
#![cfg(all(unix, feature = "cli"))]

mod common;

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    process::Command,
};

use common::{Snn, assert_same, metrics, status};

#[test]
fn configurations() {
    let snn = Snn::new();
    fs::write(snn.path("typo.toml"), "[training]\nepochs = 3\nbatchsize = 9\n").unwrap();
    fs::write(snn.path("torn.toml"), "[training]\nepochs = \n").unwrap();
    fs::write(snn.path("binary.toml"), [0xff, 0xfe, 0]).unwrap();
    let set = |change: &'static str| vec!["train", "randman", "--set", change];
    for (arguments, words) in [
        (
            vec!["train", "typo.toml"],
            vec!["typo.toml:3", "unknown key `training.batchsize`", "`training.batch_size`"],
        ),
        (vec!["train", "torn.toml"], vec!["torn.toml:2", "not valid TOML"]),
        (vec!["train", "absent.toml"], vec!["neither a preset (randman, ", "nor a TOML file"]),
        (vec!["train", "rndman"], vec!["did you mean `randman`?"]),
        (vec!["train"], vec!["nothing to train"]),
        (vec!["train", "randman", "--device", "cuda:0"], vec!["no CUDA support", "--device cpu"]),
        (vec!["train", "randman", "--device", "tpu"], vec!["unknown device `tpu`"]),
        (vec!["train", "randman", "--threads", "0"], vec!["--threads", "at least 1"]),
        (vec!["train", "randman", "--resume"], vec!["--run-dir"]),
        (set("data.classes=0"), vec!["--set data.classes=0", "from 1 to 65536"]),
        (
            set("network.tau_mem=0"),
            vec![
                "`network.tau_mem` must be a number above 0, or a list of them, one for each hidden layer (ms)",
            ],
        ),
        (set("training.batch_size=0"), vec!["`training.batch_size`"]),
        (set("training.epochs=0"), vec!["`training.epochs`"]),
        (set("network.hidden=[0]"), vec!["`network.hidden`"]),
        (
            set("optimizer.learning_rate=nan"),
            vec!["`optimizer.learning_rate` must be a number above 0", "nan"],
        ),
        (set("optimizer.learning_rate=-1"), vec!["`optimizer.learning_rate`"]),
        (set("data.steps=4294967296"), vec!["`data.steps`", "4294967295"]),
        (set("data.steps=4294967295"), vec!["training.batch_size x data.steps", "below 2^32"]),
        (set("data.valid=0"), vec!["no validation samples"]),
        (set("nonsense"), vec!["section.key=value"]),
    ] {
        snn.run(&arguments).fails(2, &words);
    }
    snn.run(&["train", "binary.toml"]).fails(1, &["cannot read the experiment", "UTF-8"]);
    assert!(!snn.path("runs").exists(), "nothing was started");
}

#[test]
fn run_directories() {
    let snn = Snn::new();
    let train = |run: &'static str| Snn::train(&["training.epochs=1"], &["--run-dir", run]);
    fs::write(snn.path("file"), "").unwrap();
    snn.run(&train("file"))
        .fails(1, &["cannot use the run directory", "there is a file instead of a directory"]);
    snn.run(&train("file/run")).fails(1, &["there is a file instead of a directory"]);
    snn.run(&train("/proc/run")).fails(1, &["cannot create the run directory", "/proc/run"]);

    fs::create_dir(snn.path("letters")).unwrap();
    fs::write(snn.path("letters/dear.txt"), "").unwrap();
    snn.run(&train("letters")).fails(2, &["not empty", "--resume"]);
    snn.run(&[&train("letters")[..], &["--resume"]].concat())
        .fails(2, &["no run here (config.toml is missing)"]);
    assert_eq!(fs::read_dir(snn.path("letters")).unwrap().count(), 1, "nothing was written there");

    snn.run(&train("run")).expect(0);
    let before = fs::read(snn.path("run/metrics.jsonl")).unwrap();
    snn.run(&train("run")).fails(2, &["not empty", "--resume"]);
    let other = Snn::train(&["training.epochs=1", "data.alpha=2"], &["--run-dir", "run", "--resume"]);
    snn.run(&other).fails(2, &["`data.alpha` is 2.0 here", "started with 1.0"]);
    assert_eq!(fs::read(snn.path("run/metrics.jsonl")).unwrap(), before);

    for command in ["eval", "train --resume --run-dir"] {
        let arguments: Vec<_> = command.split(' ').chain(["absent"]).collect();
        snn.run(&arguments).expect(2);
    }
}

#[test]
fn checkpoints() {
    let snn = Snn::new();
    let train = Snn::train(&["training.epochs=3", "optimizer.learning_rate=0.05"], &["--run-dir", "run"]);
    snn.run(&train).expect(0);
    let resume = ["train", "--resume", "--run-dir", "run", "--set", "training.epochs=4"];
    let (last, best) =
        (snn.path("run/checkpoints/last.safetensors"), snn.path("run/checkpoints/best.safetensors"));
    let bytes = fs::read(&last).unwrap();

    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (content, reason) in
        [(&flipped[..], "checksum"), (&bytes[..bytes.len() / 2], ""), (b"", ""), (b"garbage!", "")]
    {
        fs::remove_file(&last).unwrap();
        fs::write(&last, content).unwrap();
        snn.run(&resume).fails(1, &["damaged checkpoint", reason, "last.safetensors"]);
        assert_eq!(fs::read(&last).unwrap(), content, "the damaged file is kept");
    }
    fs::remove_file(&last).unwrap();
    fs::write(&last, &bytes).unwrap();
    // A run whose checkpoint was replaced with that of another run.
    // Its last epoch is not its best epoch.
    let changes = ["training.epochs=3", "network.hidden=[31]", "optimizer.learning_rate=1"];
    let other = Snn::train(&changes, &["--run-dir", "other"]);
    snn.run(&other).expect(0);
    fs::copy(snn.path("other/checkpoints/last.safetensors"), &last).unwrap();
    snn.run(&resume).fails(2, &["`network.hidden` is [30] here", "started with [31]"]);

    fs::remove_file(&best).unwrap();
    snn.run(&["eval", "run"]).fails(1, &["missing", "--checkpoint last", "best.safetensors"]);
}

#[test]
fn divergence() {
    let snn = Snn::new();
    let changes = ["optimizer.learning_rate=1e38", "initialization.gain=9", "readout.head=sum"];
    let ended = snn.run(&Snn::train(&changes, &["--run-dir", "run", "--quiet"]));
    ended.fails(1, &["in epoch 1 after ", "training has diverged", "lower optimizer.learning_rate"]);
    let status = status(&snn.path("run"));
    assert_eq!(status["state"], "failed");
    assert!(status["message"].as_str().unwrap().contains("diverged"));
}

/// A limit on the file size simulates a full disk: writing fails in the middle of a file.
#[test]
fn a_disk_that_fills_up_during_training() {
    let snn = Snn::new();
    let small: &[&str] = &["training.epochs=20", "network.hidden=[2]", "training.batch_size=400"];
    let large: &[&str] = &["training.epochs=4", "network.hidden=[60]", "training.batch_size=400"];
    // In blocks of 512 bytes: room for a small checkpoint and the metrics of some epochs, not for a large checkpoint.
    for (changes, limit, message, epochs) in
        [(small, "12", "cannot write the metrics", 1..20), (large, "20", "cannot write the checkpoint", 0..1)]
    {
        let (whole, run) = (snn.path("whole"), snn.path("run"));
        let _ = (fs::remove_dir_all(&whole), fs::remove_dir_all(&run));
        snn.run(&Snn::train(changes, &["--run-dir", "whole"])).expect(0);

        let arguments = Snn::train(changes, &["--run-dir", "run", "--resume"]);
        let limited = Command::new("sh")
            .args([
                "-c",
                &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\""),
                "sh",
                env!("CARGO_BIN_EXE_snn"),
            ])
            .args(&arguments)
            .current_dir(snn.directory.path())
            .output()
            .unwrap();
        common::Ended::from(limited).fails(1, &[message, "File too large"]);
        let completed = status(&run)["epoch"].as_u64().unwrap();
        assert!((1..20).contains(&completed), "{message}: {completed}");
        let names = fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("tmp")), "{message}");
        assert_eq!(run.join("checkpoints/last.safetensors").exists(), epochs.start > 0);

        snn.run(&arguments).expect(0);
        assert_same(&run, &whole);
    }
}

/// The same with a real disk; skipped where a private mount namespace is not available (root on Linux).
#[test]
fn a_full_disk() {
    const SKIPPED: i32 = 77;
    let script = "mount -t tmpfs -o size=96k none disk || exit 77; \
                  \"$@\" && exit 78; \
                  mount -o remount,size=16m disk; \
                  \"$@\" && cp -r disk/run freed";
    let snn = Snn::new();
    fs::create_dir(snn.path("disk")).unwrap();
    let epochs: &[&str] = &["training.epochs=60"];
    snn.run(&Snn::train(epochs, &["--run-dir", "whole"])).expect(0);
    let arguments = Snn::train(epochs, &["--run-dir", "disk/run", "--resume", "--quiet"]);
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_snn")])
        .args(&arguments)
        .current_dir(snn.directory.path())
        .output();
    let Some(output) =
        output.ok().filter(|output| output.status.code().is_some_and(|code| code == 0 || code > SKIPPED))
    else {
        return snn_test_support::skip("mount namespaces are not available (only for root on Linux)");
    };
    let ended = common::Ended::from(output).expect(0);
    let words = "No space left on device (os error 28) (free some space; a run then continues with --resume): disk/run/";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert_same(&snn.path("freed"), &snn.path("whole"));
}

#[test]
fn a_full_standard_output() {
    let snn = Snn::new();
    let run = |arguments: &[&str]| {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        snn.command(arguments).stdout(full).output().unwrap()
    };
    assert_eq!(run(&["presets", "randman"]).status.code(), Some(1));
    let train = Snn::train(&["training.epochs=2"], &["--run-dir", "run", "--json"]);
    assert_eq!(run(&train).status.code(), Some(1), "the result could not be written");
    assert_eq!(status(&snn.path("run"))["state"], "done", "but the run is complete");
    assert_eq!(metrics(&snn.path("run")).len(), 3);
}

#[test]
fn a_run_directory_behind_a_link_works() {
    let snn = Snn::new();
    fs::create_dir(snn.path("real")).unwrap();
    symlink("real", snn.path("link")).unwrap();
    snn.run(&Snn::train(&["training.epochs=1"], &["--run-dir", "link/run"])).expect(0);
    assert!(snn.path("real/run/status.json").exists());
}

/// Paths are bytes, and JSON is Unicode: invalid UTF-8 is replaced in JSON and kept everywhere else.
#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_not_utf8() {
    let snn = Snn::new();
    let sweep = "base = \"randman\"\n[set]\ndata.samples_per_class = 20\ntraining.epochs = 1\n[seeds]\nvalues = [0]\n";
    fs::write(snn.path("s.toml"), sweep).unwrap();
    let run = |words: &[&str], path: &[u8], more: &[&str]| {
        let mut command = snn.command(words);
        command.arg(OsStr::from_bytes(path)).args(more);
        common::Ended::from(command.output().unwrap())
    };
    let json = |words: &[&str], path: &[u8], more: &[&str]| -> serde_json::Value {
        let ended = run(words, path, &[more, &["--json"]].concat()).expect(0);
        serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
    };
    let train = Snn::train(&["training.epochs=1"], &["--quiet", "--run-dir"]);
    assert_eq!(json(&train, b"x\xff/run", &[])["run"], "x\u{fffd}/run");
    assert_eq!(json(&["eval"], b"x\xff/run", &[])["run"], "x\u{fffd}/run");
    assert_eq!(json(&["runs"], b"x\xff", &[])["directory"], "x\u{fffd}");
    let preview = ["data", "preview", "randman", "--out"];
    assert_eq!(json(&preview, b"x\xff/a.svg", &[])["files"][0], "x\u{fffd}/a.svg");
    let plan = ["sweep", "plan", "s.toml", "--no-measure", "--dir"];
    assert_eq!(json(&plan, b"x\xff/s", &[])["sweep"], "x\u{fffd}/s");
    for command in ["status", "run", "retry"] {
        assert_eq!(json(&["sweep", command], b"x\xff/s", &[])["sweep"], "x\u{fffd}/s", "{command}");
    }
    let submit = ["--no-measure", "--dry-run"];
    assert_eq!(json(&["sweep", "submit"], b"x\xff/s", &submit)["sweep"], "x\u{fffd}/s");

    // Paths that are read back or run by a shell cannot be replaced.
    run(&[&plan[..], &["t", "--runs"]].concat(), b"x\xff", &[]).fails(1, &["write the plan", "UTF-8"]);
    run(&plan, b"x\xff/t", &[]).expect(0);
    run(&["sweep", "submit"], b"x\xff/t", &submit).fails(2, &["cannot be used in a Slurm script"]);
}

/// The message contains the operating system's error exactly once.
#[test]
fn reasons_are_reported_once() {
    let snn = Snn::new();
    snn.run(&Snn::train(&["training.epochs=1"], &["--run-dir", "run", "--quiet"])).expect(0);
    fs::write(snn.path("file"), "").unwrap();
    for (arguments, what, reason) in [
        (vec!["runs", "nothere"], "cannot list the runs in nothere", "No such file or directory"),
        (vec!["export", "run", "--format", "csv", "--out", "/nonexist/x"], "/nonexist/x", "No such file"),
        (Snn::train(&[], &["--run-dir", "file/run"]), "file/run", "Not a directory"),
    ] {
        let ended = snn.run(&arguments).expect(1);
        assert!(ended.stderr.contains(what), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches(reason).count(), 1, "{}", ended.stderr);
    }
}
