//! `snn runs` on valid and invalid directories.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::fs;

use common::Snn;
use serde_json::Value;

#[test]
fn runs_are_listed_compared_filtered_sorted_and_exported() {
    let snn = Snn::new();
    for (name, rate) in [("a", "0.001"), ("b", "0.02")] {
        let rate = format!("optimizer.learning_rate={rate}");
        let directory = format!("runs/{name}");
        let changes = [rate.as_str(), "training.epochs=2", "initialization.gain=6.0"];
        snn.run(&Snn::train(&changes, &["--run-dir", &directory, "--quiet"])).expect(0);
    }
    fs::create_dir_all(snn.path("runs/letters")).unwrap();
    fs::create_dir_all(snn.path("runs/torn")).unwrap();
    fs::copy(snn.path("runs/a/config.toml"), snn.path("runs/torn/config.toml")).unwrap();
    fs::write(snn.path("runs/torn/status.json"), "{\"state\":").unwrap();

    let json = |more: &[&str]| -> Value {
        let arguments: Vec<_> = ["runs", "--json"].iter().chain(more).copied().collect();
        serde_json::from_str(&snn.run(&arguments).expect(0).stdout).unwrap()
    };
    let all = json(&[]);
    let column = |runs: &Value, name: &str| -> Vec<String> {
        runs["runs"].as_array().unwrap().iter().map(|run| run[name].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(column(&all, "id"), ["a", "b", "letters", "torn"]);
    assert_eq!(column(&json(&["runs/a/"]), "id"), ["a"], "the directory is itself a run");
    assert_eq!(column(&all, "state"), ["done", "done", "no_run", "damaged"]);
    assert_eq!(all["keys"], serde_json::json!(["optimizer.learning_rate"]), "the keys that differ");
    assert_eq!(all["runs"][0]["settings"]["training.epochs"], 2);
    assert_eq!(column(&all, "name"), ["a lr .001", "b lr .02", "letters", "torn lr .001"]);
    let few = json(&["--where", "state=done", "--where", "id=a"]);
    assert_eq!(column(&few, "name"), ["a"], "named by the differences between the runs shown");
    assert!(all["runs"][0]["spikes"].as_f64().unwrap() > 0.0);
    assert_eq!(all["runs"][0]["lost_classes"], 2, "the rate is too low to learn more than one class");
    assert!(all["runs"][2]["lost_classes"].is_null());

    // `a` guesses; the verdict of `b` after two epochs does not matter here, but all outputs must agree.
    assert_eq!(all["runs"][0]["verdict"], "chance", "{all}");
    assert!(all["runs"][2]["verdict"].is_null() && all["runs"][3]["verdict"] == "damaged", "{all}");
    for word in ["chance", "CHANCE"] {
        assert!(column(&json(&["--where", &format!("verdict={word}")]), "id").contains(&"a".to_owned()));
    }
    snn.run(&["runs", "--where", "verdict=learnt"]).fails(2, &["no verdict `learnt`", "learned"]);

    let done = json(&["--where", "state=done", "--sort", "optimizer.learning_rate", "--reverse"]);
    assert_eq!(column(&done, "id"), ["b", "a"]);
    assert_eq!(column(&json(&["--where", "optimizer.learning_rate>0.01"]), "id"), ["b"]);

    let table = snn.run(&["runs"]).expect(0).stdout;
    assert!(table.lines().next().unwrap().ends_with("optimizer.learning_rate"), "{table}");
    assert!(table.contains("torn: damaged status"), "{table}");
    assert!(table.starts_with("run ") && table.contains("\na        CHANCE "), "{table}");
    // A generated id is replaced by the settings that differ.
    fs::rename(snn.path("runs/b"), snn.path("runs/randman-0123456789ab")).unwrap();
    let table = snn.run(&["runs"]).expect(0).stdout;
    assert!(table.contains("\nlr .02   ") && table.contains("  randman-0123456789ab  0.02\n"), "{table}");
    fs::rename(snn.path("runs/randman-0123456789ab"), snn.path("runs/b")).unwrap();
    let csv = snn.run(&["runs", "--csv", "--keys", "network.hidden"]).expect(0).stdout;
    let head = "id,verdict,detail,state,epoch,epochs,valid_accuracy,test_accuracy,spikes,lost_classes,seconds,message,network.hidden\n";
    assert!(csv.starts_with(head) && csv.lines().count() == 5, "{csv}");

    snn.run(&["runs", "--sort", "optimizer.rate"]).fails(2, &["no run has `optimizer.rate`"]);
    snn.run(&["runs", "--where", "done"]).fails(2, &["a column or key"]);
    assert_eq!(column(&json(&["--where", "state==done"]), "id"), ["a", "b"]);
    assert_eq!(column(&json(&["--where", "epoch=", "--sort", "epoch"]), "id"), ["letters", "torn"]);
    for (wrong, words) in [
        ("epoch=>5", "epoch>=5"),
        ("test_accuracy>90%", "test_accuracy>0.9"),
        ("test_accuracy>abc", "`abc` is not"),
        ("optimizer.learning_rate>abc", "optimizer.learning_rate>0.0"),
        ("network.hidden>5", "network.hidden=[30]"),
    ] {
        snn.run(&["runs", "--where", wrong]).fails(2, &[words]);
    }
    snn.run(&["runs", "elsewhere"]).fails(1, &["cannot list the runs in elsewhere"]);
}

/// The last line of training, its JSON and the list agree, and the trainer warns of the verdict.
#[test]
fn all_programs_give_the_same_verdict() {
    let snn = Snn::new();
    for (name, changes, verdict, warning) in [
        (
            "thrown",
            &["optimizer.learning_rate=1000.0"][..],
            "DIVERGED epoch 1, loss ",
            "the loss has exploded",
        ),
        (
            "steep",
            &["network.hidden=[20, 20, 20]", "surrogate.beta=100.0"],
            "CHANCE ",
            "the network does no better than guessing",
        ),
    ] {
        let directory = format!("runs/{name}");
        let shared = [
            "training.epochs=4",
            "initialization.gain=5.0",
            "data.classes=4",
            "data.samples_per_class=60",
            "training.batch_size=32",
        ];
        let run = snn
            .run(&Snn::train(&[&shared, changes].concat(), &["--run-dir", &directory, "--quiet"]))
            .expect(0);
        let last = run.stdout.lines().last().unwrap().strip_prefix("verdict   ").unwrap().to_owned();
        assert!(last.starts_with(verdict), "{last}");
        assert!(run.stderr.contains(warning), "{}", run.stderr);
        assert!(
            run.stdout.contains(&format!("try       snn train {directory}/config.toml --set ")),
            "{}",
            run.stdout
        );
        let listed = snn.run(&["runs", "--json", "--where", &format!("id={name}")]).expect(0).stdout;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let listed = &listed["runs"][0];
        let label = listed["verdict"].as_str().unwrap().to_uppercase();
        assert_eq!(last, format!("{label} {}", listed["detail"].as_str().unwrap()));
    }
    let table = snn.run(&["runs"]).expect(0).stdout;
    assert!(table.lines().any(|line| line.starts_with("thrown  DIVERGED  done")), "{table}");
}

/// More than twenty runs: enough for a sort to detect an inconsistent order.
#[test]
fn runs_whose_names_are_numbers_and_words_are_sorted() {
    let snn = Snn::new();
    for number in 0..40 {
        for name in [format!("{}", 7 * number), format!("{number}-a"), format!("{number}e{number}f")] {
            fs::create_dir_all(snn.path("runs").join(name)).unwrap();
        }
    }
    for sort in ["id", "state"] {
        let listed = snn.run(&["runs", "--csv", "--sort", sort]).expect(0).stdout;
        let ids: Vec<_> = listed.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!((ids.len(), &ids[..3]), (120, &["0", "7", "14"][..]), "{listed}");
    }
}
