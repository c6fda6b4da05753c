//! Learning-rate schedules: a factor on the learning rate for each epoch.
//!
//! A schedule is a function of the epoch, so checkpoints store nothing for it. A new schedule is a file and a row in the list of
//! [`kind`].

mod base;
mod cosine;
mod exponential;
mod kind;
mod step;
mod warm_up;

pub use base::{Schedule, ScheduleSettings};
pub use cosine::Cosine;
pub use exponential::Exponential;
pub use kind::ScheduleKind;
pub use step::Step;
pub use warm_up::WarmUp;
