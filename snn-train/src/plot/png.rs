//! The document as pixels.

use std::sync::{Arc, OnceLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb},
};

use super::{Canvas, text};
use crate::Error;

impl Canvas {
    /// Renders the page as PNG with so many dots per inch.
    ///
    /// # Errors
    /// [`Error::Impossible`] if there is not enough memory for the pixels.
    pub(crate) fn to_png(&self, dots_per_inch: f64) -> Result<Vec<u8>, Error> {
        let fail =
            |reason: &dyn std::fmt::Display| Error::Impossible(format!("cannot render the figure: {reason}"));
        let options = Options { fontdb: fonts(), ..Options::default() };
        let tree = Tree::from_str(&self.to_svg(), &options).map_err(|error| fail(&error))?;
        let scale = dots_per_inch / 72.0;
        let pixels = |points: f64| (points * scale).round() as u32;
        let mut pixmap = Pixmap::new(pixels(self.width), pixels(self.height))
            .ok_or_else(|| fail(&"so many pixels do not fit into memory"))?;
        // The size of the tree is in CSS pixels, its width on paper that of the page.
        let scale = pixmap.width() as f32 / tree.size().width();
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|error| fail(&error))
    }
}

/// The fonts that ship, and no other, so that a figure is the same everywhere.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        text::FONTS.into_iter().for_each(|font| fonts.load_font_data(font.to_vec()));
        fonts.set_sans_serif_family("Arimo");
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}
