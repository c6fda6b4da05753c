//! Every parser with seeded damage: no panic, no abort, and no slow input.
//!
//! The corpus is created here; its damage is the same in every run. For more, set `SNN_MUTATIONS` to a number of rounds
//! (100,000 take a minute), or run cargo-fuzz on the functions of `snn_data::fuzzing`.
#![cfg(any(feature = "audio", feature = "events", feature = "mnist"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "test helpers fail as tests do")]

mod common;

use std::time::{Duration, Instant};

use common::mutation::mutations;
use snn_data::fuzzing;

/// Damaged versions of each file.
const ROUNDS: u64 = 20_000;

/// Maximum time for an input of a few hundred bytes.
const LONGEST: Duration = Duration::from_secs(1);

fn rounds() -> u64 {
    std::env::var("SNN_MUTATIONS").ok().map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// Damages every file of a corpus; all are accepted undamaged. Some damage must be detected and some must not matter, or
/// the parser checks nothing (or too much for the mutations to get past its header).
#[track_caller]
fn survive(name: &str, corpus: &[Vec<u8>], parse: fn(&[u8]) -> bool) {
    let mut accepted = 0;
    for file in corpus {
        assert!(parse(file), "{name}: the corpus is valid");
        mutations(file, rounds(), |bytes| {
            let begin = Instant::now();
            accepted += u64::from(parse(bytes));
            assert!(begin.elapsed() < LONGEST, "{name} takes {:?} for {bytes:02x?}", begin.elapsed());
        });
    }
    let all = rounds() * corpus.len() as u64;
    println!("{name}: {all} damaged inputs, {accepted} accepted");
    assert!(accepted < all, "{name}: some damage is detected");
}

#[test]
#[cfg(feature = "audio")]
fn recordings() {
    use common::flac::flac;
    use common::wav::{Pcm, chunk, chunk_sized, extension, fmt, riff, riff_of, wav};

    let data = chunk(b"data", &[1; 24]);
    let ds64 = chunk(b"ds64", &[[0; 8], 24_u64.to_le_bytes(), [0; 8]].concat());
    let pcm: Vec<i32> = (0..40).map(|n| n * 31 % 2000 - 1000).collect();
    survive(
        "recordings",
        &[
            wav(Pcm::Int(16), 1, 16_000, &[0.1; 20]),
            wav(Pcm::Int(8), 2, 16_000, &[0.1; 20]),
            wav(Pcm::Float, 1, 16_000, &[0.1; 20]),
            riff_of(&[chunk(b"LIST", b"INFOodd"), chunk(b"fmt ", &fmt(6, 1, 8, 1, &[0; 2])), data.clone()]),
            riff_of(&[data.clone(), chunk(b"fmt ", &fmt(3, 1, 64, 8, &[]))]),
            riff_of(&[
                chunk(b"fmt ", &fmt(0xfffe, 1, 24, 3, &extension(1, 20))),
                data.clone(),
                chunk(b"id3 ", b"x"),
            ]),
            riff(
                b"RF64",
                u32::MAX,
                &[
                    ds64.clone(),
                    chunk(b"fmt ", &fmt(1, 1, 16, 2, &[])),
                    chunk_sized(b"data", u32::MAX, &[1; 24]),
                ],
            ),
            riff(b"RIFF", 0, &[chunk(b"fmt ", &fmt(7, 1, 8, 1, &[])), chunk_sized(b"data", 0, &[1; 24])]),
            flac(1, 16_000, &pcm),
            flac(2, 44_100, &pcm),
        ],
        fuzzing::recording,
    );
}

#[test]
#[cfg(feature = "mnist")]
fn idx_files() {
    use common::idx::{gzip, idx};
    let plain = idx(&[2, 3, 4], &[7; 24]);
    survive("idx files", &[gzip(&plain), plain, idx(&[5], &[1, 2, 3, 4, 5])], fuzzing::idx);
}

#[test]
fn lists() {
    #[cfg(any(feature = "audio", feature = "mnist"))]
    survive(
        "lists",
        &[b"a/0.wav\n./a/1.wav\nb/2.wav\n".to_vec(), b"\xef\xbb\xbfa/0.wav\r\n\r\n  b/\xc3\xa9.wav".to_vec()],
        fuzzing::list,
    );
}

#[test]
#[cfg(feature = "audio")]
fn lists_of_contents() {
    // With the checksum recomputed, so that damage gets past it.
    fn parse(bytes: &[u8]) -> bool {
        let mut bytes = bytes.to_vec();
        bytes.truncate(bytes.len().saturating_sub(4));
        let sum = crc32(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        fuzzing::contents(&bytes)
    }
    let mut list = b"snn-data contents 1\n".to_vec();
    for name in ["no/1.wav", "yes/22.wav"] {
        list.extend_from_slice(&(name.len() as u32).to_le_bytes());
        list.extend_from_slice(name.as_bytes());
        list.extend_from_slice(&[7; 32]);
    }
    list.extend_from_slice(&[0; 4]);
    survive("lists of contents", &[list], parse);
}

/// CRC-32, bit by bit.
#[cfg(feature = "audio")]
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[test]
#[cfg(feature = "hdf5")]
fn words_of_a_helper() {
    let mut head = [4_u32.to_le_bytes(), [0, 0, 1, 0], [2, 0, 0, 0], [1, 4, 0, 0]].concat();
    head.extend_from_slice(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]); // speakers
    head.extend_from_slice(&[1, 2, 0, 0, 0, 2, 0, 0, 0, b'j', b'a', 4, 0, 0, 0, b'n', b'e', b'i', b'n']);
    head.extend_from_slice(&[1, 0, 0, 0, 1, 1, 0, 0, 0, b'm', 1, 30, 0, 0, 0, 0]);
    survive("helper output", &[head], fuzzing::hdf5_head);
}

#[test]
#[cfg(feature = "events")]
fn files_of_spikes() {
    let words = b"sample,time,unit,label,speaker\n0,1,1,yes,0\n0,2.5,1,yes,0\n1,,,no,1\n".to_vec();
    let pixels = b"\xef\xbb\xbfp, x, y, t, label, sample\r\n1,3,4,0.5,0,\"a\"\r\n0,9,9,1e3,7,b\r\n".to_vec();
    survive("CSV spike files", &[words, pixels], fuzzing::csv);
}

#[test]
#[cfg(feature = "events")]
fn files_of_cameras() {
    use common::camera::{Dvs, aedat, aer, packet};

    survive(
        "N-MNIST files",
        &[aer(&[(1, 2, true, 3), (0, 240, false, 0), (33, 33, false, 8_388_607)])],
        fuzzing::aer,
    );
    let event = Dvs { x: 127, y: 3, on: true, time: 5, valid: true };
    let packets = [packet(1, 0, 0, &[event; 3]), packet(0, 1, 0, &[event]), packet(1, 0, 1, &[event])];
    survive("AEDAT files", &[aedat(&packets)], fuzzing::aedat);
    let labels = b"class,startTime_usec,endTime_usec\r\n2,1000,501000\r\n11,600000,900000\r\n\r\n".to_vec();
    survive("lists of gestures", &[labels], fuzzing::gestures);
}

#[test]
fn catalogs() {
    let text = include_str!("../catalog/src/data_sets.toml");
    // One data set: the whole catalog would take too long in each round.
    let end = text.match_indices("[[data_set]]").nth(1).map_or(text.len(), |(at, _)| at);
    let first: Vec<u8> = text[..end].bytes().collect();
    if fuzzing::catalog(&first) {
        survive("catalogs", &[first], fuzzing::catalog);
    } else {
        survive("catalogs", &[text.bytes().collect()], fuzzing::catalog);
    }
}
