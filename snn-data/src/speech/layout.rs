//! The layouts of data sets: file names, words, speakers, official parts.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::corpus::{Corpus, Entry, Recording, entries, recordings_in};
use crate::list::List;
use crate::{Error, Intake, Reason, Split};

/// Names of the ten digits, in the order of the Heidelberg classes.
const ENGLISH: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const GERMAN: [&str; 10] =
    ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"];

/// The layout of a folder of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeechLayout {
    /// The Heidelberg Digits (RawHD): `audio/lang-english_speaker-03_trial-4_digit-0.flac`, with the official test part in
    /// `test_filenames.txt` and the others in `train_filenames.txt`. Classes 0 to 9 are English, 10 to 19 German.
    Heidelberg,
    /// The Speech Commands (RawSC): `yes/0a2b400e_nohash_0.wav`, with the official parts in `validation_list.txt` and
    /// `testing_list.txt`. Classes are words in alphabetical order.
    SpeechCommands,
    /// The Free Spoken Digit Dataset: `recordings/7_jackson_32.wav`; the official test part is takes 0 to 4.
    Fsdd,
    /// Any folder of labeled recordings: `label/anything.wav` or `.flac`. Classes are labels in alphabetical order. The
    /// lists of [`SpeechCommands`](Self::SpeechCommands) are used if present.
    Folder,
}

impl SpeechLayout {
    /// The name of the data set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heidelberg => "heidelberg",
            Self::SpeechCommands => "speech_commands",
            Self::Fsdd => "fsdd",
            Self::Folder => "folder",
        }
    }

    /// Finds the recordings of the chosen words, or of all words.
    pub(super) fn scan(self, folder: &Path, words: &[String]) -> Result<Corpus, Error> {
        let corpus = match self {
            Self::Heidelberg => heidelberg(folder, words),
            Self::Fsdd => fsdd(folder, words),
            Self::SpeechCommands => labeled(folder, words, |stem| {
                stem.split_once("_nohash_").map(|(speaker, _)| speaker.to_owned())
            }),
            Self::Folder => labeled(folder, words, |_| None),
        };
        corpus?.check(folder)
    }
}

/// The classes of the chosen words, by name; all classes, in their original order, if none is chosen.
fn classes<'a>(words: &'a [String], all: &[&'a str]) -> Result<Vec<&'a str>, Error> {
    if words.is_empty() {
        return Ok(all.to_vec());
    }
    if let Some(unknown) = words.iter().find(|word| !all.contains(&word.as_str())) {
        return Err(Error::setting("words", unknown, format!("among {}", all.join(", "))));
    }
    Ok(words.iter().map(String::as_str).collect())
}

fn owned(classes: &[&str]) -> Vec<String> {
    classes.iter().map(|&class| class.to_owned()).collect()
}

fn need(found: bool, what: &str, path: &Path) -> Result<(), Error> {
    if found { Ok(()) } else { Err(Error::Missing { what: what.to_owned(), path: path.to_owned() }) }
}

fn heidelberg(folder: &Path, words: &[String]) -> Result<Corpus, Error> {
    let all: Vec<&str> = ENGLISH.into_iter().chain(GERMAN).collect();
    let classes = classes(words, &all)?;
    let audio = folder.join("audio");
    need(audio.is_dir(), "folder `audio` of the Heidelberg Digits", folder)?;
    let mut corpus = Corpus { classes: owned(&classes), ..Corpus::default() };
    let present = entries(&audio, &mut corpus.intake)?;
    let present: HashMap<String, Entry> =
        present.into_iter().map(|entry| (entry.name.clone(), entry)).collect();

    let mut lists: HashMap<String, &str> = HashMap::new();
    for (list, split) in [("train_filenames.txt", None), ("test_filenames.txt", Some(Split::Test))] {
        let path = folder.join(list);
        for entry in List::read(&path)?.entries {
            let broken = |problem: String| {
                Error::format("list of samples", problem).in_file(&path, format!("line {}", entry.line))
            };
            // The published lists have bare file names; a list that includes the folder is accepted as well.
            let name = entry.name.strip_prefix("audio/").unwrap_or(&entry.name);
            let Some(HeidelbergName { german, speaker, digit }) = HeidelbergName::parse(name) else {
                let form = "lang-{english|german}_speaker-S_trial-T_digit-D.flac";
                return Err(broken(format!("`{name}` is not of the form {form}")));
            };
            if let Some(other) = lists.insert(name.to_owned(), list) {
                return Err(broken(format!("`{name}` is also in {other}")));
            }
            let word = if german { GERMAN[digit] } else { ENGLISH[digit] };
            let Some(label) = classes.iter().position(|&class| class == word) else { continue };
            let file = present.get(name).ok_or_else(|| entry.unknown(&path))?;
            let recording = Recording {
                name: name.to_owned(),
                path: file.path.clone(),
                speaker: Some(speaker.to_owned()),
                official: split,
            };
            corpus.push(label, recording);
        }
    }
    let mut unlisted: Vec<&String> = present
        .iter()
        .filter(|(name, entry)| entry.recording_stem().is_some() && !lists.contains_key(*name))
        .map(|(name, _)| name)
        .collect();
    unlisted.sort_unstable();
    unlisted.iter().for_each(|name| corpus.intake.leave_out(Reason::Unlisted, 1, || (*name).clone()));
    Ok(corpus)
}

/// The information in the name of a Heidelberg recording.
struct HeidelbergName<'a> {
    german: bool,
    speaker: &'a str,
    digit: usize,
}

