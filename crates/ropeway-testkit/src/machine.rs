//! What a machine may lack for a test, and who says so.

/// What of this machine its user says that it lacks, separated by commas: [`NAMESPACES`], [`STRACE`].
pub const LACKS: &str = "ROPEWAY_TEST_MACHINE_LACKS";
/// Mounts and networks of a process's own.
pub const NAMESPACES: &str = "namespaces";
/// The program of this name, allowed to trace.
pub const STRACE: &str = "strace";

/// Passes a test over that needs `what`, which this machine lacks. A test that nobody has run proves nothing, so that is only
/// done where [`LACKS`] names it.
pub fn excuse(what: &str) {
    let lacks = std::env::var(LACKS).unwrap_or_default();
    let is_said = lacks.split(',').any(|lack| lack.trim() == what);
    assert!(is_said, "this machine has no {what}; {LACKS}={what} passes over the tests that need it");
}
