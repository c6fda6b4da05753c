//! Data sets shared by parallel runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use snn_data::Dataset;

use crate::Error;

/// One copy of each data set in use. It is dropped with its last run, so there are at most as many data sets in memory as parallel
/// runs; runs that need a data set that is being loaded wait for it.
#[derive(Default)]
pub(super) struct SharedData {
    sets: Mutex<HashMap<String, Arc<Slot>>>,
}

type Slot = Mutex<Option<Weak<dyn Dataset>>>;

impl SharedData {
    /// The data set with this key, loaded if necessary.
    pub(super) fn get(
        &self,
        name: &str,
        open: impl FnOnce() -> Result<Arc<dyn Dataset>, Error>,
    ) -> Result<Arc<dyn Dataset>, Error> {
        let slot = {
            let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(sets.entry(name.to_owned()).or_default())
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dataset) = slot.as_ref().and_then(Weak::upgrade) {
            return Ok(dataset);
        }
        let dataset = open()?;
        *slot = Some(Arc::downgrade(&dataset));
        Ok(dataset)
    }
}
