//! Loading data: the features of recordings take a while the first time, and somebody waits. All on standard error.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use indicatif::{ProgressBar, ProgressStyle};
use snn_data::{Dataset, SpeechEvent};
use snn_train::{Error, experiment::Data};

const TEMPLATE: &str = "features {bar:20} {pos} of {len} recordings, {per_sec}, {eta} to go";

/// Opens the data set, with a bar on a terminal and a line elsewhere while features are computed.
pub(crate) fn open(data: &Data, quiet: bool) -> Result<Arc<dyn Dataset>, Error> {
    open_until(data, quiet, &AtomicBool::new(false))
}

/// As [`open`], until `stop` is set: [`Error::Interrupted`] then.
pub(crate) fn open_until(data: &Data, quiet: bool, stop: &AtomicBool) -> Result<Arc<dyn Dataset>, Error> {
    let bar: Arc<OnceLock<ProgressBar>> = Arc::default();
    let shown = Arc::clone(&bar);
    let opened = data.open_until(stop, Arc::new(move |event| watch(&shown, quiet, &event)));
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    Ok(opened?.into())
}

fn watch(bar: &OnceLock<ProgressBar>, quiet: bool, event: &SpeechEvent<'_>) {
    match event {
        SpeechEvent::Computed { .. } if quiet => {}
        SpeechEvent::Computed { done, total } => {
            let bar = bar.get_or_init(|| start(*total));
            // Threads report side by side; the bar never goes back.
            bar.update(|state| state.set_pos(state.pos().max(*done as u64)));
        }
        SpeechEvent::CacheDamaged { error } => say(&format!("computing features again: {error}")),
        SpeechEvent::CacheNotWritten { error } => {
            say(&format!("warning: features are not kept and will be computed again next time: {error}"));
        }
        _ => {}
    }
}

fn start(recordings: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        say(&format!("computing the features of {recordings} recordings, once"));
    }
    // The template is constant and a test parses it.
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(recordings as u64).with_style(style)
}

fn say(line: &str) {
    // Loading goes on when nobody listens.
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_understood() {
        ProgressStyle::with_template(TEMPLATE).unwrap();
    }
}
