//! Names from others never control the terminal: hostile names pass through every command, and no control character is
//! printed.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::Path,
};

use common::Snn;
use serde_json::Value;

/// Sequences for the title and clearing the screen, C1, a bidirectional override, a bell, a tab and a line break; and invalid
/// UTF-8.
const HOSTILE: &str = "x\u{1b}]0;t\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{7f}\t\r\ny";

/// A second of a tone in 16 bits at 8 kHz.
fn wav(path: &Path, period: i16) {
    let samples: Vec<u8> = (0..8000_i16).flat_map(|n| (n % period * 200).to_le_bytes()).collect();
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + samples.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend(16000_u32.to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend((samples.len() as u32).to_le_bytes());
    bytes.extend(samples);
    fs::write(path, bytes).unwrap();
}

/// Runs the program with arguments that may be hostile, and checks each printed character.
#[track_caller]
fn clean(snn: &Snn, arguments: &[&OsStr]) -> (Option<i32>, String) {
    let mut command = snn.command(&[]);
    let output = command.args(arguments).env("SNN_CACHE_DIR", snn.path("cache")).output().unwrap();
    let mut all = String::new();
    for bytes in [&output.stdout, &output.stderr] {
        let text = str::from_utf8(bytes).unwrap();
        let bad = text.chars().find(|&c| c != '\n' && snn_terminal::is_unsafe(c));
        assert_eq!(bad, None, "of {arguments:?}:\n{text:?}");
        // A line break in a name does not start a new line, except where clap quotes the command line, and within the quotation marks of
        // CSV.
        let breaks = text.contains("\\t\\r\n")
            && !text.contains("For more information, try '--help'")
            && !arguments.iter().any(|word| *word == "--csv" || *word == "csv");
        assert!(!breaks, "of {arguments:?}:\n{text}");
        all += text;
    }
    assert!(!all.contains("panicked"), "{all}");
    (output.status.code(), all)
}

fn words<'a>(words: &[&'a str]) -> Vec<&'a OsStr> {
    words.iter().map(|word| OsStr::new(*word)).collect()
}

