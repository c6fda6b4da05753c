//! DVS Gesture: for each person and lighting, a recording of several gestures with a list of their times.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use rayon::prelude::*;

use super::CameraLayout;
use super::aedat::{Aedat, Broken};
use super::recording::{Event, LeftOut, Recording};
use crate::list::List;
use crate::{Error, Reason, Split};

const AEDAT: &str = "AEDAT 3.1 file";
const LABELS: &str = "list of gestures";

/// Maximum number of bytes of a list of gestures.
const MAX_LABELS: u64 = 1 << 20;

/// The gestures; class 1 of the lists is label 0.
pub(super) const CLASSES: [&str; 11] = [
    "hand_clapping",
    "right_hand_wave",
    "left_hand_wave",
    "right_arm_clockwise",
    "right_arm_counter_clockwise",
    "left_arm_clockwise",
    "left_arm_counter_clockwise",
    "arm_roll",
    "air_drums",
    "air_guitar",
    "other_gestures",
];

/// A gesture in a recording, from `start` to `end` (exclusive) in microseconds.
struct Gesture {
    label: u16,
    start: u64,
    end: u64,
}

/// Visits all samples: the training part, then the test part, in the order of the lists. Returns warnings.
pub(super) fn visit(
    folder: &Path,
    visit: &mut dyn FnMut(Recording, LeftOut) -> Result<(), Error>,
) -> Result<Vec<String>, Error> {
    let mut trials = Vec::new();
    for (list, split) in [("trials_to_train.txt", Split::Train), ("trials_to_test.txt", Split::Test)] {
        let path = folder.join(list);
        if !path.is_file() {
            return Err(Error::Missing { what: format!("list `{list}`"), path: folder.to_owned() });
        }
        for entry in List::read(&path)?.entries {
            if entry.name.contains(['/', '\\']) || !entry.name.ends_with(".aedat") {
                let problem = format!("`{}` does not name an .aedat file in the same folder", entry.name);
                return Err(Error::format(LABELS, problem).in_file(&path, format!("line {}", entry.line)));
            }
            trials.push((entry.name, split));
        }
    }
    let mut doubts = Vec::new();
    // As many as are read in parallel: a recording has up to 100 MB.
    for chunk in trials.chunks(rayon::current_num_threads().clamp(1, 8)) {
        let read: Vec<_> = chunk.par_iter().map(|(name, split)| read(folder, name, *split)).collect();
        for trial in read {
            let (recordings, mut left_out, doubt) = trial?;
            doubts.extend(doubt);
            for recording in recordings {
                visit(recording, std::mem::take(&mut left_out))?;
            }
        }
    }
    Ok(doubts)
}

type Trial = (Vec<Recording>, LeftOut, Option<String>);

fn read(folder: &Path, name: &str, split: Split) -> Result<Trial, Error> {
    let path = folder.join(name);
    let stem = name.trim_end_matches(".aedat");
    let gestures = read_labels(&folder.join(format!("{stem}_labels.csv")))?;
    let file = File::open(&path).map_err(|error| Error::io("read the recording", &path, &error))?;
    let of = |broken| match broken {
        Broken::Io(error) => Error::io("read the recording", &path, &error),
        Broken::Format(place, problem) => Error::format(AEDAT, problem).in_file(&path, place),
    };
    let mut file =
        Aedat::open(BufReader::with_capacity(1 << 20, file), CameraLayout::DvsGesture.side()).map_err(of)?;
    let mut found: Vec<Vec<Event>> = gestures.iter().map(|_| Vec::new()).collect();
    let (mut packet, mut unlabeled) = (Vec::new(), 0);
    while file.packet(&mut packet).map_err(of)? {
        for event in &packet {
            let mut is_labeled = false;
            for (gesture, events) in gestures.iter().zip(&mut found) {
                if (gesture.start..gesture.end).contains(&event.time) {
                    is_labeled = true;
                    events.push(Event { time: event.time - gesture.start, ..*event });
                }
            }
            unlabeled += usize::from(!is_labeled);
        }
    }
    let left_out = vec![
        (Reason::Unlabeled, unlabeled),
        (Reason::Invalid, file.invalid),
        (Reason::OtherEvents, file.others),
    ];
    let overlap = gestures.windows(2).position(|pair| pair[1].start < pair[0].end);
    let doubt = overlap.map(|first| {
        format!("{stem}_labels.csv: gesture {first} overlaps the next; events in the overlap count for both")
    });
    let speaker = stem.split('_').next().map(str::to_owned);
    let recordings = gestures.iter().zip(found).enumerate().map(|(place, (gesture, events))| Recording {
        name: format!("{name}:{place}"),
        label: gesture.label,
        speaker: speaker.clone(),
        split,
        events,
    });
    Ok((recordings.collect(), left_out, doubt))
}

fn read_labels(path: &Path) -> Result<Vec<Gesture>, Error> {
    let io = |error| Error::io("read the list of gestures", path, &error);
    if fs::metadata(path).map_err(io)?.len() > MAX_LABELS {
        return Err(Error::format(LABELS, format!("longer than {MAX_LABELS} bytes")).in_file(path, "size"));
    }
    gestures(&fs::read(path).map_err(io)?, path)
}

/// Whether the bytes are a list of gestures.
pub(crate) fn parse_labels(bytes: &[u8]) -> bool {
    gestures(bytes, Path::new("labels")).is_ok()
}

/// A header line, then lines of class, start and end.
fn gestures(bytes: &[u8], path: &Path) -> Result<Vec<Gesture>, Error> {
    let mut gestures = Vec::new();
    for (line, text) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let broken =
            |problem: String| Error::format(LABELS, problem).in_file(path, format!("line {}", line + 1));
        let text = std::str::from_utf8(text).map_err(|_| broken("it is not UTF-8".to_owned()))?.trim();
        if line == 0 {
            if text != "class,startTime_usec,endTime_usec" {
                return Err(broken(format!("`{text}` instead of `class,startTime_usec,endTime_usec`")));
            }
            continue;
        }
        if text.is_empty() {
            continue;
        }
        let mut fields = text.split(',').map(|field| field.trim().parse::<u64>());
        let (Some(Ok(class)), Some(Ok(start)), Some(Ok(end)), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(broken(format!("`{text}` instead of a class, a start and an end")));
        };
        if !(1..=CLASSES.len() as u64).contains(&class) || start >= end {
            let most = CLASSES.len();
            return Err(broken(format!(
                "class {class} from {start} to {end}: classes are 1 to {most}, and ends must be after starts"
            )));
        }
        gestures.push(Gesture { label: class as u16 - 1, start, end });
    }
    if gestures.is_empty() {
        return Err(Error::format(LABELS, "it lists no gesture").in_file(path, "line 1"));
    }
    Ok(gestures)
}
