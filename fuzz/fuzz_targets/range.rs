#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| ropeway_fuzz::range(octets));
