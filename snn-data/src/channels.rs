//! The map from channels of a recording to input units: channels are selected, and neighbors share a unit.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::binning::MAX_U16;

/// Maximum number of channels of a recording: a sensor of 8192 x 8192 pixels has that many.
pub(crate) const MAX_CHANNELS: usize = 1 << 27;

/// How the two polarities of a sensor's events are handled: a pixel that turns brighter (on) or darker (off).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// Off and on have separate input units, those of off first.
    #[default]
    Both,
    /// Both drive the same input units.
    Merge,
    /// Only on events.
    On,
    /// Only off events.
    Off,
}

/// The arrangement of the channels of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// This many channels in a line, such as those of a cochlea.
    Line(usize),
    /// Pixels of two polarities: channel (polarity x height + y) x width + x.
    Sensor {
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The polarities to use.
        polarity: Polarity,
    },
}

/// The map from channels to input units.
///
/// A line of channels: `chosen = [first, last]` keeps the channels from first to last, inclusive, and each group of `pool` neighbors
/// shares a unit: channel c spikes in unit (c - first) / pool.
///
/// A sensor: `chosen = [left, top, right, bottom]` keeps the pixels of that rectangle, inclusive, and squares of `pool` x `pool`
/// pixels share a unit: pixel (x, y) spikes in unit (polarity x h + (y - top) / pool) x w + (x - left) / pool, where the rectangle
/// has w x h squares, and polarity is 0 unless [`Polarity::Both`] distinguishes on (1) and off (0).
///
/// Quotients are rounded down, so the last unit of a row may have fewer channels than the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channels {
    layout: Layout,
    pool: u32,
    /// First and last column (or channel), first and last row.
    columns: [u32; 2],
    rows: [u32; 2],
    inputs: usize,
}

impl Channels {
    /// The map for a recording with this layout; an empty `chosen` keeps all.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a rectangle outside the recording, and for more than 65,536 input units, with a sufficient pool.
    pub(crate) fn new(layout: Layout, chosen: &[u32], pool: usize) -> Result<Self, Error> {
        let [width, height] = match layout {
            Layout::Line(channels) => [channels as u64, 1],
            Layout::Sensor { width, height, .. } => [width.into(), height.into()],
        };
        let channels = width.saturating_mul(height);
        match layout {
            Layout::Line(_) if channels == 0 || channels > MAX_CHANNELS as u64 => {
                return Err(Error::setting("inputs", channels, format!("1 to {MAX_CHANNELS}")));
            }
            Layout::Sensor { .. } if channels == 0 || channels > MAX_CHANNELS as u64 / 2 => {
                let allowed = format!("[width, height] of 1 to {} pixels", MAX_CHANNELS / 2);
                return Err(Error::setting("sensor", format!("[{width}, {height}]"), allowed));
            }
            _ => {}
        }
        let [width, height] = [width as u32, height as u32];
        let (columns, rows) = match (layout, chosen) {
            (_, []) => ([0, width - 1], [0, height - 1]),
            (Layout::Line(_), &[first, last]) if first <= last && last < width => ([first, last], [0, 0]),
            (Layout::Sensor { .. }, &[left, top, right, bottom])
                if left <= right && right < width && top <= bottom && bottom < height =>
            {
                ([left, right], [top, bottom])
            }
            (Layout::Line(_), chosen) => {
                let allowed = format!("[first, last] within 0 to {}, or [] for all", width - 1);
                return Err(Error::setting("channels", format!("{chosen:?}"), allowed));
            }
            (Layout::Sensor { .. }, chosen) => {
                let allowed =
                    format!("[left, top, right, bottom] within {width} x {height} pixels, or [] for all");
                return Err(Error::setting("channels", format!("{chosen:?}"), allowed));
            }
        };
        let Some(pool) = u32::try_from(pool).ok().filter(|&pool| pool > 0) else {
            return Err(Error::setting("pool", pool, "1 to 4294967295"));
        };
        let mut map = Self { layout, pool, columns, rows, inputs: 0 };
        let inputs = map.count();
        if inputs > MAX_U16 as u64 {
            let enough = |pool: &u32| Self { pool: *pool, ..map }.count() <= MAX_U16 as u64;
            // The square root is also a lower bound for a line; the search is short.
            let found = (pool..=width.max(height)).find(enough).unwrap_or(width);
            let allowed = format!(
                "{found} or more (this gives {inputs} input units, and the maximum is {MAX_U16}), or select fewer channels with \
                 data.channels"
            );
            return Err(Error::setting("pool", pool, allowed));
        }
        map.inputs = inputs as usize;
        Ok(map)
    }

    /// Units per row and per column.
    fn grid(&self) -> [u32; 2] {
        [self.columns, self.rows].map(|[first, last]| (last - first) / self.pool + 1)
    }

    fn count(&self) -> u64 {
        let [width, height] = self.grid().map(u64::from);
        let polarities = match self.layout {
            Layout::Sensor { polarity: Polarity::Both, .. } => 2,
            _ => 1,
        };
        width * height * polarities
    }