impl<'a> HeidelbergName<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let stem = name.strip_suffix(".flac").or_else(|| name.strip_suffix(".wav"))?;
        let (language, rest) = stem.strip_prefix("lang-")?.split_once("_speaker-")?;
        let (speaker, rest) = rest.split_once("_trial-")?;
        let (_trial, digit) = rest.split_once("_digit-")?;
        let german = match language {
            "english" => false,
            "german" => true,
            _ => return None,
        };
        Some(Self { german, speaker, digit: digit.parse().ok().filter(|&digit| digit < 10)? })
    }
}

fn fsdd(folder: &Path, words: &[String]) -> Result<Corpus, Error> {
    /// The official test part consists of the takes before this one.
    const FIRST_TRAIN_TAKE: u32 = 5;

    let classes = classes(words, &ENGLISH)?;
    let recordings = folder.join("recordings");
    need(recordings.is_dir(), "folder `recordings` of the Free Spoken Digit Dataset", folder)?;
    let mut corpus = Corpus { classes: owned(&classes), ..Corpus::default() };
    for entry in entries(&recordings, &mut corpus.intake)? {
        let Some(stem) = entry.recording_stem() else {
            leave_out(&entry, "", &mut corpus.intake);
            continue;
        };
        let parse = || {
            let (digit, rest) = stem.split_once('_')?;
            let (speaker, take) = rest.rsplit_once('_')?;
            let digit = digit.parse::<usize>().ok().filter(|&digit| digit < 10)?;
            Some((digit, speaker.to_owned(), take.parse::<u32>().ok()?))
        };
        let Some((digit, speaker, take)) = parse() else {
            let problem = "it is not of the form {digit}_{speaker}_{take}.wav";
            return Err(Error::format("name of a recording", problem).in_file(&entry.path, "name"));
        };
        let Some(label) = classes.iter().position(|&class| class == ENGLISH[digit]) else { continue };
        let official = (take < FIRST_TRAIN_TAKE).then_some(Split::Test);
        corpus
            .push(label, Recording { name: entry.name, path: entry.path, speaker: Some(speaker), official });
    }
    Ok(corpus)
}

/// Counts what is left out of an entry that is not a recording: recordings in subfolders, unsupported sound files.
fn leave_out(entry: &Entry, folder: &str, intake: &mut Intake) {
    let name = || format!("{folder}{}", entry.name);
    if entry.path.is_dir() {
        intake.leave_out(Reason::Deeper, recordings_in(&entry.path), name);
    } else if entry.is_other_sound() {
        intake.leave_out(Reason::OtherFormat, 1, name);
    }
}

/// `label/name.wav`, with the lists of the Speech Commands if present.
fn labeled(
    folder: &Path,
    words: &[String],
    speaker: impl Fn(&str) -> Option<String>,
) -> Result<Corpus, Error> {
    need(folder.is_dir(), "folder of labeled recordings", folder)?;
    let mut folders = Vec::new();
    let mut intake = Intake::default();
    for entry in entries(folder, &mut intake)? {
        if !entry.path.is_dir() {
            let reason = if entry.is_other_sound() { Reason::OtherFormat } else { Reason::NoClass };
            let count = usize::from(entry.is_other_sound() || entry.recording_stem().is_some());
            intake.leave_out(reason, count, || entry.name.clone());
        } else if entry.name.starts_with('_') && !words.contains(&entry.name) {
            // `_background_noise_` of the Speech Commands is not a word; users who want `_silence_` list it.
            intake.leave_out(Reason::SpecialFolder, recordings_in(&entry.path), || entry.name.clone());
        } else {
            let files = entries(&entry.path, &mut intake)?;
            let folder = format!("{}/", entry.name);
            let no_recordings = files.iter().filter(|file| file.recording_stem().is_none());
            no_recordings.for_each(|file| leave_out(file, &folder, &mut intake));
            folders.push((entry.name, files));
        }
    }
    // A folder without recordings is not a class.
    folders.retain(|(_, files)| files.iter().any(|file| file.recording_stem().is_some()));
    let all: Vec<&str> = folders.iter().map(|(name, _)| name.as_str()).collect();
    let classes = classes(words, &all)?;
    let mut corpus = Corpus { classes: owned(&classes), intake, ..Corpus::default() };
    let mut places = BTreeMap::new();
    for (word, files) in &folders {
        let label = classes.iter().position(|class| class == word);
        for file in files {
            let Some(stem) = file.recording_stem() else { continue };
            let name = format!("{word}/{}", file.name);
            places.insert(name.clone(), label.map(|_| corpus.recordings.len()));
            if let Some(label) = label {
                let path = file.path.clone();
                corpus.push(label, Recording { name, path, speaker: speaker(stem), official: None });
            }
        }
    }

    for (list, split) in [("validation_list.txt", Split::Valid), ("testing_list.txt", Split::Test)] {
        let path = folder.join(list);
        if !path.exists() {
            continue;
        }
        for entry in List::read(&path)?.entries {
            match places.get(&entry.name) {
                None => return Err(entry.unknown(&path)),
                Some(None) => {} // belongs to a word that was not chosen
                Some(&Some(index)) => {
                    let official = &mut corpus.recordings[index].official;
                    if official.replace(split).is_some() {
                        let problem = format!("`{}` is also in validation_list.txt", entry.name);
                        return Err(Error::format("list of samples", problem)
                            .in_file(&path, format!("line {}", entry.line)));
                    }
                }
            }
        }
    }
    Ok(corpus)
}
