//! Sweeps on clusters: runs packed into the elements of Slurm's job arrays.
//!
//! [`SweepDir::submit`](super::SweepDir::submit) packs the runs that are missing into elements of about half an hour, writes a
//! script, hands it to `sbatch` and returns. Each element is a worker, `snn sweep work`, that trains its runs one after the
//! other under their locks, skips those that are done or that another process trains, and goes on from checkpoints. Before its
//! time is over Slurm signals it (USR1): it writes checkpoints and puts itself back into the queue ([`Task::requeue`]).
//! [`SweepDir::queue`](super::SweepDir::queue) says what has become of it all, from files and `squeue` alone: no accounting
//! database is needed, nor a process that stays.
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
//!   0001.sh              the script that sbatch was given
//!   0001.json            which runs each element trains, and the number of the job ([`Submission`])
//!   0001_7.out           what element 7 has said, in all its attempts
//!   lock                 held while something is being submitted
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
