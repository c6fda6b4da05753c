//! Interruptible loading: a stop does not wait for files and generators.

use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use snn_data::{Cancel, ChannelStatistics, Dataset, Membership, Recorded, SpeechEvent};

use super::table::Data;
use crate::error::Error;

/// How often it checks for a stop request.
const LOOK: Duration = Duration::from_millis(20);

/// How long a canceled loader may take to end: a system call on a network drive may block it for minutes.
const GRACE: Duration = Duration::from_millis(400);

/// The data recorded by a run, owned by the loading thread: see [`Recorded`].
#[derive(Debug, Clone, Default)]
pub struct KnownParts {
    /// The parts, by the names of their samples.
    pub membership: Option<Membership>,
    /// The statistics to standardize channels by.
    pub statistics: Option<ChannelStatistics>,
    /// Whether missing samples are counted instead of refused.
    pub incomplete: bool,
}

impl KnownParts {
    fn recorded(&self) -> Recorded<'_> {
        Recorded {
            membership: self.membership.as_ref(),
            statistics: self.statistics.as_ref(),
            incomplete: self.incomplete,
        }
    }
}

impl Data {
    /// Like [`Data::open_watched`], until `stop` or the current [`Cancel`] is set. A loading thread that does not end promptly,
    /// because a disk does not respond, is then abandoned; its data are discarded.
    ///
    /// # Errors
    /// [`Error::Interrupted`] within a second of the stop, and those of [`Data::open`].
    pub fn open_until(
        &self,
        stop: &AtomicBool,
        watch: Arc<dyn Fn(SpeechEvent<'_>) + Send + Sync>,
        known: KnownParts,
    ) -> Result<Box<dyn Dataset>, Error> {
        let (sender, receiver) = mpsc::channel();
        let (data, around, cancel) = (self.clone(), Cancel::current(), Cancel::new());
        let of_loader = cancel.clone();
        let loader = thread::Builder::new().name("loader".to_owned()).spawn(move || {
            // After a stop, the receiver is gone.
            let _ = sender.send(of_loader.run(|| data.open_recorded(&*watch, known.recorded())));
        });
        let loader = loader.map_err(Error::io("start a thread to load the data in", ""))?;
        loop {
            if stop.load(Ordering::Relaxed) || around.is_cancelled() {
                cancel.cancel();
                let _ = receiver.recv_timeout(GRACE);
                return Err(Error::Interrupted);
            }
            match receiver.recv_timeout(LOOK) {
                Ok(opened) => return opened.map_err(not_the_same),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => match loader.join() {
                    Err(panic) => resume_unwind(panic),
                    Ok(()) => return Err(Error::Interrupted),
                },
            }
        }
    }
}

/// Missing samples are a kind of different data.
fn not_the_same(error: Error) -> Error {
    match error {
        Error::Data(error @ snn_data::Error::Membership { .. }) => {
            Error::OtherData { differences: error.to_string() }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;

    /// `tests/guards.rs` tests how long it takes.
    #[test]
    fn a_stop_does_not_wait_for_the_data() {
        let mut experiment = Experiment::default();
        experiment.set(&["data.inputs=10", "data.samples_per_class=10"]).unwrap();
        let open = |stop| {
            let stop = AtomicBool::new(stop);
            experiment.data.open_until(&stop, Arc::new(|_| {}), KnownParts::default())
        };
        assert!(matches!(open(true), Err(Error::Interrupted)));
        assert_eq!(open(false).unwrap().len(), 100);
    }
}
