#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    snn_train::fuzzing::graph(bytes);
});
