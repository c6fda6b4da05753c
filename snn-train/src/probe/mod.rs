//! Probes: what a network does with a few samples, kept as a run goes on, for whoever watches it.
//!
//! A probe is one file, `probes/<epoch>.json` in the run directory, written whole after its epoch (and one for epoch 0,
//! before training). It holds a [`Probe`]: rasters of input and hidden spikes, potentials and readout of the probed
//! samples, histograms of firing rates and of surrogate derivatives, sizes of weight updates, and the confusions of the
//! validation. The section `[probe]` of the experiment says how often and of what.
//!
//! Probes never touch the training: it ends with the same bits with and without them. Their number is bounded by
//! `probe.limit`: with every doubling of the epochs, every second one goes. Which ones are there is determined by the
//! epochs done, so a run that was killed and resumed has those of a run that was not. Their size is bounded, too: a
//! raster shows at most `probe.units` units, a trace at most [`MAX_POINTS`] points.

#[cfg(feature = "trainer")]
mod histogram;
mod reader;
mod record;
#[cfg(feature = "trainer")]
mod schedule;
#[cfg(feature = "trainer")]
mod take;
#[cfg(feature = "trainer")]
mod writer;

pub use record::{
    Histogram, InputProbe, LayerProbe, MAX_CLASSES, MAX_POINTS, PROBE_VERSION, Probe, Raster, SampleProbe,
    Traces, lost_classes,
};
#[cfg(feature = "trainer")]
pub(crate) use take::update_ratios;
#[cfg(feature = "trainer")]
pub(crate) use writer::ProbeWriter;

/// The folder of a run directory that holds its probes.
const PROBES: &str = "probes";

/// The file of an epoch's probe. Names sort by epoch.
#[cfg(feature = "trainer")]
fn file_name(epoch: u32) -> String {
    format!("{epoch:07}.json")
}

/// The epoch of a probe's file.
fn epoch_of(file_name: &str) -> Option<u32> {
    file_name.strip_suffix(".json")?.parse().ok()
}
