//! Loads a data set from a folder and says what is in it:
//!
//! ```text
//! cargo run --release -p snn-data --features hdf5 --example load -- mnist|shd|heidelberg|speech_commands|fsdd|folder FOLDER [CACHE_FOLDER]
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use snn_data::{
    Dataset, Mnist, MnistConfig, Shd, ShdConfig, SpeechConfig, SpeechDataset, SpeechEvent, SpeechLayout,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(folder)) = (args.next(), args.next()) else {
        return Err(
            "usage: load mnist|shd|heidelberg|speech_commands|fsdd|folder FOLDER [CACHE_FOLDER]".into()
        );
    };
    let cache = args.next();
    let begin = Instant::now();
    let data: Box<dyn Dataset> = match name.as_str() {
        "mnist" => {
            let data = Mnist::open(folder, &MnistConfig::default())?;
            let spikes: usize = (0..data.len()).map(|index| data.spikes(index)).sum();
            println!("{:.1} spikes a sample", spikes as f64 / data.len() as f64);
            Box::new(data)
        }
        "shd" => {
            let data = Shd::open(folder, &ShdConfig::default())?;
            let spikes: usize = (0..data.len()).map(|index| data.spikes(index)).sum();
            println!("{:.1} spikes a sample", spikes as f64 / data.len() as f64);
            Box::new(data)
        }
        _ => {
            let layout = match name.as_str() {
                "heidelberg" => SpeechLayout::Heidelberg,
                "speech_commands" => SpeechLayout::SpeechCommands,
                "fsdd" => SpeechLayout::Fsdd,
                "folder" => SpeechLayout::Folder,
                _ => return Err(format!("there is no data set {name}").into()),
            };
            let data = SpeechDataset::open(
                layout,
                folder,
                &SpeechConfig::of(layout),
                cache.as_deref().map(Path::new),
                &report,
            )?;
            let mut durations: Vec<f64> = (0..data.len()).map(|index| data.duration(index)).collect();
            durations.sort_by(f64::total_cmp);
            println!(
                "{:.0} s of sound; recordings of {:.0} to {:.0} ms, median {:.0} ms",
                durations.iter().sum::<f64>() / 1000.0,
                durations[0],
                durations[durations.len() - 1],
                durations[durations.len() / 2]
            );
            Box::new(data)
        }
    };
    let splits = data.splits();
    println!(
        "{}: {} samples ({} / {} / {}), {} classes, {} {} x {} steps of {} ms, loaded in {:.2?}",
        data.name(),
        data.len(),
        splits.train.len(),
        splits.valid.len(),
        splits.test.len(),
        data.classes(),
        data.inputs(),
        data.kind(),
        data.steps(),
        data.dt(),
        begin.elapsed()
    );
    Ok(())
}

fn report(event: SpeechEvent<'_>) {
    match event {
        SpeechEvent::Computed { done, total } if done % 1000 == 0 => {
            eprintln!("{done} of {total} recordings")
        }
        SpeechEvent::Computed { .. } => {}
        other => eprintln!("{other:?}"),
    }
}
