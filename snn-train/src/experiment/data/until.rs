//! Loading that can be left: whoever asks for a stop does not wait for files and generators.

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

/// How often it looks whether a stop was asked for.
const LOOK: Duration = Duration::from_millis(20);

/// How long a loader that was told to end has for it: a system call may hold it up, of a network drive for minutes.
const GRACE: Duration = Duration::from_millis(400);

/// What a run has recorded of its data, to be owned by the thread that loads them: see [`Recorded`].
#[derive(Debug, Clone, Default)]
pub struct KnownParts {
    /// The parts, by the names of their samples.
    pub membership: Option<Membership>,
    /// What channels are standardized by.
    pub statistics: Option<ChannelStatistics>,
    /// Whether samples that are gone are counted instead of refused.
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
    /// As [`Data::open_watched`], until `stop` is set, or the current [`Cancel`]. A thread that loads and does not end at once,
    /// for a disk that does not answer, is left behind then, to end when it can; nothing of what it loads is kept.
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
            // Nobody listens any more after a stop.
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

/// Samples that are gone are one way of being other data.
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

    /// How long it takes, `tests/guards.rs` looks at.
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
