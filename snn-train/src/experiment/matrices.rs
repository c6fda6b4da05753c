//! Keys that name weight matrices, and the file that some are loaded from.

use std::{io, path::absolute};

use super::{definition::Experiment, sections::Recurrent};
use crate::error::Error;

impl Experiment {
    /// The names of the weight matrices: `W1`, `V1` (of a recurrent layer), `W2`, .. `Wout`.
    #[must_use]
    pub fn matrix_names(&self) -> Vec<String> {
        let is_recurrent = |layer: usize| match &self.network.recurrent {
            Recurrent::All(recurrent) => *recurrent,
            Recurrent::Each(each) => each.get(layer).copied().unwrap_or_default(),
        };
        let hidden = (0..self.network.hidden.len()).flat_map(|layer| {
            let recurrent = is_recurrent(layer).then(|| format!("V{}", layer + 1));
            std::iter::once(format!("W{}", layer + 1)).chain(recurrent)
        });
        hidden.chain(std::iter::once("Wout".to_owned())).collect()
    }

    /// Checks the keys that name matrices.
    pub(super) fn check_matrices(&self) -> Result<(), Error> {
        let known = self.matrix_names();
        for (key, names) in
            [("training.freeze", &self.training.freeze), ("initialization.only", &self.initialization.only)]
        {
            let Some(name) = names.iter().find(|name| !known.contains(name)) else { continue };
            let meant = known.iter().find(|known| known.eq_ignore_ascii_case(name)).map(String::as_str);
            let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            return Err(Error::Impossible(format!(
                "{key} names `{name}`, but this network has the matrices {}{meant}",
                known.join(", ")
            )));
        }
        if known.iter().all(|name| self.training.freeze.contains(name)) {
            return Err(Error::Impossible(
                "training.freeze names every matrix, and nothing is left to train: remove one".to_owned(),
            ));
        }
        if !self.initialization.only.is_empty() && self.initialization.weights.as_os_str().is_empty() {
            return Err(Error::Impossible(
                "initialization.only selects matrices of a file, but there is none: set initialization.weights (or \
                 --init)"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Makes relative paths absolute, so that a run finds its data and its initial weights from any directory.
    ///
    /// # Errors
    /// If the working directory is unknown.
    pub fn make_paths_absolute(&mut self) -> io::Result<()> {
        let weights = &mut self.initialization.weights;
        if !weights.as_os_str().is_empty() && weights.is_relative() {
            *weights = absolute(&*weights)?;
        }
        self.data.make_paths_absolute()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_selected_by_name() {
        let mut experiment = Experiment::default();
        experiment.set(&["network.hidden=[5, 6]", "network.recurrent=[false, true]"]).unwrap();
        assert_eq!(experiment.matrix_names(), ["W1", "W2", "V2", "Wout"]);
        experiment.set(&["training.freeze=['W1', 'V2']"]).unwrap();
        for (change, words) in [
            ("training.freeze=['V1']", "names `V1`, but this network has the matrices W1, W2, V2, Wout"),
            ("training.freeze=['w1']", "did you mean `W1`?"),
            ("training.freeze=['W1', 'W2', 'V2', 'Wout']", "nothing is left to train"),
            ("initialization.only=['W1']", "set initialization.weights"),
        ] {
            let error = experiment.clone().set(&[change]).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(words), "{error}");
        }
        experiment.set(&["initialization.weights=w.npz", "initialization.only=['W1']"]).unwrap();
        experiment.make_paths_absolute().unwrap();
        assert_eq!(experiment.initialization.weights, std::env::current_dir().unwrap().join("w.npz"));
    }
}
