//! Other data, read with the settings of an experiment.

use super::{data::Data, definition::Experiment, key, keys::keys};
use crate::error::Error;

/// The keys for the location and selection of data.
const OWN: &[&str] = &[
    "data.name",
    "data.directory",
    "data.train_file",
    "data.test_file",
    "data.words",
    "data.test",
    "data.valid",
];

impl Experiment {
    /// The data set with this `data.name`, with the settings of this experiment: keys that both have, such as steps and front end, keep
    /// their values, except for those that locate and select the data. `None` if there is no such data set.
    ///
    /// # Errors
    /// [`Error::Impossible`] or [`Error::Data`] if these values are invalid for it.
    pub fn data_like(&self, name: &str) -> Result<Option<Data>, Error> {
        let Some(data) = Data::named(name) else { return Ok(None) };
        let table = self.to_table()?;
        let shared = keys()
            .filter(|key| key.section() == "data" && !OWN.contains(&key.path))
            .filter(|key| key.applies_to(name) && key.applies_to(self.data.name()));
        let values = shared.filter_map(|key| Some((key.path, key::value(&table, key.path)?.clone())));
        Ok(Some(Experiment { data, ..Experiment::default() }.with(values)?.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_recordings_get_the_front_end_of_the_run() {
        let mut experiment = Experiment::default();
        let changes = ["data.name=fsdd", "data.directory=/here", "data.steps=33", "data.mel.channels=20"];
        experiment.set(&changes).unwrap();
        let folder = experiment.data_like("folder").unwrap().unwrap();
        let other = Experiment { data: folder, ..Experiment::default() };
        let number = |key: &str| other.get(key).unwrap();
        assert_eq!(number("data.name").as_str(), Some("folder"));
        assert_eq!(number("data.steps").as_integer(), Some(33));
        assert_eq!(number("data.mel.channels").as_integer(), Some(20));
        assert_eq!(number("data.mel.high").as_float(), Some(4000.0));
        assert_eq!(number("data.directory").as_str(), Some(""));
        assert_eq!(experiment.data_like("somewhere").unwrap(), None);
    }
}
