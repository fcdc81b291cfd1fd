//! The HTTP clients of the process.

/// The HTTP clients of the process, one per way to reach the network; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clients {}
