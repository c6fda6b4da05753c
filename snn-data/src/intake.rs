//! What became of the data on the way in: counted, so that nothing is dropped in silence.

use serde::{Deserialize, Serialize};

/// Names that are kept of each kind of thing left out.
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
const EXAMPLES: usize = 3;

/// What a data set changed or left out while it was loaded.
///
/// [`notes`](Self::notes) says it in words, for whoever trains on the data; `snn data info` has the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Intake {
    /// Spikes that were read; 0 for frames.
    pub spikes: u64,
    /// Of them, those behind the last step that were dropped.
    pub late_dropped: u64,
    /// Those behind the last step that were moved into it.
    pub late_clamped: u64,
    /// Those that fell into the step of another spike of their unit and do not count.
    pub coincident: u64,
    /// Recordings that were read.
    pub recordings: usize,
    /// Of them, those longer than the steps, of which the end is lost.
    pub cropped: usize,
    /// Those shorter than the steps, whose last frame is repeated.
    pub padded: usize,
    /// Those recorded at another sample rate than the front end works at.
    pub resampled: usize,
    /// Recordings that cannot be read and were left out, each with what is wrong.
    pub broken: Vec<String>,
    /// Files and folders that were left out.
    pub left_out: Vec<LeftOut>,
    /// What looks wrong and is not surely so.
    pub doubts: Vec<String>,
}

/// Things that were left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Why.
    pub reason: Reason,
    /// How many recordings (samples, folders).
    pub count: usize,
    /// How many names they have: those of a folder share one.
    pub names: usize,
    /// The first few names.
    pub examples: Vec<String>,
}

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Recordings in folders whose names begin with `_`, which are no classes unless `words` names them.
    SpecialFolder,
    /// Recordings deeper than in the folder of their class.
    Deeper,
    /// Recordings beside the folders of the classes.
    NoClass,
    /// Recordings whose names begin with a dot.
    Hidden,
    /// Recordings whose names are not UTF-8.
    NotUtf8,
    /// Sound in a format that is not read, by the name of the file.
    OtherFormat,
    /// Recordings in none of the lists of the data set.
    Unlisted,
    /// Spikes of channels or of a polarity that the settings leave out.
    Unselected,
    /// Events of a camera at times that no label covers.
    Unlabeled,
    /// Events that a camera marks as invalid.
    Invalid,
    /// Events of a camera that are no change of brightness.
    OtherEvents,
    /// Marks of a camera that its clock has begun anew, which count as time and not as events.
    ClockMarks,
    /// Samples that were not there when the run began.
    NewSinceRun,
    /// Samples of the run that are not there any more.
    GoneSinceRun,
}

impl Reason {
    /// What they are, for a number of them.
    fn describe(self) -> &'static str {
        match self {
            Self::SpecialFolder => {
                "recordings in folders that begin with `_` (name these in data.words to have them)"
            }
            Self::Deeper => "recordings deeper than in the folder of their class",
            Self::NoClass => "recordings beside the folders of the classes",
            Self::Hidden => "recordings with hidden names",
            Self::NotUtf8 => "recordings whose names are not UTF-8",
            Self::OtherFormat => "files of sound that are neither WAV nor FLAC",
            Self::Unlisted => "recordings that no list names",
            Self::Unselected => "spikes of channels that data.channels (or data.polarity) does not choose",
            Self::Unlabeled => "events at times that no label covers",
            Self::Invalid => "events that the camera marks as invalid",
            Self::OtherEvents => "events of the camera that are no change of brightness",
            Self::ClockMarks => "marks of the camera's clock, which are no events",
            Self::NewSinceRun => "samples that were not there when the run began",
            Self::GoneSinceRun => "samples of the run that are not there any more",
        }
    }
}

impl Intake {
    /// Counts things that were left out.
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

    /// Spikes behind the last step, dropped or not.
    pub fn late(&self) -> u64 {
        self.late_dropped + self.late_clamped
    }

    /// What somebody who trains on the data should know, one line each; none if everything was taken as it is.
    ///
    /// Padding is no loss and not told; [`padded`](Self::padded) has the number.
    ///
    /// ```
    /// use snn_data::{Binning, Dataset, EventDataset, LateSpikes};
    ///
    /// # fn main() -> Result<(), snn_data::Error> {
    /// let binning = Binning { steps: 10, late: LateSpikes::Drop, ..Binning::default() };
    /// let mut data = EventDataset::new("taps", 2, 1, binning)?;
    /// data.push(0, [(1.0, 0), (5.0, 0), (12.0, 1), (7.0, 1)])?;
    /// let notes = data.intake().map(|intake| intake.notes()).unwrap_or_default();
    /// assert_eq!(notes, ["1 of 4 spikes (25.0 %) lie behind the last step and are dropped"]);
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
                    "{late} of {spikes} spikes ({percent}) lie behind the last step and {fate}"
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
            notes.push(format!("left out: {count} {}: {}{more}", reason.describe(), examples.join(", ")));
        }
        notes
    }
}

/// A share, with as many digits as keep a small one above 0.
pub(crate) fn percent(part: f64, whole: f64) -> String {
    let percent = 100.0 * part / whole.max(1.0);
    let digits = if percent >= 0.1 { 1 } else { 4 };
    format!("{percent:.digits$} %")
}

#[cfg(all(test, any(feature = "audio", feature = "events", feature = "hdf5")))]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_with_examples() {
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
                "left out: 10 recordings deeper than in the folder of their class: a/b0, a/b1, a/b2, ...",
            ]
        );
    }
}
