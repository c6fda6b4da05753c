//! Sweeps on clusters: runs packed into the elements of Slurm job arrays.
//!
//! [`SweepDir::submit`](super::SweepDir::submit) packs the missing runs into elements of about half an hour, writes a script,
//! passes it to `sbatch` and returns. Each element is a worker, `snn sweep work`, that locks and trains its runs one after
//! another, skips runs that are done or being trained by another process, and resumes from checkpoints. Before its time limit,
//! Slurm signals it (USR1): it writes checkpoints and requeues itself ([`Task::requeue`]).
//! [`SweepDir::queue`](super::SweepDir::queue) determines the state of the submitted runs from files and `squeue`: neither an
//! accounting database nor a persistent process is needed.
//!
//! ```no_run
//! use snn_train::sweep::{SweepDir, slurm::{Request, Wait}};
//!
//! let sweep = SweepDir::open("sweeps/slopes")?;
//! let request = Request { partition: Some("short".to_owned()), ..Request::new("/opt/snn/bin/snn") };
//! for array in sweep.submit(&request, false)?.arrays {
//!     println!("job {:?}: {} elements", array.job, array.elements.len());
//! }
//! let (results, queue) = (sweep.results(), sweep.queue()?);
//! let lost = results.rows.iter().filter(|row| queue.wait(row) == Some(Wait::Lost));
//! println!("{} runs were lost: submit again", lost.count());
//! # Ok::<(), snn_train::Error>(())
//! ```
//!
//! # Files
//!
//! In the directory of the sweep, for each array:
//!
//! ```text
//! slurm/
//!   0001.sh              the script for sbatch
//!   0001.json            the runs of each element, and the job number ([`Submission`])
//!   0001_7.out           the output of element 7, in all its attempts
//!   lock                 locked during a submission
//! ```

mod commands;
mod pack;
mod queue;
mod request;
mod script;
mod submission;
mod submit;

pub use commands::Task;
pub use queue::{Element, ElementState, Queue, Wait};
pub use request::Request;
pub use submission::{SUBMISSION_VERSION, Submission};
pub use submit::Submitted;
