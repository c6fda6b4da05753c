//! Compiles the kernels as C with the compiler that rustc links with: unmodified, and with a check at every memory access.

pub(super) fn compile() {
    const SOURCES: &str = "src/fused/cuda";
    println!("cargo:rerun-if-changed=build/emulation.rs");
    println!("cargo:rerun-if-changed={SOURCES}/emulation");
    println!("cargo:rerun-if-changed={SOURCES}/kernels");
    let file = |name: &str| {
        let mut build = cc::Build::new();
        build
            .file(format!("{SOURCES}/emulation/{name}"))
            .include(format!("{SOURCES}/emulation"))
            .std("c11")
            // round exactly as in the sources, for identical results on all machines
            .flag_if_supported("-ffp-contract=off")
            .extra_warnings(true);
        build
    };
    file("kernels.c").opt_level(2).compile("snn_kernels");
    file("watch.c").opt_level(2).compile("snn_watch");
    let mut checked = file("checked.c");
    checked.opt_level(1).flag("-fsanitize=thread");
    // the first name is that of gcc, the second that of clang
    for trap in ["-fsanitize-undefined-trap-on-error", "-fsanitize-trap=undefined"] {
        checked.flag_if_supported(trap);
    }
    checked.flag("-fsanitize=undefined").compile("snn_checked_kernels");
}
