//! Taking and saving probes of a network during training; [`snn_run::probe`] defines their content and reads them.

mod schedule;
mod take;
mod writer;

pub use snn_run::probe::{
    Histogram, InputProbe, LayerProbe, MAX_CLASSES, MAX_POINTS, PROBE_VERSION, Probe, Raster, SampleProbe,
    Traces, lost_classes,
};
pub(crate) use take::update_ratios;
pub(crate) use writer::ProbeWriter;
