//! WAV files as programs write them: chunks in any order, padded or not, placeholder sizes, every supported code.
#![cfg(feature = "audio")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail as tests do")]

mod common;

use common::flac::flac;
use common::wav::{chunk, chunk_sized, extension, fmt, riff, riff_of};
use snn_data::Error;
use snn_data::audio::Sound;

/// Four 16-bit samples, and their values.
const SAMPLES: [i16; 4] = [0, 8192, -16_384, 32_767];

fn pcm() -> Vec<u8> {
    SAMPLES.map(i16::to_le_bytes).concat()
}

fn expected() -> Vec<f64> {
    SAMPLES.iter().map(|&sample| f64::from(sample) / 32_768.0).collect()
}

fn plain() -> Vec<u8> {
    chunk(b"fmt ", &fmt(1, 1, 16, 2, &[]))
}

/// Asserts that a file holds the four samples.
#[track_caller]
fn assert_plain(file: &[u8]) {
    let sound = Sound::parse(file).unwrap();
    assert_eq!((sound.rate, sound.samples), (16_000, expected()));
}

#[track_caller]
fn assert_samples(file: &[u8], samples: &[f64]) {
    assert_eq!(Sound::parse(file).unwrap().samples, samples);
}

#[track_caller]
fn assert_unsupported(file: &[u8], expected: &str) {
    match Sound::parse(file) {
        Err(Error::Unsupported { kind, .. }) => assert!(kind.starts_with(expected), "{kind}"),
        other => panic!("{expected}: {other:?}"),
    }
}

#[test]
fn chunks_come_in_any_order() {
    let data = || chunk(b"data", &pcm());
    for chunks in [
        vec![plain(), data()],
        vec![data(), plain()],
        vec![chunk(b"LIST", b"INFOIART\x01\0\0\0x\0"), plain(), data()],
        vec![plain(), chunk(b"fact", &4_u32.to_le_bytes()), data()],
        vec![plain(), chunk(b"fact", &[4, 0, 0, 0, 0, 0, 0, 0]), data()], // a longer one
        vec![plain(), chunk(b"fact", &[]), data()],
        vec![plain(), data(), chunk(b"id3 ", b"behind the samples")],
        vec![chunk(b"data", &[]), plain(), data()],
        vec![plain(), data(), b"garbage that is not a chunk".to_vec()],
        vec![plain(), data(), vec![0]],
        vec![chunk(b"JUNK", &[0; 28]), chunk(b"bext", &[0; 602]), plain(), data(), chunk(b"_PMX", b"<x/>")],
    ] {
        assert_plain(&riff_of(&chunks));
    }
}

#[test]
fn odd_chunks_may_lack_the_pad_byte() {
    let data = || chunk(b"data", &pcm());
    for odd in [&b"x"[..], b"INFOx", b"data!"] {
        assert_plain(&riff_of(&[chunk(b"LIST", odd), plain(), data()]));
        let unpadded = chunk_sized(b"LIST", odd.len() as u32, odd);
        assert_plain(&riff_of(&[unpadded.clone(), plain(), data()]));
        assert_plain(&riff_of(&[plain(), unpadded, data()]));
        // A pad byte that is not 0.
        let mut padded = chunk_sized(b"LIST", odd.len() as u32, odd);
        padded.push(b'd');
        assert_plain(&riff_of(&[plain(), padded, data()]));
    }
    // Samples with an odd number of bytes, before and after `fmt `, with and without a pad byte at the end.
    let format = chunk(b"fmt ", &fmt(1, 1, 8, 1, &[]));
    let samples = chunk(b"data", &[0, 128, 192]);
    assert_samples(&riff_of(&[format.clone(), samples.clone()]), &[-1.0, 0.0, 0.5]);
    assert_samples(&riff_of(&[format.clone(), samples[..11].to_vec()]), &[-1.0, 0.0, 0.5]);
    assert_samples(&riff_of(&[samples, format]), &[-1.0, 0.0, 0.5]);
}