    /// Number of input units.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// The input unit of a channel; `None` if it is not selected.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`] for a channel that does not exist.
    pub(crate) fn input(&self, channel: u32) -> Result<Option<u16>, Error> {
        let (place, polarity) = match self.layout {
            Layout::Line(channels) if (channel as usize) < channels => ([channel, 0], 0),
            Layout::Sensor { width, height, polarity } if channel < 2 * width * height => {
                let on = channel / (width * height);
                let pixel = channel % (width * height);
                let polarity = match polarity {
                    Polarity::Both => on,
                    Polarity::Merge => 0,
                    Polarity::On if on == 1 => 0,
                    Polarity::Off if on == 0 => 0,
                    Polarity::On | Polarity::Off => return Ok(None),
                };
                ([pixel % width, pixel / width], polarity)
            }
            Layout::Line(channels) => return Err(Error::Channel { channel, channels: channels as u64 }),
            Layout::Sensor { width, height, .. } => {
                let channels = 2 * u64::from(width) * u64::from(height);
                return Err(Error::Channel { channel, channels });
            }
        };
        let [column, row] = place;
        let within = |place: u32, [first, last]: [u32; 2]| (first..=last).contains(&place);
        if !within(column, self.columns) || !within(row, self.rows) {
            return Ok(None);
        }
        let [width, height] = self.grid();
        let row = (row - self.rows[0]) / self.pool + polarity * height;
        Ok(Some((row * width + (column - self.columns[0]) / self.pool) as u16))
    }

    /// Whether channels are pixels.
    pub(crate) fn has_pixels(&self) -> bool {
        matches!(self.layout, Layout::Sensor { .. })
    }

    /// Whether the polarity of an event matters.
    pub(crate) fn needs_polarity(&self) -> bool {
        !matches!(self.layout, Layout::Sensor { polarity: Polarity::Merge, .. } | Layout::Line(_))
    }

    /// The channel of a pixel, or `None` if the recording has no such pixel.
    pub(crate) fn channel(&self, x: u32, y: u32, on: bool) -> Option<u32> {
        match self.layout {
            Layout::Sensor { width, height, .. } if x < width && y < height => {
                Some((u32::from(on) * height + y) * width + x)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensor(polarity: Polarity, chosen: &[u32], pool: usize) -> Channels {
        Channels::new(Layout::Sensor { width: 5, height: 3, polarity }, chosen, pool).unwrap()
    }

    fn inputs(map: &Channels, channels: std::ops::Range<u32>) -> Vec<Option<u16>> {
        channels.map(|channel| map.input(channel).unwrap()).collect()
    }

    #[test]
    fn a_line_is_cut_and_pooled() {
        let all = Channels::new(Layout::Line(7), &[], 1).unwrap();
        assert_eq!(inputs(&all, 0..7), (0..7).map(Some).collect::<Vec<_>>());
        let map = Channels::new(Layout::Line(7), &[1, 5], 2).unwrap();
        assert_eq!(map.inputs(), 3);
        assert_eq!(inputs(&map, 0..7), [None, Some(0), Some(0), Some(1), Some(1), Some(2), None]);
        let message = map.input(7).unwrap_err().to_string();
        assert_eq!(message, "a spike in channel 7: there are 7 channels, counted from 0");
    }

    #[test]
    fn a_sensor_is_cut_pooled_and_its_polarities_separated_or_merged() {
        // Two units of two columns and one of one, two of rows: 3 x 2, for each polarity.
        let map = sensor(Polarity::Both, &[], 2);
        assert_eq!(map.inputs(), 12);
        let off = [0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5];
        let on = off.map(|input| input + 6);
        assert_eq!(inputs(&map, 0..30), [off, on].concat().into_iter().map(Some).collect::<Vec<_>>());
        let merged = sensor(Polarity::Merge, &[], 2);
        assert_eq!(inputs(&merged, 0..30), [off, off].concat().into_iter().map(Some).collect::<Vec<_>>());
        let on = sensor(Polarity::On, &[], 2);
        assert_eq!((on.inputs(), on.input(4).unwrap(), on.input(19).unwrap()), (6, None, Some(2)));
        let off = sensor(Polarity::Off, &[1, 1, 3, 2], 1);
        assert_eq!(off.inputs(), 6);
        let expected = [None, Some(0), Some(1), Some(2), None];
        assert_eq!(inputs(&off, 5..10), expected);
        assert_eq!(inputs(&off, 20..25), [None; 5], "on events");
        assert_eq!((off.channel(4, 2, true), off.channel(5, 0, false)), (Some(29), None));
        assert!(matches!(off.input(30), Err(Error::Channel { channel: 30, channels: 30 })));
    }

    #[test]
    fn impossible_selections_list_the_possible_ones() {
        let message =
            |layout, chosen: &[u32], pool| Channels::new(layout, chosen, pool).unwrap_err().to_string();
        let camera = Layout::Sensor { width: 640, height: 480, polarity: Polarity::Both };
        assert_eq!(
            message(camera, &[], 1),
            "`pool = 1` is invalid: pool must be 4 or more (this gives 614400 input units, and the maximum is 65536), or \
             select fewer channels with data.channels"
        );
        assert!(Channels::new(camera, &[], 4).is_ok_and(|map| map.inputs() == 160 * 120 * 2));
        assert!(Channels::new(camera, &[0, 0, 99, 99], 1).is_ok());
        assert!(message(Layout::Line(200_000), &[], 2).contains("pool must be 4 or more"));
        assert!(message(camera, &[0, 0, 640, 1], 1).contains("within 640 x 480 pixels"));
        assert!(message(Layout::Line(9), &[3, 9], 1).contains("[first, last] within 0 to 8"));
        assert!(message(Layout::Line(9), &[3], 1).contains("[first, last]"));
        assert!(message(Layout::Line(9), &[], 0).contains("pool must be"));
        assert!(
            message(Layout::Sensor { width: 0, height: 1, polarity: Polarity::On }, &[], 1)
                .contains("sensor")
        );
    }
}
