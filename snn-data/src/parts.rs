//! Consistency of the parts of a data set.

use std::collections::BTreeSet;

use crate::{Dataset, Error, Split, Splits};

/// Maximum number of names in a warning.
const NAMED: usize = 5;

/// A part with fewer samples may have no common class by chance.
const FEW: usize = 10;

/// Warnings about the classes of the parts: those that are validated or tested and never trained on. Parts of more than a few
/// samples without a common class are an error.
///
/// # Errors
///
/// [`Error::Parts`].
pub(crate) fn check_classes(
    splits: &Splits,
    label: impl Fn(u32) -> u16,
    name: impl Fn(u16) -> String,
) -> Result<Vec<String>, Error> {
    let classes = |split| splits.get(split).iter().map(|&index| label(index)).collect::<BTreeSet<u16>>();
    let trained = classes(Split::Train);
    let mut doubts = Vec::new();
    for split in [Split::Valid, Split::Test] {
        let looked_at = classes(split);
        let unknown: Vec<u16> = looked_at.difference(&trained).copied().collect();
        if unknown.is_empty() || trained.is_empty() {
            continue;
        }
        let named: Vec<String> = unknown.iter().take(NAMED).map(|&label| name(label)).collect();
        let more = if unknown.len() > NAMED {
            format!(" and {} more", unknown.len() - NAMED)
        } else {
            String::new()
        };
        let named = format!("{}{more}", named.join(", "));
        if unknown.len() == looked_at.len() && splits.get(split).len() >= FEW {
            return Err(Error::Parts {
                split,
                problem: format!("none of its classes ({named}) has a training sample"),
            });
        }
        let are = if unknown.len() == 1 { "a class" } else { "classes" };
        doubts.push(format!("the {split} part has samples of {are} without any for training: {named}"));
    }
    Ok(doubts)
}

/// The warnings about the classes of any data set.
pub(crate) fn doubts(dataset: &dyn Dataset, splits: &Splits) -> Vec<String> {
    let name = |label: u16| dataset.class_name(label).map_or_else(|| label.to_string(), str::to_owned);
    match check_classes(splits, |index| dataset.label(index as usize), name) {
        Ok(doubts) => doubts,
        // Users who split their own data may have a reason.
        Err(error) => vec![error.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_without_training_samples_are_reported() {
        let labels = [0_u16, 1, 2, 3, 0, 9];
        let check = |train: &[u32], valid: &[u32], test: &[u32]| {
            let test = test.repeat(FEW);
            let splits = Splits { train: train.to_vec(), valid: valid.to_vec(), test };
            check_classes(&splits, |index| labels[index as usize], |label| format!("c{label}"))
        };
        assert_eq!(check(&[0, 1, 2, 3], &[4], &[]), Ok(vec![]));
        assert_eq!(
            check(&[0, 1], &[4, 2], &[3, 5]),
            Err(Error::Parts {
                split: Split::Test,
                problem: "none of its classes (c3, c9) has a training sample".to_owned()
            })
        );
        assert_eq!(
            check(&[0, 1], &[4, 2], &[]).unwrap(),
            ["the valid part has samples of a class without any for training: c2"]
        );
        assert_eq!(
            check(&[0], &[], &[4, 2, 3]).unwrap(),
            ["the test part has samples of classes without any for training: c2, c3"]
        );
        assert_eq!(check(&[], &[], &[0]), Ok(vec![]), "a data set with only a test part");
    }
}
