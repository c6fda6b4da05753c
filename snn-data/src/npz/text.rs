//! Texts as NumPy's fixed-width Unicode, `<U12`: four bytes per character, padded with zeros.

use super::npy::Header;
use super::{Npz, NpzWriter};
use crate::Error;

impl NpzWriter {
    /// Adds an array of texts, which NumPy reads as `<U`; the shape `[]` is a single text.
    ///
    /// # Errors
    ///
    /// Those of [`NpzWriter::add`].
    pub fn add_texts<S: AsRef<str>>(
        &mut self,
        name: &str,
        shape: &[usize],
        texts: &[S],
    ) -> Result<(), Error> {
        let expected = shape.iter().product();
        if texts.len() != expected {
            let what = "texts of an array of an npz archive";
            return Err(Error::Length { what, found: texts.len(), expected });
        }
        let width = texts.iter().map(|text| text.as_ref().chars().count()).max().unwrap_or(0).max(1);
        let mut content = Header::of(&format!("<U{width}"), shape);
        for text in texts {
            let end = content.len() + 4 * width;
            content.extend(text.as_ref().chars().flat_map(|sign| u32::from(sign).to_le_bytes()));
            content.resize(end, 0);
        }
        self.add_content(name, &content)
    }
}

impl Npz {
    /// Reads an array of texts (`<U`).
    ///
    /// # Errors
    ///
    /// Those of [`Npz::read`].
    pub fn read_texts(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let bytes = self.bytes(name)?;
        texts(&bytes).map_err(|problem| self.error(name, problem))
    }

    /// Reads a single text.
    ///
    /// # Errors
    ///
    /// Those of [`Npz::read`].
    pub fn read_text(&mut self, name: &str) -> Result<String, Error> {
        let mut texts = self.read_texts(name)?;
        match (texts.pop(), texts.is_empty()) {
            (Some(text), true) => Ok(text),
            _ => Err(self.error(name, "it is not a single text".to_owned())),
        }
    }
}

fn texts(bytes: &[u8]) -> Result<Vec<String>, String> {
    let (Header { kind, shape, .. }, entries) = Header::parse(bytes)?;
    let width: usize = kind
        .strip_prefix("<U")
        .and_then(|width| width.parse().ok())
        .ok_or_else(|| format!("it has type {kind} instead of text (<U)"))?;
    let count = shape.iter().try_fold(1, |count: usize, &size| count.checked_mul(size));
    let size = width.checked_mul(4).zip(count).and_then(|(size, count)| size.checked_mul(count));
    if size != Some(entries.len()) {
        return Err(format!("its {} bytes of text do not match its shape", entries.len()));
    }
    let text = |entry: &[u8]| {
        let signs = entry.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes));
        let signs: Option<String> = signs.take_while(|&sign| sign != 0).map(char::from_u32).collect();
        signs.ok_or_else(|| "it contains a text that is not Unicode".to_owned())
    };
    entries.chunks_exact((4 * width).max(1)).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        let mut writer = NpzWriter::new();
        writer.add_texts("one", &[], &["zw\u{f6}lf \u{1f600}"]).unwrap();
        writer.add_texts("two", &[2], &["a", ""]).unwrap();
        writer.add("number", &[1], &[1.0_f32]).unwrap();
        assert!(writer.add_texts("three", &[2], &["a"]).is_err());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("texts.npz");
        std::fs::write(&path, writer.finish()).unwrap();
        let mut archive = Npz::open(&path).unwrap();
        assert_eq!(archive.read_text("one").unwrap(), "zw\u{f6}lf \u{1f600}");
        assert_eq!(archive.read_texts("two").unwrap(), ["a", ""]);
        assert_eq!(archive.describe("two").unwrap(), ("<U1".to_owned(), vec![2]));
        assert!(archive.read_text("two").unwrap_err().to_string().contains("not a single text"));
        assert!(archive.read_text("number").unwrap_err().to_string().contains("type <f4 instead of text"));
    }

    #[test]
    fn broken_entries_are_reported() {
        let broken = |kind: &str, entries: &[u8]| texts(&[Header::of(kind, &[1]), entries.to_vec()].concat());
        assert_eq!(broken("<U1", &[65, 0, 0, 0]), Ok(vec!["A".to_owned()]));
        assert!(broken("<U1", &[0xff; 4]).unwrap_err().contains("not Unicode"));
        assert!(broken("<U2", &[0; 4]).unwrap_err().contains("do not match its shape"));
        assert!(broken("<U99999999999999999999", &[]).is_err());
    }
}
