//! Loading data with progress on standard error, since computing the features of recordings takes a while the first time.

use std::{
    io::Write as _,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use snn_data::{Dataset, SpeechEvent};
use snn_run::counted;
use snn_train::{
    Error,
    experiment::{Data, KnownParts},
};

use crate::{bar::Bar, stop};

const TEMPLATE: &str = "features {bar:20} {pos} of {len} recordings, {per_sec}, {eta} to go";

/// Longer waits, in seconds, are announced.
const SILENCE: f64 = 5.0;

/// A duration with one or two digits.
fn about(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{seconds:.0} s"),
        90.0..5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}

/// Opens the data set, with a bar on a terminal and a line elsewhere while features are computed.
pub(crate) fn open(data: &Data, quiet: bool) -> Result<Arc<dyn Dataset>, Error> {
    open_known(data, quiet, KnownParts::default())
}

/// Like [`open`], with the data recorded by a run. A signal ends the process without leaving partially written files.
pub(crate) fn open_known(data: &Data, quiet: bool, known: KnownParts) -> Result<Arc<dyn Dataset>, Error> {
    // If no handler can be installed, signals end the process as usual.
    let signals = stop::while_loading().ok();
    let request = signals.as_ref().map(|signals| signals.request.clone()).unwrap_or_default();
    match open_until(data, quiet, &request.flag, known) {
        Err(error @ Error::Interrupted) => {
            say(&error.to_string());
            stop::leave(request.code())
        }
        opened => opened,
    }
}

/// Like [`open`], until `stop` is set: then [`Error::Interrupted`].
pub(crate) fn open_until(
    data: &Data,
    quiet: bool,
    stop: &AtomicBool,
    known: KnownParts,
) -> Result<Arc<dyn Dataset>, Error> {
    if let Data::Randman(config) = data
        && !quiet
    {
        let seconds = config.seconds() / rayon::current_num_threads() as f64;
        if seconds > SILENCE {
            let samples = config.classes.saturating_mul(config.samples_per_class);
            say(&format!(
                "generating {samples} samples of {} manifolds takes about {}",
                config.classes,
                about(seconds)
            ));
        }
    }
    let bar: Arc<OnceLock<Bar>> = Arc::default();
    let shown = Arc::clone(&bar);
    let opened = data.open_until(stop, Arc::new(move |event| watch(&shown, quiet, &event)), known);
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    Ok(opened?.into())
}

/// Reports what was changed or left out during loading, once before training.
pub(crate) fn tell_intake(dataset: &dyn Dataset) {
    let notes = dataset.intake().map(snn_data::Intake::notes).unwrap_or_default();
    notes.iter().for_each(|note| say(&format!("note: {note}")));
}

fn watch(bar: &OnceLock<Bar>, quiet: bool, event: &SpeechEvent<'_>) {
    match event {
        SpeechEvent::Computed { .. } if quiet => {}
        SpeechEvent::Computed { done, total } => {
            let bar = bar.get_or_init(|| start(*total));
            // Threads report independently; the bar never goes back.
            bar.update(|state| state.set_pos(state.pos().max(*done as u64)));
        }
        SpeechEvent::CacheDamaged { error } => say(&format!("recomputing features: {error}")),
        SpeechEvent::CacheNotWritten { error } => {
            say(&format!("warning: features are not cached and will be recomputed next time: {error}"));
        }
        _ => {}
    }
}

fn start(recordings: usize) -> Bar {
    if !snn_terminal::stderr().is_terminal() {
        say(&format!("computing the features of {}, once", counted(recordings, "recording", "recordings")));
    }
    Bar::new(recordings as u64, TEMPLATE)
}

fn say(line: &str) {
    // Loading continues if this cannot be written.
    let _ = writeln!(snn_terminal::stderr(), "{}", snn_terminal::escape(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded() {
        assert_eq!([7.4, 89.0, 90.0, 5399.0, 7200.0].map(about), ["7 s", "89 s", "2 min", "90 min", "2 h"]);
    }

    #[test]
    fn the_template_is_valid() {
        indicatif::ProgressStyle::with_template(TEMPLATE).unwrap();
    }
}
