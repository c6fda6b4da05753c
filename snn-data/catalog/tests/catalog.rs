//! The built-in catalog is complete, and mistakes in a catalog are found.
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

use snn_catalog::{Catalog, Unpacked};

#[test]
fn the_catalog_has_all_supported_data_sets() {
    let catalog = Catalog::built_in().unwrap();
    let names: Vec<&str> = catalog.data_sets.iter().map(|data_set| data_set.name.as_str()).collect();
    let expected = [
        "mnist",
        "shd",
        "ssc",
        "heidelberg",
        "speech_commands",
        "fsdd",
        "speech_commands_ten_words",
        "nmnist",
        "dvs_gesture",
    ];
    assert_eq!(names, expected);
    assert!(catalog.get("shd").is_some() && catalog.get("SHD").is_none());
}

#[test]
fn every_file_that_can_be_verified_is() {
    let catalog = Catalog::built_in().unwrap();
    for data_set in &catalog.data_sets {
        let verifiable = data_set.files.iter().all(|file| file.is_verifiable());
        let of_a_list = ["ssc", "heidelberg"].contains(&data_set.name.as_str());
        assert_eq!(verifiable, !of_a_list, "{}", data_set.name);
        assert!(data_set.files.iter().all(|file| file.checksum_list.is_some() == of_a_list));
        let without = ["speech_commands_ten_words", "dvs_gesture"].contains(&data_set.name.as_str());
        assert_eq!(
            (data_set.has_server(), data_set.note.is_some()),
            (!without, without),
            "{}",
            data_set.name
        );
        // All licenses permit use and require attribution.
        assert!(data_set.license.starts_with("CC BY"), "{}", data_set.license);
        assert!(data_set.citation.contains("doi:10.") || data_set.citation.contains("arXiv:"));
        for file in &data_set.files {
            assert!(file.bytes.is_none_or(|bytes| bytes <= file.unpacked.max_bytes()), "{}", file.name);
            for address in file.addresses() {
                // A file that stays packed needs no extension.
                let stays = matches!(&file.unpacked, Unpacked::File { file: name, .. } if *name == file.name);
                assert!(stays || address.ends_with(".gz"), "{address}");
            }
        }
    }
}

#[test]
fn addresses_consist_of_servers_and_names() {
    let catalog = Catalog::built_in().unwrap();
    let shd = catalog.get("shd").unwrap();
    assert_eq!(
        shd.files[1].addresses(),
        ["https://zenkelab.org/datasets/shd_test.h5.gz", "https://compneuro.net/datasets/shd_test.h5.gz"]
    );
    assert_eq!((shd.files[1].mirror_folder(), shd.bytes()), ("shd", None));
    let ten_words = &catalog.get("speech_commands_ten_words").unwrap();
    assert_eq!(ten_words.files[0].mirror_folder(), "speech_commands");
    assert!(matches!(ten_words.files[0].unpacked, Unpacked::Folder { .. }));
    assert_eq!(catalog.get("mnist").unwrap().bytes(), Some(9_912_422 + 28_881 + 1_648_877 + 4_542));
    assert_eq!(catalog.get("mnist").unwrap().max_unpacked_bytes(), 54_950_048);
}

const GOOD: &str = r#"
[[data_set]]
name = "digits"
title = "Digits"
homepage = "https://example.org/"
license = "CC BY 4.0"
citation = "Somebody (2020), doi:10.1/1"
servers = ["https://example.org/"]
[[data_set.file]]
name = "a.gz"
checksums = { md5 = "d41d8cd98f00b204e9800998ecf8427e" }
unpacked = { file = "a", max_bytes = 10 }
"#;

#[test]
fn mistakes_are_found() {
    assert!(GOOD.parse::<Catalog>().is_ok());
    for (from, to, expected) in [
        ("title", "titel", "titel"),
        ("Digits", "", "data set `digits`: no title"),
        ("digits", "../digits", "`../digits` is not a plain name"),
        ("digits", ".digits", "`.digits` is not a plain name"),
        ("\"a\"", "\"b/a\"", "data set `digits`: file `a.gz`: `b/a` is not a plain name"),
        (
            "d41d8",
            "D41D8",
            "`D41D8cd98f00b204e9800998ecf8427e` is not a valid MD5 (32 lower-case hexadecimal digits)",
        ),
        ("d41d8", "d41d", "is not a valid MD5"),
        ("\"https://example.org/\"]", "\"https://example.org\"]", "does not end in `/`"),
        ("\"https://example.org/\"]", "\"file:///etc/\"]", "`file:///etc/a.gz` is not an address"),
        ("max_bytes = 10", "max_bytes = 0", "max_bytes is 0"),
        ("file = \"a\"", "holds = []", "did not match any variant"),
        ("file = \"a\"", "holds = [], max_files = 3", "max_files is 0"),
        ("[[data_set.file]]", "[[data_set.fil]]", "fil"),
    ] {
        let message = GOOD.replacen(from, to, 1).parse::<Catalog>().unwrap_err().to_string();
        assert!(message.starts_with("not a valid catalog: ") && message.contains(expected), "{message}");
    }
    let twice = format!("{GOOD}{GOOD}").parse::<Catalog>().unwrap_err().to_string();
    assert!(twice.ends_with("data set `digits`: it is listed twice"), "{twice}");
    let (_, file) = GOOD.split_once("[[data_set.file]]").unwrap();
    let message = format!("{GOOD}[[data_set.file]]{file}").parse::<Catalog>().unwrap_err().to_string();
    assert!(message.ends_with("two files unpack to `a`"), "{message}");
}
