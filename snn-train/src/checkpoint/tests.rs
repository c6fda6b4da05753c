use std::fs;

use snn_core::{Adam, AdamConfig, Initialization};

use super::*;

fn network(experiment: &Experiment) -> Network {
    let dataset = experiment.data.open().unwrap();
    Network::new(experiment.network_config(&*dataset), Initialization::default(), 1).unwrap()
}

fn small() -> Checkpoint {
    let mut experiment = Experiment::default();
    let size = ["data.inputs=2", "data.classes=2", "data.samples_per_class=10", "network.hidden=[3]"];
    experiment.set(&size).unwrap();
    let data = DataIdentity::of(&*experiment.data.open().unwrap()).unwrap();
    let network = network(&experiment);
    let adam = Adam::new(AdamConfig::default(), &network).unwrap();
    let best = Some(Best { epoch: 2, accuracy: 0.1 + 0.2, loss: 1.0 / 3.0 });
    let mut partial = Partial::default();
    partial.batch = 5;
    Checkpoint::take(&experiment, &network, &adam, 3, best, Some(partial), &data)
}

#[test]
fn a_checkpoint_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("last.safetensors");
    assert!(matches!(Checkpoint::load(&path), Err(Error::MissingCheckpoint { .. })));
    let checkpoint = small();
    checkpoint.save(&path).unwrap();
    let loaded = Checkpoint::load(&path).unwrap();
    assert_eq!(loaded, Checkpoint { matrices: sorted(&checkpoint), ..checkpoint.clone() });
    assert_eq!((loaded.epoch(), loaded.batch()), (3, 5));
    assert_eq!(
        format::encode(&loaded).unwrap(),
        format::encode(&checkpoint).unwrap(),
        "equal states give equal bytes"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
}

fn sorted(checkpoint: &Checkpoint) -> Vec<Matrix> {
    let mut matrices = checkpoint.matrices.clone();
    matrices.sort_by(|one, other| one.name.cmp(&other.name));
    matrices
}

#[test]
fn every_flipped_bit_and_every_truncation_is_detected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("last.safetensors");
    let whole = small();
    let bytes = format::encode(&whole).unwrap();
    let whole = Checkpoint { matrices: sorted(&whole), ..whole };
    let mut noticed = 0;
    for bit in (0..8 * bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        match format::decode(&damaged) {
            Err(_) => noticed += 1,
            // Only changes without meaning, such as the case of a hexadecimal escape, may go undetected.
            Ok(decoded) => assert_eq!(decoded, whole, "bit {bit}"),
        }
    }
    assert!(noticed > 8 * bytes.len() / 3 * 99 / 100, "{noticed} of {}", 8 * bytes.len() / 3);
    for length in [0, 1, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = Checkpoint::load(&path).unwrap_err();
        assert!(matches!(error, Error::DamagedCheckpoint { .. }), "{length}: {error}");
    }
}

#[test]
fn a_newer_checkpoint_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("last.safetensors");
    let mut checkpoint = small();
    checkpoint.state.version = VERSION + 1;
    checkpoint.save(&path).unwrap();
    assert!(matches!(
        Checkpoint::load(&path),
        Err(Error::Files(snn_run::Error::TooNew { found: 3, known: 2, .. }))
    ));
}

/// Files with a correct checksum, written by a different program.
#[test]
fn impossible_values_in_checkpoints_are_refused() {
    let refused = |change: &dyn Fn(&mut Checkpoint), words: &str| {
        let mut checkpoint = small();
        change(&mut checkpoint);
        let bytes = format::encode(&checkpoint).unwrap();
        match format::decode(&bytes) {
            Err(format::Damage::Other(reason)) => assert!(reason.contains(words), "{reason}"),
            _ => panic!("accepted: {words}"),
        }
    };
    refused(&|it| it.state.step = u32::MAX, "at their limit: epoch 3, step 4294967295");
    refused(&|it| it.state.epoch = u32::MAX, "at their limit");
    refused(&|it| it.matrices[0].weights[1] = f32::NAN, "a value of W1 is NaN");
    let set = |matrix: usize, buffer: &'static str, at: usize, value: f32| {
        move |it: &mut Checkpoint| it.matrices[matrix].optimizer.get_mut(buffer).unwrap()[at] = value
    };
    refused(&set(0, "adam.m", 2, f32::INFINITY), "a value of W1.adam.m is inf");
    refused(&set(1, "adam.v", 0, f32::NAN), "a value of Wout.adam.v is NaN");
    refused(&set(1, "adam.v", 0, -1.0), "a value of Wout.adam.v, which is a mean of squares, is -1");
    refused(&|it| drop(it.matrices[1].optimizer.remove("adam.v")), "Wout.adam.v");
}

/// Version 1 lacked these keys; Adam's tensors had the same names.
#[test]
fn a_checkpoint_of_version_1_is_read() {
    let checkpoint = small();
    let mut state = serde_json::to_value(&checkpoint.state).unwrap();
    state["version"] = 1.into();
    let experiment = state["experiment"].as_object_mut().unwrap();
    experiment.remove("loss").unwrap();
    experiment.remove("schedule").unwrap();
    for (section, keys) in [
        ("network", &["neuron", "tau_adaptation", "adaptation"][..]),
        ("optimizer", &["name", "momentum", "weight_decay"]),
        ("training", &["clip_norm"]),
    ] {
        let section = experiment[section].as_object_mut().unwrap();
        keys.iter().for_each(|key| drop(section.remove(*key).unwrap()));
    }
    let bytes = format::write(&checkpoint.matrices, &state).unwrap();
    let Ok(read) = format::decode(&bytes) else { panic!("not read") };
    assert_eq!(read.experiment(), checkpoint.experiment());
    assert_eq!(read.matrices, sorted(&checkpoint));
    let state = read.optimizer_state();
    let names: Vec<_> = state.matrices[0].buffers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((state.rule.as_str(), &names[..]), ("adam", &["m", "v"][..]));
}

#[test]
fn a_different_network_is_refused_with_its_shapes() {
    let checkpoint = small();
    let mut experiment = checkpoint.experiment().clone();
    checkpoint.restore(&mut network(&experiment)).unwrap();
    experiment.set(&["network.recurrent=true"]).unwrap();
    let error = checkpoint.restore(&mut network(&experiment)).unwrap_err().to_string();
    let expected =
        "the checkpoint has W1 of 2 x 3, Wout of 3 x 2, the network V1 of 3 x 3, W1 of 2 x 3, Wout of 3 x 2";
    assert!(error.contains(expected), "{error}");
}