#[test]
fn runs_with_hostile_names_and_contents() {
    let snn = Snn::new();
    let quick = ["training.epochs=1", "data.samples_per_class=20"];
    snn.run(&Snn::train(&quick, &["--quiet", "--run-dir", "runs/plain"])).expect(0);
    let path = snn.path("runs").join(HOSTILE);
    let run = path.as_os_str();
    let mut train = words(&["train", "randman", "--set", quick[0], "--set", quick[1], "--run-dir"]);
    train.push(run);
    let (code, told) = clean(&snn, &train);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("runs/x\\u001b]0;t") || told.contains("runs/x\\033]0;t"),
        "told, or quoted for a shell: {told}"
    );

    // The content of its files is hostile, too.
    let json: Value = serde_json::from_slice(&fs::read(path.join("status.json")).unwrap()).unwrap();
    let mut status = json.as_object().unwrap().clone();
    status.insert("state".into(), "failed".into());
    status.insert("message".into(), HOSTILE.into());
    fs::write(path.join("status.json"), serde_json::to_vec(&status).unwrap()).unwrap();
    let config = fs::read_to_string(path.join("config.toml")).unwrap();
    let value = toml::Value::from(HOSTILE).to_string();
    let config = config.replacen("name = \"randman\"", &format!("name = {value}"), 1);
    fs::write(path.join("config.toml"), config).unwrap();
    let warning = serde_json::json!({"version": 1, "kind": "warning", "epoch": 1, "message": HOSTILE});
    let mut metrics = fs::read_to_string(path.join("metrics.jsonl")).unwrap();
    metrics += &format!("{warning}\n");
    fs::write(path.join("metrics.jsonl"), metrics).unwrap();

    for format in [&["runs"][..], &["runs", "--csv"], &["runs", "--json"], &["runs", "--keys", "data.name"]] {
        let (code, told) = clean(&snn, &words(format));
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("\\u001b") && told.contains("plain"), "{format:?}: {told}");
    }
    let (_, json) = clean(&snn, &words(&["runs", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    let names: Vec<_> = json["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str()).collect();
    assert_eq!(names, [Some("plain"), Some(HOSTILE)], "JSON means what it meant");

    for command in [
        &["eval"][..],
        &["eval", "--json"],
        &["export", "--format", "csv"],
        &["export", "--format", "json"],
        &["export", "--format", "safetensors", "--out", "weights"],
    ] {
        let mut command = words(command);
        command.push(run);
        clean(&snn, &command);
    }
    let mut resume = words(&["train", "--resume", "--run-dir"]);
    resume.push(run);
    clean(&snn, &resume);
}

#[test]
fn data_with_hostile_names() {
    let snn = Snn::new();
    let folder = snn.path("words");
    for (class, name) in [HOSTILE, "plain"].into_iter().enumerate() {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..10 {
            wav(&folder.join(format!("{number}{HOSTILE}.wav")), 10 + 20 * class as i16);
        }
    }
    let data = ["--set", "data.name=folder", "--set", "data.directory=words"];
    let test = ["--set", "data.test={by=\"stratified\",portion=0.2}"];
    for command in [&["info"][..], &["info", "--json"], &["preview"], &["preview", "--color", "always"]] {
        let mut arguments = words(&["data"]);
        arguments.extend(words(command));
        arguments.extend(words(&["rawhd"]).into_iter().chain(words(&data)).chain(words(&test)));
        if command.contains(&"always") {
            // Only the program's own colors are allowed.
            let ended = snn.command(&[]).args(&arguments).env("SNN_CACHE_DIR", snn.path("cache")).output();
            let text = String::from_utf8(ended.unwrap().stdout).unwrap();
            assert!(text.contains("\u{1b}[38;2;"), "{text:?}");
            let rest: String =
                text.split("\u{1b}[").map(|piece| piece.split_once('m').map_or(piece, |it| it.1)).collect();
            assert!(!rest.contains(|c| c != '\n' && snn_terminal::is_unsafe(c)), "{rest:?}");
            continue;
        }
        let (code, told) = clean(&snn, &arguments);
        assert_eq!(code, Some(0), "{told}");
        // As text, or quoted for a shell.
        assert!(told.contains("\\u001b") || told.contains("\\033"), "{command:?}: {told}");
    }
    // The message for an unreadable file names it.
    fs::write(folder.join("plain").join(format!("{HOSTILE}.wav")), "no sound").unwrap();
    let mut arguments = words(&["data", "info", "rawhd"]);
    arguments.extend(words(&data).into_iter().chain(words(&test)));
    let (code, told) = clean(&snn, &arguments);
    assert!(code != Some(0) && told.contains("\\u001b"), "{told}");
}

#[test]
fn sweeps_with_hostile_names() {
    let snn = Snn::new();
    let value = toml::Value::from(HOSTILE).to_string();
    let sweeps = [
        format!("name = {value}\nbase = \"randman\"\n"),
        format!("base = {value}\n"),
        format!("base = \"randman\"\n[set]\nsurrogate.{value} = 1\n"),
        format!("base = \"randman\"\n[[grid]]\nsurrogate.shape = [{value}]\n"),
        format!("base = \"randman\"\n[select]\nby = [{value}]\n"),
        HOSTILE.to_owned(),
    ];
    for (number, sweep) in sweeps.iter().enumerate() {
        let path = snn.path(&format!("{number}{HOSTILE}.toml"));
        fs::write(&path, sweep).unwrap();
        for command in ["plan", "run", "status"] {
            let (code, told) = clean(&snn, &[OsStr::new("sweep"), OsStr::new(command), path.as_os_str()]);
            assert!(code == Some(1) || code == Some(2), "{told}");
        }
        let (code, told) = clean(&snn, &[OsStr::new("train"), path.as_os_str()]);
        assert!(code == Some(1) || code == Some(2), "{told}");
    }

    let plain = "base = \"randman\"\n[set]\ndata.samples_per_class = 20\ntraining.epochs = 1\n[seeds]\nvalues = [0]\n";
    let folder = snn.path(HOSTILE);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("plain.toml"), plain).unwrap();
    let file = folder.join("plain.toml");
    for command in [&["plan"][..], &["plan", "--json"], &["run"], &["run", "--json"], &["status"], &["retry"]]
    {
        let mut arguments = words(&["sweep"]);
        arguments.extend(words(command));
        let sweep = snn.path("sweeps/plain");
        arguments.push(if command[0] == "status" || command[0] == "retry" {
            sweep.as_os_str()
        } else {
            file.as_os_str()
        });
        let (code, told) = clean(&snn, &arguments);
        assert_eq!(code, Some(0), "{told}");
    }
    // A run that failed with a hostile message, in a sweep with a hostile name.
    let sweep = snn.path(&format!("sweeps/{HOSTILE}"));
    fs::rename(snn.path("sweeps/plain"), &sweep).unwrap();
    let run = fs::read_dir(sweep.join("runs")).unwrap().next().unwrap().unwrap().path();
    let json: Value = serde_json::from_slice(&fs::read(run.join("status.json")).unwrap()).unwrap();
    let mut status = json.as_object().unwrap().clone();
    status.insert("state".into(), "failed".into());
    status.insert("message".into(), HOSTILE.into());
    fs::write(run.join("status.json"), serde_json::to_vec(&status).unwrap()).unwrap();
    for command in [&["status"][..], &["status", "--json"], &["run"], &["run", "--json"], &["retry"]] {
        let mut arguments = words(&["sweep"]);
        arguments.extend(words(command));
        arguments.push(sweep.as_os_str());
        let (_, told) = clean(&snn, &arguments);
        // As text, or quoted for a shell.
        assert!(told.contains("\\u001b") || told.contains("\\033"), "{command:?}: {told}");
    }
}

#[test]
fn command_lines_with_hostile_words() {
    let snn = Snn::new();
    let bytes = OsString::from_vec(b"x\xff\x9b\x1b[2J".to_vec());
    for word in [OsStr::new(HOSTILE), &bytes] {
        let option = |name: &str| OsString::from_vec([name.as_bytes(), b"=", word.as_bytes()].concat());
        let option = |name: &str| option(name);
        let tries: Vec<Vec<OsString>> = vec![
            vec![word.into()],
            vec!["train".into(), word.into()],
            vec!["train".into(), option("--set")],
            vec!["train".into(), "randman".into(), option("--set"), "--quiet".into()],
            vec!["train".into(), option("--threads")],
            vec!["train".into(), option("--device"), "randman".into()],
            vec!["eval".into(), word.into()],
            vec!["eval".into(), option("--split"), "x".into()],
            vec!["export".into(), word.into(), "--format".into(), "csv".into()],
            vec!["export".into(), "x".into(), option("--format")],
            vec!["runs".into(), word.into()],
            vec!["runs".into(), option("--where")],
            vec!["runs".into(), option("--sort"), ".".into()],
            vec!["data".into(), "info".into(), word.into()],
            vec!["data".into(), "preview".into(), word.into()],
            vec!["data".into(), word.into()],
            vec!["sweep".into(), "run".into(), word.into()],
            vec!["sweep".into(), "status".into(), word.into()],
            vec!["sweep".into(), "submit".into(), word.into()],
            vec!["sweep".into(), "retry".into(), word.into()],
            vec!["presets".into(), word.into()],
            vec!["figure".into(), word.into()],
            vec!["claims".into(), word.into()],
        ];
        for arguments in tries {
            let arguments: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
            clean(&snn, &arguments);
        }
    }
}
