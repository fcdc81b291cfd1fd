//! Ropeway over HTTP: control API, web UI, upload and range server; and the folders that every shell shares.

pub mod folders;
