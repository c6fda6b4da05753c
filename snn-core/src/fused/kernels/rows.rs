//! Sums of matrix rows, the cost of a spike: rows of `W` selected by units forward, rows of a trace selected by steps backward.

use super::lanes::Lanes;

/// A matrix and the rows to sum.
#[derive(Clone, Copy)]
pub(crate) struct Picked<'a, R> {
    /// Rows of `width` floats.
    pub(crate) matrix: &'a [f32],
    pub(crate) rows: &'a [R],
}

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
    if !rows.is_empty() {
        columns::<L, R, 1, false>(lanes, sum, width, from, [Picked { matrix, rows }]);
    }
}

/// `sum[j] = ` the sum of `matrix[r][j]` over every `r` in `rows` of every source, in order. Rows have as many floats as `sum`.
#[inline(always)]
pub(crate) fn sum_rows<L: Lanes, R: Copy + Into<u32>, const S: usize>(
    lanes: L,
    sum: &mut [f32],
    sources: [Picked<'_, R>; S],
) {
    let width = sum.len();
    columns::<L, R, S, true>(lanes, sum, width, 0, sources);
}

/// The columns `from .. from + sum.len()` of [`sum_rows`] for one matrix with rows of `width` floats.
#[inline(always)]
pub(crate) fn sum_columns<L: Lanes, R: Copy + Into<u32>>(
    lanes: L,
    sum: &mut [f32],
    width: usize,
    from: usize,
    source: Picked<'_, R>,
) {
    columns::<L, R, 1, true>(lanes, sum, width, from, [source]);
}

/// Processes all columns of `sum`, and overwrites it if `FRESH`.
#[inline(always)]
fn columns<L: Lanes, R: Copy + Into<u32>, const S: usize, const FRESH: bool>(
    lanes: L,
    sum: &mut [f32],
    width: usize,
    from: usize,
    sources: [Picked<'_, R>; S],
) {
    let sum = L::chunks_mut(sum);
    let sources = sources.map(|Picked { matrix, rows }| (L::chunks(matrix), rows));
    let (stride, from) = (width / L::LANES, from / L::LANES);
    let mut at = 0;
    // as many sums as there are registers, or half of them: additions take their operands from memory
    while L::REGISTERS >= 16 && sum.len() - at >= 16 {
        block::<L, R, S, 16, FRESH>(lanes, &mut sum[at..], stride, from + at, &sources);
        at += 16;
    }
    while L::REGISTERS >= 16 && sum.len() - at >= 8 {
        block::<L, R, S, 8, FRESH>(lanes, &mut sum[at..], stride, from + at, &sources);
        at += 8;
    }
    while L::REGISTERS < 16 && sum.len() - at >= 4 {
        block::<L, R, S, 4, FRESH>(lanes, &mut sum[at..], stride, from + at, &sources);
        at += 4;
    }
    let rest = &mut sum[at..];
    let from = from + at;
    match rest.len() {
        1 => block::<L, R, S, 1, FRESH>(lanes, rest, stride, from, &sources),
        2 => block::<L, R, S, 2, FRESH>(lanes, rest, stride, from, &sources),
        3 => block::<L, R, S, 3, FRESH>(lanes, rest, stride, from, &sources),
        4 => block::<L, R, S, 4, FRESH>(lanes, rest, stride, from, &sources),
        5 => block::<L, R, S, 5, FRESH>(lanes, rest, stride, from, &sources),
        6 => block::<L, R, S, 6, FRESH>(lanes, rest, stride, from, &sources),
        7 => block::<L, R, S, 7, FRESH>(lanes, rest, stride, from, &sources),
        _ => {}
    }
}

/// `N` vectors of sums stay in registers over all rows.
#[inline(always)]
fn block<L: Lanes, R: Copy + Into<u32>, const S: usize, const N: usize, const FRESH: bool>(
    lanes: L,
    sum: &mut [L::Chunk],
    stride: usize,
    from: usize,
    sources: &[(&[L::Chunk], &[R]); S],
) {
    let sum = &mut sum[..N];
    let mut acc = [lanes.splat(0.0); N];
    if !FRESH {
        for k in 0..N {
            acc[k] = lanes.load(&sum[k]);
        }
    }
    for &(matrix, rows) in sources {
        for &row in rows {
            let at = row.into() as usize * stride + from;
            let row = &matrix[at..at + N];
            for k in 0..N {
                acc[k] = lanes.add(acc[k], lanes.load(&row[k]));
            }
        }
    }
    for k in 0..N {
        lanes.store(&mut sum[k], acc[k]);
    }
}

/// `matrix[r][j] += row[j]` for every `r` in `rows`: the transpose of [`add_rows`], if `rows` selects few rows.
#[inline(always)]
pub(crate) fn add_to_rows<L: Lanes>(lanes: L, matrix: &mut [f32], row: &[f32], rows: &[u16]) {
    if rows.is_empty() {
        return;
    }
    let (matrix, row) = (L::chunks_mut(matrix), L::chunks(row));
    let stride = row.len();
    let mut at = 0;
    while L::REGISTERS >= 16 && stride - at >= 8 {
        spread::<L, 8>(lanes, matrix, row, at, rows);
        at += 8;
    }
    while L::REGISTERS < 16 && stride - at >= 4 {
        spread::<L, 4>(lanes, matrix, row, at, rows);
        at += 4;
    }
    match stride - at {
        1 => spread::<L, 1>(lanes, matrix, row, at, rows),
        2 => spread::<L, 2>(lanes, matrix, row, at, rows),
        3 => spread::<L, 3>(lanes, matrix, row, at, rows),
        4 => spread::<L, 4>(lanes, matrix, row, at, rows),
        5 => spread::<L, 5>(lanes, matrix, row, at, rows),
        6 => spread::<L, 6>(lanes, matrix, row, at, rows),
        7 => spread::<L, 7>(lanes, matrix, row, at, rows),
        _ => {}
    }
}

/// `N` vectors of `row`, starting at `from`, stay in registers over all rows.
#[inline(always)]
fn spread<L: Lanes, const N: usize>(
    lanes: L,
    matrix: &mut [L::Chunk],
    row: &[L::Chunk],
    from: usize,
    rows: &[u16],
) {
    let stride = row.len();
    let row = &row[from..from + N];
    let mut values = [lanes.splat(0.0); N];
    for k in 0..N {
        values[k] = lanes.load(&row[k]);
    }
    for &r in rows {
        let at = usize::from(r) * stride + from;
        let sum = &mut matrix[at..at + N];
        for k in 0..N {
            let value = lanes.add(lanes.load(&sum[k]), values[k]);
            lanes.store(&mut sum[k], value);
        }
    }
}
