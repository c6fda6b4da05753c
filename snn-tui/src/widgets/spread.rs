//! Moving labels apart.

/// A distinct position below `room` for each label, in the order of their preferred positions `wanted` and as close to these as possible in
/// the least-squares sense (isotonic regression). There must be room for all of them.
pub(crate) fn spread(wanted: &[f64], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    // Adjacent labels are a block: the preferred position of its first label, and the number of labels.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (place, &label) in order.iter().enumerate() {
        let mut block = (if wanted[label].is_finite() { wanted[label] - place as f64 } else { 0.0 }, 1);
        while let Some(&(before, number)) = blocks.last().filter(|last| last.0 > block.0) {
            let all = number + block.1;
            block = ((before * number as f64 + block.0 * block.1 as f64) / all as f64, all);
            blocks.pop();
        }
        blocks.push(block);
    }
    let last = room.saturating_sub(wanted.len()) as f64;
    let firsts = blocks
        .into_iter()
        .flat_map(|(first, number)| std::iter::repeat_n(first.round().clamp(0.0, last) as usize, number));
    let mut places = vec![0; wanted.len()];
    for ((place, first), label) in firsts.enumerate().zip(order) {
        places[label] = first + place;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_in_place_or_share_the_displacement() {
        assert_eq!(spread(&[2.0, 7.0, 0.0], 10), [2, 7, 0]);
        assert_eq!(spread(&[5.0, 5.0, 5.0], 10), [4, 5, 6], "around the position that all prefer");
        assert_eq!(spread(&[9.0, 9.0, 9.0], 10), [7, 8, 9], "within the room");
        assert_eq!(spread(&[-3.0, 0.2, 40.0], 10), [0, 1, 9]);
        assert_eq!(spread(&[], 3), [0; 0]);
    }

    #[test]
    fn positions_are_distinct_and_in_order() {
        for number in 0..30_usize {
            let wanted: Vec<f64> = (0..number).map(|k| ((k * 7919) % 31) as f64 * 0.9 - 3.0).collect();
            let places = spread(&wanted, 30);
            let mut sorted = places.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), number);
            assert!(places.iter().all(|&place| place < 30));
            for a in 0..number {
                assert!((0..number).all(|b| wanted[a] >= wanted[b] || places[a] < places[b]), "{places:?}");
            }
        }
        let odd = spread(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0], 4);
        assert!((0..4).all(|place| odd.contains(&place)), "{odd:?}");
    }
}
