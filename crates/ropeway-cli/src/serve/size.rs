//! Sizes of files on the command line.

/// `500K`, `2.5M`, `10 GiB`, `65536`: bytes, in the units of rates.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let refused = || format!("'{text}' is no size: write bytes such as 800K, 2.5M or 10G");
    ropeway_model::size::parse(text).filter(|bytes| *bytes > 0).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_of_rates_and_may_be_small() {
        assert_eq!((size("10G"), size("1.50 MiB"), size("62")), (Ok(10 << 30), Ok(3 << 19), Ok(62)));
        assert!(size("much").unwrap_err().contains("size") && size("0").is_err());
    }
}
