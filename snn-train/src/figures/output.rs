//! The output of a figure: a drawing, and a table of the plotted numbers for each panel.

use std::{fmt::Display, fs, path::Path, path::PathBuf};

use snn_plot::{Axes, Canvas};

use crate::{
    Error,
    replace::{Durability, replace_shared},
};

/// Resolution of the PNG.
const DOTS_PER_INCH: f64 = 300.0;

/// A drawing with its numbers.
#[derive(Debug)]
pub(super) struct FigureOutput {
    pub(super) canvas: Canvas,
    pub(super) tables: Vec<(String, Table)>,
    /// Panels that could not be drawn, and why.
    pub(super) missing: Vec<Missing>,
}

/// States in a panel how many curves are missing because only the results of their runs are recorded.
pub(super) fn note_unknown(canvas: &mut Canvas, axes: &Axes, curves: usize) {
    if curves > 0 {
        axes.note(canvas, &format!("{curves} curves missing: only\nthe results of their runs\nare recorded"));
    }
}

/// A panel that could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// Its letter.
    pub panel: String,
    /// Why.
    pub reason: String,
}

impl FigureOutput {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        Self { canvas: Canvas::new(width, height, title), tables: Vec::new(), missing: Vec::new() }
    }

    /// Adds the numbers of a panel.
    pub(super) fn table(&mut self, panel: &str, table: Table) {
        self.tables.push((panel.to_owned(), table));
    }

    /// Writes `<name>.svg`, `<name>.png` and `<name><panel>.csv`; each replaces an existing file atomically.
    pub(super) fn write(&self, directory: &Path, name: &str) -> Result<Vec<PathBuf>, Error> {
        fs::create_dir_all(directory).map_err(Error::io("create the directory of the figures", directory))?;
        let mut files = Vec::new();
        let mut keep = |name: String, content: &[u8]| {
            let path = directory.join(name);
            replace_shared(&path, content, Durability::Disk).map_err(Error::io("write the figure", &path))?;
            files.push(path);
            Ok::<_, Error>(())
        };
        keep(format!("{name}.svg"), self.canvas.to_svg().as_bytes())?;
        keep(format!("{name}.png"), &self.canvas.to_png(DOTS_PER_INCH)?)?;
        for (panel, table) in &self.tables {
            keep(format!("{name}{panel}.csv"), &table.to_csv()?)?;
        }
        Ok(files)
    }
}

/// Rows of values with column names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: &[&dyn Display]) {
        self.rows.push(row.iter().map(ToString::to_string).collect());
    }

    pub(super) fn to_csv(&self) -> Result<Vec<u8>, Error> {
        let write = || {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&self.columns)?;
            self.rows.iter().try_for_each(|row| writer.write_record(row))?;
            writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
        };
        write().map_err(|error| Error::Impossible(format!("cannot write a table: {error}")))
    }
}

/// A label without its markup.
pub(super) fn plain(label: &str) -> String {
    label.replace('\n', ", ").replace(['*', '{', '}'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_has_two_drawings_and_the_numbers() {
        let directory = tempfile::tempdir().unwrap();
        let mut output = FigureOutput::new(72.0, 36.0, "a < b");
        let mut table = Table::new(["x", "what"]);
        table.push(&[&0.5, &"a, b"]);
        output.table("a", table);
        let files = output.write(&directory.path().join("new"), "figure0").unwrap();
        let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["figure0.svg", "figure0.png", "figure0a.csv"]);
        assert_eq!(fs::read_to_string(&files[2]).unwrap(), "x,what\n0.5,\"a, b\"\n");
        assert!(fs::read_to_string(&files[0]).unwrap().contains("<title>a &lt; b</title>"));
        let png = fs::read(&files[1]).unwrap();
        // The signature, then the header chunk: width and height.
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(png[16..24], [0, 0, 1, 44, 0, 0, 0, 150], "an inch by half an inch at 300 dpi");
    }
}
