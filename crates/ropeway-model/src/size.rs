//! Numbers of bytes as people write them.

use std::fmt;

/// Far above any file and line, far below where a 64-bit float loses whole bytes.
const LARGEST: f64 = 1e15;
/// Units in steps of 1024, by their first letter.
const STEPS: &str = "KMGT";

/// Bytes of `65536`, `500K`, `2.5M`, `1.50 GiB`; `None` for what is no number of bytes.
///
/// One rule holds wherever a rate or a size is read or shown: `K`, `KB` and `KiB` are 1024 bytes, `M`, `MB` and `MiB` 1024
/// times as much, then `G` and `T`, in either case.
pub fn parse(text: &str) -> Option<u64> {
    let trimmed = text.trim();
    let end = trimmed.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let unit = unit.trim_start().to_ascii_uppercase();
    let step = match unit.as_str() {
        "" | "B" => 0,
        other => {
            let (letter, ending) = other.split_at_checked(1)?;
            if !["", "B", "IB"].contains(&ending) {
                return None;
            }
            STEPS.find(letter)? + 1
        }
    };
    let bytes = (number.parse::<f64>().ok()? * 1024_f64.powi(i32::try_from(step).ok()?)).round();
    if !(0.0..=LARGEST).contains(&bytes) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0..=1e15, checked above")]
    Some(bytes as u64)
}

/// Bytes within a sentence, with one decimal: `62 B`, `1.5 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let scaled = |unit: u64| bytes as f64 / unit as f64;
        match bytes {
            0..1024 => write!(formatter, "{bytes} B"),
            1024..1_048_576 => write!(formatter, "{:.1} KiB", scaled(1024)),
            1_048_576..1_073_741_824 => write!(formatter, "{:.1} MiB", scaled(1 << 20)),
            _ => write!(formatter, "{:.1} GiB", scaled(1 << 30)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_steps_of_1024_however_they_are_written() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("65536", Some(65_536)),
            ("1b", Some(1)),
            ("500K", Some(512_000)),
            ("500kB", Some(512_000)),
            ("500 KiB", Some(512_000)),
            ("2.5m", Some(2_621_440)),
            ("1G", Some(1 << 30)),
            ("1.00 GiB", Some(1 << 30)),
            ("2TB", Some(2 << 40)),
            ("", None),
            (".", None),
            ("K", None),
            ("-1K", None),
            ("1e9K", None),
            ("infM", None),
            ("1.5.5K", None),
            ("5 bits", None),
            ("5Mbit", None),
            ("5KK", None),
            ("1P", None),
            ("5é", None),
            ("9999999999999999G", None),
        ] {
            assert_eq!(parse(text), bytes, "{text:?}");
        }
    }
}
