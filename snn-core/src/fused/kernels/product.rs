//! The dense product of the backward pass (`a V^T`, `a W^T`) and of analog input (`x W`, `x^T a`).

use super::lanes::{Aligned, Lanes, WIDTH};

/// Columns of a panel, which the kernel computes side by side.
pub(crate) const PANEL: usize = 32;

/// One summand `A B` of a product: `A` is `[rows, depth]`, `B` is `[depth, width]`.
#[derive(Clone, Copy)]
pub(crate) struct Term<'a> {
    /// `A[r][k]` is at index `r * a_row + k * a_depth`.
    pub(crate) a: &'a [f32],
    pub(crate) a_row: usize,
    pub(crate) a_depth: usize,
    pub(crate) b: Columns<'a>,
    pub(crate) depth: usize,
}

/// `B`: row `k` of the columns `32 p .. 32 p + 32` starts at index `p * panel + k * row`.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    values: &'a [f32],
    row: usize,
    panel: usize,
}

impl<'a> Columns<'a> {
    /// A matrix stored row by row, with `width` floats per row.
    pub(crate) fn rows(values: &'a [f32], width: usize) -> Self {
        Columns { values, row: width, panel: PANEL }
    }
}

/// A matrix stored panel by panel, so that the kernel reads it sequentially.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    values: Aligned<f32>,
    depth: usize,
}

impl Packed {
    /// Packs the transpose of `matrix`, `[units, depth]` with rows of `stride` floats. The result has `width` columns; those from
    /// `units` on are zero.
    pub(crate) fn transposed(
        matrix: &[f32],
        units: usize,
        width: usize,
        depth: usize,
        stride: usize,
    ) -> Self {
        let mut values: Aligned<f32> = Aligned::zeros(width.div_ceil(PANEL) * depth * PANEL);
        for (panel, rows) in
            values.chunks_exact_mut((depth * PANEL).max(1)).zip(matrix.chunks(PANEL * stride))
        {
            for (column, row) in rows.chunks(stride).enumerate().take(units) {
                for (k, &value) in row[..depth].iter().enumerate() {
                    panel[k * PANEL + column] = value;
                }
            }
        }
        Packed { values, depth }
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns { values: &self.values, row: PANEL, panel: self.depth * PANEL }
    }
}

/// The destination of a product: a matrix stored row by row, with `width` floats per row.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    values: &'a mut [f32],
    width: usize,
    accumulate: bool,
}

impl<'a> Target<'a> {
    /// A matrix to overwrite with the product.
    pub(crate) fn rows(values: &'a mut [f32], width: usize) -> Self {
        Target { values, width, accumulate: false }
    }

    /// A matrix to add the product to.
    pub(crate) fn sum(values: &'a mut [f32], width: usize) -> Self {
        Target { values, width, accumulate: true }
    }
}

/// Rows of a matrix that are needed after a product, to be prefetched during it. Rows of the trace come from the third-level cache
/// or from memory; loading all of them at once would occupy every buffer for outstanding loads and stall the arithmetic.
#[derive(Clone, Copy)]
pub(crate) struct Ahead<'a> {
    /// Starts with the first row.
    pub(crate) values: &'a [f32],
    /// Floats per row, padding included.
    pub(crate) row: usize,
}

impl Ahead<'_> {
    /// Prefetches the columns of a panel, one row for each row of the product.
    #[inline(always)]
    fn prefetch<L: Lanes>(self, lanes: L, rows: usize, columns: std::ops::Range<usize>) {
        for row in 0..rows {
            let from = row * self.row;
            if let Some(values) = self.values.get(from + columns.start..from + columns.end) {
                lanes.prefetch(values);
            }
        }
    }
}

