//! Figure 7: what networks are fed. (a) A handwritten digit, (b) its latency raster, (c) spoken digits as spikes, (d) as a
//! Mel spectrogram.

use snn_data::{Dataset, Mnist, MnistConfig, Split, data_directory};

use super::{
    Missing, Preview, Sheet, Studio, Table,
    preview::{Content, draw_colours, draw_raster, draw_spectrogram, range},
    sources::{Absence, Found, MNIST, RAW_HD, SHD, Source},
};
use crate::{
    Error, Experiment,
    plot::{Axes, Rect, Scale},
};

/// Spoken digits in (c).
const SPOKEN: usize = 2;

pub(super) fn draw(studio: &Studio) -> Result<Sheet, Error> {
    let mut sheet = Sheet::new(510.0, 132.0, "Inputs");
    let page = sheet.canvas.page().inset(32.0, 26.0, 48.0, 32.0);
    // The image is a square.
    let parts = page.columns(&[0.85, 1.0, 1.0, 1.0, 1.0], 30.0);
    for (letter, place) in [('a', parts[0]), ('b', parts[1]), ('c', parts[2]), ('d', parts[4])] {
        sheet.canvas.letter(place.x - 26.0, place.y - 20.0, letter);
    }
    draw_digit(studio, &mut sheet, parts[0], parts[1])?;
    draw_spoken(studio, &mut sheet, &parts[2..4])?;
    draw_sound(studio, &mut sheet, parts[4])?;
    Ok(sheet)
}

/// An empty panel that says why it is empty.
fn leave_out(sheet: &mut Sheet, panel: &str, place: Rect, source: &Source, absence: Absence) {
    let axes = Axes::new(place, Scale::linear(0.0, 1.0), Scale::linear(0.0, 1.0)).title(source.title);
    let axes = axes.without_x().without_y();
    axes.draw(&mut sheet.canvas);
    axes.note(&mut sheet.canvas, absence.note);
    sheet.missing.push(Missing { panel: panel.to_owned(), reason: absence.reason });
}

/// The data set or what stands in for it.
fn open(studio: &Studio, source: &Source) -> Result<(Found, Box<dyn Dataset>), Absence> {
    let found = studio.find(source)?;
    let data = Experiment::preset(found.preset).and_then(|experiment| experiment.data.open());
    Ok((found, data.map_err(|error| Absence::unreadable(&error))?))
}

fn draw_digit(studio: &Studio, sheet: &mut Sheet, image: Rect, raster: Rect) -> Result<(), Error> {
    if let Err(absence) = studio.find(&MNIST) {
        leave_out(sheet, "a", image, &MNIST, absence.clone());
        leave_out(sheet, "b", raster, &MNIST, absence);
        return Ok(());
    }
    let data = match Mnist::open(data_directory()?.join("mnist"), &MnistConfig::default()) {
        Ok(data) => data,
        Err(error) => {
            leave_out(sheet, "a", image, &MNIST, Absence::unreadable(&error));
            leave_out(sheet, "b", raster, &MNIST, Absence::unreadable(&error));
            return Ok(());
        }
    };
    let Some(&sample) = Preview::choose(&data, Split::Train, Some(3), 1).first() else { return Ok(()) };
    let pixels = data.image(sample as usize);
    let side = pixels.len().isqrt();
    let mut table = Table::new(["row", "column", "brightness"]);
    for (index, &pixel) in pixels.iter().enumerate() {
        table.push(&[&(index / side + 1), &(index % side + 1), &format!("{:.4}", f64::from(pixel) / 255.0)]);
    }
    sheet.table("a", table);
    let shares = |row: &[u8]| row.iter().map(|&pixel| f64::from(pixel) / 255.0).collect();
    let rows: Vec<_> = pixels.chunks(side).rev().map(shares).collect();
    let size = image.width.min(image.height);
    let place = Rect::new(image.x, image.y + (image.height - size) / 2.0, size, size);
    let axes = Axes::new(place, Scale::linear(0.0, 1.0), Scale::linear(0.0, 1.0));
    axes.image(&mut sheet.canvas, &rows);
    axes.without_x().without_y().title("MNIST").draw(&mut sheet.canvas);

    let preview = Preview::of(&data, &[sample])?;
    spikes(sheet, "b", &preview);
    draw_raster(&mut sheet.canvas, raster, &preview, &preview.samples[0], true);
    Ok(())
}

fn draw_spoken(studio: &Studio, sheet: &mut Sheet, places: &[Rect]) -> Result<(), Error> {
    let data = match open(studio, &SHD) {
        Ok((_, data)) => data,
        Err(absence) => {
            let width = places[1].right() - places[0].x;
            leave_out(sheet, "c", Rect { width, ..places[0] }, &SHD, absence);
            return Ok(());
        }
    };
    let preview = Preview::of(&*data, &Preview::choose(&*data, Split::Train, None, SPOKEN))?;
    spikes(sheet, "c", &preview);
    for (number, (sample, place)) in preview.samples.iter().zip(places).enumerate() {
        draw_raster(&mut sheet.canvas, *place, &preview, sample, number == 0);
    }
    Ok(())
}

fn draw_sound(studio: &Studio, sheet: &mut Sheet, place: Rect) -> Result<(), Error> {
    let (found, data) = match open(studio, &RAW_HD) {
        Ok(found) => found,
        Err(absence) => {
            leave_out(sheet, "d", place, &RAW_HD, absence);
            return Ok(());
        }
    };
    let mut preview = Preview::of(&*data, &Preview::choose(&*data, Split::Train, Some(3), 1))?;
    let Some(sample) = preview.samples.first_mut() else { return Ok(()) };
    sample.class = Some(format!("{} ({})", sample.class.as_deref().unwrap_or("3"), found.title));
    let sample = &preview.samples[0];
    let Content::Frames(frames) = &sample.content else { return Ok(()) };
    let mut table = Table::new(["sample", "time_ms", "channel", "value"]);
    for (step, frame) in frames.iter().enumerate() {
        for (channel, value) in frame.iter().enumerate() {
            let time = format!("{}", step as f64 * preview.dt);
            table.push(&[&sample.index, &time, &(channel + 1), &format!("{value:.4}")]);
        }
    }
    let colours = range(frames);
    draw_spectrogram(&mut sheet.canvas, place, &preview, sample, true, colours);
    draw_colours(&mut sheet.canvas, place, colours);
    sheet.table("d", table);
    Ok(())
}

fn spikes(sheet: &mut Sheet, panel: &str, preview: &Preview) {
    let mut table = Table::new(["sample", "label", "time_ms", "unit"]);
    for sample in &preview.samples {
        let Content::Spikes(spikes) = &sample.content else { continue };
        for &(step, unit) in spikes {
            let time = f64::from(step) * preview.dt;
            table.push(&[&sample.index, &sample.label, &time, &(u32::from(unit) + 1)]);
        }
    }
    sheet.table(panel, table);
}
