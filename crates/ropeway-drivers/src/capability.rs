//! What a protocol can do. The behaviour suite picks its cases by this, the engine its plan.

/// What one driver can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Whether a download may ask for a part of the file. A server may still refuse: act on its behaviour.
    pub ranges: bool,
    /// Whether an upload that broke off may go on behind the bytes the server acknowledged.
    pub resumes_uploads: bool,
    /// In which order the parts of an upload may be sent.
    pub part_order: Order,
    /// Smallest and largest part of an upload in bytes; `None` sends the file as one part.
    pub part_size: Option<(u64, u64)>,
    /// How many parts of one upload may be under way at once.
    pub parts_in_flight: u16,
}

/// The order in which the parts of an upload may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the first byte to the last.
    Sequential,
    /// In any order.
    Any,
}
