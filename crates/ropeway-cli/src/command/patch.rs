//! A value on the command line that may also be `none`.

use std::str::FromStr;

use crate::command::options::connections;

/// A value, or that there is to be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patch<T>(pub(crate) Option<T>);

/// A number of connections or jobs, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u8);

impl<T: FromStr<Err: ToString>> FromStr for Patch<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            Ok(Self(None))
        } else {
            text.parse().map(Some).map(Self).map_err(|error: T::Err| error.to_string())
        }
    }
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        connections(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use ropeway_model::ConnectionChoice;

    use super::*;

    #[test]
    fn connections_are_a_number_left_to_the_line_or_to_the_settings() {
        for (text, expected) in [
            ("auto", Some(Patch(Some(ConnectionChoice::Automatic)))),
            ("16", Some(Patch(ConnectionChoice::number(16).ok()))),
            ("none", Some(Patch(None))),
            ("0", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[test]
    fn none_is_a_value_and_nonsense_is_not() {
        for (text, expected) in
            [("none", Some(Patch(None))), ("3", Some(Patch(Some(Count(3))))), ("0", None), ("65", None), ("None", None)]
        {
            assert_eq!(text.parse::<Patch<Count>>().ok(), expected, "{text}");
        }
    }
}