#[test]
fn unknown_sizes_extend_to_the_end() {
    for riff_size in [0, u32::MAX, 36, 0x7fff_f024] {
        for size in [0, u32::MAX, 0x7fff_f000, 0x7fff_ffff, 0x8000_0000, u32::MAX - 36] {
            assert_plain(&riff(b"RIFF", riff_size, &[plain(), chunk_sized(b"data", size, &pcm())]));
        }
    }
    // Truncated within a sample.
    let cut = [pcm(), vec![1]].concat();
    assert_plain(&riff(b"RIFF", 0, &[plain(), chunk_sized(b"data", u32::MAX, &cut)]));
    // Empty on purpose: the header agrees, followed by another chunk or nothing.
    assert_samples(&riff_of(&[plain(), chunk(b"data", &[])]), &[]);
    assert_samples(&riff_of(&[plain(), chunk(b"data", &[]), chunk(b"LIST", b"INFO")]), &[]);
    // The header agrees, but what follows is samples, not a chunk.
    assert_plain(&riff_of(&[plain(), chunk_sized(b"data", 0, &pcm())]));
    // A real size that exceeds the file is damage.
    let error = Sound::parse(&riff_of(&[plain(), chunk_sized(b"data", 1000, &pcm())])).unwrap_err();
    assert_eq!(error.to_string(), "not a valid WAV file: the file ends too early");
}

#[test]
fn fmt_of_any_length_is_read() {
    let data = || chunk(b"data", &pcm());
    // 14 bytes (no bit depth), 18 with an empty or meaningless extension, 20, 40 from Pro Tools, far too many.
    for format in [
        fmt(1, 1, 16, 2, &[])[..14].to_vec(),
        fmt(1, 1, 16, 2, &[0, 0]),
        fmt(1, 1, 16, 2, &[7, 0]),
        fmt(1, 1, 16, 2, &[0; 4]),
        fmt(1, 1, 16, 2, &[0; 24]),
        fmt(1, 1, 16, 0, &[]),
        fmt(0xfffe, 1, 16, 2, &extension(1, 16)),
        fmt(0xfffe, 1, 16, 2, &[extension(1, 16), vec![0; 2]].concat()),
        fmt(0xfffe, 1, 16, 2, &[&[0, 0], &extension(1, 16)[2..]].concat()), // its length says 0
        fmt(0xfffe, 1, 16, 2, &extension(1, 0)),
        fmt(1, 1, 16, 2, &[9; 1000]),
    ] {
        assert_plain(&riff_of(&[chunk(b"fmt ", &format), data()]));
    }
    // The byte rate is ignored.
    let mut format = fmt(1, 1, 16, 2, &[]);
    format[8] ^= 1;
    assert_plain(&riff_of(&[chunk(b"fmt ", &format), data()]));

    let float = chunk(b"data", &[0.25_f32, -0.5].map(f32::to_le_bytes).concat());
    for more in [vec![], vec![0; 2], vec![0; 24]] {
        assert_samples(&riff_of(&[chunk(b"fmt ", &fmt(3, 1, 32, 4, &more)), float.clone()]), &[0.25, -0.5]);
    }
    let format = chunk(b"fmt ", &fmt(0xfffe, 1, 32, 4, &extension(3, 32)));
    assert_samples(&riff_of(&[format, float]), &[0.25, -0.5]);
}

