//! The files of one data set, and their parts.

use super::*;

/// Two files: `train.h5` and `test.h5`.
fn pair(train: &Fixture<f32, u16>, test: &Fixture<f32, u16>) -> Result<Shd, Error> {
    let folder = tempfile::tempdir().unwrap();
    let (train, test) = (train.write(folder.path(), "train.h5"), test.write(folder.path(), "test.h5"));
    Shd::from_files(
        "digits",
        &train,
        Some(&test),
        &ShdConfig { valid: config().valid, ..ShdConfig::default() },
    )
}

#[test]
fn the_files_of_one_data_set_must_match() {
    let words = |keys: [&'static str; 3]| Fixture { keys: Some(keys.to_vec()), ..in_unit(1e-3) };
    let train = words(["null", "eins", "zwei"]);
    let same = pair(&train, &words(["null", "eins", "zwei"])).unwrap();
    assert!(same.intake().unwrap().notes().is_empty());

    let mapped = pair(&train, &words(["zwei", "null", "eins"])).unwrap();
    let labels: Vec<u16> = (12..16).map(|index| mapped.label(index)).collect();
    assert_eq!(labels, [2, 0, 1, 2]);
    assert!(mapped.intake().unwrap().notes()[0].contains("mapped by name"));

    let message = pair(&train, &words(["null", "eins", "drei"])).unwrap_err().to_string();
    assert!(
        message.starts_with(
            "not a valid HDF5 spike file: its words differ from those of the training file (3 and 3 words; only here: drei; \
             only there: zwei) (extra/keys): "
        ) && message.ends_with("test.h5"),
        "{message}"
    );

    let mut thousandth = in_unit::<f32>(1e-6);
    thousandth.keys = None;
    let message = pair(&in_unit(1e-3), &thousandth).unwrap_err().to_string();
    assert!(message.contains("they are not in the same unit (spikes/times): "), "{message}");

    let mut few = in_unit::<f32>(1e-3);
    few.units.iter_mut().flatten().for_each(|unit| *unit /= 2);
    let notes = pair(&in_unit(1e-3), &few).unwrap().intake().unwrap().notes();
    assert_eq!(notes, ["the training file uses 582 input units, but the second file 291"]);
}

#[test]
fn samples_that_were_appended_belong_to_no_part() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, fixture: &Fixture<f32, u16>, recorded| {
        let train = fixture.write(folder.path(), name);
        let test = in_unit::<f32>(1e-3).write(folder.path(), "test.h5");
        let config = ShdConfig { valid: config().valid, ..ShdConfig::default() };
        {
            let parts = SpikeParts { train: &train, test: Some(&test), valid: None };
            Shd::from_parts("digits", parts, &config, None, recorded).unwrap()
        }
    };
    let run = open("a.h5", &in_unit(1e-3), Recorded::default());
    let membership = Membership::of(&run).unwrap();
    assert_eq!((membership.train.len(), membership.test[0].as_str()), (9, "1:0"));
    let mut longer = in_unit::<f32>(1e-3);
    for k in 0..5 {
        longer.times.push(longer.times[k].clone());
        longer.units.push(longer.units[k].clone());
        longer.labels.push(longer.labels[k]);
    }
    let again = Recorded { membership: Some(&membership), ..Recorded::default() };
    let opened = open("b.h5", &longer, again);
    assert_eq!((opened.len(), Membership::of(&opened)), (29, Some(membership.clone())));
    let identity = |data: &Shd| DataIdentity::of(data).unwrap();
    assert!(identity(&run).compare(&identity(&opened)).is_same());

    // Different spikes in one sample: different data, regardless of the steps.
    let mut other = in_unit::<f32>(1e-3);
    other.units[3][7] ^= 1;
    let comparison = identity(&run).compare(&identity(&open("c.h5", &other, Recorded::default())));
    assert_eq!(comparison.differences.len(), 1, "{comparison}");
}

#[test]
fn files_being_written_by_others_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = half().write(folder.path(), "busy.h5");
    // Opening the same file again in one process shares the library's lock, but not a system lock.
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    file.lock().unwrap();
    let message = read(&path).unwrap_err().to_string();
    assert!(message.starts_with("this HDF5 spike file is locked: another program has it open"), "{message}");
    assert!(message.contains("HDF5_USE_FILE_LOCKING=FALSE"), "{message}");
    file.unlock().unwrap();
    assert_read(&path);

    // Marked as open for writing in its superblock (version 2 or later), as left by a killed writer.
    let mut bytes = std::fs::read(&path).unwrap();
    if bytes[8] >= 2 {
        bytes[11] |= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(read(&path).is_err());
    }
}
