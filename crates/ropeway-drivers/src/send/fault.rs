//! Faults of a stream of HTTP/2 (RFC 9113). Each has a meaning for the request.

use h2::Reason;

/// Fault that ended a stream before its answer was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server has not looked at the request (RFC 9113 §8.7): it may be sent again at once. `is_closing` where it
    /// takes no more on this connection.
    Unprocessed { is_closing: bool },
    /// The server wants to be asked in HTTP/1.1.
    WantsHttp1,
    /// The server finds that it is asked too much.
    Overloaded,
    /// The connection is gone, with all its streams.
    ConnectionLost,
    /// One of the two sides does not speak HTTP/2 as the other understands it.
    Protocol,
    /// No answer for too long, as where a server takes fewer streams than it has.
    Silent,
    /// The server ended this stream, for whatever reason.
    StreamEnded,
}

impl Fault {
    /// The fault behind an error of the HTTP/2 library.
    pub(super) fn of(error: &h2::Error) -> Self {
        let Some(reason) = error.reason() else {
            return if error.is_io() { Self::ConnectionLost } else { Self::Protocol };
        };
        match reason {
            Reason::HTTP_1_1_REQUIRED | Reason::INADEQUATE_SECURITY => Self::WantsHttp1,
            // What this side objects to is no request of the server's.
            _ if !error.is_remote() => Self::Protocol,
            Reason::ENHANCE_YOUR_CALM => Self::Overloaded,
            // Only streams beyond the last one that the server looked at end this way.
            _ if error.is_go_away() => Self::Unprocessed { is_closing: true },
            Reason::REFUSED_STREAM => Self::Unprocessed { is_closing: false },
            Reason::PROTOCOL_ERROR
            | Reason::FLOW_CONTROL_ERROR
            | Reason::SETTINGS_TIMEOUT
            | Reason::STREAM_CLOSED
            | Reason::FRAME_SIZE_ERROR
            | Reason::COMPRESSION_ERROR => Self::Protocol,
            _ => Self::StreamEnded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_side_objects_to_is_a_fault_of_the_protocol() {
        // An error made of a bare reason is not the server's; those are tried against a real one.
        for reason in [Reason::PROTOCOL_ERROR, Reason::ENHANCE_YOUR_CALM, Reason::REFUSED_STREAM] {
            assert_eq!(Fault::of(&reason.into()), Fault::Protocol, "{reason}");
        }
        assert_eq!(Fault::of(&Reason::HTTP_1_1_REQUIRED.into()), Fault::WantsHttp1);
    }
}
