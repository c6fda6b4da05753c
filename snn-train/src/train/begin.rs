//! The start of a run: weights from a file, and an optimizer that does not update frozen matrices.

use snn_core::{Backend, Network, Optimizer, OptimizerState};

use crate::{error::Error, experiment::Experiment, weights::Weights};

/// Loads the weights of the experiment's file into the network.
pub(super) fn load<D: Backend<f32>>(
    experiment: &Experiment,
    network: &mut Network<f32, D>,
) -> Result<(), Error> {
    let section = &experiment.initialization;
    if section.weights.as_os_str().is_empty() {
        return Ok(());
    }
    Weights::load(&section.weights)?.put_only(&section.only, network)
}

/// The optimizer of the experiment, restored from `state`.
pub(super) fn optimizer<D: Backend<f32>>(
    experiment: &Experiment,
    network: &Network<f32, D>,
    state: Option<&OptimizerState<f32>>,
) -> Result<Box<dyn Optimizer<f32, D>>, Error> {
    let (rule, settings) = (experiment.optimizer.name, experiment.optimizer_settings());
    let mut optimizer = rule.fit(&settings, network, state)?;
    optimizer.freeze(&experiment.training.freeze)?;
    Ok(optimizer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trainer;

    fn experiment(changes: &[&str]) -> Experiment {
        let mut experiment = Experiment::default();
        let small =
            ["data.samples_per_class=20", "data.classes=2", "network.hidden=[6]", "network.recurrent=true"];
        experiment.set(&small).unwrap();
        experiment.set(&["training.epochs=2", "training.batch_size=8", "initialization.gain=6"]).unwrap();
        experiment.set(changes).unwrap();
        experiment
    }

    fn matrix(trainer: &Trainer, name: &str) -> Vec<f32> {
        trainer.network().parameters().find(|(found, ..)| found == name).unwrap().2
    }

    #[test]
    fn frozen_matrices_stay_and_the_others_learn() {
        for rule in snn_core::OptimizerKind::ALL {
            let rule = format!("optimizer.name={}", rule.word());
            let changes = [
                &rule,
                "optimizer.weight_decay=0.1",
                "training.clip_norm=0.5",
                "training.freeze=['W1', 'Wout']",
            ];
            let begin = Trainer::new(experiment(&changes)).unwrap();
            let mut trainer = Trainer::new(experiment(&changes)).unwrap();
            trainer.run(&mut []).unwrap();
            for name in ["W1", "Wout"] {
                assert_eq!(matrix(&trainer, name), matrix(&begin, name), "{rule}, {name}");
            }
            assert_ne!(matrix(&trainer, "V1"), matrix(&begin, "V1"), "{rule}");
            // a resumed run keeps the frozen matrices
            let mut resumed = Trainer::new(experiment(&changes)).unwrap();
            resumed.experiment.training.epochs = 3;
            resumed.resume(&trainer.checkpoint(), trainer.best_checkpoint.as_ref()).unwrap();
            resumed.run(&mut []).unwrap();
            assert_eq!(matrix(&resumed, "W1"), matrix(&begin, "W1"), "{rule}");
        }
    }

    #[test]
    fn frozen_matrices_do_not_count_in_the_norm() {
        let mut norms = Vec::new();
        let mut trainer = Trainer::new(experiment(&["training.freeze=['W1']", "training.epochs=1"])).unwrap();
        let mut keep = |event: &crate::Event<'_>| {
            if let crate::Event::EpochFinished { record, optimizer, .. } = event {
                norms.push(record.gradient_norms.clone());
                assert_eq!(optimizer.last_update()[0], ("W1".to_owned(), 0.0));
                assert!(optimizer.last_update()[1].1 > 0.0);
            }
        };
        trainer.run(&mut [&mut keep]).unwrap();
        assert_eq!(norms[0]["W1"], 0.0);
        assert!(norms[0]["V1"] > 0.0);
    }

    #[test]
    fn weights_come_from_the_file_that_the_experiment_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("w.npz");
        let donor = Trainer::new(experiment(&["initialization.seed=9"])).unwrap();
        std::fs::write(&path, donor.checkpoint().to_npz("donor").unwrap()).unwrap();
        let file = format!("initialization.weights={}", path.display());
        let trainer = Trainer::new(experiment(&[&file])).unwrap();
        assert_eq!(matrix(&trainer, "W1"), matrix(&donor, "W1"));
        // a different number of classes: all except the readout
        let fine = [&file, "data.classes=3", "initialization.only=['W1', 'V1']"];
        let mut tuned = Trainer::new(experiment(&fine)).unwrap();
        assert_eq!(matrix(&tuned, "V1"), matrix(&donor, "V1"));
        tuned.run(&mut []).unwrap();
        let last = tuned.checkpoint();

        let error = Trainer::new(experiment(&[&file, "data.classes=3"])).unwrap().run(&mut []).unwrap_err();
        assert!(error.to_string().contains("Wout is 6 x 2 in the file but 6 x 3 here"), "{error}");
        std::fs::remove_file(&path).unwrap();
        let error = Trainer::new(experiment(&fine)).unwrap().run(&mut []).unwrap_err();
        assert!(error.to_string().contains("cannot read the weights"), "{error}");
        // resuming from a checkpoint does not need the file
        let mut resumed = Trainer::new(experiment(&fine)).unwrap();
        resumed.resume(&last, tuned.best_checkpoint.as_ref()).unwrap();
        resumed.run(&mut []).unwrap();
    }
}
