use std::{collections::HashMap, path::PathBuf};

use safetensors::{Dtype, tensor::TensorView};
use snn_core::{Initialization, Layer, NetworkConfig};
use snn_data::npz::NpzWriter;

use super::*;
use crate::{Experiment, Trainer};

/// W1 of 2 x 3, V1 of 3 x 3, Wout of 3 x 2.
fn network(seed: u64) -> Network {
    let config = NetworkConfig { hidden: vec![Layer::recurrent(3)], ..NetworkConfig::new(2, 2) };
    Network::new(config, Initialization::default(), seed).unwrap()
}

fn values(network: &Network) -> Vec<(String, Vec<f32>)> {
    network.parameters().map(|(name, _, values)| (name, values)).collect()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("weights");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn load(&self, bytes: &[u8]) -> Result<Weights, Error> {
        Weights::load(self.file(bytes))
    }
}

/// A safetensors file of these tensors, float32.
fn safetensors(tensors: &[(&str, &[usize], Vec<f32>)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
    });
    safetensors::serialize(views, None::<HashMap<String, String>>).unwrap()
}

#[test]
fn files_of_other_programs_are_read() {
    let (place, donor) = (Place::new(), network(1));
    let matrices: Vec<_> = donor.parameters().collect();
    let tensors: Vec<_> =
        matrices.iter().map(|(name, shape, w)| (name.as_str(), &shape[..], w.clone())).collect();
    let mut archive = NpzWriter::new();
    for (name, shape, w) in &matrices {
        let wide: Vec<f64> = w.iter().map(|&w| f64::from(w)).collect();
        archive.add(name, shape, &wide).unwrap();
    }
    for bytes in [safetensors(&tensors), archive.finish()] {
        let weights = place.load(&bytes).unwrap();
        assert!(weights.experiment().is_none() && weights.data().is_none());
        let mut receiver = network(2);
        weights.put_into(&mut receiver).unwrap();
        assert_eq!(values(&receiver), values(&donor));
    }
    let half: Vec<u8> = [0x3c00_u16; 9].iter().flat_map(|bits| bits.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F16, vec![3, 3], &half).unwrap();
    let bytes = safetensors::serialize([("V1", view)], None).unwrap();
    let mut receiver = network(2);
    place.load(&bytes).unwrap().put_only(&["V1".to_owned()], &mut receiver).unwrap();
    assert_eq!(values(&receiver)[1].1, [1.0; 9]);
    assert_eq!(values(&receiver)[0], values(&network(2))[0], "the others are unchanged");
}

#[test]
fn files_of_this_program_know_their_experiment() {
    let place = Place::new();
    let mut experiment = Experiment::default();
    let small = ["data.inputs=4", "data.classes=2", "data.samples_per_class=20", "network.hidden=[3]"];
    experiment.set(&small).unwrap();
    let trainer = Trainer::new(experiment.clone()).unwrap();
    let checkpoint = trainer.checkpoint();
    let path = place.0.path().join("checkpoint");
    checkpoint.save(&path).unwrap();
    let files = [
        std::fs::read(&path).unwrap(),
        checkpoint.to_safetensors("mine").unwrap(),
        checkpoint.to_npz("mine").unwrap(),
    ];
    for bytes in &files {
        let weights = place.load(bytes).unwrap();
        assert_eq!(weights.experiment(), Some(&experiment));
        assert_eq!(weights.data(), checkpoint.data());
        assert_eq!(weights.data().unwrap().classes, ["0", "1"]);
        let mut experiment = experiment.clone();
        experiment.set(&["initialization.seed=5"]).unwrap();
        let other = Trainer::new(experiment).unwrap();
        assert_ne!(values(other.network()), values(trainer.network()));
        let other = other.with_weights(&weights).unwrap();
        assert_eq!(values(other.network()), values(trainer.network()));
    }
}

/// The weights of a network without a checkpoint, in every format.
#[test]
fn networks_of_other_loops_are_written() {
    let (place, donor) = (Place::new(), network(1));
    let weights = Weights::of(&donor);
    assert_eq!(
        weights.matrices().map(|(name, shape, _)| (name, shape)).collect::<Vec<_>>(),
        [("W1", &[2, 3][..]), ("V1", &[3, 3]), ("Wout", &[3, 2])]
    );
    for bytes in [weights.to_safetensors().unwrap(), weights.to_npz().unwrap()] {
        let read = place.load(&bytes).unwrap();
        assert!(read.experiment().is_none() && read.data().is_none());
        let mut receiver = network(2);
        read.put_into(&mut receiver).unwrap();
        assert_eq!(values(&receiver), values(&donor));
    }
    // Weights that were read keep their metadata in the other format.
    let mut experiment = Experiment::default();
    experiment.set(&["data.inputs=4", "data.classes=2", "data.samples_per_class=20"]).unwrap();
    let checkpoint = Trainer::new(experiment.clone()).unwrap().checkpoint();
    let first = place.load(&checkpoint.to_npz("mine").unwrap()).unwrap();
    let second = place.load(&first.to_safetensors().unwrap()).unwrap();
    assert_eq!(second.experiment(), Some(&experiment));
    assert_eq!(second.data(), checkpoint.data());
    assert!(second.matrices().eq(first.matrices()));
}

