//! Sizes of files on the command line.

use ropeway_model::ByteRate;

/// `500K`, `2.5M`, `10G`, `65536`: bytes, in the units of rates.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let refused = |_| format!("'{text}' is no size: write bytes such as 800K, 2.5M or 10G");
    text.parse::<ByteRate>().map(ByteRate::bytes_per_second).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_of_rates() {
        assert_eq!(size("10G"), Ok(10 << 30));
        assert!(size("much").unwrap_err().contains("size"));
    }
}
