//! Figures from the command line: runs, drawings, numbers, and the reuse of existing runs.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn snn(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snn"));
    // This folder is empty: the figures must not use the data sets of this machine.
    command.env("SNN_DATA_DIR", directory.join("data"));
    command.args(arguments).current_dir(directory).output().unwrap()
}

fn json(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn all_figures_are_drawn_and_share_runs() {
    let directory = tempfile::tempdir().unwrap();
    let figure = |more: &[&str]| {
        snn(directory.path(), &[&["figure", "all", "--scale", "smoke", "--json"], more].concat())
    };
    let planned = &json(&figure(&["--plan"]))[0]["all"];
    assert_eq!(planned["done"], 0);
    let drawn = json(&figure(&[]));
    let runs = fs::read_dir(directory.path().join("figures/smoke/runs")).unwrap().count();
    assert_eq!(planned["runs"], runs, "planned and finished runs agree");
    for figure in &drawn {
        let number = figure["figure"].as_u64().unwrap();
        let files: Vec<_> =
            figure["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
        assert!(
            files[0].ends_with(&format!("figure{number}.svg")) && files[1].ends_with(".png"),
            "{files:?}"
        );
        for file in files.iter().map(|file| directory.path().join(file)) {
            let content = fs::read(&file).unwrap();
            match file.extension().unwrap().to_str().unwrap() {
                "csv" => {
                    let lines = content.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count();
                    assert!(lines > 1, "{} has no rows", file.display());
                }
                "png" => assert_eq!(&content[..8], b"\x89PNG\r\n\x1a\n"),
                _ => {
                    let text = String::from_utf8(content).unwrap();
                    let letters = text.matches("font-weight=\"bold\"").count();
                    assert!(letters >= 2, "{} has {letters} panels", file.display());
                    let empty = text.matches("not available").count();
                    assert_eq!(empty, figure["missing"].as_array().unwrap().len(), "{}", file.display());
                    assert!(!text.contains("NaN"), "{} draws NaN", file.display());
                }
            }
        }
    }
    assert_eq!(json(&figure(&["--plan"]))[0]["all"]["done"], runs);

    // The claims are tested on these runs, which are too few for a conclusion.
    let claims = &json(&snn(directory.path(), &["claims", "--scale", "smoke", "--json"]))[0]["claims"];
    let claims = claims.as_array().unwrap();
    for claim in claims {
        assert_eq!(claim["verdict"], "not_tested", "{claim}");
        let here = claim["data"].as_str().unwrap().starts_with("Randman");
        // Without spikes there is no knee.
        let measured = here && claim["figure"] != "9";
        assert_eq!(!claim["checks"].as_array().unwrap().is_empty(), measured, "{claim}");
    }
    assert!(claims.len() > 30);

    // Redrawn from the same runs, the drawings are the same, whichever sweeps trained the runs.
    fs::remove_dir_all(directory.path().join("figures/smoke/sweeps")).unwrap();
    let file = directory.path().join("figures/smoke/figure3.svg");
    let before = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    json(&figure(&["--draw-only"]));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn data_sets_can_be_omitted() {
    let directory = tempfile::tempdir().unwrap();
    let figure = |more: &[&str]| {
        snn(directory.path(), &[&["figure", "6", "9", "--scale", "smoke", "--json"], more].concat())
    };
    let runs = |more: &[&str]| json(&figure(more))[0]["all"]["runs"].as_u64().unwrap();
    assert_eq!(runs(&["--plan"]), runs(&["--plan", "--data", "randman,mnist"]), "MNIST is not available");
    assert_eq!(runs(&["--plan", "--data", "mnist"]), 0);
    let missing = &json(&figure(&["--data", "mnist"]))[0]["missing"];
    let reason = |panel: usize| missing[panel]["reason"].as_str().unwrap();
    assert!(reason(0).contains("Randman is omitted as requested"), "{missing}");
    assert!(reason(1).contains("fetch-data mnist"), "{missing}");
    let svg = |figure: u8| {
        let path = directory.path().join(format!("figures/smoke/figure{figure}.svg"));
        let text = fs::read_to_string(path).unwrap();
        let panels = text.matches("font-weight=\"bold\"").count();
        (panels, text.matches("not available").count(), text.matches("left out").count())
    };
    assert_eq!(svg(6), (1, 1, 0), "MNIST is not available");
    assert_eq!(svg(9), (1, 1, 0));
    json(&figure(&["--data", "shd"]));
    assert_eq!((svg(6), svg(9)), ((1, 1, 0), (1, 1, 0)), "both have a panel on SHD");
    let wrong = figure(&["--data", "mnits"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("mnist"));
}

/// Whether a directory exists and contains files.
fn holds_files(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut files| files.next().is_some())
}

#[test]
fn inspection_writes_nothing_and_reports_missing_runs() {
    let directory = tempfile::tempdir().unwrap();
    json(&snn(directory.path(), &["claims", "--json"]));
    assert!(!holds_files(&directory.path().join("figures")), "testing claims creates no files");

    let drawn = json(&snn(directory.path(), &["figure", "2", "--scale", "smoke", "--draw-only", "--json"]));
    assert_eq!(drawn[0]["state"], "incomplete");
    assert_eq!(drawn[0]["incomplete"][0]["done"], 0);
    assert!(!directory.path().join("figures/smoke/sweeps").exists());
}

#[test]
fn a_failed_run_is_reported_and_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let figure =
        |more: &[&str]| snn(directory.path(), &[&["figure", "2", "--scale", "quick"], more].concat());
    let claims = || json(&snn(directory.path(), &["claims", "--scale", "quick", "--json"])).remove(0);
    // Runs as short as those of the smoke scale, instead of the quick ones.
    let planned = &json(&figure(&["--plan", "--json"]))[0]["all"]["runs"];
    json(&snn(directory.path(), &["figure", "2", "--scale", "smoke", "--json", "--quiet"]));
    let runs = directory.path().join("figures/smoke/runs");
    let run = fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    let status = fs::read_to_string(run.join("status.json")).unwrap();
    let fail = |message: &str| {
        let mut status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["state"] = "failed".into();
        status["message"] = message.into();
        fs::write(run.join("status.json"), status.to_string()).unwrap();
        let draw = ["figure", "2", "--scale", "smoke", "--draw-only", "--json"];
        json(&snn(directory.path(), &draw)).remove(0)
    };
    let drawn = fail("no space left on device");
    assert_eq!((&drawn["state"], &drawn["incomplete"][0]["failed"]), (&"incomplete".into(), &1.into()));
    assert_eq!(drawn["incomplete"][0]["message"], "no space left on device");
    // A diverged run is final: a retry would diverge again.
    let drawn = fail("the loss is NaN in epoch 1 after 3 batches: training has diverged; lower it");
    assert_eq!(drawn["state"], "done", "{drawn}");

    let claims = claims();
    let reason = claims["claims"][0]["reason"].as_str().unwrap();
    assert!(reason.contains(&format!("0 of {planned} runs are done")), "{reason}");
    assert!(reason.ends_with("`snn figure --claims 1a --scale quick` trains the others"), "{reason}");
}

#[test]
fn an_unreadable_data_set_does_not_prevent_other_panels() {
    let directory = tempfile::tempdir().unwrap();
    for folder in ["data/mnist", "data/fsdd"] {
        fs::create_dir_all(directory.path().join(folder)).unwrap();
    }
    let figure = || json(&snn(directory.path(), &["figure", "7", "--scale", "smoke", "--json"])).remove(0);
    let reasons = |drawn: &serde_json::Value| drawn["missing"].to_string();
    assert_eq!(
        reasons(&figure()).matches("is not available").count(),
        4,
        "an empty folder is not a data set"
    );
    fs::write(directory.path().join("data/mnist/t10k-images-idx3-ubyte"), "half").unwrap();
    let drawn = figure();
    assert_eq!(reasons(&drawn).matches("is not available").count(), 2, "{drawn}");
    assert!(reasons(&drawn).contains("mnist"), "{drawn}");
    let svg = fs::read_to_string(directory.path().join("figures/smoke/figure7.svg")).unwrap();
    assert!(svg.contains("unreadable"));
}

#[test]
fn the_map_has_the_accuracy_of_every_run() {
    let directory = tempfile::tempdir().unwrap();
    json(&snn(directory.path(), &["figure", "3", "--scale", "smoke", "--json", "--quiet"]));
    let csv = fs::read_to_string(directory.path().join("figures/smoke/figure3b.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3 * 2 * 2, "three shapes, two learning rates, two slopes");
    let sweep =
        fs::read_to_string(directory.path().join("figures/smoke/sweeps/figure3/manifest.json")).unwrap();
    let sweep: serde_json::Value = serde_json::from_str(&sweep).unwrap();
    for point in sweep["points"].as_array().unwrap() {
        let settings = &point["settings"];
        let depth = settings["network.hidden"].as_array().unwrap().len();
        let seeds = settings["data.seed"] == 0 && settings["initialization.seed"] == 0;
        let eta = settings["optimizer.learning_rate"].as_f64().unwrap();
        let shape = settings["surrogate.shape"].as_str().unwrap();
        if depth != 1 || !seeds || shape == "constant" || (eta != 0.01 && eta != 0.1) {
            continue;
        }
        let status = directory
            .path()
            .join("figures/smoke/runs")
            .join(point["id"].as_str().unwrap())
            .join("status.json");
        let status: serde_json::Value = serde_json::from_slice(&fs::read(status).unwrap()).unwrap();
        let accuracy = 100.0 * status["test_accuracy"].as_f64().unwrap();
        let line = format!("{shape},{eta},{},{accuracy},", settings["surrogate.beta"].as_f64().unwrap());
        assert!(csv.contains(&line), "{line} is not in\n{csv}");
    }
}

#[test]
fn wrong_numbers_are_refused_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    for (number, reason) in [("4", "sketch"), ("12", "no figure `12`"), ("one", "no figure `one`")] {
        let output = snn(directory.path(), &["figure", number]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{number}");
    }
}

/// With the records of runs instead of their directories, nothing is retrained, and the claims are the same.
#[test]
fn recorded_results_replace_deleted_runs() {
    let directory = tempfile::tempdir().unwrap();
    let figure = |more: &[&str]| {
        let start = ["figure", "3", "--scale", "smoke", "--initialization", "printed", "--shallow", "--json"];
        json(&snn(directory.path(), &[&start[..], more].concat())).remove(0)
    };
    let claims = || {
        let arguments = ["claims", "--scale", "smoke", "--initialization", "printed", "--json"];
        json(&snn(directory.path(), &arguments)).remove(0)["claims"].take()
    };
    assert_eq!(figure(&[])["state"], "done");
    let (before, out) = (claims(), directory.path().join("figures/smoke-printed"));
    assert!(before[3]["checks"].as_array().is_some_and(|checks| !checks.is_empty()), "{}", before[3]);
    fs::remove_dir_all(out.join("runs")).unwrap();
    let plan = &figure(&["--plan"])["all"];
    assert_eq!(plan["done"], plan["runs"]);
    assert_eq!(figure(&[])["state"], "done");
    assert_eq!(fs::read_dir(out.join("runs")).unwrap().count(), 0, "nothing is trained");
    assert_eq!(claims(), before);

    // Curves need more than the recorded result.
    let other = directory.path().join("figures/smoke-gain-6");
    let curves = || {
        let arguments = ["figure", "2", "5", "--scale", "smoke", "--initialization", "gain-6", "--json"];
        let drawn = json(&snn(directory.path(), &arguments));
        assert!(drawn.iter().all(|figure| figure["state"] == "done"), "{drawn:?}");
        ["figure2.svg", "figure5.svg"]
            .map(|name| fs::read_to_string(other.join(name)).unwrap().contains("curves missing"))
    };
    assert_eq!(curves(), [false; 2]);
    fs::remove_dir_all(other.join("runs")).unwrap();
    assert_eq!(curves(), [true; 2]);

    fs::write(out.join("runs.jsonl"), "{}\n").unwrap();
    let damaged = snn(directory.path(), &["claims", "--scale", "smoke", "--initialization", "printed"]);
    assert!(String::from_utf8_lossy(&damaged.stderr).contains("runs.jsonl:1: "), "{damaged:?}");
}

#[test]
fn batches_and_depth_change_the_plan() {
    let directory = tempfile::tempdir().unwrap();
    let runs = |more: &[&str]| {
        let start = ["figure", "3", "5", "--scale", "smoke", "--plan", "--json"];
        json(&snn(directory.path(), &[&start[..], more].concat()))[0]["all"]["runs"].as_u64().unwrap()
    };
    let (one, two) = (runs(&[]), runs(&["--batches", "2"]));
    assert!(one < two && two <= 2 * one && runs(&["--shallow"]) < one, "{one} {two}");
    assert_eq!(runs(&["--initialization", "gain-6"]), one);
    let refused = snn(directory.path(), &["figure", "3", "--batches", "4", "--plan"]);
    assert!(
        !refused.status.success()
            && String::from_utf8_lossy(&refused.stderr)
                .contains("the number of batches of seeds must be 1 to 3, not 4")
    );
    let refused = snn(directory.path(), &["claims", "--batches", "4"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("must be 1 to 3, not 4"), "{refused:?}");
}

/// A claim is tested with the runs that it compares, without the others of its figure.
#[test]
fn claims_select_runs() {
    let directory = tempfile::tempdir().unwrap();
    let figure = |arguments: &[&str]| {
        snn(directory.path(), &[&["figure", "--scale", "smoke", "--json"], arguments].concat())
    };
    let runs = |arguments: &[&str]| {
        json(&figure(&[&["--plan"], arguments].concat()))[0]["all"]["runs"].as_u64().unwrap()
    };
    // The asymptotic surrogate, with and without the gradient through the reset.
    assert_eq!(runs(&["--claims", "5b"]), 2 * 2 * 2);
    assert_eq!(runs(&["--claims", "5b,5a"]), runs(&["5", "--claims", "5a"]) + 4);
    assert_eq!(runs(&["--claims", "5b", "--batches", "2"]), 2 * runs(&["--claims", "5b"]));
    assert!(runs(&["--claims", "4b"]) < runs(&["3"]) && runs(&["--claims", "8b"]) < runs(&["9"]));

    let drawn = json(&figure(&["--claims", "5b"]));
    assert_eq!((drawn.len(), &drawn[0]["figure"], &drawn[0]["state"]), (1, &5.into(), &"done".into()));
    let claims = &json(&snn(directory.path(), &["claims", "--scale", "smoke", "--json"]))[0]["claims"];
    let claim = |id: &str| claims.as_array().unwrap().iter().find(|claim| claim["id"] == id).unwrap();
    assert_eq!(claim("5b")["checks"].as_array().unwrap().len(), 1, "{}", claim("5b"));
    let reason = claim("5a")["reason"].as_str().unwrap();
    assert_eq!(reason, "4 of 12 runs are done; `snn figure --claims 5a --scale smoke` trains the others");

    for (arguments, expected) in [
        (&["--claims", "5z"][..], "there is no claim `5z`"),
        (&["3", "--claims", "5b"], "figure 3 has no runs for claims 5b"),
        (&["--claims", "7f"], "fetch-data shd"),
        (&["--claims", "7i"], "7i: "),
        (&["--claims", "5b", "--shallow"], "--shallow"),
    ] {
        let refused = figure(arguments);
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && error.contains(expected), "{arguments:?}: {error}");
    }
}
