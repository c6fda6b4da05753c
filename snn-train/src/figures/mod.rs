//! Reproduction of the figures of Zenke & Vogels (2021): runs through [sweeps](crate::sweep), then a drawing per figure as SVG
//! and PNG, and a CSV file of the plotted numbers per panel.
//!
//! ```no_run
//! use snn_train::figures::{Figure, Scale, Reproduction};
//!
//! let reproduction = Reproduction::new("figures", Scale::Quick);
//! reproduction.train(Figure::Shape, &Default::default(), &mut |_, _| ())?;
//! for file in reproduction.draw(Figure::Shape)?.files {
//!     println!("{}", file.display());
//! }
//! # Ok::<(), snn_train::Error>(())
//! ```
//!
//! [`Reproduction::claims`] checks the claims of the paper against these runs.
//!
//! # Files
//!
//! ```text
//! figures/
//!   figure3.svg figure3.png     the drawing, the same in both forms
//!   figure3a.csv ..             the numbers of each panel
//!   runs.jsonl                  the results of the runs, kept if their directories are deleted
//!   sweeps/figure3/             the plan and results of its runs
//!   runs/<id>/                  the runs of all figures; their names depend only on their settings, so existing runs
//!                               are reused by all figures
//! ```

mod bars;
mod claims;
mod definition;
mod figure;
mod figure1;
mod figure2;
mod figure3;
mod figure5;
mod figure6;
mod figure7;
mod figure8;
mod figure9;
mod initialization;
mod least_squares;
mod making;
mod output;
mod part;
mod preview;
mod protocol;
mod record;
mod reproduction;
mod runs;
mod sigmoid;
mod snapshot;
mod sources;
mod statistics;

pub use claims::{
    CLAIM_METHOD, Check, Claim, ClaimColumn, Verdict, claims_to_markdown, claims_to_text,
    columns_to_markdown, columns_to_text, draw_columns,
};
pub use figure::Figure;
pub use initialization::{FirstWeights, UntrainedActivity, untrained_activity};
pub use making::{Drawn, Incomplete, Plan};
pub use output::Missing;
pub use preview::{Content, Look, Preview, Sample};
pub use protocol::Scale;
pub use reproduction::Reproduction;
pub use sources::DATA_SETS;
pub use statistics::Interval;

use output::{FigureOutput, Table};
use runs::{Runs, Setting, same};