/// `out[r][j] = sum of the terms` (or `+=`, depending on `out`) for `r < rows`.
///
/// # Panics
/// If a slice is too short for its shape: the kernel reads and writes without further checks.
#[inline(always)]
pub(crate) fn product<L: Lanes>(lanes: L, rows: usize, terms: &[Term<'_>], out: Target<'_>) {
    product_ahead_of(lanes, rows, terms, out, Ahead { values: &[], row: 0 });
}

/// [`product`], which also prefetches as many rows of `ahead` as the result has, of the same width.
#[inline(always)]
pub(crate) fn product_ahead_of<L: Lanes>(
    lanes: L,
    rows: usize,
    terms: &[Term<'_>],
    mut out: Target<'_>,
    ahead: Ahead<'_>,
) {
    let width = out.width;
    if rows == 0 || width == 0 {
        return;
    }
    assert!(width.is_multiple_of(WIDTH));
    assert!(out.values.len() >= rows * width, "the result is too short");
    let panels = width.div_ceil(PANEL);
    for t in terms.iter().filter(|t| t.depth > 0) {
        assert!((rows - 1) * t.a_row + (t.depth - 1) * t.a_depth < t.a.len(), "A is too short");
        // the last panel may be narrower than the others
        let last = (t.depth - 1) * t.b.row + (panels - 1) * t.b.panel + width - (panels - 1) * PANEL;
        let full = (t.depth - 1) * t.b.row + (panels.max(2) - 2) * t.b.panel + PANEL.min(width);
        assert!(last.max(full) <= t.b.values.len(), "B is too short");
    }
    for panel in 0..panels {
        let columns = PANEL.min(width - panel * PANEL);
        if !ahead.values.is_empty() {
            ahead.prefetch(lanes, rows, panel * PANEL..panel * PANEL + columns);
        }
        if L::REGISTERS == 16 && columns == 4 * L::LANES {
            panel_of_four(lanes, rows, terms, &mut out, panel);
            continue;
        }
        let mut column = 0;
        while column < columns {
            let tile = Tile { panel, column };
            if L::REGISTERS >= 16 && columns - column >= 2 * L::LANES {
                sweep::<L, 2>(lanes, rows, terms, &mut out, tile);
                column += 2 * L::LANES;
            } else {
                sweep::<L, 1>(lanes, rows, terms, &mut out, tile);
                column += L::LANES;
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Tile {
    panel: usize,
    /// First column within the panel.
    column: usize,
}

/// All rows of four vectors of columns in sixteen registers: six rows by two vectors at a time. Multiply-adds take four cycles and
/// two start in each, so twelve sums keep them busy, whereas eight sometimes wait for each other. The remaining registers hold two
/// vectors of `B` and two values of `A`, because compilers load one ahead.
#[inline(always)]
fn panel_of_four<L: Lanes>(lanes: L, rows: usize, terms: &[Term<'_>], out: &mut Target<'_>, panel: usize) {
    let [left, right] = [0, 2 * L::LANES].map(|column| Tile { panel, column });
    let mut row = 0;
    while rows - row >= 6 {
        for tile in [left, right] {
            block::<L, 6, 2>(lanes, row, terms, out, tile);
        }
        row += 6;
    }
    if rows - row >= 4 {
        for tile in [left, right] {
            block::<L, 4, 2>(lanes, row, terms, out, tile);
        }
        row += 4;
    }
    if rows - row >= 2 {
        block::<L, 2, 4>(lanes, row, terms, out, left);
        row += 2;
    }
    if rows > row {
        block::<L, 1, 4>(lanes, row, terms, out, left);
    }
}

/// All rows of `C` vectors of columns.
#[inline(always)]
fn sweep<L: Lanes, const C: usize>(
    lanes: L,
    rows: usize,
    terms: &[Term<'_>],
    out: &mut Target<'_>,
    tile: Tile,
) {
    let mut row = 0;
    while L::REGISTERS >= 32 && rows - row >= 8 {
        block::<L, 8, C>(lanes, row, terms, out, tile);
        row += 8;
    }
    while rows - row >= 4 {
        block::<L, 4, C>(lanes, row, terms, out, tile);
        row += 4;
    }
    while rows - row >= 2 {
        block::<L, 2, C>(lanes, row, terms, out, tile);
        row += 2;
    }
    if rows > row {
        block::<L, 1, C>(lanes, row, terms, out, tile);
    }
}

/// `R` rows by `C` vectors of columns, all in registers.
#[inline(always)]
#[expect(unsafe_code, reason = "bounds checks in the innermost loop would halve its speed")]
#[expect(clippy::needless_range_loop, reason = "rows and columns of one tile, with constant bounds")]
fn block<L: Lanes, const R: usize, const C: usize>(
    lanes: L,
    row: usize,
    terms: &[Term<'_>],
    out: &mut Target<'_>,
    tile: Tile,
) {
    let mut acc = [[lanes.splat(0.0); C]; R];
    for t in terms {
        for k in 0..t.depth {
            let b = tile.panel * t.b.panel + k * t.b.row + tile.column;
            // SAFETY: `product` has checked that both operands hold every index below rows, depth and width, and Chunk is
            // [f32; LANES], which has the alignment of f32.
            unsafe {
                let b: [L::F; C] = std::array::from_fn(|c| {
                    lanes.load(&*t.b.values.as_ptr().add(b + c * L::LANES).cast::<L::Chunk>())
                });
                for r in 0..R {
                    let a = lanes.splat(*t.a.get_unchecked((row + r) * t.a_row + k * t.a_depth));
                    for c in 0..C {
                        acc[r][c] = lanes.mul_add(a, b[c], acc[r][c]);
                    }
                }
            }
        }
    }
    let at = tile.panel * PANEL + tile.column;
    for (r, acc) in acc.iter().enumerate() {
        let from = (row + r) * out.width + at;
        let to = L::chunks_mut(&mut out.values[from..from + C * L::LANES]);
        for c in 0..C {
            let value = if out.accumulate { lanes.add(lanes.load(&to[c]), acc[c]) } else { acc[c] };
            lanes.store(&mut to[c], value);
        }
    }
}