/// A graph of a network without a checkpoint has the same nodes as that of a checkpoint.
#[cfg(feature = "nir")]
#[test]
fn graphs_of_other_loops_are_written() {
    let place = Place::new();
    let mut experiment = Experiment::default();
    let small = [
        "data.inputs=4",
        "data.classes=2",
        "data.samples_per_class=20",
        "network.recurrent=true",
        "data.dt=2",
    ];
    experiment.set(&small).unwrap();
    let trainer = Trainer::new(experiment).unwrap();
    let graph = nir::of_network(trainer.network()).unwrap();
    let of_checkpoint = nir::of_checkpoint("mine", &trainer.checkpoint()).unwrap();
    assert!(graph.nodes == of_checkpoint.nodes && graph.edges == of_checkpoint.edges);
    assert_eq!(graph.metadata.keys().collect::<Vec<_>>(), ["snn.differences", "snn.dt"]);
    let path = place.0.path().join("own.nir");
    graph.write(&path).unwrap();
    let mut other = trainer.network().clone();
    other.set_parameter("W1", &vec![0.5; 4 * 100]).unwrap();
    Weights::load(&path).unwrap().put_into(&mut other).unwrap();
    assert_eq!(values(&other), values(trainer.network()));
}

#[test]
fn mismatches_are_named_and_nothing_changes() {
    let place = Place::new();
    let refused = |tensors: &[(&str, &[usize], Vec<f32>)], words: &[&str]| {
        let mut receiver = network(2);
        let error = place.load(&safetensors(tensors)).unwrap().put_into(&mut receiver).unwrap_err();
        assert!(error.is_usage());
        for word in words {
            assert!(error.to_string().contains(word), "`{word}` is not in: {error}");
        }
        assert_eq!(values(&receiver), values(&network(2)));
    };
    let (w1, v1, wout) = (
        ("W1", &[2, 3][..], vec![0.1; 6]),
        ("V1", &[3, 3][..], vec![0.1; 9]),
        ("Wout", &[3, 2][..], vec![0.1; 6]),
    );
    refused(
        &[w1.clone(), wout.clone()],
        &["V1 of 3 x 3 is missing", "the file has W1 of 2 x 3, Wout of 3 x 2"],
    );
    refused(
        &[("W1", &[3, 2], vec![0.1; 6]), v1.clone(), wout.clone()],
        &["W1 is 3 x 2 in the file but 2 x 3 here: transposed", "transpose it"],
    );
    refused(
        &[("W1", &[6], vec![0.1; 6]), v1.clone(), ("Wout", &[3, 5], vec![0.1; 15])],
        &["W1 is a vector of 6 in the file", "Wout is 3 x 5 in the file but 3 x 2 here"],
    );
    refused(
        &[w1.clone(), v1.clone(), wout.clone(), ("W2", &[3, 3], vec![0.1; 9])],
        &["the network has no W2, which is 3 x 3 in the file"],
    );
    let mut bad = vec![0.1; 9];
    bad[5] = f32::NAN;
    refused(&[w1.clone(), ("V1", &[3, 3], bad), wout], &["V1 has NaN in row 1, column 2"]);
    refused(
        &[("fc1.weight", &[3, 2], vec![0.1; 6])],
        &["W1 of 2 x 3 is missing", "the network has no fc1.weight"],
    );

    let mut archive = NpzWriter::new();
    archive.add("W1", &[2, 3], &[1_i32; 6]).unwrap();
    let weights = place.load(&archive.finish()).unwrap();
    let error = weights.put_into(&mut network(2)).unwrap_err().to_string();
    assert!(error.contains("W1 has type <i4 in the file"), "{error}");
    let error = weights.put_only(&["W7".to_owned()], &mut network(2)).unwrap_err().to_string();
    assert!(error.contains("the network has no matrix W7: it has W1 of 2 x 3, V1 of 3 x 3"), "{error}");
}

#[test]
fn other_files_are_refused() {
    let place = Place::new();
    for bytes in [&b""[..], b"PK", b"hello, these are no weights", &[0; 100]] {
        let error = place.load(bytes).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("not a weight file"), "{error}");
    }
    let whole = safetensors(&[("W1", &[2, 3], vec![0.1; 6])]);
    let error = place.load(&whole[..whole.len() - 1]).unwrap_err();
    assert!(error.to_string().contains("not a complete safetensors file"), "{error}");
    assert!(place.load(b"PK\x03\x04 and nothing behind").is_err());
    assert!(matches!(Weights::load(place.0.path().join("nothing")), Err(Error::Files(_))));
}
