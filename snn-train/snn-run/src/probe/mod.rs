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

mod histogram;
mod reader;
mod record;

pub use record::{
    Histogram, InputProbe, LayerProbe, MAX_CLASSES, MAX_POINTS, PROBE_VERSION, Probe, Raster, SampleProbe,
    Traces, lost_classes,
};
