//! `snn data preview` from the command line.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod common;

use std::fs;

use common::Snn;

const SMALL: [&str; 4] = ["--set", "data.samples_per_class=20", "--set", "data.classes=3"];

fn preview<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["data", "preview", "randman"], &SMALL[..], more].concat()
}

#[test]
fn samples_are_written_and_drawn() {
    let snn = Snn::new();
    let text = snn.run(&preview(&["--out", "a.svg", "--out", "a.png"])).expect(0).stdout;
    let heads: Vec<_> = text.lines().filter(|line| line.starts_with("sample ")).collect();
    assert_eq!(heads.len(), 2, "{text}");
    assert!(heads[1].ends_with("class 1, 20 spikes"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\x1b'), "colors are for terminals");
    assert!(fs::read_to_string(snn.path("a.svg")).unwrap().contains("class 1"));
    assert!(fs::read(snn.path("a.png")).unwrap().starts_with(b"\x89PNG"));

    let ascii = snn.run(&preview(&["--ascii", "--class", "2", "--samples", "1"])).expect(0).stdout;
    assert!(ascii.is_ascii() && ascii.contains("class 2"), "{ascii}");
}

#[test]
fn json_has_the_spikes() {
    let snn = Snn::new();
    let text = snn.run(&preview(&["--json", "--sample", "7", "--sample", "3"])).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["kind"], &json["name"]), (&"preview".into(), &"randman".into()));
    assert_eq!((&json["steps"], &json["dt"]), (&100.into(), &1.0.into()));
    assert_eq!(json["samples"][0]["index"], 7);
    let spikes = json["samples"][1]["spikes"].as_array().unwrap();
    assert_eq!(spikes.len(), 20);
    assert!(spikes.iter().all(|spike| spike[0].as_u64() <= Some(50) && spike[1].as_u64() < Some(20)));
}

#[test]
fn mistakes_are_named() {
    let snn = Snn::new();
    snn.run(&preview(&["--class", "3"])).fails(2, &["no class `3`", "0 to 2"]);
    snn.run(&preview(&["--sample", "60"])).fails(2, &["no sample 60", "last is 59"]);
    snn.run(&preview(&["--out", "a.pdf"])).fails(2, &[".svg or .png"]);
    snn.run(&preview(&["--samples", "0"])).fails(2, &["from 1 to 100"]);
    snn.run(&["data", "preview", "mnits"]).fails(2, &["did you mean `mnist`"]);
}
