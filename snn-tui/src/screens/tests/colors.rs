//! Colors as sent to the terminal.

use super::*;
use crate::{screens, terminal::Painter};

/// Every screen, drawn as bytes.
fn painted(colors: Colors, marker: Marker) -> String {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let sweep = tempfile::tempdir().unwrap();
    fixture::sweep(sweep.path());
    let mut bytes = Vec::new();
    for source in [directory.path(), sweep.path()] {
        let mut dashboard = Dashboard::new(source);
        dashboard.press("a");
        dashboard.state.theme = Theme { colors, marker };
        for screen in SCREENS.iter().map(|definition| definition.screen) {
            dashboard.state.screen = screen;
            dashboard.settle();
            for keys in ["", "v", "v", "x", "n ?", "Esc"] {
                dashboard.press(keys);
                Painter::new(&mut bytes)
                    .draw(Rect::new(0, 0, 80, 24), |area, buffer| {
                        screens::draw(&dashboard.state, area, buffer)
                    })
                    .unwrap();
            }
            dashboard.press("1");
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Every parameter of a `CSI .. m`.
fn codes(painted: &str) -> std::collections::BTreeSet<u32> {
    let sequences = painted.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';' && c != '?')?;
        rest[end..].starts_with('m').then(|| &rest[..end])
    });
    sequences.flat_map(|it| it.split(';')).map(|code| code.parse().unwrap()).collect()
}

#[test]
fn each_color_setting_uses_only_its_colors() {
    for ground in [Ground::Dark, Ground::Light] {
        let codes = codes(&painted(Colors::Sixteen(ground), Marker::Braille));
        let is_known = |code: &u32| matches!(code, 0..=7 | 30..=37 | 39..=47 | 49 | 90..=97 | 100..=107);
        assert!(codes.iter().all(is_known), "38 and 48 start codes of 256 colors: {codes:?}");
        assert!(codes.iter().filter(|code| matches!(code, 30..=37 | 90..=97)).count() > 3, "{codes:?}");
    }
    let plain = codes(&painted(Colors::None, Marker::Ascii));
    assert!(plain.iter().all(|code| matches!(code, 0..=7)) && plain.contains(&1), "{plain:?}");
    assert!(codes(&painted(Colors::Indexed(Ground::Dark), Marker::Braille)).contains(&38));
}
