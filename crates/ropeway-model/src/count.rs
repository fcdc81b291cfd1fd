//! Numbers of things as they stand in a sentence.

use std::fmt::Display;

/// Number and noun, in the plural unless the number is one.
///
/// Sentences are read by people, and one that says "1 files" reads as though nobody had looked at it.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = match noun {
        _ if count == N::from(1) => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_every_other_number_plural() {
        for (count, noun, expected) in [
            (0_u64, "byte", "0 bytes"),
            (1, "byte", "1 byte"),
            (2, "job", "2 jobs"),
            (1, "address", "1 address"),
            (2, "address", "2 addresses"),
        ] {
            assert_eq!(counted(count, noun), expected);
        }
    }
}
