//! Data sets that several runs train on at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use snn_data::Dataset;

use crate::Error;

/// One copy of each data set in use. It goes when the last run lets go of it, so that no more data sets are in memory than
/// runs side by side; those who come for one that is being loaded wait.
#[derive(Default)]
pub(super) struct SharedData {
    sets: Mutex<HashMap<String, Arc<Slot>>>,
}

type Slot = Mutex<Option<Weak<dyn Dataset>>>;

impl SharedData {
    /// The data set of that name, opened if nobody has it.
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
