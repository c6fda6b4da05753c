//! The record of figure runs, kept when their directories are deleted: a line per run in `runs.jsonl`, from which figures are
//! drawn and claims tested as far as the recorded numbers suffice. Also selects runs to train for longer.

use std::{collections::BTreeMap, path::PathBuf};

use snn_run::regular;

use super::{Reproduction, Scale, part::Part, runs::is_ended};
use crate::{
    Error,
    replace::{Durability, replace_shared},
    sweep::{Manifest, Row, RunState},
};

/// The results of the runs, next to the figures.
const FILE: &str = "runs.jsonl";
/// Its maximum size.
const MOST: u64 = 256 << 20;

/// A run that gains more than this on validation in its last quarter is trained for longer.
const STILL_RISING: f64 = 0.01;
/// The paper's minimum and maximum number of epochs.
const EPOCHS: (u32, u32) = (50, 100);

impl Reproduction {
    fn record_path(&self) -> PathBuf {
        self.out().join(FILE)
    }

    /// The recorded runs by name; empty if there is no record.
    pub(super) fn recorded(&self) -> Result<BTreeMap<String, Row>, Error> {
        let path = self.record_path();
        let text = match regular::read_text(&path, MOST) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(Error::io("read the record of runs", &path)(error)),
        };
        let mut rows = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            let row: Row = serde_json::from_str(text).map_err(|error| {
                let (path, file) = (path.display(), FILE);
                Error::Impossible(format!(
                    "{path}:{line}: this is not a result of a run ({error}); remove the line, or restore {file} from its source \
                     from"
                ))
            })?;
            rows.insert(row.id.clone(), row);
        }
        Ok(rows)
    }

    /// Fills in recorded results of runs without directories.
    pub(super) fn recall(&self, rows: &mut [Row]) -> Result<(), Error> {
        if rows.iter().all(|row| row.state != RunState::Pending) {
            return Ok(());
        }
        let mut recorded = self.recorded()?;
        for row in rows.iter_mut().filter(|row| row.state == RunState::Pending) {
            if let Some(known) = recorded.remove(&row.id) {
                *row = Row { settings: std::mem::take(&mut row.settings), ..known };
            }
        }
        Ok(())
    }

    /// Removes runs from a plan that are recorded and have no directory to resume.
    pub(super) fn without_recorded(&self, mut manifest: Manifest) -> Result<Manifest, Error> {
        let recorded = self.recorded()?;
        manifest
            .points
            .retain(|point| !recorded.contains_key(&point.id) || self.run_path(&point.id).exists());
        Ok(manifest)
    }

    /// Adds the finished ones of these runs to the record.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`] if the record cannot be written.
    pub(super) fn keep(&self, rows: impl IntoIterator<Item = Row>) -> Result<(), Error> {
        let mut recorded = self.recorded()?;
        let before = recorded.len();
        let mut changed = false;
        for row in rows.into_iter().filter(is_ended) {
            changed |= recorded.get(&row.id) != Some(&row);
            recorded.insert(row.id.clone(), row);
        }
        if !changed && recorded.len() == before {
            return Ok(());
        }
        let path = self.record_path();
        let mut text = String::new();
        for row in recorded.values() {
            let line = serde_json::to_string(row)
                .map_err(|error| Error::Impossible(format!("cannot write the record of runs: {error}")))?;
            text += &line;
            text.push('\n');
        }
        std::fs::create_dir_all(self.out())
            .map_err(Error::io("create the directory of the figures", self.out()))?;
        replace_shared(&path, text.as_bytes(), Durability::Disk)
            .map_err(Error::io("write the record of runs", &path))
    }

    /// The runs of a part that were still improving when they ended, to be trained for longer; each with its index in the part.
    /// Only at full scale.
    pub(super) fn longer(&self, part: &Part, rows: &[Row]) -> Result<Option<(Manifest, Vec<usize>)>, Error> {
        let (short, long) = EPOCHS;
        if self.scale() != Scale::Full || part.epochs() != short {
            return Ok(None);
        }
        let rises =
            |row: &Row| row.state == RunState::Done && row.late_gain.is_some_and(|gain| gain > STILL_RISING);
        let places: Vec<usize> = (0..rows.len()).filter(|&place| rises(&rows[place])).collect();
        if places.is_empty() {
            return Ok(None);
        }
        let mut manifest = part.longer(format!("{}-longer", part.name()), long)?.plan()?;
        let mut points: Vec<_> = manifest.points.into_iter().map(Some).collect();
        manifest.points =
            places.iter().filter_map(|&place| points.get_mut(place).and_then(Option::take)).collect();
        Ok(Some((manifest, places)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::figure2;

    /// The protocol's rule: 100 epochs for runs that still gain more than a point, only at full scale.
    #[test]
    fn improving_runs_are_trained_longer_at_full_scale() {
        let directory = tempfile::tempdir().unwrap();
        let of = |scale| {
            let reproduction = Reproduction::new(directory.path(), scale);
            let part = Part::from(figure2::sweep(&reproduction).unwrap());
            let mut rows = reproduction.looked_up(part.plan().unwrap()).unwrap().rows;
            for (row, gain) in rows.iter_mut().zip([0.02, 0.005, 0.011]) {
                (row.state, row.late_gain) = (RunState::Done, Some(gain));
            }
            (reproduction.longer(&part, &rows).unwrap(), rows)
        };
        let (longer, rows) = of(Scale::Full);
        let (manifest, places) = longer.unwrap();
        assert_eq!(places, [0, 2]);
        assert_eq!(manifest.points.len(), 2);
        for (point, place) in manifest.points.iter().zip(places) {
            assert_eq!(point.settings, rows[place].settings);
            assert_ne!(point.id, rows[place].id, "another run");
            assert_eq!(crate::sweep::experiment(&manifest, point).unwrap().training.epochs, 100);
        }
        assert!(of(Scale::Reduced).0.is_none());
    }
}
