//! Receive buffers for answers that a limit holds back. What is not read yet the kernel does not take either.

use ropeway_model::ByteRate;

/// The buffer holds this share of a second's bytes: little beside a window of five seconds, and enough to keep a line
/// busy that takes this long to answer.
const SHARE: u64 = 5;
/// Below this the kernel's own accounting weighs more than the bytes.
const SMALLEST: u64 = 8 * 1024;
/// Above this the kernel begins with less anyway.
const LARGEST: u64 = 512 * 1024;
/// Bytes that the kernel takes before anybody reads, where nobody tells it how many.
const USUAL: u64 = 64 * 1024;

/// Receive buffer in bytes for an answer read at `pace`. `None` where the kernel's own is as good.
pub(super) fn buffer(pace: ByteRate) -> Option<u64> {
    let bytes = (pace.bytes_per_second() / SHARE).max(SMALLEST);
    (bytes <= LARGEST).then_some(bytes)
}

/// Bytes that are lost by leaving an answer read at `pace`. They are under way or unread by then.
pub(crate) fn ahead(pace: ByteRate) -> u64 {
    buffer(pace).unwrap_or(USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_a_fifth_of_a_second_between_its_bounds() {
        let buffer = |rate| buffer(ByteRate::new(rate).unwrap());
        assert_eq!(buffer(1), Some(8 << 10));
        assert_eq!(buffer(200 << 10), Some(40 << 10));
        assert_eq!(buffer(100 << 20), None);
        assert_eq!(ahead(ByteRate::new(100 << 20).unwrap()), 64 << 10);
    }
}
