//! Taking and keeping probes of a network while it is trained; [`snn_run::probe`] has what they hold and reads them.

mod schedule;
mod take;
mod writer;

pub use snn_run::probe::{
    Histogram, InputProbe, LayerProbe, MAX_CLASSES, MAX_POINTS, PROBE_VERSION, Probe, Raster, SampleProbe,
    Traces, lost_classes,
};
pub(crate) use take::update_ratios;
pub(crate) use writer::ProbeWriter;
