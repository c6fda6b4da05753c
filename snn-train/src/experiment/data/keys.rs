//! The keys of all data sets as one list.

use std::sync::LazyLock;

use super::table::Data;
use crate::experiment::key::{Key, Values};

impl Data {
    /// The keys of all data sets, in the order of the file.
    pub(in crate::experiment) fn keys() -> &'static [Key] {
        &KEYS
    }
}

/// The keys of all data sets, each once, with the data sets that have it; the order of each data set is kept.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| merge(Data::SECTIONS));

/// Merges the keys of all rows into one list, starting with the last row, so that those of the first come first.
fn merge(sections: &[(&'static str, &'static [Key])]) -> Vec<Key> {
    let mut merged: Vec<(Key, Vec<&'static str>)> = Vec::new();
    for &(name, keys) in sections.iter().rev() {
        let mut place = 0;
        for key in keys {
            match merged.iter().skip(place).position(|(known, _)| known == key) {
                Some(ahead) => {
                    place += ahead;
                    merged[place].1.insert(0, name);
                }
                None => merged.insert(place, (*key, vec![name])),
            }
            place += 1;
        }
    }
    let name = Key::of_data("data.name", Values::Choice(Data::NAMES), "", "The data set.");
    let keys = merged.into_iter().map(|(key, data_sets)| {
        let every = data_sets.len() == sections.len();
        // Created once, for the lifetime of the program.
        Key { data_sets: if every { &[] } else { data_sets.leak() }, ..key }
    });
    [name].into_iter().chain(keys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_each_data_set_keep_their_order() {
        assert_eq!(KEYS[0].path, "data.name");
        for (name, keys) in Data::SECTIONS {
            let own: Vec<_> = KEYS.iter().filter(|key| key.applies_to(name)).skip(1).collect();
            assert_eq!(own.len(), keys.len(), "{name}");
            assert!(own.iter().zip(*keys).all(|(a, b)| a.path == b.path && a.help == b.help), "{name}");
        }
        for (at, key) in KEYS.iter().enumerate() {
            let twin = |other: &&Key| other.path == key.path && other.help == key.help;
            assert_eq!(KEYS[at + 1..].iter().find(twin), None, "listed once");
        }
    }
}