#[test]
fn fewer_valid_bits_than_the_container_are_left_aligned() {
    let read = |tag, valid, bits: u16, more: bool, bytes: &[u8]| {
        let more = if more { extension(tag, valid) } else { vec![] };
        let tag = if more.is_empty() { tag } else { 0xfffe };
        let format = chunk(b"fmt ", &fmt(tag, 1, bits, bits.div_ceil(8), &more));
        Sound::parse(&riff_of(&[format, chunk(b"data", bytes)])).unwrap().samples
    };
    let half = 0x4000_0000_i32.to_le_bytes();
    assert_eq!(read(1, 24, 32, true, &half), [0.5], "24 bits in 4 bytes");
    assert_eq!(read(1, 20, 32, true, &half), [0.5], "20 bits in 4 bytes");
    assert_eq!(read(1, 20, 24, true, &half[1..]), [0.5], "20 bits in 3 bytes");
    assert_eq!(read(1, 12, 16, true, &half[2..]), [0.5], "12 bits in 2 bytes");
    assert_eq!(read(1, 12, 12, false, &half[2..]), [0.5], "12 bits without the extension");
    assert_eq!(read(1, 6, 8, true, &[192]), [0.5], "6 bits");
    assert_eq!(read(1, 32, 16, true, &half[2..]), [0.5], "more than the container has: nonsense");
}

#[test]
fn every_code_is_read_or_named() {
    let file = |tag, bits: u16, bytes: &[u8]| {
        riff_of(&[chunk(b"fmt ", &fmt(tag, 1, bits, bits.div_ceil(8), &[])), chunk(b"data", bytes)])
    };
    assert_samples(&file(3, 64, &[0.1, -1e-20].map(f64::to_le_bytes).concat()), &[0.1, -1e-20]);
    assert_samples(&file(6, 8, &[0xd5, 0x2a]), &[8.0 / 32_768.0, -32_256.0 / 32_768.0]);
    assert_samples(&file(7, 8, &[0xff, 0x80]), &[0.0, 32_124.0 / 32_768.0]);
    let two = chunk(b"fmt ", &fmt(7, 2, 8, 2, &[]));
    assert_samples(&riff_of(&[two, chunk(b"data", &[0xff, 0x80])]), &[16_062.0 / 32_768.0]);

    for (file, kind) in [
        (file(0x11, 4, &[0; 4]), "IMA ADPCM (code 0x0011): convert it to PCM"),
        (file(0x55, 16, &[0; 4]), "MP3 (code 0x0055)"),
        (file(0x4242, 16, &[0; 4]), "code 0x4242"),
        (file(3, 16, &[0; 4]), "floating point of 16 bits"),
        (file(3, 80, &[0; 20]), "floating point of 80 bits"),
        (file(1, 64, &[0; 8]), "integers of 64 bits"),
        (file(1, 0, &[0; 8]), "integers of 0 bits"),
        (file(7, 16, &[0; 8]), "mu-law of 16 bits"),
    ] {
        assert_unsupported(&file, kind);
    }
    // 24 bits in 4-byte frames without the extension: programs disagree on left- or right-aligned, or even integers.
    let format = chunk(b"fmt ", &fmt(1, 1, 24, 4, &[]));
    assert_unsupported(&riff_of(&[format, chunk(b"data", &[0; 4])]), "24 bits per sample in 4-byte frames");
    let private = [extension(1, 16)[..10].to_vec(), vec![7; 14]].concat();
    let format = chunk(b"fmt ", &fmt(0xfffe, 1, 16, 2, &private));
    assert_unsupported(&riff_of(&[format, chunk(b"data", &pcm())]), "a private code");
    assert_unsupported(&riff_of(&[plain(), chunk(b"LIST", b"wavl")]), "samples in pieces");
    let data = chunk(b"data", &pcm());
    assert_unsupported(&riff_of(&[plain(), data.clone(), data]), "several chunks of samples");
    for (first, kind) in [(b"RIFX", "it is WAV of big-endian"), (b"riff", "it is Sony Wave64")] {
        assert_unsupported(&riff(first, 0, &[plain()]), kind);
    }
    let broken = |file: Vec<u8>| Sound::parse(&file).unwrap_err().to_string();
    let format = chunk(b"fmt ", &fmt(0xfffe, 1, 16, 2, &[0; 2]));
    assert!(broken(riff_of(&[format, plain()])).contains("needs at least 40"));
    assert!(broken(riff_of(&[plain(), plain()])).contains("two `fmt ` chunks"));
    assert!(broken(riff_of(&[chunk(b"fmt ", &[1; 12])])).contains("it needs at least 14"));
    let many = vec![chunk(b"JUNK", &[]); 5000];
    assert!(broken(riff_of(&many)).contains("more than 4096 chunks"));
}

