//! Data that were changed or left out during loading: counted, so that nothing is dropped silently.

use serde::{Deserialize, Serialize};

/// Number of example names kept for each reason.
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
const EXAMPLES: usize = 3;

/// Counts of the data that a data set changed or left out during loading.
///
/// [`notes`](Self::notes) describes it in words, for users who train on the data; `snn data info` shows the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Intake {
    /// Spikes read; 0 for frames.
    pub spikes: u64,
    /// Late spikes that were dropped.
    pub late_dropped: u64,
    /// Late spikes that were moved to the last step.
    pub late_clamped: u64,
    /// Spikes in the same step as another spike of their unit, which do not count.
    pub coincident: u64,
    /// Recordings read.
    pub recordings: usize,
    /// Recordings longer than the steps, whose end is lost.
    pub cropped: usize,
    /// Recordings shorter than the steps, whose last frame is repeated.
    pub padded: usize,
    /// Recordings at a sample rate other than that of the front end.
    pub resampled: usize,
    /// Recordings left out because they cannot be read, with the errors.
    pub broken: Vec<String>,
    /// Files, folders and events that were left out.
    pub left_out: Vec<LeftOut>,
    /// Warnings about what looks wrong.
    pub doubts: Vec<String>,
}

/// The data left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The reason.
    pub reason: Reason,
    /// How many recordings (samples, folders).
    pub count: usize,
    /// Number of names: those in a folder share one.
    pub names: usize,
    /// The first few names.
    pub examples: Vec<String>,
}

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Recordings in folders whose names begin with `_`, which are not classes unless `words` lists them.
    SpecialFolder,
    /// Recordings in a subfolder of a class folder.
    Deeper,
    /// Recordings outside of the class folders.
    NoClass,
    /// Recordings whose names begin with a dot.
    Hidden,
    /// Recordings whose names are not UTF-8.
    NotUtf8,
    /// Sound files in an unsupported format, by file name.
    OtherFormat,
    /// Recordings that are not in any list of the data set.
    Unlisted,
    /// Spikes of channels or of a polarity that are not selected.
    Unselected,
    /// Camera events outside of labeled intervals.
    Unlabeled,
    /// Events that the camera marks as invalid.
    Invalid,
    /// Camera events other than brightness changes.
    OtherEvents,
    /// Overflow marks of a camera's clock, which are not events.
    ClockMarks,
    /// Samples added since the run began.
    NewSinceRun,
    /// Samples of the run that no longer exist.
    GoneSinceRun,
}

impl Reason {
    /// The excluded items in words; the first word is a plural.
    fn describe(self) -> &'static str {
        match self {
            Self::SpecialFolder => {
                "recordings in a folder that begins with `_` (list it in data.words to load it)"
            }
            Self::Deeper => "recordings in a subfolder of a class folder",
            Self::NoClass => "recordings outside of the class folders",
            Self::Hidden => "recordings with a hidden name",
            Self::NotUtf8 => "recordings with a name that is not UTF-8",
            Self::OtherFormat => "files with sound in a format other than WAV and FLAC",
            Self::Unlisted => "recordings not listed by the data set",
            Self::Unselected => "spikes not selected by data.channels (or data.polarity)",
            Self::Unlabeled => "events outside of labeled intervals",
            Self::Invalid => "events marked as invalid by the camera",
            Self::OtherEvents => "events other than brightness changes",
            Self::ClockMarks => "overflows of the camera's clock, not events",
            Self::NewSinceRun => "samples added since the run began",
            Self::GoneSinceRun => "samples of the run missing now",
        }
    }
}

impl Intake {
    /// Adds to the counts of what was left out.
    #[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
    pub(crate) fn leave_out(&mut self, reason: Reason, count: usize, example: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        let known = self.left_out.iter().position(|left_out| left_out.reason == reason);
        let place = known.unwrap_or_else(|| {
            self.left_out.push(LeftOut { reason, count: 0, names: 0, examples: Vec::new() });
            self.left_out.len() - 1
        });
        let left_out = &mut self.left_out[place];
        left_out.count += count;
        left_out.names += 1;
        if left_out.examples.len() < EXAMPLES {
            left_out.examples.push(example());
        }
    }

