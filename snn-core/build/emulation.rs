//! The kernels as C, with the compiler that rustc links with.

pub(super) fn compile() {
    const SOURCES: &str = "src/fused/cuda";
    println!("cargo:rerun-if-changed=build/emulation.rs");
    println!("cargo:rerun-if-changed={SOURCES}/emulation");
    println!("cargo:rerun-if-changed={SOURCES}/kernels");
    cc::Build::new()
        .file(format!("{SOURCES}/emulation/kernels.c"))
        .include(format!("{SOURCES}/emulation"))
        .std("c11")
        .opt_level(2)
        // rounded where the sources say, as on every other machine
        .flag_if_supported("-ffp-contract=off")
        .extra_warnings(true)
        .compile("snn_kernels");
}
