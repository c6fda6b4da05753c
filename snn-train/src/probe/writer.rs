//! Saving the probes of a run.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use snn_run::{
    files::{self, PROBES},
    regular,
};

use super::{
    Probe,
    schedule::Schedule,
    take::{Epoch, Subject},
};
use crate::{
    Error, Event,
    replace::{Durability, replace},
};

/// Takes probes when they are due and saves them in a folder of the run directory.
#[derive(Debug)]
pub(crate) struct ProbeWriter {
    folder: PathBuf,
    /// Set when the run starts.
    plan: Option<(Schedule, Subject)>,
}

impl ProbeWriter {
    pub(crate) fn new(run: &Path) -> Self {
        Self { folder: run.join(PROBES), plan: None }
    }

    /// Takes a probe if it is due, and returns it.
    ///
    /// # Errors
    /// Any failure; training does not depend on it.
    pub(crate) fn observe(&mut self, event: &Event<'_>) -> Result<Option<Probe>, Error> {
        let begin = Instant::now();
        match event {
            Event::RunStarted(start) => {
                let schedule = Schedule::new(&start.experiment.probe);
                let subject = Subject::new(start.experiment, start.dataset);
                let due = start.epoch == 0 && start.batch == 0 && schedule.is_due(0);
                let first = due.then(|| subject.probe(start.network, start.dataset, None));
                self.plan = Some((schedule, subject));
                // Remove those of epochs that will be trained again.
                self.thin(start.epoch)?;
                first.map(|probe| self.write(probe?, begin)).transpose()
            }
            Event::EpochFinished { record, network, dataset, optimizer, activity, validation } => {
                let Some((schedule, subject)) = &self.plan else { return Ok(None) };
                if !schedule.is_due(record.epoch) {
                    return Ok(None);
                }
                let epoch =
                    Epoch { epoch: record.epoch, optimizer: *optimizer, activity, validation: *validation };
                let probe = subject.probe(network, *dataset, Some(epoch))?;
                let probe = self.write(probe, begin)?;
                self.thin(record.epoch)?;
                Ok(Some(probe))
            }
            _ => Ok(None),
        }
    }

    fn write(&self, mut probe: Probe, begin: Instant) -> Result<Probe, Error> {
        probe.seconds = begin.elapsed().as_secs_f64();
        let path = self.folder.join(files::probe(probe.epoch));
        let fail = |error| Error::io("write the probe", &path)(error);
        regular::check_folder(&self.folder).and_then(|()| fs::create_dir_all(&self.folder)).map_err(fail)?;
        let json = serde_json::to_vec(&probe).map_err(io::Error::from);
        json.and_then(|json| replace(&path, &json, Durability::Process)).map_err(fail)?;
        Ok(probe)
    }

    /// Removes probes that are not kept after `done` epochs.
    fn thin(&self, done: u32) -> Result<(), Error> {
        let Some((schedule, _)) = &self.plan else { return Ok(()) };
        regular::check_folder(&self.folder).map_err(Error::io("list the probes", &self.folder))?;
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("list the probes", &self.folder)(error)),
        };
        for entry in entries.flatten() {
            let epoch = entry.file_name().to_str().and_then(files::probed_epoch);
            if epoch.is_some_and(|epoch| !schedule.keeps(epoch, done)) {
                let path = entry.path();
                fs::remove_file(&path).map_err(Error::io("remove an old probe", &path))?;
            }
        }
        Ok(())
    }
}