    /// Spikes after the last step, dropped or not.
    pub fn late(&self) -> u64 {
        self.late_dropped + self.late_clamped
    }

    /// Notes for users who train on the data, one line each; empty if everything was used unchanged.
    ///
    /// Padding loses nothing and is not mentioned; [`padded`](Self::padded) has the number.
    ///
    /// ```
    /// use snn_data::{Binning, Dataset, EventDataset, LateSpikes};
    ///
    /// # fn main() -> Result<(), snn_data::Error> {
    /// let binning = Binning { steps: 10, late: LateSpikes::Drop, ..Binning::default() };
    /// let mut data = EventDataset::new("taps", 2, 1, binning)?;
    /// data.push(0, [(1.0, 0), (5.0, 0), (12.0, 1), (7.0, 1)])?;
    /// let notes = data.intake().map(|intake| intake.notes()).unwrap_or_default();
    /// assert_eq!(notes, ["1 of 4 spikes (25.0 %) fall after the last step and are dropped"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.doubts.clone();
        for (late, fate) in
            [(self.late_dropped, "are dropped"), (self.late_clamped, "count in the last step")]
        {
            if late > 0 {
                let percent = percent(late as f64, self.spikes as f64);
                let spikes = self.spikes;
                notes.push(format!(
                    "{late} of {spikes} spikes ({percent}) fall after the last step and {fate}"
                ));
            }
        }
        for (count, fate) in [
            (self.cropped, "are longer than data.steps and lose their end"),
            (self.resampled, "are resampled"),
        ] {
            if count > 0 {
                notes.push(format!("{count} of {} recordings {fate}", self.recordings));
            }
        }
        if let [first, ..] = self.broken.as_slice() {
            let (count, total) = (self.broken.len(), self.broken.len() + self.recordings);
            notes.push(format!("{count} of {total} recordings cannot be read and are left out: {first}"));
        }
        for LeftOut { reason, count, names, examples } in &self.left_out {
            let more = if *names > examples.len() { ", ..." } else { "" };
            notes.push(format!(
                "left out: {}: {}{more}",
                counted(*count, reason.describe()),
                examples.join(", ")
            ));
        }
        notes
    }
}

/// A number of things, whose name begins with a regular plural: "1 sample", "2 samples of the run".
pub(crate) fn counted(count: usize, plural: &str) -> String {
    let (noun, rest) = plural.split_at(plural.find(' ').unwrap_or(plural.len()));
    let noun = if count == 1 { noun.trim_end_matches('s') } else { noun };
    format!("{count} {noun}{rest}")
}

/// A percentage, with enough digits to keep a small one above 0.
pub(crate) fn percent(part: f64, whole: f64) -> String {
    let percent = 100.0 * part / whole.max(1.0);
    let digits = if percent >= 0.1 { 1 } else { 4 };
    format!("{percent:.digits$} %")
}

#[cfg(all(test, any(feature = "audio", feature = "events", feature = "hdf5")))]
mod tests {
    use super::*;

    #[test]
    fn skipped_samples_are_counted_with_examples() {
        let mut intake =
            Intake { recordings: 7, cropped: 2, broken: vec!["bad".into()], ..Intake::default() };
        assert!(Intake::default().notes().is_empty());
        for k in 0..5 {
            intake.leave_out(Reason::Deeper, 2, || format!("a/b{k}"));
        }
        intake.leave_out(Reason::Hidden, 0, || unreachable!());
        assert_eq!(
            intake.notes(),
            [
                "2 of 7 recordings are longer than data.steps and lose their end",
                "1 of 8 recordings cannot be read and are left out: bad",
                "left out: 10 recordings in a subfolder of a class folder: a/b0, a/b1, a/b2, ...",
            ]
        );
    }
}
