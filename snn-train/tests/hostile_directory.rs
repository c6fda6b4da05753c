//! Run directories with links, pipes and devices from others: nothing is written outside, and nothing blocks.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test outside of a test function")]

mod common;

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::Snn;

const QUICK: &[&str] = &["training.epochs=1", "data.samples_per_class=20"];

/// Waits for a command that must end without help.
#[track_caller]
fn ends(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    // The output of these commands fits into the pipe buffers.
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("{command:?} does not end");
        }
        sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

fn run(snn: &Snn, name: &str) -> PathBuf {
    let directory = format!("runs/{name}");
    snn.run(&Snn::train(QUICK, &["--quiet", "--run-dir", &directory])).expect(0);
    snn.path(&directory)
}

/// Every file under a folder with its content; links are followed.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(content(&path));
        } else {
            all.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

fn remove(path: &Path) {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
}

#[test]
fn links_are_not_followed() {
    let snn = Snn::new();
    for name in ["lock", "metrics.jsonl", "status.json", "env.json", "checkpoints", "probes"] {
        let run = run(&snn, name);
        // The target of the link has the expected format and belongs to another run.
        let (place, theirs) = (run.join(name), snn.path(&format!("theirs-{name}")));
        fs::rename(&place, &theirs).unwrap();
        symlink(&theirs, &place).unwrap();
        if theirs.is_dir() {
            fs::write(theirs.join("0000099.json"), "a probe of theirs").unwrap();
        }
        let before = content(snn.directory.path()).into_iter().filter(|(path, _)| path.starts_with(&theirs));
        let before: Vec<_> = before.collect();
        let directory = format!("runs/{name}");
        let more = ["training.epochs=3", "data.samples_per_class=20"];
        let ended = snn.run(&Snn::train(&more, &["--quiet", "--resume", "--run-dir", &directory]));
        if theirs.is_dir() {
            assert_eq!(content(&theirs), before)
        } else {
            assert_eq!(fs::read(&theirs).unwrap(), before[0].1)
        }
        match name {
            // Replaced as a whole, as in every update.
            "status.json" | "env.json" => {
                ended.expect(0);
                assert!(fs::symlink_metadata(&place).unwrap().is_file(), "{name}");
            }
            // Training continues even if its probes cannot be written.
            "probes" => {
                ended.expect(0);
                let status = fs::read_to_string(run.join("status.json")).unwrap();
                assert!(status.contains("symbolic link"), "{status}");
            }
            _ => ended.fails(1, &["symbolic link", "remove it", name]),
        }
        // Reading follows links, which is harmless.
        snn.run(&["runs"]).expect(0);
    }
    // A link at the path of the temporary file.
    let run = run(&snn, "beside");
    fs::write(snn.path("victim"), "theirs").unwrap();
    for name in [".status.json.tmp", ".config.toml.tmp", "checkpoints/.last.safetensors.tmp"] {
        symlink(snn.path("victim"), run.join(name)).unwrap();
    }
    let more = ["training.epochs=3", "data.samples_per_class=20"];
    snn.run(&Snn::train(&more, &["--quiet", "--resume", "--run-dir", "runs/beside"])).expect(0);
    assert_eq!(fs::read_to_string(snn.path("victim")).unwrap(), "theirs");
}

#[test]
fn pipes_and_devices_do_not_block() {
    let snn = Snn::new();
    run(&snn, "good");
    for (number, name) in [
        "status.json",
        "metrics.jsonl",
        "env.json",
        "config.toml",
        "lock",
        "checkpoints/last.safetensors",
        "probes/0000001.json",
    ]
    .into_iter()
    .enumerate()
    {
        for device in [None, Some("/dev/zero")] {
            let id = format!("bad{number}{}", device.is_some());
            let run = run(&snn, &id);
            let place = run.join(name);
            remove(&place);
            match device {
                None => assert!(Command::new("mkfifo").arg(&place).status().unwrap().success()),
                Some(device) => symlink(device, &place).unwrap(),
            }
            let directory = format!("runs/{id}");
            let listed = ends(snn.command(&["runs"]));
            assert!(listed.status.success() && String::from_utf8(listed.stdout).unwrap().contains("good"));
            ends(snn.command(&["runs", "--json"]));
            ends(snn.command(&["eval", &directory]));
            for format in ["csv", "json"] {
                ends(snn.command(&["export", &directory, "--format", format]));
            }
            ends(snn.command(&Snn::train(QUICK, &["--quiet", "--resume", "--run-dir", &directory])));
            fs::remove_dir_all(run).unwrap();
        }
    }
}

/// Output files are written completely or not at all, through links, and never replace a device.
#[test]
fn failed_outputs_leave_existing_files() {
    use std::os::unix::fs::FileTypeExt as _;

    let snn = Snn::new();
    run(&snn, "a");
    let kind = |name: &str| fs::symlink_metadata(snn.path(name)).unwrap().file_type();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(snn.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    fs::create_dir(snn.path("none")).unwrap();
    // Only as root; the test creates its own device, to leave those of the system alone.
    let has_device = Command::new("mknod")
        .arg(snn.path("null.csv"))
        .args(["c", "1", "3"])
        .output()
        .unwrap()
        .status
        .success();
    for command in [
        &["export", "--format", "safetensors"][..],
        &["export", "--format", "npz"],
        &["export", "--format", "nir"],
        &["export", "--format", "csv"],
        &["predict"],
    ] {
        let is_graph = command.contains(&"nir");
        let with = |out: &'static str| [command, &["runs/a", "--out", out]].concat();
        fs::write(snn.path("old.csv"), "old").unwrap();
        fs::write(snn.path("target"), "old").unwrap();
        let _ = fs::remove_file(snn.path("link.csv"));
        symlink("target", snn.path("link.csv")).unwrap();
        let before = names();

        let mut limited = Command::new("sh");
        limited
            .args(["-c", "ulimit -f 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_snn")])
            .args(with("old.csv"));
        let ended = common::Ended::from(limited.current_dir(snn.directory.path()).output().unwrap());
        ended.fails(1, &["cannot write ", "old.csv", "File too large"]);
        assert_eq!(fs::read(snn.path("old.csv")).unwrap(), b"old", "{command:?}");
        snn.run(&with("nowhere/new.csv"))
            .fails(1, &["cannot write ", "No such file or directory (os error 2)"]);

        snn.run(&with("link.csv")).expect(0);
        assert!(
            kind("link.csv").is_symlink() && fs::read(snn.path("target")).unwrap().len() > 3,
            "{command:?}"
        );
        if has_device {
            let ended = snn.run(&with("null.csv")).expect(i32::from(is_graph));
            assert!(!is_graph || ended.stderr.contains("this is not a regular file"), "{}", ended.stderr);
            assert!(kind("null.csv").is_char_device(), "{command:?}");
        }
        snn.run(&with("none")).expect(if command[0] == "predict" { 2 } else { 1 });
        assert_eq!(names(), before, "{command:?}: no other files are left");
        snn.run(&with("old.csv")).expect(0);
        assert_ne!(fs::read(snn.path("old.csv")).unwrap(), b"old", "{command:?}");
    }
    if !has_device {
        snn_test_support::skip("only root can create devices");
    }
}

#[test]
fn files_have_the_permissions_of_the_umask() {
    let snn = Snn::new();
    for (umask, file, folder) in [("077", 0o600, 0o700), ("022", 0o644, 0o755), ("002", 0o664, 0o775)] {
        let directory = format!("runs/{umask}");
        let arguments = Snn::train(QUICK, &["--quiet", "--run-dir", &directory]);
        let mut command = Command::new("sh");
        command.args(["-c", "umask $1; shift; exec \"$@\"", "sh", umask, env!("CARGO_BIN_EXE_snn")]);
        command.args(arguments).current_dir(snn.directory.path());
        assert!(ends(command).status.success());
        let run = snn.path(&directory);
        let mut folders = vec![run.clone()];
        let mut files = 0;
        while let Some(path) = folders.pop() {
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                folder,
                "{}",
                path.display()
            );
            for entry in fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files += 1;
                    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                    assert_eq!(mode, file, "{}", path.display());
                }
            }
        }
        assert!(files >= 7, "{files}");
    }
}
