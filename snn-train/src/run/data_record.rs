//! `data.json`: which data a run is trained on, and which sample belongs to which part.
//!
//! Whoever goes on with a run or evaluates it opens the data again as they were: parts by the names of their samples, channels by
//! the statistics of then, classes in the order of then. What differs all the same is refused, unless it is asked for.

use std::{fs, io, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use snn_data::{ClassOrder, DataIdentity, Dataset, Membership, Relabeled, Split};
use snn_run::{files::DATA, regular};

use crate::{
    error::Error,
    experiment::KnownParts,
    replace::{Durability, replace},
};

/// The version of the format; it grows when a field changes its meaning.
const VERSION: u32 = 1;

/// No list of samples is longer; one that is would not fit beside its data set either.
const MOST: u64 = 1 << 30;

/// The content of `data.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    version: u32,
    /// Whether the data came from a program of its own ([`Trainer::on`](crate::Trainer::on)), and not from what the experiment
    /// says in `data`.
    #[serde(default)]
    external: bool,
    identity: DataIdentity,
    /// `None` if the parts follow from the settings alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    membership: Option<Membership>,
}

/// Data that were held against a record.
pub struct Fitted {
    /// The data, with their classes in the order of the run.
    pub dataset: Arc<dyn Dataset>,
    /// What a user should know of them.
    pub note: Option<String>,
}

impl DataRecord {
    /// Of the data that are at hand.
    pub(crate) fn of(identity: &DataIdentity, dataset: &dyn Dataset, external: bool) -> Self {
        Self { version: VERSION, external, identity: identity.clone(), membership: Membership::of(dataset) }
    }

    /// Of an identity alone, such as that in a checkpoint.
    #[must_use]
    pub fn of_identity(identity: DataIdentity) -> Self {
        Self { version: VERSION, external: false, identity, membership: None }
    }

    /// Which data they are.
    #[must_use]
    pub fn identity(&self) -> &DataIdentity {
        &self.identity
    }

    /// Brings the classes of other data into the order of the run, if they are the same by name; other classes stay as they are.
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

    /// What the run in `directory` has recorded; `None` if it has not, as runs of old, or if there is no run.
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
            Err(error) => return Err(Error::io("read which data the run was trained on", path)(error)),
        };
        let damaged = |error: serde_json::Error| snn_run::Error::DamagedFile {
            what: "record of the data",
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
            .map_err(Error::io("write which data the run is trained on", path))
    }

    /// Puts the record of other data aside.
    pub(super) fn set_aside(directory: &Path) -> Result<(), Error> {
        let path = directory.join(DATA);
        let names = (1_u32..).map(|number| path.with_extension(format!("{number}.json")));
        let free = names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_default();
        fs::rename(&path, free).map_err(Error::io("put the record of other data aside", path))
    }

    /// With what to open the data again; `incomplete`: even if samples are gone.
    #[must_use]
    pub fn parts(&self, incomplete: bool) -> KnownParts {
        let (membership, statistics) = (self.membership.clone(), self.identity.statistics.clone());
        KnownParts { membership, statistics, incomplete }
    }

    /// Refuses a run on data that no settings describe.
    ///
    /// # Errors
    /// [`Error::ExternalData`].
    pub fn check_described(&self) -> Result<(), Error> {
        let DataIdentity { name, inputs, steps, classes, .. } = &self.identity;
        if self.external { Err(Error::external(name, *inputs, *steps, classes.len())) } else { Ok(()) }
    }

    /// Holds the data at hand against those of the run, or one part of them, and brings their classes into its order.
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
            false => format!("these are other data than those of the run: {comparison}"),
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
