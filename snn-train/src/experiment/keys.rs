//! Every key of an experiment.

use super::{
    data::Data,
    key::Key,
    sections::{
        InitializationSection, NetworkSection, OptimizerSection, ProbeSection, ReadoutSection,
        RegularizerSection, SurrogateSection, TrainingSection,
    },
};

/// Every key of every section, in the order of the file.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    [
        Data::keys(),
        NetworkSection::KEYS,
        SurrogateSection::KEYS,
        ReadoutSection::KEYS,
        RegularizerSection::KEYS,
        InitializationSection::KEYS,
        OptimizerSection::KEYS,
        TrainingSection::KEYS,
        ProbeSection::KEYS,
    ]
    .into_iter()
    .flatten()
}
