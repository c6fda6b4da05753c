//! Exports: a picture as SVG, PDF or PNG, and its numbers as CSV next to it.

mod numbers;
mod panels;
mod scale;
mod screen;
mod target;

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};
use snn_plot::Canvas;
use tempfile::{Builder, NamedTempFile};

use crate::{
    figure::{Figure, Table},
    screens,
    state::UiState,
    theme::{Colors, Ground, Marker},
    widgets::text::clean,
};
use target::{DOTS_PER_INCH, Format};

pub(crate) use target::Target;

/// The subject of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The plots of the screen, if it has any.
    Plots,
    /// The screen as in the terminal, with this number of columns and rows.
    Screen(u16, u16),
}

/// Writes the picture, and its numbers next to it. Both files are replaced atomically. Returns the path of the second one.
///
/// # Errors
/// If there is nothing to draw, or a file cannot be written.
pub(crate) fn write(state: &mut UiState, what: What, size: (u16, u16), target: &Target) -> Result<PathBuf> {
    // A picture has a dark background, and does not depend on the capabilities of the terminal.
    let theme = state.theme;
    (state.theme.colors, state.theme.marker) = (Colors::Indexed(Ground::Dark), Marker::Braille);
    let made = make(state, what, size, target.format);
    state.theme = theme;
    let (picture, table) = made?;
    let beside = target.path.with_extension("csv");
    let fail = |path: &Path| format!("cannot write {}", path.display());
    let new = temporary(&target.path, &picture).with_context(|| fail(&target.path))?;
    let numbers = temporary(&beside, &csv(&table)?).with_context(|| fail(&beside))?;
    // An error that holds the file would keep it.
    numbers.persist(&beside).map_err(|it| it.error).with_context(|| fail(&beside))?;
    new.persist(&target.path).map_err(|it| it.error).with_context(|| fail(&target.path))?;
    Ok(beside)
}

/// The picture, and its numbers.
fn make(state: &UiState, what: What, size: (u16, u16), format: Format) -> Result<(Vec<u8>, Table)> {
    let figure = screens::figure(state).map_err(|why| anyhow!(why))?;
    let (picture, table) = match (figure, what) {
        (Figure::Panels(panels), What::Plots) => {
            let source = clean(&state.model.source);
            let title = format!("{} of {source}", screens::definition(state.screen).title);
            (rendered(&panels::draw(&panels, &title), format)?, numbers::of(&panels))
        }
        (Figure::Panels(panels), What::Screen(width, height)) => {
            (screen::render(state, (width, height), format)?, numbers::of(&panels))
        }
        (Figure::Screen(table), What::Screen(width, height)) => {
            (screen::render(state, (width, height), format)?, table)
        }
        (Figure::Screen(table), What::Plots) => (screen::render(state, size, format)?, table),
    };
    Ok((picture, table))
}

fn rendered(canvas: &Canvas, format: Format) -> Result<Vec<u8>> {
    Ok(match format {
        Format::Svg => canvas.to_svg().into_bytes(),
        Format::Pdf => canvas.to_pdf()?,
        Format::Png => canvas.to_png(DOTS_PER_INCH)?,
    })
}

fn csv(table: &Table) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&table.head)?;
    table.rows.iter().try_for_each(|row| writer.write_record(row))?;
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

/// A temporary file next to the target, to be renamed.
fn temporary(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = Builder::new();
    builder.prefix(".snn-tui-");
    // With the permissions of any new file, not only for its owner.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// An unused name in the working directory: `snn-tui-1.svg`, with `snn-tui-1.csv` next to it.
pub(crate) fn free_target() -> Target {
    let is_free = |target: &Target| {
        [&target.path, &target.path.with_extension("csv")]
            .iter()
            .all(|path| fs::symlink_metadata(path).is_err())
    };
    let names = (1_u32..).map(|k| Target::new(PathBuf::from(format!("snn-tui-{k}.svg")), Format::Svg));
    names.into_iter().find(is_free).unwrap_or_else(|| Target::new(PathBuf::from("snn-tui.svg"), Format::Svg))
}

#[cfg(test)]
mod tests;
