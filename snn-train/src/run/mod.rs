//! Writing run directories; [`snn_run`] defines their files and reads them, independent of the trainer.

mod checkpoints;
mod create;
mod data_record;
mod history;
mod holder;
mod lock;
mod revision;
mod session;
mod start;
mod writer;

pub use snn_run::{
    Best, Environment, EpochRecord, FILE_VERSION, Follower, LayerRecord, Losses, METRICS_VERSION, News,
    Record, RecordedState, RunDir, RunState, Seconds, Session, Status, Tail, TestRecord, WarningRecord,
    files, list,
};

pub use create::new_id;
pub use data_record::{DataRecord, Fitted};
pub(crate) use holder::Holder;
pub use writer::{Resume, RunWriter};
