//! Sums of matrix rows: what a spike costs, forward (rows of `W` picked by units) and backward (rows of a trace picked by steps).

use super::lanes::Lanes;

/// `sum[j] += matrix[r][j]` for every `r` in `rows` and every `j` of the columns `from .. from + sum.len()`.
///
/// `matrix` has rows of `width` floats; `width`, `from` and `sum.len()` are multiples of [`WIDTH`](super::lanes::WIDTH).
#[inline(always)]
pub(crate) fn add_rows<L: Lanes, R: Copy + Into<u32>>(
    lanes: L,
    sum: &mut [f32],
    matrix: &[f32],
    width: usize,
    from: usize,
    rows: &[R],
) {
    if rows.is_empty() {
        return;
    }
    let sum = L::chunks_mut(sum);
    let matrix = L::chunks(matrix);
    let (stride, from) = (width / L::LANES, from / L::LANES);
    let mut at = 0;
    // as many sums as leave registers for the rows themselves
    while L::REGISTERS >= 32 && sum.len() - at >= 16 {
        block::<L, R, 16>(lanes, &mut sum[at..], matrix, stride, from + at, rows);
        at += 16;
    }
    while L::REGISTERS >= 16 && sum.len() - at >= 8 {
        block::<L, R, 8>(lanes, &mut sum[at..], matrix, stride, from + at, rows);
        at += 8;
    }
    while L::REGISTERS < 16 && sum.len() - at >= 4 {
        block::<L, R, 4>(lanes, &mut sum[at..], matrix, stride, from + at, rows);
        at += 4;
    }
    let rest = &mut sum[at..];
    let from = from + at;
    match rest.len() {
        1 => block::<L, R, 1>(lanes, rest, matrix, stride, from, rows),
        2 => block::<L, R, 2>(lanes, rest, matrix, stride, from, rows),
        3 => block::<L, R, 3>(lanes, rest, matrix, stride, from, rows),
        4 => block::<L, R, 4>(lanes, rest, matrix, stride, from, rows),
        5 => block::<L, R, 5>(lanes, rest, matrix, stride, from, rows),
        6 => block::<L, R, 6>(lanes, rest, matrix, stride, from, rows),
        7 => block::<L, R, 7>(lanes, rest, matrix, stride, from, rows),
        _ => {}
    }
}

/// `N` vectors of sums stay in registers over all rows.
#[inline(always)]
fn block<L: Lanes, R: Copy + Into<u32>, const N: usize>(
    lanes: L,
    sum: &mut [L::Chunk],
    matrix: &[L::Chunk],
    stride: usize,
    from: usize,
    rows: &[R],
) {
    let sum = &mut sum[..N];
    let mut acc: [L::F; N] = std::array::from_fn(|k| lanes.load(&sum[k]));
    for &row in rows {
        let at = row.into() as usize * stride + from;
        let row = &matrix[at..at + N];
        for k in 0..N {
            acc[k] = lanes.add(acc[k], lanes.load(&row[k]));
        }
    }
    for k in 0..N {
        lanes.store(&mut sum[k], acc[k]);
    }
}
