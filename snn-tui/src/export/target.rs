//! The file of an export.

use std::{path::PathBuf, str::FromStr};

/// The resolution of PNGs, in dots per inch.
pub(super) const DOTS_PER_INCH: f64 = 200.0;

/// The file formats, by extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Svg,
    Pdf,
    Png,
}

const ENDINGS: [(&str, Format); 3] = [("svg", Format::Svg), ("pdf", Format::Pdf), ("png", Format::Png)];

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
}

impl Target {
    pub(crate) fn new(path: PathBuf, format: Format) -> Self {
        Self { path, format }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
        let found = ENDINGS.iter().find(|(known, _)| ending.as_deref() == Some(known));
        match found {
            Some((_, format)) => Ok(Self::new(path, *format)),
            None => {
                let endings: Vec<_> = ENDINGS.iter().map(|(ending, _)| format!(".{ending}")).collect();
                Err(format!(
                    "the name must end in {}; the numbers are written to a .csv file next to it",
                    endings.join(", ")
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_selects_the_format() {
        let format = |name: &str| name.parse::<Target>().map(|target| target.format);
        assert_eq!(format("a/b.svg"), Ok(Format::Svg));
        assert_eq!(format("a.b.PDF"), Ok(Format::Pdf));
        assert_eq!(format("x.png"), Ok(Format::Png));
        for wrong in ["curves", "curves.jpg", ".svg", "svg", "a/", "", "x.csv"] {
            let error = format(wrong).unwrap_err();
            assert!([".svg", ".pdf", ".png"].iter().all(|ending| error.contains(ending)), "{wrong}: {error}");
        }
    }
}
