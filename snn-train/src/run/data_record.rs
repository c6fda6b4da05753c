//! `data.json`: the identity of a run's data, and the samples of each part.
//!
//! Resuming or evaluating a run reopens the data as they were: parts by sample names, channels with the recorded statistics, classes
//! in the recorded order. Remaining differences are refused, unless allowed explicitly.

use std::{fs, io, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use snn_data::{ClassOrder, DataIdentity, Dataset, Membership, Relabeled, Split};
use snn_run::{files::DATA, regular};

use crate::{
    error::Error,
    experiment::KnownParts,
    replace::{Durability, replace},
};

/// The version of the format; it is incremented when the meaning of a field changes.
const VERSION: u32 = 1;

/// Maximum size: a longer list of samples would not fit in memory together with its data set.
const MOST: u64 = 1 << 30;

/// The content of `data.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    version: u32,
    /// Whether the data came from a custom program ([`Trainer::on`](crate::Trainer::on)) instead of the experiment's section `data`.
    #[serde(default)]
    external: bool,
    identity: DataIdentity,
    /// `None` if the parts depend only on the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    membership: Option<Membership>,
}

/// Data that were compared with a record.
pub struct Fitted {
    /// The data, with their classes in the order of the run.
    pub dataset: Arc<dyn Dataset>,
    /// Notes for the user.
    pub note: Option<String>,
}

impl DataRecord {
    /// The record of these data.
    pub(crate) fn of(identity: &DataIdentity, dataset: &dyn Dataset, external: bool) -> Self {
        Self { version: VERSION, external, identity: identity.clone(), membership: Membership::of(dataset) }
    }

    /// The record with only an identity, such as that of a checkpoint.
    #[must_use]
    pub fn of_identity(identity: DataIdentity) -> Self {
        Self { version: VERSION, external: false, identity, membership: None }
    }

    /// The identity of the data.
    #[must_use]
    pub fn identity(&self) -> &DataIdentity {
        &self.identity
    }

    /// Maps the classes of other data to the order of the run, if their names are the same; different classes stay unchanged.
    ///
    /// # Errors
    /// [`Error::Data`] for samples that cannot be read.
    pub fn order_classes(&self, dataset: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>, Error> {
        let found = DataIdentity::of(&*dataset)?;
        Ok(match self.identity.compare(&found).classes {
            ClassOrder::Permuted(map) => Arc::new(Relabeled::new(dataset, map)?),
            ClassOrder::Same | ClassOrder::Different => dataset,
        })
    }

    /// The record of the run in `directory`; `None` if it has none, as in old runs, or if there is no run.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`], [`snn_run::Error::DamagedFile`], [`snn_run::Error::TooNew`].
    pub fn of_run(directory: &Path) -> Result<Option<Self>, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let path = directory.join(DATA);
        let bytes = match regular::read(&path, MOST) {
            Ok(bytes) => bytes,
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                return Ok(None);
            }
            Err(error) => return Err(Error::io("read the data record of the run", path)(error)),
        };
        let damaged = |error: serde_json::Error| snn_run::Error::DamagedFile {
            what: "data record",
            path: path.clone(),
            reason: error.to_string(),
        };
        let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version > VERSION {
            return Err(snn_run::Error::TooNew { path, found: version, known: VERSION }.into());
        }
        Ok(Some(serde_json::from_slice(&bytes).map_err(damaged)?))
    }

    pub(super) fn write(&self, directory: &Path) -> Result<(), Error> {
        let path = directory.join(DATA);
        let json = serde_json::to_vec(self).map_err(io::Error::from);
        json.and_then(|json| replace(&path, &json, Durability::Disk))
            .map_err(Error::io("write the data record of the run", path))
    }

    /// Renames the record of other data.
    pub(super) fn set_aside(directory: &Path) -> Result<(), Error> {
        let path = directory.join(DATA);
        let names = (1_u32..).map(|number| path.with_extension(format!("{number}.json")));
        let free = names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_default();
        fs::rename(&path, free).map_err(Error::io("rename the record of other data", path))
    }

    /// The recorded parts and statistics to reopen the data; `incomplete`: even if samples are missing.
    #[must_use]
    pub fn parts(&self, incomplete: bool) -> KnownParts {
        let (membership, statistics) = (self.membership.clone(), self.identity.statistics.clone());
        KnownParts { membership, statistics, incomplete }
    }

    /// Refuses a run on external data.
    ///
    /// # Errors
    /// [`Error::ExternalData`].
    pub fn check_described(&self) -> Result<(), Error> {
        let DataIdentity { name, inputs, steps, classes, .. } = &self.identity;
        if self.external { Err(Error::external(name, *inputs, *steps, classes.len())) } else { Ok(()) }
    }

    /// Compares the data, or one part, with those of the run, and maps their classes to its order.
    ///
    /// # Errors
    /// [`Error::OtherData`] if they differ, unless `allow_other`; and [`Error::Data`] for samples that cannot be read.
    pub fn fit(
        &self,
        dataset: Arc<dyn Dataset>,
        part: Option<Split>,
        allow_other: bool,
    ) -> Result<Fitted, Error> {
        let found = DataIdentity::of(&*dataset)?;
        let comparison = self.identity.compare(&found);
        let comparison = part.map_or_else(|| comparison.clone(), |part| comparison.of_part(part));
        if comparison.is_same() {
            return Ok(Fitted { dataset, note: None });
        }
        if !comparison.differences.is_empty() && !allow_other {
            return Err(Error::OtherData { differences: comparison.to_string() });
        }
        let note = match comparison.differences.is_empty() {
            true => format!("{comparison}: they are mapped to those of the run by name"),
            false => format!("these data differ from those of the run: {comparison}"),
        };
        let dataset: Arc<dyn Dataset> = match comparison.classes {
            ClassOrder::Permuted(map) => Arc::new(Relabeled::new(dataset, map)?),
            ClassOrder::Same | ClassOrder::Different => dataset,
        };
        Ok(Fitted { dataset, note: Some(note) })
    }

    /// How data with this identity differ from those of the run; `None` if they do not.
    pub(super) fn differences(&self, found: &DataIdentity) -> Option<String> {
        let comparison = self.identity.compare(found);
        (!comparison.is_same()).then(|| comparison.to_string())
    }
}
