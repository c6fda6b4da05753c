//! Packing of short runs, to amortize the start of an element.

/// Packs runs into elements, in order: an element is full once it computes for `seconds`. A run of unknown length gets a separate
/// element.
pub(super) fn pack<'a>(
    runs: impl IntoIterator<Item = (&'a str, Option<f64>)>,
    seconds: f64,
) -> Vec<Vec<String>> {
    let mut elements: Vec<Vec<String>> = Vec::new();
    let mut filled = f64::INFINITY;
    for (id, length) in runs {
        let length = length.unwrap_or(f64::INFINITY);
        if filled >= seconds || length.is_infinite() {
            elements.push(Vec::new());
            filled = 0.0;
        }
        filled += length;
        if let Some(element) = elements.last_mut() {
            element.push(id.to_owned());
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(lengths: &[Option<f64>], seconds: f64) -> Vec<usize> {
        let runs = lengths.iter().map(|&length| ("run", length));
        pack(runs, seconds).iter().map(Vec::len).collect()
    }

    #[test]
    fn short_runs_share_an_element_and_long_ones_do_not() {
        assert_eq!(sizes(&[Some(10.0); 7], 30.0), [3, 3, 1]);
        assert_eq!(sizes(&[Some(40.0); 3], 30.0), [1, 1, 1]);
        assert_eq!(sizes(&[Some(10.0), Some(25.0), Some(90.0), Some(1.0), Some(1.0)], 30.0), [2, 1, 2]);
        assert_eq!(sizes(&[], 30.0), [0; 0]);
    }

    #[test]
    fn a_run_of_unknown_length_is_alone() {
        assert_eq!(sizes(&[Some(1.0), None, Some(1.0), None, None, Some(1.0)], 30.0), [1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn runs_keep_their_order() {
        let elements = pack([("c", Some(1.0)), ("a", Some(1.0)), ("b", Some(1.0))], 2.0);
        assert_eq!(elements, [vec!["c", "a"], vec!["b"]]);
    }
}
