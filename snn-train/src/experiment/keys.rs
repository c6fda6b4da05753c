//! Every key of an experiment.

use super::{
    data::Data,
    key::Key,
    sections::{
        InitializationSection, LossSection, NetworkSection, OptimizerSection, ProbeSection, ReadoutSection,
        RegularizerSection, ScheduleSection, SurrogateSection, TrainingSection,
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
        LossSection::KEYS,
        OptimizerSection::KEYS,
        ScheduleSection::KEYS,
        TrainingSection::KEYS,
        ProbeSection::KEYS,
    ]
    .into_iter()
    .flatten()
}
