//! `snn stream`: sound from a file or a pipe, decisions as JSON lines.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use common::{Ended, Snn};
use serde_json::Value;

/// Samples of 16 bits at 8 kHz.
fn tone(pitch: f64, length: usize) -> Vec<u8> {
    let sample = |n: usize| (12_000.0 * (n as f64 * pitch).sin()) as i16;
    (0..length).flat_map(|n| sample(n).to_le_bytes()).collect()
}

fn wav(samples: &[u8], announced: u32) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend(8000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(announced.to_le_bytes());
    file.extend(samples);
    file
}

/// A run on two words.
fn trained() -> Snn {
    let snn = Snn::new();
    for (word, pitch) in [("high", 0.9), ("low", 0.2)] {
        let folder = snn.path("words").join(word);
        fs::create_dir_all(&folder).unwrap();
        for take in 0..20 {
            let samples = tone(pitch + 0.002 * f64::from(take), 1500 + 200 * take as usize);
            fs::write(folder.join(format!("{take}.wav")), wav(&samples, samples.len() as u32)).unwrap();
        }
    }
    fs::write(
        snn.path("words.toml"),
        "[data]\nname = \"folder\"\ndirectory = \"words\"\nsteps = 30\n[network]\nhidden = [30]\n[initialization]\ngain = 3.0\n\
         [training]\nepochs = 3\nbatch_size = 8\n",
    )
    .unwrap();
    run(&snn, &["train", "words.toml", "--run-dir", "run", "-q"]).expect(0);
    snn
}

fn run(snn: &Snn, arguments: &[&str]) -> Ended {
    let mut command = snn.command(arguments);
    command.env("SNN_CACHE_DIR", snn.path("cache"));
    command.output().unwrap().into()
}

fn piped(snn: &Snn, arguments: &[&str], from: &Path) -> Vec<Value> {
    let mut command = snn.command(arguments);
    command.stdin(Stdio::from(File::open(from).unwrap()));
    lines(Ended::from(command.output().unwrap()))
}

