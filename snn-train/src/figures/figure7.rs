//! Figure 7: the inputs of networks. (a) A handwritten digit, (b) its latency raster, (c) spoken digits as spikes, (d) as a
//! Mel spectrogram.

use snn_data::{Dataset, Mnist, MnistConfig, Split, data_directory};
use snn_plot::{Axes, AxisScale, Rect};

use super::{
    FigureOutput, Missing, Preview, Reproduction, Table,
    definition::Definition,
    preview::{Content, draw_colors, draw_raster, draw_spectrogram, range},
    sources::{Absence, Found, MNIST, RAW_HD, SHD, Source},
};
use crate::Error;

pub(super) const DEFINITION: Definition =
    Definition { number: 7, title: "inputs of the data sets", sweeps: |_| Ok(Vec::new()), draw };

/// Spoken digits in (c).
const SPOKEN: usize = 2;

fn draw(reproduction: &Reproduction) -> Result<FigureOutput, Error> {
    let mut output = FigureOutput::new(510.0, 132.0, "Inputs");
    let page = output.canvas.page().inset(32.0, 26.0, 48.0, 32.0);
    // The image is a square.
    let parts = page.columns(&[0.85, 1.0, 1.0, 1.0, 1.0], 30.0);
    for (letter, place) in [('a', parts[0]), ('b', parts[1]), ('c', parts[2]), ('d', parts[4])] {
        output.canvas.letter(place.x - 26.0, place.y - 20.0, letter);
    }
    draw_digit(reproduction, &mut output, parts[0], parts[1])?;
    draw_spoken(reproduction, &mut output, &parts[2..4])?;
    draw_sound(reproduction, &mut output, parts[4])?;
    Ok(output)
}

/// An empty panel with the reason.
fn leave_out(output: &mut FigureOutput, panel: &str, place: Rect, source: &Source, absence: Absence) {
    let axes = Axes::new(place, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0)).title(source.title);
    let axes = axes.without_x().without_y();
    axes.draw(&mut output.canvas);
    axes.note(&mut output.canvas, absence.note);
    output.missing.push(Missing { panel: panel.to_owned(), reason: absence.reason });
}

/// The data set or its substitute.
fn open(reproduction: &Reproduction, source: &Source) -> Result<(Found, Box<dyn Dataset>), Absence> {
    let found = reproduction.find(source)?;
    let data = found.preset().and_then(|experiment| experiment.data.open());
    Ok((found, data.map_err(|error| Absence::unreadable(&error))?))
}

fn draw_digit(
    reproduction: &Reproduction,
    output: &mut FigureOutput,
    image: Rect,
    raster: Rect,
) -> Result<(), Error> {
    if let Err(absence) = reproduction.find(&MNIST) {
        leave_out(output, "a", image, &MNIST, absence.clone());
        leave_out(output, "b", raster, &MNIST, absence);
        return Ok(());
    }
    let data = match Mnist::open(data_directory()?.join("mnist"), &MnistConfig::default()) {
        Ok(data) => data,
        Err(error) => {
            leave_out(output, "a", image, &MNIST, Absence::unreadable(&error));
            leave_out(output, "b", raster, &MNIST, Absence::unreadable(&error));
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
    output.table("a", table);
    let shares = |row: &[u8]| row.iter().map(|&pixel| f64::from(pixel) / 255.0).collect();
    let rows: Vec<_> = pixels.chunks(side).rev().map(shares).collect();
    let size = image.width.min(image.height);
    let place = Rect::new(image.x, image.y + (image.height - size) / 2.0, size, size);
    let axes = Axes::new(place, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0));
    axes.image(&mut output.canvas, &rows);
    axes.without_x().without_y().title("MNIST").draw(&mut output.canvas);

    let preview = Preview::of(&data, &[sample])?;
    spikes(output, "b", &preview);
    draw_raster(&mut output.canvas, raster, &preview, &preview.samples[0], true);
    Ok(())
}

fn draw_spoken(reproduction: &Reproduction, output: &mut FigureOutput, places: &[Rect]) -> Result<(), Error> {
    let data = match open(reproduction, &SHD) {
        Ok((_, data)) => data,
        Err(absence) => {
            let width = places[1].right() - places[0].x;
            leave_out(output, "c", Rect { width, ..places[0] }, &SHD, absence);
            return Ok(());
        }
    };
    let preview = Preview::of(&*data, &Preview::choose(&*data, Split::Train, None, SPOKEN))?;
    spikes(output, "c", &preview);
    for (number, (sample, place)) in preview.samples.iter().zip(places).enumerate() {
        draw_raster(&mut output.canvas, *place, &preview, sample, number == 0);
    }
    Ok(())
}

fn draw_sound(reproduction: &Reproduction, output: &mut FigureOutput, place: Rect) -> Result<(), Error> {
    let (found, data) = match open(reproduction, &RAW_HD) {
        Ok(found) => found,
        Err(absence) => {
            leave_out(output, "d", place, &RAW_HD, absence);
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
    let colors = range(frames);
    draw_spectrogram(&mut output.canvas, place, &preview, sample, true, colors);
    draw_colors(&mut output.canvas, place, colors);
    output.table("d", table);
    Ok(())
}

fn spikes(output: &mut FigureOutput, panel: &str, preview: &Preview) {
    let mut table = Table::new(["sample", "label", "time_ms", "unit"]);
    for sample in &preview.samples {
        let Content::Spikes(spikes) = &sample.content else { continue };
        for &(step, unit) in spikes {
            let time = f64::from(step) * preview.dt;
            table.push(&[&sample.index, &sample.label, &time, &(u32::from(unit) + 1)]);
        }
    }
    output.table(panel, table);
}
