//! Reading the probes of a run.

use std::{fs, io};

use serde::{Deserialize, de::DeserializeOwned};

use super::{PROBE_VERSION, Probe, lost_classes};
use crate::{
    directory::RunDir,
    error::Error,
    files::{self, PROBES},
    regular,
};

impl RunDir {
    /// The epochs with probes, ascending.
    ///
    /// # Errors
    /// [`Error::Io`]; a run without probes has none.
    pub fn probed_epochs(&self) -> Result<Vec<u32>, Error> {
        let folder = self.path().join(PROBES);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list the probes", &folder)(error)),
        };
        let mut epochs: Vec<_> =
            entries.flatten().filter_map(|entry| files::probed_epoch(entry.file_name().to_str()?)).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// How many classes the run never predicts on validation, according to its last probe; `None` without a readable probe or
    /// without validation. See [`lost_classes`].
    #[must_use]
    pub fn lost_classes(&self) -> Option<usize> {
        let last = *self.probed_epochs().ok()?.last()?;
        let confusion = self.confusion(last)?;
        (!confusion.is_empty()).then(|| lost_classes(&confusion).len())
    }

    /// The confusion matrix of a probe, without parsing the rest.
    pub(crate) fn confusion(&self, epoch: u32) -> Option<Vec<Vec<u32>>> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Confusion {
            confusion: Vec<Vec<u32>>,
        }
        self.part_of_probe::<Confusion>(epoch).map(|it| it.confusion)
    }

    /// Some fields of a probe, without parsing the rest; `None` if it cannot be read.
    pub(crate) fn part_of_probe<T: DeserializeOwned>(&self, epoch: u32) -> Option<T> {
        let path = self.path().join(PROBES).join(files::probe(epoch));
        serde_json::from_slice(&regular::read(&path, regular::MOST_PROBE).ok()?).ok()
    }

    /// The probe of an epoch.
    ///
    /// # Errors
    /// [`Error::Io`] (also if there is none), [`Error::TooNew`], [`Error::DamagedFile`].
    pub fn probe(&self, epoch: u32) -> Result<Probe, Error> {
        #[derive(Deserialize)]
        struct Version {
            #[serde(default)]
            version: u32,
        }
        let path = self.path().join(PROBES).join(files::probe(epoch));
        let bytes = regular::read(&path, regular::MOST_PROBE).map_err(Error::io("read the probe", &path))?;
        if let Ok(Version { version }) = serde_json::from_slice(&bytes)
            && version > PROBE_VERSION
        {
            return Err(Error::TooNew { path, found: version, known: PROBE_VERSION });
        }
        serde_json::from_slice(&bytes).map_err(|error| Error::DamagedFile {
            what: "probe",
            path,
            reason: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_listed_and_read_and_bad_ones_are_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("config.toml"), "").unwrap();
        let run = RunDir::open(directory.path()).unwrap();
        assert!(run.probed_epochs().unwrap().is_empty());

        let folder = directory.path().join(PROBES);
        fs::create_dir(&folder).unwrap();
        for (name, content) in [
            ("0000010.json", r#"{"version":1,"epoch":10}"#),
            ("0000002.json", r#"{"version":9,"samples":"other"}"#),
            ("0000003.json", r#"{"version":1,"sam"#),
            (".0000004.json.tmp", ""),
            ("notes.txt", ""),
        ] {
            fs::write(folder.join(name), content).unwrap();
        }
        assert_eq!(run.probed_epochs().unwrap(), [2, 3, 10]);
        assert_eq!(run.probe(10).unwrap().epoch, 10);
        assert!(matches!(run.probe(2), Err(Error::TooNew { found: 9, .. })));
        assert!(matches!(run.probe(3), Err(Error::DamagedFile { .. })));
        assert!(matches!(run.probe(4), Err(Error::Io { .. })));
    }
}
