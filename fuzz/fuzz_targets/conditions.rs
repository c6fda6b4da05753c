#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    snn_run::fuzzing::condition(bytes);
});
