//! `[data]`: the data set and its parameters. A new data set is a module here and a row in `table`.

mod camera;
#[cfg(feature = "hdf5")]
mod encode;
mod external;
mod keys;
mod mnist;
mod paths;
mod randman;
mod section;
mod speech;
mod spikes;
mod table;
mod until;

pub use external::External;
pub use section::Stored;
pub use speech::feature_cache;
pub use spikes::SpikeFiles;
pub use table::Data;
pub use until::KnownParts;
