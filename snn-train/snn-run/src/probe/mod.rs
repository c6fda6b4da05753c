//! Probes: the activity of a network for a few samples, saved during training to watch a run.
//!
//! A probe is a file, `probes/<epoch>.json` in the run directory, written atomically after its epoch (and for epoch 0, before
//! training). It contains a [`Probe`]: rasters of input and hidden spikes, potentials and readout of the probed samples,
//! histograms of firing rates and of surrogate derivatives, sizes of weight updates, and the confusion matrix of the validation
//! part. The section `[probe]` of the experiment configures their frequency and content.
//!
//! Probes do not affect training: results are bit-identical with and without them. Their number is limited by `probe.limit`:
//! whenever the number of epochs doubles, every second one is removed. The number of finished epochs determines which probes
//! exist, so a killed and resumed run has the same ones as an uninterrupted run. Their size is limited as well: a raster shows
//! at most `probe.units` units, a trace at most [`MAX_POINTS`] points.

mod histogram;
mod reader;
mod record;

pub use record::{
    Histogram, InputProbe, LayerProbe, MAX_CLASSES, MAX_POINTS, PROBE_VERSION, Probe, Raster, SampleProbe,
    Traces, lost_classes,
};
