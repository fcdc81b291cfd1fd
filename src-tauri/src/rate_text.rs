//! Rates as the tray shows them.

/// The units of the page: steps of 1024.
const UNITS: [&str; 4] = ["KiB/s", "MiB/s", "GiB/s", "TiB/s"];

/// A rate for the eye, such as `48.2 MiB/s`; `bytes` is bytes a second.
pub(crate) fn rate_text(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B/s");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        // 1023.95 would be shown as 1024.0.
        if value < 999.95 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// Both directions, such as `↓ 48.2 MiB/s  ↑ 12.1 MiB/s`; a direction that stands still is left out, and `None` is
/// nothing moving.
pub(crate) fn both_rates_text(download: u64, upload: u64) -> Option<String> {
    match (download, upload) {
        (0, 0) => None,
        (_, 0) => Some(format!("↓ {}", rate_text(download))),
        (0, _) => Some(format!("↑ {}", rate_text(upload))),
        _ => Some(format!("↓ {}  ↑ {}", rate_text(download), rate_text(upload))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits_and_their_unit() {
        for (bytes, expected) in [
            (0, "0 B/s"),
            (1023, "1023 B/s"),
            (1024, "1.0 KiB/s"),
            (1_023_948, "999.9 KiB/s"),
            (1_023_949, "1.0 MiB/s"),
            (48 << 20, "48.0 MiB/s"),
            (u64::MAX, "16777216.0 TiB/s"),
        ] {
            assert_eq!(rate_text(bytes), expected, "{bytes}");
        }
    }

    #[test]
    fn only_what_moves_is_named() {
        assert_eq!(both_rates_text(0, 0), None);
        assert_eq!(both_rates_text(1024, 0).as_deref(), Some("↓ 1.0 KiB/s"));
        assert_eq!(both_rates_text(0, 2048).as_deref(), Some("↑ 2.0 KiB/s"));
        assert_eq!(both_rates_text(1024, 2048).as_deref(), Some("↓ 1.0 KiB/s  ↑ 2.0 KiB/s"));
    }
}