/// RF64 stores sizes in `ds64`, overriding the 32-bit ones.
#[test]
fn rf64_is_read() {
    let ds64 = |data: u64, table: &[u8]| {
        let mut bytes = [0, data, 4].map(u64::to_le_bytes).concat();
        bytes.extend_from_slice(&(table.len() as u32 / 12).to_le_bytes());
        bytes.extend_from_slice(table);
        chunk(b"ds64", &bytes)
    };
    let data = || chunk_sized(b"data", u32::MAX, &pcm());
    for magic in [b"RF64", b"BW64"] {
        assert_plain(&riff(magic, u32::MAX, &[ds64(8, &[]), plain(), data()]));
        assert_plain(&riff(magic, u32::MAX, &[ds64(8, &[]), plain(), data(), chunk(b"LIST", b"INFO")]));
        // A placeholder even there.
        assert_plain(&riff(magic, u32::MAX, &[ds64(0, &[]), plain(), data()]));
        assert_plain(&riff(magic, u32::MAX, &[plain(), data()]));
        // A small `data` chunk states its own size.
        assert_plain(&riff(
            magic,
            0,
            &[ds64(99, &[]), plain(), chunk(b"data", &pcm()), chunk(b"LIST", b"INFO")],
        ));
    }
    let table = [&b"long"[..], &6_u64.to_le_bytes()].concat();
    let long = chunk_sized(b"long", u32::MAX, &[0; 6]);
    assert_plain(&riff(b"RF64", u32::MAX, &[ds64(8, &table), long, plain(), data()]));
    for cut in [ds64(1 << 40, &[]), ds64(u64::MAX - 1, &[]), ds64(9, &[])] {
        assert!(Sound::parse(&riff(b"RF64", u32::MAX, &[cut, plain(), data()])).is_err());
    }
    assert!(Sound::parse(&riff(b"RF64", u32::MAX, &[chunk(b"ds64", &[0; 8]), plain(), data()])).is_err());
}

/// Reported at once: the announced size exceeds any disk.
#[test]
fn excessive_lengths_are_not_allocated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    std::fs::write(&path, riff(b"RIFF", 0, &[plain(), chunk_sized(b"data", 0, &[])])).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(3 << 30).unwrap();
    let begin = std::time::Instant::now();
    let message = Sound::read(&path).unwrap_err().to_string();
    assert!(message.contains("samples, more than 67108864: cut it into pieces (header)"), "{message}");
    assert!(begin.elapsed().as_secs() < 1, "{:?}", begin.elapsed());
}

#[test]
fn flac_is_checked_with_its_md5() {
    let samples: Vec<i32> = (0..20_000).map(|n| n * 31 % 2000 - 1000).collect();
    let mut file = flac(2, 44_100, &samples);
    let plain = Sound::parse(&file).unwrap();
    // The MD5 of the same samples as little-endian 16 bits, as `md5sum` has it.
    let sum = u128::from_str_radix(MD5, 16).unwrap().to_be_bytes();
    file[26..42].copy_from_slice(&sum);
    assert_eq!(Sound::parse(&file).unwrap(), plain);
    file[26] ^= 1;
    let message = Sound::parse(&file).unwrap_err().to_string();
    assert!(message.contains("the MD5 in its header"), "{message}");
}

/// Of the samples above, by `md5sum`.
const MD5: &str = "6be38a6c9184b3146275dea1b14406f2";