fn lines(ended: Ended) -> Vec<Value> {
    ended.expect(0).stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn decisions_are_those_of_predict() {
    let snn = trained();
    run(&snn, &["predict", "run", "--split", "train", "--out", "all.json"]).expect(0);
    let all: Value = serde_json::from_slice(&fs::read(snn.path("all.json")).unwrap()).unwrap();
    let mut right = 0;
    let samples = all["samples"].as_array().unwrap();
    for sample in samples {
        let file = snn.path("words").join(sample["name"].as_str().unwrap());
        let found = lines(run(&snn, &["stream", "run", "--input", file.to_str().unwrap()]));
        // a longer recording continues in a second window
        assert_eq!((&found[0]["kind"], &found[0]["final"]), (&"decision".into(), &true.into()));
        assert_eq!(found[0]["logits"], sample["logits"]);
        assert_eq!(found[0]["label"], sample["prediction"]);
        assert_eq!(found[0]["class"], all["classes"][sample["prediction"].as_u64().unwrap() as usize]);
        right += u32::from(sample["label"] == sample["prediction"]);
    }
    assert!(right * 10 > 8 * samples.len() as u32, "{right} of {}", samples.len());
}

#[test]
fn a_pipe_equals_a_file() {
    let snn = trained();
    let samples = tone(0.9, 8000);
    fs::write(snn.path("whole.wav"), wav(&samples, samples.len() as u32)).unwrap();
    // as written by programs that do not know the length in advance
    fs::write(snn.path("open.wav"), wav(&samples, u32::MAX)).unwrap();
    fs::write(snn.path("raw"), &samples).unwrap();
    let every = ["--every", "10"];
    let whole = lines(run(&snn, &[&["stream", "run", "--input", "whole.wav"], &every[..]].concat()));
    assert_eq!(whole.len(), 4 * 3, "a second of frames in windows of 30 steps, the last one filled up");
    let steps: Vec<_> =
        whole.iter().map(|it| (it["window"].as_u64().unwrap(), it["step"].as_u64().unwrap())).collect();
    assert_eq!(&steps[..4], [(0, 10), (0, 20), (0, 30), (1, 10)]);
    assert_eq!(whole.iter().filter(|it| it["final"] == true).count(), 4);
    let raw = ["stream", "run", "--raw", "s16le", "--rate", "8000", "--every", "10"];
    assert_eq!(piped(&snn, &raw, &snn.path("raw")), whole);
    assert_eq!(piped(&snn, &[&["stream", "run"], &every[..]].concat(), &snn.path("open.wav")), whole);

    run(&snn, &["export", "run", "--format", "safetensors", "--out", "w"]).expect(0);
    let exported = ["stream", "--weights", "w", "--input", "whole.wav", "--every", "10"];
    assert_eq!(lines(run(&snn, &exported)), whole);
    let window = ["stream", "run", "--input", "whole.wav", "--window", "0", "--every", "40"];
    let one = lines(run(&snn, &window));
    assert_eq!(one.iter().map(|it| it["step"].as_u64().unwrap()).collect::<Vec<_>>(), [40, 80]);
}

#[test]
fn invalid_sound_is_refused_with_a_reason() {
    let snn = trained();
    fs::write(snn.path("text"), "no sound at all").unwrap();
    fs::write(snn.path("cut.wav"), wav(&tone(0.9, 100), 4000)).unwrap();
    run(&snn, &["stream", "run", "--input", "text"]).fails(1, &["cannot read sound from text", "not WAV"]);
    run(&snn, &["stream", "run", "--input", "cut.wav"]).fails(1, &["ends early, at sample 100"]);
    run(&snn, &["stream", "run", "--input", "nothing"]).fails(1, &["cannot read nothing"]);
    run(&snn, &["stream", "run", "--raw", "s16le"]).fails(2, &["--rate"]);
    run(&snn, &["stream", "run", "--raw", "mp3", "--rate", "8000"]).fails(2, &["s16le", "mulaw"]);
    run(&snn, &["stream"]).fails(2, &["RUN_DIR"]);
    run(&snn, &Snn::train(&["training.epochs=1"], &["--run-dir", "spikes"])).expect(0);
    let raw = ["stream", "spikes", "--raw", "s16le", "--rate", "8000", "--input", "text"];
    run(&snn, &raw).fails(2, &["no front end for sound"]);
    let refused = |code: i32, lines: &str, words: &[&str]| {
        fs::write(snn.path("lines"), lines).unwrap();
        run(&snn, &["stream", "spikes", "--input", "lines"]).fails(code, words);
    };
    refused(2, "1 2\nRIFF\n", &["line 2 of lines: `RIFF` is not a spike: a line has a time in ms"]);
    refused(1, "1 0\n1 20\n", &["line 2 of lines: ", "a spike in unit 20, but there are 20"]);
    refused(2, "9 0\n3 1\n", &["line 2 of lines: a spike at 3 ms, but the stream is at 9 ms"]);
    refused(2, "nan 0\n", &["a spike at NaN ms"]);
    refused(2, "1e300 0\n", &["a spike at 1", "times are in ms since the start of the stream"]);
    fs::write(snn.path("lines"), b"\x00\xff\n").unwrap();
    run(&snn, &["stream", "spikes", "--input", "lines"]).fails(2, &["line 1 of lines: this is not text"]);
}

/// Spikes as lines of text: the decisions are those of `snn predict`.
#[test]
fn spikes_are_read_from_lines() {
    let snn = Snn::new();
    run(&snn, &Snn::train(&["training.epochs=2"], &["--run-dir", "run", "-q"])).expect(0);
    run(&snn, &["predict", "run", "--out", "all.json"]).expect(0);
    let all: Value = serde_json::from_slice(&fs::read(snn.path("all.json")).unwrap()).unwrap();
    let mut experiment = snn_train::Experiment::preset("randman").unwrap();
    experiment.set(common::QUICK).unwrap();
    let data = experiment.data.open().unwrap();
    let steps = data.steps();
    let mut text = "\u{feff}# ms unit\r\n".to_owned();
    for (window, sample) in all["samples"].as_array().unwrap()[..20].iter().enumerate() {
        let index = sample["index"].as_u64().unwrap() as u32;
        let batch = snn_data::collate(&*data, &[index]).unwrap();
        let snn_data::BatchInput::Events { offsets, units } = batch.input else { unreachable!() };
        for step in 0..steps {
            let separator = [" ", ",", "\t"][step % 3];
            for unit in &units[offsets[step] as usize..offsets[step + 1] as usize] {
                text += &format!("{}{separator}{unit}\n", (window * steps + step) as f64 + 0.25);
            }
        }
    }
    text += &format!("{}\n", 20 * steps);
    fs::write(snn.path("lines"), text).unwrap();
    let found = piped(&snn, &["stream", "run"], &snn.path("lines"));
    assert_eq!(found.len(), 20);
    for (window, (found, sample)) in found.iter().zip(all["samples"].as_array().unwrap()).enumerate() {
        assert_eq!((&found["window"], &found["final"]), (&window.into(), &true.into()));
        assert_eq!((&found["logits"], &found["label"]), (&sample["logits"], &sample["prediction"]));
    }
}
